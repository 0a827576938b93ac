"""Every copy of a package in a list of site directories, found by one listing of each."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ipy_envmagic.checks.known import distribution_of
from ipy_envmagic.environments.distributions import Distribution, normalise
from ipy_envmagic.environments.names import modules_for

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["Copy", "Wanted", "copies_in", "wanted"]

_ENDINGS = r"\.(?:dist-info|egg-info|egg|egg-link)"
_MODULE_ENDINGS = r"(?:\.py|\.pyc|(?:\.[A-Za-z0-9_-]+)?\.(?:so|pyd))?"


@dataclass(frozen=True, slots=True)
class Copy:
    """A package that lies in a site directory.

    Parameters
    ----------
    site_directory : str
        Where it lies.
    distribution : Distribution or None
        Its metadata; None for a module without any.
    module : str or None
        The path of its module's file or package folder; None where only the metadata is there.
    """

    site_directory: str
    distribution: Distribution | None
    module: str | None

    @property
    def path(self) -> str:
        """The module's path, else that of the metadata."""
        return self.module or (self.distribution.path if self.distribution else self.site_directory)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to look for: the names of one package in every spelling.

    Parameters
    ----------
    name : str
        As it was asked.
    keys : tuple of str
        The normalised names of the distributions that bring it.
    roots : tuple of str
        The top-level names that it is imported by.
    pattern : pattern
        Finds both in a listing with one name on each line.
    """

    name: str
    keys: tuple[str, ...]
    roots: tuple[str, ...]
    pattern: re.Pattern[str]


def wanted(name: str) -> Wanted:
    """Return what to look for under a name.

    Parameters
    ----------
    name : str
        An import name or a distribution name.
    """
    known = distribution_of(name)
    key = normalise(known or name.partition(".")[0])
    keys = tuple(dict.fromkeys((key, normalise(name))))
    modules = [one.partition(".")[0] for one in modules_for(key)]
    plain = name.partition(".")[0].replace("-", "_")
    roots = tuple(dict.fromkeys((*modules, *(() if known and modules and normalise(name) == key else (plain,)))))
    spelt = "|".join("[-_.]+".join(map(re.escape, one.split("-"))) for one in keys)
    tops = "|".join(map(re.escape, roots))
    pattern = re.compile(
        rf"^(?:(?P<dist>(?i:{spelt})(?:-[^\n]*)?{_ENDINGS})|(?P<module>(?:{tops}){_MODULE_ENDINGS}))$", re.MULTILINE
    )
    return Wanted(name, keys, roots, pattern)


def copies_in(site_directories: Iterable[str], what: Wanted) -> Iterator[Copy]:
    """Yield what each site directory has of a package; one listing each, whatever else is in it.

    Parameters
    ----------
    site_directories : iterable of str
        In import order.
    what : Wanted
        What to look for.
    """
    for directory in site_directories:
        try:
            names = os.listdir(directory)
        except (OSError, ValueError):
            continue
        found = list(what.pattern.finditer("\n".join(names)))
        if not found:
            continue
        metadata = next((match["dist"] for match in found if match["dist"]), None)
        modules = sorted((match["module"] for match in found if match["module"]), key=len)
        module = os.path.join(directory, modules[0]) if modules else None
        distribution = _distribution(directory, metadata, what.keys) if metadata else None
        if distribution is None and module is not None and not _is_code(module):
            continue  # a folder without code: something of another package's, or a leftover
        if distribution is None and module is not None:
            distribution = _owner(directory, os.path.basename(module))
        if distribution is not None or module is not None:
            yield Copy(directory, distribution, module)


def _distribution(directory: str, entry: str, keys: tuple[str, ...]) -> Distribution | None:
    """Read name and version off the name of the metadata; a name that can be read in two ways is the one asked for."""
    stem = entry.rpartition(".")[0]
    name, _, version = stem.partition("-")
    if normalise(name) not in keys:
        number = re.search(r"-(\d)", stem)
        name, version = (stem[: number.start()], stem[number.start() + 1 :]) if number else (stem, "")
    if normalise(name) not in keys:
        return None
    version = re.sub(r"-py\d.*$", "", version)
    return Distribution(name.replace("_", "-"), version or None, os.path.join(directory, entry), directory)


def _owner(directory: str, top: str) -> Distribution | None:
    from ipy_envmagic.environments.installers import owner_in  # noqa: PLC0415 (few modules have another name)

    return owner_in(directory, top)


def _is_code(path: str) -> bool:
    if not os.path.isdir(path):
        return True
    try:
        names = os.listdir(path)
    except OSError:
        return False
    return any(name.endswith((".py", ".pyc", ".so", ".pyd")) for name in names)
