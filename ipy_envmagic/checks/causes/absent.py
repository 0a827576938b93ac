"""Rules for what is not here: nowhere, in another environment, or under another name."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from ipy_envmagic.checks.fixes import conda_package, install, install_by_conda
from ipy_envmagic.checks.report import Finding, Fix
from ipy_envmagic.checks.subject import names_agree
from ipy_envmagic.environments.distributions import normalise

if TYPE_CHECKING:
    from ipy_envmagic.checks.elsewhere import Elsewhere
    from ipy_envmagic.checks.subject import Subject

__all__ = ["name_mismatch", "not_installed", "other_environment"]


def other_environment(subject: Subject) -> Finding | None:
    """See that another environment of this machine has it: that of the shell's ``python``, of another kernel, any."""
    other = subject.elsewhere
    if other is None:
        return None
    distribution, there = other.copy.distribution, other.neighbour
    version = distribution.version if distribution else None
    title = f"{distribution.name} {version or ''}".rstrip() if distribution else subject.title
    if other.of_shell:
        message = f"{title} is installed for the python of your shell, {there.executable}, not for this kernel."
    else:
        message = f"{title} is installed in {there.title}, {there.prefix}, not in this kernel's environment."
    line = _install_as_there(subject, other)
    return Finding(
        "other-environment",
        "error",
        message,
        {
            "executable": there.executable,
            "prefix": there.prefix,
            "environment": there.title,
            "distribution": distribution.name if distribution else None,
            "version": version,
            "location": other.copy.path,
            "kernels": list(other.kernels),
            "also_in": list(other.others),
        },
        Fix(line.magic, line.restart, f"{line.steps} {_use_there(other)}"),
    )


def _install_as_there(subject: Subject, other: Elsewhere) -> Fix:
    """Install it here by conda where this is a conda environment and conda brought it there, else as ever."""
    there = other.neighbour.environment
    if subject.environment.kind in {"conda", "conda-base"} and there is not None and other.copy.distribution:
        package = conda_package(there, other.copy.distribution.name)
        if package is not None:
            return install_by_conda(subject, package)
    return install(subject)


def _use_there(other: Elsewhere) -> str:
    """Say how to use it where it is: by a kernel that runs there, or by making one."""
    prefix = other.neighbour.prefix
    if other.kernels:
        return f"Or choose the kernel {other.kernels[0]!r}, which runs in {prefix}."
    if any(mark in other.neighbour.title for mark in ("(pipx)", "(uv tool)")):
        return f"{prefix} is made for a program, and is no kernel's."
    return f"Or make {prefix} a kernel: python -m ipy_envmagic kernel add {shlex.quote(prefix)} --install-ipykernel"


def not_installed(subject: Subject) -> Finding | None:
    """See that nothing on the path is it."""
    if not subject.place.is_empty:
        return None
    message = f"{subject.title} is not installed in this kernel's environment."
    evidence: dict[str, object] = {
        "prefix": subject.environment.prefix,
        "searched": [entry for entry in subject.session.path if entry],
    }
    if not subject.is_known:
        evidence["guess"] = True  # nothing runs such a line by itself: a wrong guess is a stranger's code
        message += f" Nothing here knows the name: that its distribution is called {subject.wanted} is a guess."
    if not subject.is_known and not subject.wanted.isascii():
        return Finding(
            "not-installed", "error", message, evidence, Fix((), steps="Look up the name of its distribution.")
        )
    return Finding("not-installed", "error", message, evidence, install(subject))


def name_mismatch(subject: Subject) -> Finding | None:
    """Say which distribution a module comes from, where its name is another one."""
    distribution = subject.place.distribution
    name = distribution.name if distribution else subject.wanted
    if subject.place.is_standard or not subject.is_known or names_agree(subject.title, normalise(name)):
        return None
    if distribution is None and not subject.place.is_empty:
        return None  # it is here without a distribution
    return Finding(
        "name-mismatch",
        "info",
        f"{subject.title} comes from the distribution {name}.",
        {"asked": subject.title, "distribution": name, "module": subject.place.module_name},
    )
