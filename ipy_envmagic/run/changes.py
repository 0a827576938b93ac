"""What a command changed: distributions, conda packages, and the loaded modules that are no longer those on disk.

All of it comes from the environment itself, looked at before and after, never from what a program wrote.
"""

from __future__ import annotations

import importlib
import os
import site
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ipy_envmagic.environments import conda, distributions, metadata, names

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from types import ModuleType

    from ipy_envmagic.environments.environment import Environment

__all__ = ["Change", "Snapshot", "Stale", "compare", "refresh", "stale_modules", "take", "touched"]

_Stamp = tuple[int, int, int]  # modification time in nanoseconds, size in bytes, inode


@dataclass(frozen=True, slots=True)
class Change:
    """One distribution or conda package that is not as it was.

    Parameters
    ----------
    name : str
        As its metadata writes it.
    before, after : str or None
        The version, None where it was or is not there.
    source : str
        "pip" for a Python distribution, "conda" for a package that conda keeps a record of.
    """

    name: str
    before: str | None
    after: str | None
    source: str = "pip"

    @property
    def kind(self) -> str:
        """One of "added", "removed", "updated" and "reinstalled"."""
        if self.before is None:
            return "added"
        if self.after is None:
            return "removed"
        return "reinstalled" if self.before == self.after else "updated"

    def __str__(self) -> str:
        if self.kind == "updated":
            return f"{self.name} {self.before} \N{RIGHTWARDS ARROW} {self.after}"
        return f"{self.name} {self.after or self.before}"


