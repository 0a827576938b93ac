"""The rules in the order in which they speak."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ipy_envmagic.checks.report import Finding
    from ipy_envmagic.checks.subject import Subject

__all__ = ["Rule", "apply", "here", "missing", "notes"]

Rule = Callable[["Subject"], "Finding | None"]


def missing() -> tuple[Rule, ...]:
    """Return the rules for a module that an import would not find: the first that speaks is the cause."""
    from ipy_envmagic.checks.causes import absent, files, standard, submodules, versions  # noqa: PLC0415 (a healthy package needs none of them)

    return (
        standard.stdlib_missing,
        submodules.submodule_missing,
        absent.other_environment,
        absent.not_installed,
        files.files_missing,
        versions.wrong_version,
    )


def here() -> tuple[Rule, ...]:
    """Return the rules for a module that an import would find: the first that speaks is the cause."""
    from ipy_envmagic.checks.causes import loaded, versions  # noqa: PLC0415 (they are for what is here)

    return (
        versions.wrong_version,
        loaded.stale_import,
    )


def notes() -> tuple[Rule, ...]:
    """Return the rules that stand for themselves, whatever the cause."""
    from ipy_envmagic.checks.causes import absent, metadata  # noqa: PLC0415 (as above)

    return (
        metadata.metadata_missing,
        absent.name_mismatch,
    )


def apply(subject: Subject) -> tuple[Finding, ...]:
    """Return what the rules see: the cause of a failure first, its consequences not at all.

    Parameters
    ----------
    subject : Subject
        One requirement with what is here of it.
    """
    causes = missing() if subject.place.module is None else here()
    cause = next((finding for rule in causes if (finding := rule(subject)) is not None), None)
    others = (finding for rule in notes() if (finding := rule(subject)) is not None)
    return (*((cause,) if cause else ()), *others)
