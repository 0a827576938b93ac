"""Rules for what a distribution says of itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ipy_envmagic.checks.fixes import install
from ipy_envmagic.checks.report import Finding

if TYPE_CHECKING:
    from ipy_envmagic.checks.subject import Subject

__all__ = ["metadata_missing"]


def metadata_missing(subject: Subject) -> Finding | None:
    """Say that a version was asked for and that nothing tells which version is here."""
    if not subject.asked.specifier or subject.place.is_empty or subject.place.is_standard:
        return None
    distribution = subject.place.distribution
    if distribution is not None and distribution.version:
        return None
    return Finding(
        "metadata-missing",
        "warning",
        f"{subject.title} is here, but nothing tells its version: {subject.asked.specifier} is not checked.",
        {"location": subject.place.path},
        install(subject),
    )
