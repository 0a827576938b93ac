"""The index of installed distributions, from the names of their metadata directories alone."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ipy_envmagic.environments.metadata import direct_url, installer, metadata_headers, record, top_level

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = [
    "Distribution",
    "direct_url",
    "fingerprint",
    "installed",
    "installer",
    "leftovers",
    "listed",
    "metadata_headers",
    "normalise",
    "record",
    "top_level",
]

_SUFFIXES = (".dist-info", ".egg-info", ".egg", ".egg-link")
_RUNS = re.compile(r"[-_.]+")
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?", re.IGNORECASE | re.ASCII)
# A name and a version without a further dash or an escaped one: then there is one way to read it.
_PLAIN = re.compile(r"([a-z0-9](?:[a-z0-9._]*[a-z0-9])?)-(v?[0-9][^-_]*)", re.IGNORECASE | re.ASCII)
_EGG = re.compile(r"([a-z0-9](?:[a-z0-9._]*[a-z0-9])?)-(v?[0-9][^-_]*)-py[0-9.]+(?:-.+)?", re.IGNORECASE | re.ASCII)


def normalise(name: str) -> str:
    """Return a distribution's name as it is compared (PEP 503)."""
    short = name.lower().replace("_", "-").replace(".", "-")
    return _RUNS.sub("-", short) if "--" in short else short


@dataclass(frozen=True, slots=True)
class Distribution:
    """An installed distribution.

    Parameters
    ----------
    name : str
        As its metadata directory is called, with "-" for the "_" that stands there for it; `metadata_headers` has the
        project's own spelling.
    version : str or None
        None where nothing tells it.
    path : str
        Its ``.dist-info`` or ``.egg-info`` (directory or file), ``.egg`` (directory or zip file) or ``.egg-link``.
    site_directory : str
        The site directory it lies in.
    """

    name: str
    version: str | None
    path: str
    site_directory: str

    @property
    def key(self) -> str:
        """The normalised name."""
        return normalise(self.name)


def installed(site_directories: Iterable[str]) -> dict[str, Distribution]:
    """List what is installed, by normalised name.

    Parameters
    ----------
    site_directories : iterable of str
        In import order. The first that has a distribution wins, and of two in one directory the first that the
        directory lists, as for `importlib.metadata`. One that is not there or cannot be read has nothing.

    Returns
    -------
    dict of str to Distribution
        What pip left under a name with "~" is none (see `leftovers`).
    """
    found: dict[str, Distribution] = {}
    for directory in site_directories:
        for distribution in listed(directory):
            found.setdefault(normalise(distribution.name), distribution)
    return found


def listed(directory: str) -> list[Distribution]:
    """List every distribution of one site directory, in the directory's order, also where two have one name."""
    found = (_distribution(directory, entry) for entry in _entries(directory) if entry.endswith(_SUFFIXES))
    return [distribution for distribution in found if distribution is not None]


def fingerprint(distribution: Distribution) -> tuple[int, int]:
    """Return what changes when the distribution is installed again, also in the same version.

    Parameters
    ----------
    distribution : Distribution
        Any.

    Returns
    -------
    tuple of int
        The modification times of the metadata and of its RECORD, in nanoseconds; 0 for what is not there.
    """
    return _modified(distribution.path), _modified(os.path.join(distribution.path, "RECORD"))


def leftovers(site_directories: Iterable[str]) -> list[str]:
    """Return the paths that an interrupted pip left behind: the first letter of their name is "~"."""
    return [
        os.path.join(directory, entry)
        for directory in site_directories
        for entry in sorted(_entries(directory))
        if entry.startswith("~")
    ]


def _entries(directory: str) -> list[str]:
    try:
        return os.listdir(directory)
    except NotADirectoryError:
        return _names_in_archive(directory)
    except (OSError, ValueError):
        return []


def _names_in_archive(path: str) -> list[str]:
    """Return what a zip file on the path has at its top."""
    import zipfile  # noqa: PLC0415 (archives on the path are rare)

    try:
        with zipfile.ZipFile(path) as archive:
            return list(dict.fromkeys(name.partition("/")[0] for name in archive.namelist()))
    except Exception:  # noqa: BLE001 (no archive, or a damaged one, which raises whatever its damage leads to)
        return []


def _distribution(directory: str, entry: str) -> Distribution | None:
    stem, _, suffix = entry.rpartition(".")
    match = _PLAIN.fullmatch(stem) or (_EGG.fullmatch(stem) if suffix.startswith("egg") else None)
    path = os.path.join(directory, entry)
    if match is not None and suffix != "egg-link":
        return Distribution(match[1].replace("_", "-"), match[2], path, directory)
    if entry.startswith(("~", "-", ".")):
        return None
    return _told_by_metadata(directory, stem, path)


def _told_by_metadata(directory: str, stem: str, path: str) -> Distribution | None:
    """Read name and version from the file where the directory's name does not tell, or can be read in two ways."""
    unread = Distribution(stem, None, path, directory)
    headers = metadata_headers(unread)
    for name, version in _readings(headers, stem):
        if _NAME.fullmatch(name):
            return Distribution(name, version or None, path, directory)
    return None


def _readings(headers: dict[str, list[str]], stem: str) -> Iterator[tuple[str, str]]:
    version = headers.get("version", [""])[0]
    yield headers.get("name", [""])[0], version
    name, _, end = stem.rpartition("-")
    if end[:1].isdigit():
        yield name.replace("_", "-"), version or end
    yield stem.replace("_", "-"), version


def _modified(path: str) -> int:
    try:
        return os.stat(path).st_mtime_ns
    except (OSError, ValueError):
        return 0
