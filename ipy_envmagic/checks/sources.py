"""A report about what files and notebooks ask for."""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ipy_envmagic.checks.check import check
from ipy_envmagic.checks.report import Check, Finding, Fix, Report
from ipy_envmagic.environments.conda_meta import installed
from ipy_envmagic.environments.distributions import normalise
from ipy_envmagic.environments.requires import satisfies

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from ipy_envmagic.checks.session import Session
    from ipy_envmagic.environments.environment import Environment
    from ipy_envmagic.requirements.asked_for import CondaSpec, Wanted
    from ipy_envmagic.requirements.notebook import Notebook

__all__ = ["Sources", "check_files", "check_sources"]


@dataclass(frozen=True, slots=True)
class Sources:
    """Where requirements come from.

    Parameters
    ----------
    names : tuple of str
        As of `check`.
    files : tuple of str
        Files and folders.
    extras, groups : tuple of str
        What else of a project is wanted.
    """

    names: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    extras: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()


_BY_INSTALL = frozenset({"not-installed", "other-environment", "wrong-version", "leftover-dist", "extra-missing"})


def check_sources(
    names: Sequence[str],
    files: Sequence[Wanted],
    notebooks: Sequence[Notebook],
    environment: Environment,
    session: Session,
) -> Report:
    """Check what is asked for by name, by files and by notebooks, each once.

    Parameters
    ----------
    names : sequence of str
        As of `check`.
    files : sequence of Wanted
        What each file asks for.
    notebooks : sequence of Notebook
        What each notebook imports.
    environment, session
        The kernel's.

    Returns
    -------
    Report
        What a notebook installs itself, and what it does without, is told and no error.
    """
    asked: dict[str, None] = {}
    optional: set[str] = set()
    for source in (*files, *(notebook.wanted for notebook in notebooks)):
        without = source.optional - asked.keys()
        optional = (optional | without) - (set(source.requirements) - without)
        asked.update(dict.fromkeys(source.requirements))
    asked.update(dict.fromkeys(names))
    optional -= set(names)
    # conda's packages outside of conda are asked for as distributions of that name.
    specs = [spec for file in files for spec in file.conda if spec.name not in {"python", "pip"}]
    if not environment.is_conda:
        asked.update(dict.fromkeys(f"{spec.name}{spec.specifier.partition('|')[0]}" for spec in specs))
    report = check(tuple(asked), environment, session) if asked else _empty(environment, session)
    installs = {name: line for notebook in notebooks for name, line in notebook.installs.items()}
    checks = [_softened(one, optional, installs) for one in report.checks]
    if environment.is_conda:
        checks += [_of_conda(spec, environment, session) for spec in dict.fromkeys(specs)]
    more = (
        *(finding for file in files for finding in _python(file.source, file.python, environment)),
        *(finding for notebook in notebooks for finding in _kernel(notebook, environment, session)),
    )
    return replace(report, checks=tuple(checks), environment_findings=more, about=None)


def check_files(
    sources: Sources, environment: Environment, session: Session, transform: Callable[[str], str]
) -> Report:
    """Read files and notebooks, and check what they ask for.

    Parameters
    ----------
    sources : Sources
        A folder stands for the notebooks and scripts in it and below it.
    environment, session
        The kernel's.
    transform : callable
        Turns a notebook's cell into Python.

    Raises
    ------
    EnvMagicError
        A file cannot be read.
    """
    from ipy_envmagic.requirements.files import wanted_by  # noqa: PLC0415 (only a file needs it)
    from ipy_envmagic.requirements.notebook import files_in, read_notebook  # noqa: PLC0415 (as above)

    places = [os.path.expanduser(place) for place in sources.files]
    found = [one for place in places for one in (files_in(place) if os.path.isdir(place) else [place])]
    files = [
        wanted_by(place, session.environ, extras=sources.extras, groups=sources.groups)
        for place in found
        if not place.endswith(".ipynb")
    ]
    notebooks = [read_notebook(place, transform) for place in found if place.endswith(".ipynb")]
    return check_sources(sources.names, files, notebooks, environment, session)


def _empty(environment: Environment, session: Session) -> Report:
    return replace(check(("sys",), environment, session), checks=())


def _softened(one: Check, optional: set[str], installs: dict[str, str]) -> Check:
    """Tell what is no error: an import that the code does without, or that the notebook itself installs before."""
    if one.status != "error":
        return one
    keys = {normalise(name) for name in (one.distribution, one.module, one.requirement) if name}
    line = next((installs[key] for key in installs if key in keys or any(k.startswith(f"{key}.") for k in keys)), None)
    if line is not None and one.findings[0].code in _BY_INSTALL:
        told = Finding(
            "installed-by-notebook",
            "info",
            f"{one.requirement} is not usable here yet; the notebook installs it itself: {line}",
            {"line": line, "now": one.findings[0].code},
        )
        return replace(one, findings=(told,))
    if one.requirement in optional:
        first = one.findings[0]
        told = Finding(
            "optional-import",
            "info",
            f"{one.requirement} is not usable here ({first.code}), and the code does without it.",
            {"now": first.code},
            first.fix,
        )
        return replace(one, findings=(told,))
    return one


