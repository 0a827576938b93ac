"""Rules for the names of the standard library."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ipy_envmagic.checks.report import Finding, Fix
from ipy_envmagic.environments.resolve import is_standard_library

if TYPE_CHECKING:
    from ipy_envmagic.checks.subject import Subject

__all__ = ["stdlib_missing"]


def stdlib_missing(subject: Subject) -> Finding | None:
    """See a module of the standard library that this Python was built, or packaged, without."""
    if not subject.place.is_absent or not is_standard_library(subject.title):
        return None
    root = subject.title.partition(".")[0]
    return Finding(
        "stdlib-missing",
        "error",
        f"{root} is part of the standard library, but this Python does not have it.",
        {"executable": subject.environment.executable, "base_prefix": subject.environment.base_prefix},
        Fix(
            (),
            restart=True,
            steps=f"No index has it: use a Python that was built with {root}, or add the system's package for it.",
        ),
    )