@dataclass(frozen=True, slots=True)
class Stale:
    """A loaded module that is no longer what is on disk.

    Parameters
    ----------
    module : str
        The top-level import name.
    loaded, installed : str or None
        The version this kernel has loaded, and the one on disk (None: it was removed).
    compiled : bool
        Whether compiled code of it is loaded: old and new parts do not go together.
    """

    module: str
    loaded: str | None
    installed: str | None
    compiled: bool = False


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The environment at one moment, as far as a change can be told from it."""

    distributions: Mapping[str, distributions.Distribution]
    stamps: Mapping[str, tuple[object, ...]]
    conda: Mapping[str, str]
    paths: Mapping[str, tuple[str, int]] = field(default_factory=dict)
    directories: Mapping[str, int] = field(default_factory=dict)
    modules: Mapping[str, tuple[str, _Stamp]] = field(default_factory=dict)
    owners: Mapping[str, str] = field(default_factory=dict)


def take(environment: Environment, modules: Mapping[str, ModuleType] | None = None) -> Snapshot:
    """Look at the environment.

    Parameters
    ----------
    environment : Environment
        Whose site directories are read.
    modules : mapping of str to module, optional
        `sys.modules`, before a change: to know afterwards which of them are stale.

    Returns
    -------
    Snapshot
    """
    directories = _existing(environment.site_directories)
    found = distributions.installed(directories)
    loaded = _loaded_files(modules or {}, directories)
    return Snapshot(
        distributions=found,
        stamps={key: distributions.fingerprint(one) for key, one in found.items()},
        conda=conda.installed(environment.prefix) if environment.is_conda else {},
        paths=_path_files(directories),
        directories=_times(environment),
        modules=loaded,
        owners=_owners(loaded, found) if loaded else {},
    )


loaded_before: dict[str, tuple[tuple[int, int], frozenset[str]]] = {}
"""What this session changed: by normalised name, the fingerprint since then and the modules that were loaded."""


def remember(before: Snapshot, after: Snapshot, found: Iterable[Change]) -> None:
    """Keep which modules of what was changed had been loaded: what is loaded later is of another version.

    Parameters
    ----------
    before, after : Snapshot
        The environment before and after the change.
    found : iterable of Change
        What `compare` made of them.
    """
    for change in found:
        key = distributions.normalise(change.name)
        if change.kind != "updated" or key not in after.distributions:
            continue
        tops = {top for top, owner in before.owners.items() if owner == key}
        loaded = frozenset(name for name in before.modules if name.partition(".")[0] in tops)
        if loaded:
            loaded_before[key] = distributions.fingerprint(after.distributions[key]), loaded


def touched(before: Snapshot, environment: Environment) -> bool:
    """Tell whether files are being put into or taken out of the environment since `before`."""
    return _times(environment) != before.directories


def compare(before: Snapshot, after: Snapshot) -> tuple[Change, ...]:
    """List what differs between two snapshots, by name.

    A Python distribution that conda brought is listed once, as conda's.
    """
    changes = []
    for name in before.conda.keys() | after.conda.keys():
        old, new = before.conda.get(name), after.conda.get(name)
        if old != new:
            changes.append(Change(name, _version(old), _version(new), "conda"))
    told = {(distributions.normalise(change.name), change.before, change.after) for change in changes}
    for key in before.distributions.keys() | after.distributions.keys():
        old_one, new_one = before.distributions.get(key), after.distributions.get(key)
        if old_one and new_one and before.stamps[key] == after.stamps[key]:
            continue
        named = new_one or old_one
        assert named is not None  # noqa: S101 the key is of one of the two
        change = Change(named.name, old_one.version if old_one else None, new_one.version if new_one else None)
        if (key, change.before, change.after) not in told:
            changes.append(change)
    return tuple(sorted(changes, key=lambda change: (change.name.lower(), change.source)))


def stale_modules(before: Snapshot, after: Snapshot) -> tuple[Stale, ...]:
    """List the modules that are loaded here and no longer as they are on disk, by name."""
    tops: dict[str, bool] = {}
    for module, (path, stamp) in before.modules.items():
        top = module.partition(".")[0]
        old, new = _versions(before, after, top)
        now = _stamp(path)
        if now == stamp or (old == new and now is not None and now[1] == stamp[1]):
            continue  # a reinstall of the same version with files of the same size is the same code
        tops[top] = tops.get(top, False) or not path.endswith((".py", ".pyc"))
    compiled = {top: flag or _has_compiled(before, top) for top, flag in tops.items()}
    return tuple(Stale(top, *_versions(before, after, top), compiled=compiled[top]) for top in sorted(tops))


def refresh(before: Snapshot, after: Snapshot, environment: Environment) -> None:
    """Make what was installed importable by the next cell.

    The import system's caches are emptied; new or changed ``.pth`` files (an editable install's) are processed as
    `site` does at start-up; a user site directory that the install has made joins `sys.path` where
    `site.ENABLE_USER_SITE` allows.
    """
    importlib.invalidate_caches()
    _take_up_user_site(environment)
    known = {os.path.normcase(os.path.abspath(path)) for path in sys.path if path}
    for path, stamp in after.paths.items():
        if before.paths.get(path) != stamp:
            folder, name = os.path.split(path)
            if folder in sys.path:
                site.addpackage(folder, name, known)
    importlib.invalidate_caches()


def _take_up_user_site(environment: Environment) -> None:
    user = site.getusersitepackages() if site.ENABLE_USER_SITE else None
    if user is None or user not in environment.site_directories or user in sys.path or not os.path.isdir(user):
        return
    at = next((index for index, path in enumerate(sys.path) if path in environment.site_directories), len(sys.path))
    known = {os.path.normcase(os.path.abspath(path)) for path in sys.path if path}
    length = len(sys.path)
    site.addsitedir(user, known)
    added = sys.path[length:]
    del sys.path[length:]
    sys.path[at:at] = added  # where `site` puts it at start-up: before the environment's own


def _existing(directories: Iterable[str]) -> tuple[str, ...]:
    return tuple(path for path in directories if os.path.isdir(path))


def _times(environment: Environment) -> dict[str, int]:
    """Give the modification times of the directories into which installers put things."""
    watched = [*environment.site_directories, os.path.join(environment.prefix, "conda-meta")]
    times = {}
    for path in watched:
        try:
            times[path] = os.stat(path).st_mtime_ns
        except OSError:
            times[path] = 0
    return times


def _path_files(directories: Iterable[str]) -> dict[str, tuple[str, int]]:
    """Give each ``.pth`` file with its content, which is small, and its modification time."""
    found = {}
    for directory in directories:
        try:
            with os.scandir(directory) as entries:
                listed = [entry.path for entry in entries if entry.name.endswith(".pth")]
            for path in listed:
                with open(path, encoding="utf-8", errors="replace") as file:
                    found[path] = file.read(_CHARACTERS), os.stat(path).st_mtime_ns
        except OSError:
            continue
    return found


_CHARACTERS = 65536  # of a .pth file: enough to tell two apart


def _loaded_files(modules: Mapping[str, ModuleType], directories: tuple[str, ...]) -> dict[str, tuple[str, _Stamp]]:
    inside = tuple(os.path.join(path, "") for path in directories)
    loaded = {}
    for name, module in list(modules.items()):
        try:
            path = getattr(module, "__file__", None)
        except Exception:  # noqa: BLE001, S112 lazy modules of the user's packages may raise anything
            continue
        if isinstance(path, str) and path.startswith(inside) and (stamp := _stamp(path)) is not None:
            loaded[name] = path, stamp
    return loaded


def _stamp(path: str) -> _Stamp | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _owners(loaded: Iterable[str], found: Mapping[str, distributions.Distribution]) -> dict[str, str]:
    """Tell which distribution brought each loaded top-level module: by its name, our table, then what they say."""
    owners: dict[str, str] = {}
    unknown = set()
    for top in {module.partition(".")[0] for module in loaded}:
        guess = distributions.normalise(names.distribution_for(top) or top)
        if guess in found:
            owners[top] = guess
        else:
            unknown.add(top)
    taken = set(owners.values())
    for key, one in found.items():
        if not unknown:
            break
        if key not in taken:
            for top in unknown & metadata.top_level(one):
                owners[top] = key
                unknown.discard(top)
    return owners


def _versions(before: Snapshot, after: Snapshot, top: str) -> tuple[str | None, str | None]:
    key = before.owners.get(top, "")
    old, new = before.distributions.get(key), after.distributions.get(key)
    return old.version if old else None, new.version if new else None


def _has_compiled(before: Snapshot, top: str) -> bool:
    return any(
        not path.endswith((".py", ".pyc"))
        for module, (path, _) in before.modules.items()
        if module == top or module.startswith(f"{top}.")
    )


def _version(described: str | None) -> str | None:
    """Take the version out of conda's "version build"."""
    return described.split(" ")[0] if described else None
