"""What the finders of editable installs and of a few libraries map names to, read from their data and never asked.

Asking is not harmless: those of meson-python and scikit-build-core build the project anew before they answer.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

__all__ = ["mapped", "targets"]

_SUFFIXES = (".py", ".pyc", ".so", ".pyd")


def mapped(name: str, modules: Mapping[str, Any] | None, finders: Iterable[Any] = ()) -> str | None:
    """Return the file that a finder would load for a name, or the folder of a namespace package.

    Parameters
    ----------
    name : str
        A dotted name.
    modules : mapping of str to module
        As `sys.modules`: the finders of setuptools are modules named ``__editable___..._finder``.
    finders : iterable
        As `sys.meta_path`.

    Returns
    -------
    str or None
        None where no finder that is known has the name.
    """
    for target in _targets(name, modules or {}, finders):
        found = _file_of(target)
        if found is not None:
            return found
    return None


def targets(name: str, modules: Mapping[str, Any] | None, finders: Iterable[Any] = ()) -> list[str]:
    """Return what the finders map a name to, whether it is there or not.

    Parameters
    ----------
    name, modules, finders
        As for `mapped`.
    """
    return list(_targets(name, modules or {}, finders))


def _targets(name: str, modules: Mapping[str, Any], finders: Iterable[Any]) -> Iterator[str]:
    for finder in finders:
        read = _READERS.get((finder if isinstance(finder, type) else type(finder)).__name__)
        if read is not None:
            try:
                yield from read(finder, name)
            except Exception:  # noqa: BLE001, S112 (the data of another version of that library)
                continue
    for key in tuple(modules):
        if key.startswith("__editable__"):
            yield from _setuptools(modules.get(key), name)


def _setuptools(module: Any, name: str) -> Iterator[str]:
    for table in ("MAPPING", "NAMESPACES"):
        values = getattr(module, table, None)
        target = values.get(name) if isinstance(values, dict) else None
        yield from [target] if isinstance(target, str) else [one for one in target or () if isinstance(one, str)]


def _editables(finder: Any, name: str) -> Iterator[str]:
    """Read ``editables``, which hatchling and pdm-backend may use."""
    target = finder._redirections.get(name)  # noqa: SLF001 (its only data)
    yield from [target] if isinstance(target, str) else []


def _scikit_build(finder: Any, name: str) -> Iterator[str]:
    for table in (finder.known_source_files, finder.known_wheel_files):
        target = table.get(name)
        if isinstance(target, str):
            yield os.path.join(finder.dir, target) if table is finder.known_wheel_files else target
    yield from finder.submodule_search_locations.get(name, ())


def _meson(finder: Any, name: str) -> Iterator[str]:
    """Read the plan of the last build: from which file each installed one comes."""
    if name.partition(".")[0] not in finder._top_level_modules:  # noqa: SLF001 (there is no other way to know)
        return
    import json  # noqa: PLC0415 (only for such an install)

    with open(os.path.join(finder._build_path, "meson-info", "intro-install_plan.json"), encoding="utf-8") as file:  # noqa: SLF001
        plan = json.load(file)
    end = name.replace(".", "/")
    for group in plan.values():
        for source, entry in group.items():
            inside = entry["destination"].partition("/")[2]
            stem = inside.partition(".")[0]
            if stem in {end, f"{end}/__init__"} and inside.endswith(_SUFFIXES):
                yield source


def _six(finder: Any, name: str) -> Iterator[str]:
    if name in finder.known_modules:
        yield str(getattr(sys.modules.get(type(finder).__module__), "__file__", "") or "")


def _distutils_hack(_finder: Any, name: str) -> Iterator[str]:
    """Say where setuptools' own copy is: it stands in for the ``distutils`` that Python has no more."""
    if name.partition(".")[0] != "distutils":
        return
    hack = getattr(sys.modules.get("_distutils_hack"), "__file__", None)
    if isinstance(hack, str):
        site = os.path.dirname(os.path.dirname(hack))
        yield os.path.join(site, "setuptools", "_distutils", *name.split(".")[1:])


_READERS: dict[str, Callable[[Any, str], Iterator[str]]] = {
    "DistutilsMetaFinder": _distutils_hack,
    "MesonpyMetaFinder": _meson,
    "RedirectingFinder": _editables,
    "ScikitBuildRedirectingFinder": _scikit_build,
    "_SixMetaPathImporter": _six,
}


def _file_of(target: str) -> str | None:
    """Return the file behind a mapped path: itself, a package's ``__init__``, or a module of that stem."""
    if os.path.isfile(target):
        return target
    for base in (os.path.join(target, "__init__"), target):
        for suffix in _SUFFIXES:
            if os.path.isfile(base + suffix):
                return base + suffix
    return target if os.path.isdir(target) else None
