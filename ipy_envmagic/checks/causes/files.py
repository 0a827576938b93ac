"""Rules for the files of a distribution: what is recorded of them against what is on the disk."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ipy_envmagic.checks.fixes import reinstall
from ipy_envmagic.checks.report import Finding
from ipy_envmagic.environments.distributions import top_level

if TYPE_CHECKING:
    from ipy_envmagic.checks.subject import Subject

__all__ = ["files_missing"]


def files_missing(subject: Subject) -> Finding | None:
    """See a distribution whose RECORD lists modules of which not one is on the disk."""
    distribution = subject.place.distribution
    if distribution is None or subject.place.module is not None or subject.is_editable:
        return None
    names = top_level(distribution)
    listed = [
        entry for entry in subject.record if entry.replace("\\", "/").partition("/")[0].partition(".")[0] in names
    ]
    if not listed or any(os.path.exists(os.path.join(distribution.site_directory, entry)) for entry in listed):
        return None
    return Finding(
        "files-missing",
        "error",
        f"{distribution.name} {distribution.version or ''}".rstrip()
        + " is recorded as installed, but its files are gone.",
        {"location": distribution.path, "missing": len(listed), "first": listed[0]},
        reinstall(subject),
    )
