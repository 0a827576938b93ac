"""Where a requirement is on a path: the module that an import would load and the distribution that brought it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ipy_envmagic.checks.known import is_well_known
from ipy_envmagic.environments.distributions import Distribution, direct_url, normalise, record, top_level
from ipy_envmagic.environments.names import distribution_for, modules_for
from ipy_envmagic.environments.resolve import Module, is_standard_library, resolve, walk

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from types import ModuleType

__all__ = ["Place", "is_editable", "locate", "owner_of"]

_HEAD = 1 << 18
_SEARCHED = 50  # files of a package


@dataclass(frozen=True, slots=True)
class Place:
    """What one path has of a requirement.

    Parameters
    ----------
    module_name : str or None
        What to import for it; None where nothing tells.
    module : Module or None
        What that import would load; None where it would fail.
    parents : tuple of Module
        Of a dotted name that is not there: the parts that are.
    distribution : Distribution or None
        What is installed for it.
    is_standard : bool
        Whether the module is the standard library's.
    """

    module_name: str | None = None
    module: Module | None = None
    parents: tuple[Module, ...] = ()
    distribution: Distribution | None = None
    is_standard: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing at all."""
        return self.module is None and self.distribution is None

    @property
    def is_absent(self) -> bool:
        """Whether there is nothing that could be it: no package of which it would be a part, either."""
        return self.is_empty and (not self.parents or self.parents[-1].kind == "namespace")

    @property
    def is_importable(self) -> bool:
        """Whether the name can stand in an import statement."""
        return self.module_name is not None

    @property
    def path(self) -> str | None:
        """The module's folder or file, else the distribution's site directory."""
        if self.module is not None:
            return self.module.locations[0] if self.module.locations else self.module.origin
        return self.distribution.site_directory if self.distribution else None


def locate(
    name: str,
    index: Mapping[str, Distribution],
    path: tuple[str, ...],
    modules: Mapping[str, ModuleType] | None = None,
    finders: tuple[Any, ...] = (),
) -> Place:
    """Find a requirement by its distribution's name, then by its import name.

    Parameters
    ----------
    name : str
        An import name or a distribution name, in any case.
    index : mapping of str to Distribution
        What is installed on the path, by normalised name.
    path : tuple of str
        As `sys.path`, with absolute entries.
    modules : mapping, optional
        As `sys.modules`, for the mappings of editable finders.
    finders : tuple, optional
        As `sys.meta_path`.
    """
    distribution = index.get(normalise(name))
    if distribution is not None:
        return _of_distribution(name, distribution, path, modules, finders)
    return _of_module(name, index, path, modules, finders)


def _of_distribution(
    name: str,
    distribution: Distribution,
    path: tuple[str, ...],
    modules: Mapping[str, ModuleType] | None,
    finders: tuple[Any, ...],
) -> Place:
    first: str | None = None
    for candidate in _candidates(name, distribution):
        module = resolve(candidate, path, modules, finders)
        if module is not None:
            return Place(candidate, module, (), distribution)
        first = first or candidate
    tops = _importable(top_level(distribution))
    return Place(tops[0] if tops else first if is_editable(distribution) else None, None, (), distribution)


def _candidates(name: str, distribution: Distribution) -> Iterable[str]:
    """Yield the names it may be imported by, the cheapest first: RECORD is read only where the others fail."""
    dotted = name.split(".")
    if all(part.isidentifier() for part in dotted):
        yield name
    same = distribution.key.replace("-", "_")
    if same.isidentifier():
        yield same
    yield from modules_for(distribution.key)
    yield from _importable(top_level(distribution))


def _importable(names: Iterable[str]) -> list[str]:
    """Keep what can stand in an import statement, public names first."""
    fit = [name for name in names if all(part.isidentifier() for part in name.split("."))]
    return sorted(fit, key=lambda one: (one.startswith("_"), one.lower() in {"test", "tests", "docs", "examples"}, one))


def is_editable(distribution: Distribution) -> bool:
    """Whether it stands for a folder of its author's (PEP 660 and 610, or setuptools' older ``.egg-link``)."""
    if distribution.path.endswith(".egg-link"):
        return True
    url = direct_url(distribution)
    information = url.get("dir_info") if isinstance(url, dict) else None
    return isinstance(information, dict) and information.get("editable") is True


