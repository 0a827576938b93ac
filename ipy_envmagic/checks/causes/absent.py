"""Rules for what is not here: nowhere, in another environment, or under another name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ipy_envmagic.checks.fixes import install
from ipy_envmagic.checks.report import Finding, Fix
from ipy_envmagic.checks.subject import names_agree
from ipy_envmagic.environments.distributions import normalise

if TYPE_CHECKING:
    from ipy_envmagic.checks.subject import Subject

__all__ = ["name_mismatch", "not_installed", "other_environment"]


def other_environment(subject: Subject) -> Finding | None:
    """See that the Python which the shell calls ``python`` has it, and this kernel's has not."""
    other = subject.elsewhere
    if other is None:
        return None
    distribution = other.place.distribution
    version = distribution.version if distribution else None
    title = f"{distribution.name} {version or ''}".rstrip() if distribution else subject.title
    line = install(subject)
    return Finding(
        "other-environment",
        "error",
        f"{title} is installed for the python of your shell, {other.executable}, not for this kernel.",
        {
            "executable": other.executable,
            "prefix": other.prefix,
            "distribution": distribution.name if distribution else None,
            "version": version,
            "location": other.place.path,
        },
        Fix(line.magic, line.restart, f"{line.steps} Or run the notebook with a kernel of {other.prefix}."),
    )


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
