"""The lines that mend: install and reinstall, by the program that owns the thing."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

from ipy_envmagic.checks.report import Fix
from ipy_envmagic.environments.names import conda_name

if TYPE_CHECKING:
    from ipy_envmagic.checks.subject import Subject
    from ipy_envmagic.environments.environment import Environment

__all__ = ["conda_package", "install", "install_by_conda", "reinstall", "restart"]

_UNSAFE = re.compile(r"[{}$\x00-\x1f]")  # what a magic's line would expand or cannot hold


def install(subject: Subject) -> Fix:
    """Return what puts a version that was asked for into the kernel's environment.

    Parameters
    ----------
    subject : Subject
        The requirement; its extras, specifier and URL go into the line.
    """
    name, asked = subject.wanted, subject.asked
    extras = f"[{','.join(asked.extras)}]" if asked.extras else ""
    if asked.url is not None:
        if asked.url not in asked.text or _UNSAFE.search(asked.url):
            return Fix((), subject.is_loaded, f"Install {name} from the address in your requirement with %pip install.")
        return _fix((f"%pip install {shlex.quote(f'{name}{extras} @ {asked.url}')}",), subject, f"Install {name}")
    is_here = subject.place.distribution is not None  # what is not here needs no search of all records
    package = conda_package(subject.environment, name) if is_here and not extras else None
    if package is None and not extras and subject.environment.is_conda:
        package = None if is_here else conda_name(name)  # conda's index is known to have it
    if package is None:
        return _fix((f"%pip install {shlex.quote(name + extras + asked.specifier)}",), subject, f"Install {name}")
    return install_by_conda(subject, package)


def install_by_conda(subject: Subject, package: str) -> Fix:
    """Return what lets conda put a version that was asked for into the kernel's environment.

    Parameters
    ----------
    subject : Subject
        The requirement; its specifier goes into the line.
    package : str
        conda's name for it.
    """
    spec = package + _for_conda(subject.asked.specifier)
    if subject.environment.kind == "pixi":  # conda must not write there: the lock file decides
        return Fix((), subject.is_loaded, f"Run `pixi add {shlex.quote(spec)}` in the project's folder.")
    return _fix((f"%conda install {shlex.quote(spec)}",), subject, f"Install {subject.wanted}")


def reinstall(subject: Subject, version: str | None = None) -> Fix:
    """Return what puts the files of the installed version back, without touching its dependencies.

    Parameters
    ----------
    subject : Subject
        The requirement.
    version : str, optional
        Another version than the one that the distribution's record names.
    """
    distribution = subject.place.distribution
    name = distribution.name if distribution else subject.wanted
    package = conda_package(subject.environment, name)
    if package is not None and subject.environment.kind != "pixi":
        return _fix((f"%conda install --force-reinstall {shlex.quote(package)}",), subject, f"Install {name} again")
    version = version or (distribution.version if distribution else None)
    pin = f"=={version}" if version else ""
    line = f"%pip install --force-reinstall --no-deps {shlex.quote(name + pin)}"
    return _fix((line,), subject, f"Install {name} again")


def restart(why: str) -> Fix:
    """Return the fix that is a restart and nothing else; `why` says what it brings."""
    return Fix((), restart=True, steps=f"Restart the kernel. {why}")


def conda_package(environment: Environment, name: str) -> str | None:
    """Return the conda package that installed a Python distribution here; None outside conda or where pip did it."""
    if not environment.is_conda:
        return None
    from ipy_envmagic.environments.conda import owner_of  # noqa: PLC0415 (only a conda environment needs it)

    return owner_of(environment.prefix, name)


def _fix(lines: tuple[str, ...], subject: Subject, verb: str) -> Fix:
    steps = f"{verb} in this kernel's environment."
    return Fix(lines, subject.is_loaded, f"{steps} Then restart the kernel." if subject.is_loaded else steps)


def _for_conda(specifier: str) -> str:
    """Write a specifier of PEP 440 as conda reads it: ``==1.*`` is ``=1``, ``===`` is ``==``."""
    clauses = []
    for clause in specifier.split(","):
        if clause.startswith("==") and clause.endswith(".*"):
            clauses.append("=" + clause.lstrip("=")[:-2])
        else:
            clauses.append(clause.replace("===", "=="))
    return ",".join(clauses)
