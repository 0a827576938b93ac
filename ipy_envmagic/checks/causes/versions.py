"""Rules for a version that does not serve."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ipy_envmagic.checks.fixes import install
from ipy_envmagic.checks.report import Finding

if TYPE_CHECKING:
    from ipy_envmagic.checks.subject import Subject

__all__ = ["wrong_version"]


def wrong_version(subject: Subject) -> Finding | None:
    """See that the installed version does not satisfy the specifier."""
    distribution = subject.place.distribution
    if distribution is None or not distribution.version or subject.asked.allows(distribution.version):
        return None
    return Finding(
        "wrong-version",
        "error",
        f"{distribution.name} {distribution.version} is installed, and {subject.asked.text} asks for another version.",
        {
            "installed": distribution.version,
            "specifier": subject.asked.specifier,
            "location": distribution.path,
        },
        install(subject),
    )
