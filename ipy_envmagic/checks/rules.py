"""The rules in the order in which they speak."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ipy_envmagic.checks import absent, another, broken

if TYPE_CHECKING:
    from ipy_envmagic.checks.report import Finding
    from ipy_envmagic.checks.subject import Subject

__all__ = ["CAUSES", "NOTES", "Rule", "apply"]

Rule = Callable[["Subject"], "Finding | None"]

# One cause explains a failure: the first of these that speaks keeps the others, its consequences, silent.
CAUSES: tuple[Rule, ...] = (
    absent.stdlib_missing,
    absent.submodule_missing,
    absent.other_environment,
    absent.not_installed,
    broken.files_missing,
    another.wrong_version,
    another.stale_import,
)

# Each of these stands for itself.
NOTES: tuple[Rule, ...] = (
    another.metadata_missing,
    absent.name_mismatch,
)


def apply(subject: Subject) -> tuple[Finding, ...]:
    """Return what the rules see: the cause of a failure first.

    Parameters
    ----------
    subject : Subject
        One requirement with what is here of it.
    """
    cause = next((finding for rule in CAUSES if (finding := rule(subject)) is not None), None)
    notes = (finding for rule in NOTES if (finding := rule(subject)) is not None)
    return (*((cause,) if cause else ()), *notes)
