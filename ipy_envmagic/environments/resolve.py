"""Which file would ``import x`` load: what the import system's path search finds, read and never imported."""

from __future__ import annotations

import os
import sys
import zipimport
from dataclasses import dataclass
from importlib.machinery import BYTECODE_SUFFIXES, EXTENSION_SUFFIXES, SOURCE_SUFFIXES, FrozenImporter
from typing import TYPE_CHECKING, Any, Literal

from ipy_envmagic.environments.editables import mapped

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from types import ModuleType

__all__ = ["Module", "is_standard_library", "resolve", "walk"]

ModuleKind = Literal["built-in", "frozen", "source", "bytecode", "extension", "namespace", "zip", "editable"]

# The order in which importlib's FileFinder tries them in each directory.
_SUFFIXES: tuple[tuple[str, ModuleKind], ...] = (
    *((suffix, "extension") for suffix in EXTENSION_SUFFIXES),
    *((suffix, "source") for suffix in SOURCE_SUFFIXES),
    *((suffix, "bytecode") for suffix in BYTECODE_SUFFIXES),
)
_FOLDS_CASE = sys.platform in {"win32", "cygwin", "darwin", "ios"}
_STANDARD_DIRECTORY = os.path.dirname(os.path.abspath(os.__file__))
_HEAD = 8192


@dataclass(frozen=True, slots=True)
class Module:
    """What an import would load.

    Parameters
    ----------
    name : str
        The dotted name that was looked for.
    kind : str
        "built-in", "frozen", "source", "bytecode", "extension", "namespace" (PEP 420: folders without ``__init__``),
        "zip", or "editable" (a path that setuptools' editable finder maps the name to).
    origin : str or None
        The file that would be executed; None where there is none (built-in modules, namespace packages).
    entry : str or None
        The entry of ``sys.path`` it was found through; for a namespace package the first that has a part of it.
    locations : tuple of str
        The folders in which sub-modules are looked for; empty for what is not a package.
    """

    name: str
    kind: ModuleKind
    origin: str | None
    entry: str | None
    locations: tuple[str, ...] = ()

    @property
    def place(self) -> str | None:
        """The file, or the folder of a namespace package, to show to a person."""
        return self.origin or (self.locations[0] if self.locations else None)


def resolve(
    name: str,
    sys_path: Iterable[str],
    modules: Mapping[str, ModuleType] | None = None,
    finders: Iterable[Any] = (),
) -> Module | None:
    """Find what ``import name`` would load now in a fresh interpreter that has this path.

    Parameters
    ----------
    name : str
        A dotted module name. The parents are looked up, not imported.
    sys_path : iterable of str
        As `sys.path`; the empty string is the working directory.
    modules : mapping, optional
        As `sys.modules`, where the mappings of setuptools' editable finders are read.
    finders : iterable, optional
        As `sys.meta_path`: the data of other finders that are known is read, none is asked.

    Returns
    -------
    Module or None
        None where the search of the path finds nothing. A module that a package makes at run time is not seen.
    """
    found = walk(name, sys_path, modules, finders)
    return found[-1] if len(found) == name.count(".") + 1 else None


def walk(
    name: str,
    sys_path: Iterable[str],
    modules: Mapping[str, ModuleType] | None = None,
    finders: Iterable[Any] = (),
) -> tuple[Module, ...]:
    """Find each part of a dotted name in turn, as far as there is something: ``a``, ``a.b``, ``a.b.c``.

    Parameters
    ----------
    name, sys_path, modules, finders
        As for `resolve`.

    Returns
    -------
    tuple of Module
        As many as were found; empty where the first part is not there.
    """
    entries = tuple(entry for entry in sys_path if isinstance(entry, str))
    root, *rest = name.split(".")
    before, behind = _around_path_finder(finders)
    module = _editable(root, None, before) or _root(root, entries) or _editable(root, modules, behind)
    found: list[Module] = []
    for part in rest:
        if module is None:
            return tuple(found)
        found.append(module)
        full = f"{module.name}.{part}"
        below = _search(full, module.locations)
        if below is None and module.origin and _joins_portions(module.origin):
            below = _search(full, _portions(module, entries))
        module = below or _editable(full, modules, (*before, *behind))
    return (*found, module) if module else tuple(found)


