"""Rules for a module that another project has put here than the one that is meant."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from ipy_envmagic.checks.report import Finding, Fix
from ipy_envmagic.environments.distributions import normalise
from ipy_envmagic.environments.tables import rows

if TYPE_CHECKING:
    from ipy_envmagic.checks.subject import Subject
    from ipy_envmagic.environments.distributions import Distribution

__all__ = ["known_squat", "wrong_distribution"]


def wrong_distribution(subject: Subject) -> Finding | None:
    """See a module of another project than the one that is known by that name (``serial``, ``jwt``, ``docx``)."""
    owner = subject.distribution
    if owner is None or subject.place.module is None:
        return None
    for module, wrong, right in rows("wrong", 3):
        if subject.root == module and owner.key == normalise(wrong) and normalise(right) not in subject.index:
            return _finding("wrong-distribution", subject, owner, module, right)
    return None


def known_squat(subject: Subject) -> Finding | None:
    """Warn of a distribution that one installs by mistake for another: it brings nothing, or something else."""
    owner = subject.distribution
    if owner is None or subject.place.module is not None:
        return None
    for module, wrong, right in rows("wrong", 3):
        if owner.key == normalise(wrong) and normalise(right) not in subject.index:
            return _finding("known-squat", subject, owner, module, right)
    return None


def _finding(code: str, subject: Subject, owner: Distribution, module: str, right: str) -> Finding:
    if code == "wrong-distribution":
        message = f"The module {module} here belongs to the distribution {owner.name}; most people mean {right}'s."
    else:
        message = f"{owner.name} is installed and brings no module {module}: that comes from the distribution {right}."
    lines = (f"%pip uninstall {shlex.quote(owner.name)}", f"%pip install {shlex.quote(right)}")
    again = " Then restart the kernel." if subject.is_loaded else ""
    return Finding(
        code,
        "error",
        message,
        {"distribution": owner.name, "meant": right, "location": owner.path},
        Fix(lines, subject.is_loaded, f"Unless you mean {owner.name}, put {right} in its place.{again}"),
    )
