"""Rules for a dotted name whose beginning is here and whose end is not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ipy_envmagic.checks.report import Finding, Fix

if TYPE_CHECKING:
    from ipy_envmagic.checks.subject import Subject

__all__ = ["submodule_missing"]


def submodule_missing(subject: Subject) -> Finding | None:
    """See a name below a package that is here, where the package has no such module and makes none itself."""
    parents = subject.place.parents
    if not parents:
        return None
    parent = parents[-1]
    if parent.kind == "namespace":
        return None  # another distribution may bring this portion
    missing = ".".join(subject.title.split(".")[: len(parents) + 1])
    return Finding(
        "submodule-missing",
        "error",
        f"{parent.name} is here, but it has no module {missing}.",
        {"parent": parent.name, "location": parent.place},
        Fix((), steps=f"Look for the right name in {parent.place}, or for a version of {parent.name} that has it."),
    )