def is_standard_library(name: str, module: Module | None = None) -> bool:
    """Whether this interpreter's own library has a module of that name, and `module` (where given) is that one.

    Parameters
    ----------
    name : str
        A dotted name; its first part decides.
    module : Module, optional
        What the name resolves to. A file of that name elsewhere is not the standard library's.
    """
    if name.partition(".")[0] not in sys.stdlib_module_names:
        return False
    if module is None or module.origin is None:
        return True
    # lib-dynload is below the library's directory; on Windows DLLs is beside it; a zip (PEP 273) is beside it too.
    beside = os.path.dirname(_STANDARD_DIRECTORY) if sys.platform == "win32" else _STANDARD_DIRECTORY
    entry = module.entry or ""
    inside = _is_below(module.origin, beside) or _is_below(
        module.origin, os.path.dirname(os.path.realpath(os.__file__))
    )
    return (
        inside or (os.path.basename(entry).startswith("python") and entry.endswith(".zip"))
    ) and "site-packages" not in module.origin


def _root(name: str, entries: Sequence[str]) -> Module | None:
    """Ask built-in, frozen and path finders in the order that `sys.meta_path` has at start-up."""
    if name in sys.builtin_module_names:
        return Module(name, "built-in", None, None)
    frozen = FrozenImporter.find_spec(name)
    if frozen is not None:
        origin = getattr(frozen.loader_state, "filename", None)
        return Module(name, "frozen", origin, None, tuple(frozen.submodule_search_locations or ()))
    return _search(name, entries)


def _search(name: str, entries: Iterable[str]) -> Module | None:
    """Walk the entries as `PathFinder` does: the first module wins, folders without ``__init__`` add up."""
    tail = name.rpartition(".")[2]
    portions: list[str] = []
    first: str | None = None
    for entry in entries:
        directory = entry or os.getcwd()
        if not os.path.isdir(directory):  # an archive, or a folder in one, or nothing
            zipped = _zipped(name, directory)
            if zipped is not None:
                return zipped
            continue
        base = os.path.join(directory, tail)
        is_folder = os.path.isdir(base) and _case_agrees(directory, tail)
        package = _file(name, os.path.join(base, "__init__"), entry, (base,)) if is_folder else None
        module = package or _file(name, base, entry, ())
        if module is not None:
            return module
        if is_folder:
            portions.append(base)
            first = entry if first is None else first
    return Module(name, "namespace", None, first, tuple(portions)) if portions else None


def _file(name: str, base: str, entry: str, locations: tuple[str, ...]) -> Module | None:
    for suffix, kind in _SUFFIXES:
        path = base + suffix
        if os.path.isfile(path) and _case_agrees(*os.path.split(path)):
            return Module(name, kind, path, entry, locations)
    return None


def _case_agrees(directory: str, name: str) -> bool:
    """Whether the directory spells it so: where the file system folds case, an import still does not (PEP 235)."""
    if not _FOLDS_CASE:
        return True
    try:
        return name in os.listdir(directory)
    except OSError:
        return False


def _zipped(name: str, archive: str) -> Module | None:
    try:
        spec = zipimport.zipimporter(archive).find_spec(name.rpartition(".")[2])
    except Exception:  # noqa: BLE001 (most often there is no archive; a damaged one raises whatever it leads to)
        return None
    if spec is None:
        return None
    return Module(name, "zip", spec.origin, archive, tuple(spec.submodule_search_locations or ()))


def _joins_portions(init: str) -> bool:
    """Whether an ``__init__`` extends its own ``__path__`` over `sys.path`: the two styles that came before PEP 420."""
    if not init.endswith(".py"):
        return False
    try:
        with open(init, "rb") as file:
            head = file.read(_HEAD)
    except OSError:
        return False
    return b"extend_path" in head or b"declare_namespace" in head


def _portions(module: Module, entries: Sequence[str]) -> list[str]:
    """Return the folders of a package that joins its portions: of a root package, those beside every entry."""
    relative = os.path.join(*module.name.split("."))
    return [base for entry in entries if os.path.isdir(base := os.path.join(entry, relative))]


def _around_path_finder(finders: Iterable[Any]) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """Divide `sys.meta_path` at the search of the path: what stands before it comes first, for every name."""
    known = tuple(finders)
    names = [(finder if isinstance(finder, type) else type(finder)).__name__ for finder in known]
    at = names.index("PathFinder") if "PathFinder" in names else 0
    return known[:at], known[at:]


def _editable(name: str, modules: Mapping[str, ModuleType] | None, finders: Iterable[Any]) -> Module | None:
    """Take what a finder of an editable install maps the name to."""
    path = mapped(name, modules, finders)
    if path is None:
        return None
    folder, file = os.path.split(path)
    if os.path.isdir(path):
        return Module(name, "namespace", None, folder, (path,))
    is_package = file.partition(".")[0] == "__init__"
    entry = os.path.dirname(folder) if is_package else folder
    return Module(name, "editable", path, entry, (folder,) if is_package else ())


def _is_below(path: str, directory: str) -> bool:
    return path == directory or path.startswith(directory + os.sep)
