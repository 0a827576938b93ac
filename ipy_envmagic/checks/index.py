"""What is installed on a path, remembered for each directory as long as the directory has not changed."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, NamedTuple

from ipy_envmagic.environments.distributions import Distribution, listed

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["duplicates_in", "duplicates_of", "forget", "index_of"]

# A change within one step of the clock leaves the time as it was: what is remembered must have been at rest for longer.
_REST = 2_000_000_000  # nanoseconds; the coarsest clock of a file system in use (FAT) steps by two seconds
_MOST = 64  # directories

_Stamp = tuple[int, int, int]


class _Listing(NamedTuple):
    """What one directory has: the first of each name, and every one of the names that are there more than once."""

    first: dict[str, Distribution]
    duplicates: dict[str, tuple[Distribution, ...]]


_listings: dict[str, tuple[_Stamp, _Listing]] = {}


def index_of(directories: Iterable[str]) -> dict[str, Distribution]:
    """List what is installed, as `installed` does; one `stat` for each directory that is as it was.

    Parameters
    ----------
    directories : iterable of str
        In import order; the first that has a distribution wins.
    """
    index: dict[str, Distribution] = {}
    for directory in reversed(tuple(directories)):
        index.update(_list(directory).first)
    return index


def duplicates_of(distribution: Distribution) -> tuple[Distribution, ...]:
    """Return all that its site directory records under its name, where that is more than one; else nothing.

    Parameters
    ----------
    distribution : Distribution
        One of the index.
    """
    return _list(distribution.site_directory).duplicates.get(distribution.key, ())


def duplicates_in(directory: str) -> list[tuple[Distribution, ...]]:
    """Return all that a site directory records more than once, those of one name together.

    Parameters
    ----------
    directory : str
        A site directory.
    """
    return list(_list(directory).duplicates.values())


def forget() -> None:
    """Forget every listing."""
    _listings.clear()


def _list(directory: str) -> _Listing:
    now = time.time_ns()
    try:
        status = os.stat(directory)
    except (OSError, ValueError):
        return _Listing({}, {})
    stamp = (status.st_mtime_ns, status.st_ctime_ns, status.st_ino)
    remembered = _listings.get(directory)
    if remembered is not None and remembered[0] == stamp:
        return remembered[1]
    distributions = listed(directory)
    listing = _listing(distributions)
    at_rest = max(stamp[:2]) < now - _REST
    if at_rest and all(map(_is_told_by_its_name, distributions)):
        if len(_listings) >= _MOST:
            forget()
        _listings[directory] = (stamp, listing)
    else:
        _listings.pop(directory, None)
    return listing


def _listing(distributions: Iterable[Distribution]) -> _Listing:
    listing = _Listing({}, {})
    for distribution in distributions:
        key = distribution.key
        first = listing.first.setdefault(key, distribution)
        if first is not distribution:
            listing.duplicates[key] = (*listing.duplicates.get(key, (first,)), distribution)
    return listing


def _is_told_by_its_name(distribution: Distribution) -> bool:
    """Whether no file was read for it: what a file says may change without a change of the directory."""
    return distribution.version is not None and f"-{distribution.version}" in os.path.basename(distribution.path)