def _of_module(
    name: str,
    index: Mapping[str, Distribution],
    path: tuple[str, ...],
    modules: Mapping[str, ModuleType] | None,
    finders: tuple[Any, ...],
) -> Place:
    asked = name if all(part.isidentifier() for part in name.split(".")) else None
    found: tuple[Module, ...] = ()
    if asked:
        found = walk(asked, path, modules, finders)
        if len(found) == asked.count(".") + 1:
            module = found[-1]
            if is_standard_library(asked, found[0]):
                return Place(asked, module, (), None, is_standard=True)
            owner = owner_of(asked, module, index)
            if owner or module.kind != "namespace" or not is_well_known(name):
                return Place(asked, module, (), owner)
            found = ()
        elif found and _makes_modules(found):
            is_standard = is_standard_library(asked, found[0])
            return Place(
                asked, found[-1], (), None if is_standard else owner_of(found[0].name, found[0], index), is_standard
            )
    for other in modules_for(normalise(name)):
        there = resolve(other, path, modules, finders) if other != asked else None
        owner = owner_of(other, there, index) if there else None
        if owner is not None and other in modules_for(owner.key):  # one of those that are known to bring it
            return Place(other, there, (), owner)
    return Place(asked or next(iter(modules_for(normalise(name))), None), None, found, None)


def _makes_modules(parents: Iterable[Module]) -> bool:
    """Whether a parent may make sub-modules when it runs (six.moves, tensorflow.keras): the disk does not tell."""
    for parent in parents:
        if parent.origin is None or not parent.origin.endswith(".py"):
            if parent.kind == "namespace":
                continue
            return True
        try:
            with open(parent.origin, "rb") as file:
                text = file.read(_HEAD)
        except OSError:
            return True
        if b"__path__" in text or b"sys.modules" in text or _has_a_finder(parent.locations):
            return True
    return False


def _has_a_finder(folders: Iterable[str]) -> bool:
    """Whether a file of a package puts a finder of its own into `sys.meta_path` (``tlz`` does)."""
    for folder in folders:
        try:
            names = [name for name in os.listdir(folder) if name.endswith(".py")]
        except OSError:
            continue
        for name in names[:_SEARCHED]:
            try:
                with open(os.path.join(folder, name), "rb") as file:
                    text = file.read(_HEAD)
            except OSError:
                continue
            if b"meta_path.insert(" in text or b"meta_path.append(" in text:
                return True
    return False


def owner_of(name: str, module: Module, index: Mapping[str, Distribution]) -> Distribution | None:
    """Return the distribution whose RECORD lists the module's file, likely names first.

    Parameters
    ----------
    name : str
        The import name.
    module : Module
        What an import would load.
    index : mapping of str to Distribution
        What is installed, by normalised name.
    """
    target = module.origin or (module.locations[0] if module.locations else None)
    if target is None:
        return None
    tried: set[str] = set()
    for key in _likely(name, index):
        distribution = index.get(key)
        if distribution is None or key in tried:
            continue
        tried.add(key)
        if _has(distribution, target, is_folder=module.origin is None) or (
            is_editable(distribution) and name.partition(".")[0] in top_level(distribution)
        ):
            return distribution
    for key, distribution in index.items():
        if key not in tried and _has(distribution, target, is_folder=module.origin is None):
            return distribution
    return None


def _likely(name: str, index: Mapping[str, Distribution]) -> Iterable[str]:
    root = name.partition(".")[0]
    for known in (distribution_for(name), distribution_for(root), name, root):
        if known:
            yield normalise(known)
    part = normalise(root)
    yield from (key for key in index if part in key)


def _has(distribution: Distribution, target: str, *, is_folder: bool) -> bool:
    """Whether the distribution's list of files names the target; as bytes, for hundreds may have to be asked."""
    site = distribution.site_directory
    if not target.startswith(site + os.sep):
        return False
    relative = target[len(site) + 1 :].replace(os.sep, "/")
    try:
        with open(os.path.join(distribution.path, "RECORD"), "rb") as file:
            text = file.read()
    except OSError:
        listed = (entry.replace(os.sep, "/") for entry in record(distribution))
        return any(entry == relative or (is_folder and entry.startswith(relative + "/")) for entry in listed)
    start = os.fsencode(relative) + (b"/" if is_folder else b",")
    return text.startswith(start) or b"\n" + start in text
