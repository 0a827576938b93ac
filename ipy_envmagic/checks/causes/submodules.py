"""Rules for a dotted name whose beginning is here and whose end is not."""

from __future__ import annotations

import os
import shlex
from importlib.machinery import all_suffixes
from types import ModuleType
from typing import TYPE_CHECKING

from ipy_envmagic.checks.report import Finding, Fix
from ipy_envmagic.environments.tables import rows

if TYPE_CHECKING:
    from ipy_envmagic.checks.subject import Subject

__all__ = ["module_removed", "not_a_module", "submodule_missing"]


def not_a_module(subject: Subject) -> Finding | None:
    """See a name that is a function, a class or a value of a module: such a name cannot be imported as a module."""
    module = subject.place.module
    if module is not None and module.name == subject.title:
        return None  # a package may have a function and a module of one name: an import finds the module
    parts = subject.title.split(".")
    for end in range(len(parts) - 1, 0, -1):
        parent, name = ".".join(parts[:end]), parts[end]
        loaded = subject.session.modules.get(parent)
        if isinstance(loaded, ModuleType):
            if name in vars(loaded) and not isinstance(vars(loaded)[name], ModuleType):
                kind = type(vars(loaded)[name]).__name__
                return _attribute(parent, name, f"a {kind} of the module {parent}")
            return None
    found = subject.place.parents
    if found and not found[-1].locations and found[-1].kind in {"source", "extension", "bytecode"}:
        name = parts[len(found)]
        return _attribute(found[-1].name, name, f"at most a name in the module {found[-1].name}")
    return None


def module_removed(subject: Subject) -> Finding | None:
    """See a module that a distribution had once and has no more."""
    if subject.place.module is not None and subject.place.module.name == subject.title:
        return None
    for module, distribution, removed, instead, specifier in rows("moved", 5):
        if subject.title != module and not subject.title.startswith(f"{module}."):
            continue
        installed = subject.index.get(distribution)
        if installed is None or not installed.version or not _is_from(installed.version, removed):
            continue
        line = (f"%pip install {shlex.quote(distribution + specifier)}",) if specifier else ()
        pinned = f" Or keep a version that has it: {distribution}{specifier}." if specifier else ""
        return Finding(
            "module-removed",
            "error",
            f"{module} was taken out of {distribution} in {removed}, and {installed.version} is installed here. "
            f"Use {instead} instead.",
            {"distribution": distribution, "installed": installed.version, "removed_in": removed},
            Fix(line, bool(line) and subject.is_loaded, f"Use {instead}.{pinned}"),
        )
    return None


def submodule_missing(subject: Subject) -> Finding | None:
    """See a name below a package that is here, where the package has no such module and makes none itself."""
    parents = subject.place.parents
    if not parents:
        return None
    parent = parents[-1]
    if parent.kind == "namespace":
        return None  # another distribution may bring this portion
    name = subject.title.split(".")[len(parents)]
    near = _nearest(name, parent.locations)
    hint = f" Did you mean {parent.name}.{near}?" if near else ""
    return Finding(
        "submodule-missing",
        "error",
        f"{parent.name} is here, but it has no module {parent.name}.{name}.{hint}",
        {"parent": parent.name, "location": parent.place, "nearest": f"{parent.name}.{near}" if near else None},
        Fix((), steps=f"Look for the right name in {parent.place}, or for a version of {parent.name} that has it."),
    )


def _attribute(parent: str, name: str, what: str) -> Finding:
    return Finding(
        "not-a-module",
        "error",
        f"{parent}.{name} is no module: it is {what}.",
        {"parent": parent, "name": name},
        Fix((), steps=f"Write `from {parent} import {name}`, and check {parent} alone."),
    )


def _nearest(name: str, folders: tuple[str, ...]) -> str | None:
    import difflib  # noqa: PLC0415 (only a wrong name needs it)

    suffixes = tuple(all_suffixes())
    names: set[str] = set()
    for folder in folders:
        try:
            listed = os.listdir(folder)
        except (OSError, ValueError):
            continue
        names |= {entry.partition(".")[0] for entry in listed if entry.endswith(suffixes) or "." not in entry}
    near = difflib.get_close_matches(name, sorted(one for one in names if one.isidentifier()), 1)
    return near[0] if near else None


def _is_from(version: str, removed: str) -> bool:
    from packaging.version import InvalidVersion, Version  # noqa: PLC0415 (only a name of the table needs it)

    try:
        return Version(version) >= Version(removed)
    except InvalidVersion:
        return False