def _of_conda(spec: CondaSpec, environment: Environment, session: Session) -> Check:
    """Check one package of conda against the prefix's records; what pip brought under that name serves too."""
    records = {name.lower(): value for name, value in installed(environment.prefix).items()}
    here = records.get(spec.name)
    if here is None:
        by_pip = check((f"{spec.name}{spec.specifier.partition('|')[0]}",), environment, session).checks[0]
        if by_pip.installed is not None:
            return replace(by_pip, requirement=spec.text)
        return Check(
            spec.text,
            distribution=spec.name,
            findings=(
                Finding(
                    "not-installed",
                    "error",
                    f"{spec.name} is not installed in this conda environment.",
                    {"prefix": environment.prefix},
                    _conda_fix(spec, environment),
                ),
            ),
        )
    version = here.partition(" ")[0]
    known = Check(spec.text, None, spec.name, version, None, "conda")
    if not spec.specifier or any(_serves(version, part) for part in spec.specifier.split("|")):
        return known
    finding = Finding(
        "wrong-version",
        "error",
        f"{spec.name} {version} is installed, and {spec.text} asks for another version.",
        {"installed": version, "specifier": spec.specifier},
        _conda_fix(spec, environment),
    )
    return replace(known, findings=(finding,))


def _serves(version: str, specifier: str) -> bool:
    """Compare by PEP 440, and by its beginning what PEP 440 cannot read, as conda's own versions may be."""
    return satisfies(version, specifier) or (
        specifier.startswith("==") and version.startswith(specifier[2:].removesuffix(".*"))
    )


def _conda_fix(spec: CondaSpec, environment: Environment) -> Fix:
    if environment.kind == "pixi":
        return Fix((), steps=f"Run `pixi add {shlex.quote(spec.text)}` in the project's folder.")
    return Fix(
        (f"%conda install {shlex.quote(spec.text)}",), steps="Let conda install it in this kernel's environment."
    )


def _python(source: str, specifier: str | None, environment: Environment) -> Iterator[Finding]:
    version = ".".join(map(str, environment.version))
    if specifier and not any(_serves(version, part) for part in specifier.split("|")):
        yield Finding(
            "requires-python",
            "error",
            f"{source} is for Python {specifier}, and this is {version}.",
            {"file": source, "requires_python": specifier, "python": version},
            Fix((), steps="Use a kernel of such a Python: %envcheck --kernels lists those that there are."),
        )


def _kernel(notebook: Notebook, environment: Environment, session: Session) -> Iterator[Finding]:
    """Compare the kernel that a notebook was written with: another language, another Python, one that is not here."""
    if notebook.language and notebook.language.lower() not in {"python", "ipython"}:
        yield Finding(
            "notebook-language",
            "error",
            f"{notebook.path} is a notebook for {notebook.language}, and this kernel runs Python.",
            {"file": notebook.path, "language": notebook.language},
        )
        return
    version = ".".join(map(str, environment.version[:2]))
    said = ".".join((notebook.version or "").split(".")[:2])
    if said and said != version:
        yield Finding(
            "notebook-python",
            "info",
            f"{notebook.path} was last run with Python {notebook.version}; this kernel has {version}.",
            {"file": notebook.path, "python": notebook.version},
        )
    if notebook.kernelspec and notebook.kernelspec not in {"python3", session.kernelspec}:
        from ipy_envmagic.checks.whole import kernelspecs_of  # noqa: PLC0415 (only a kernel of another name needs it)

        if all(spec.name != notebook.kernelspec.lower() for spec in kernelspecs_of(environment, session)):
            yield Finding(
                "notebook-kernel",
                "warning",
                f"{notebook.path} asks for the kernel {notebook.kernelspec!r}, which is not on this machine.",
                {"file": notebook.path, "kernelspec": notebook.kernelspec},
                Fix((), steps="Choose another when it is opened, or register one of that name: kernel add ENV --name"),
            )
    if notebook.unread:
        cells = ", ".join(map(str, notebook.unread[:5]))
        yield Finding(
            "cell-unread",
            "info",
            f"{notebook.path}: what is no Python was left out (code cells {cells}).",
            {"file": notebook.path, "cells": list(notebook.unread)},
        )
