"""What a prefix says of conda: its records, whether it is frozen, whether pixi owns it.

Read from ``conda-meta`` and the few files around it (CEP 22, CEP 32); nothing is started.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ipy_envmagic.environments.distributions import normalise

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "CondaRecord",
    "channel_of",
    "frozen",
    "installed",
    "owner_of",
    "pixi_project",
    "read_object",
    "read_text",
    "record_names",
    "records",
    "sources",
]

_RECORD = re.compile(r"(?P<name>.+)-(?P<version>[^-]+)-(?P<build>[^-]+)\.json")
_SUBDIR = re.compile(r"/(?:noarch|(?:linux|osx|win|freebsd|emscripten|wasi|zos)-[\w]+)/[^/]*$")
_METADATA = (".dist-info", ".egg-info")
_LARGEST = 32 << 20  # bytes of one record that are read: a package of some 100,000 files


@dataclass(frozen=True, slots=True)
class CondaRecord:
    """A package that conda put into a prefix (CEP 32).

    Parameters
    ----------
    name, version, build : str
        As in the record.
    channel : str
        The channel's name, taken from the URL: the record's own field differs by writer.
    files : tuple of str
        Relative to the prefix.
    """

    name: str
    version: str
    build: str
    channel: str
    files: tuple[str, ...]


def installed(prefix: str) -> dict[str, str]:
    """List conda's packages of a prefix from the names of their records alone.

    Returns
    -------
    dict of str to str
        "version build" by name.
    """
    found = {}
    for entry in record_names(prefix):
        match = _RECORD.fullmatch(entry)
        if match:
            found[match["name"]] = f"{match['version']} {match['build']}"
    return found


def records(prefix: str) -> dict[str, CondaRecord]:
    """Read all records of a prefix, by name; one that is damaged is passed over."""
    found = {}
    for entry in record_names(prefix):
        record = _parse_record(read_text(os.path.join(prefix, "conda-meta", entry)))
        if record is not None:
            found[record.name] = record
    return found


def sources(prefix: str) -> dict[str, dict[str, str]]:
    """Read from where conda took each package: "url" and "md5" as far as its record has them, by name."""
    found = {}
    for entry in record_names(prefix):
        record = read_object(os.path.join(prefix, "conda-meta", entry))
        if isinstance(record.get("name"), str):
            found[record["name"]] = {key: record[key] for key in ("url", "md5") if isinstance(record.get(key), str)}
    return found


def owner_of(prefix: str, distribution: str) -> str | None:
    """Say which conda package brought a Python distribution.

    Parameters
    ----------
    prefix : str
        The environment's.
    distribution : str
        The distribution's name, in any spelling.

    Returns
    -------
    str or None
        The package's name, which may be another than the distribution's; None where conda did not bring it.

    Notes
    -----
    A record of the same name is read first. All others are searched only for a distribution that is in the prefix: what
    is new to it, which is what people mostly ask for, costs two listings of directories.
    """
    key = normalise(distribution)
    others = []
    for entry in record_names(prefix):
        match = _RECORD.fullmatch(entry)
        if match is None:
            continue
        if normalise(match["name"]) != key:
            others.append(entry)
        elif (record := _that_lists(prefix, entry, key)) is not None:
            return record.name
    folders = _metadata_folders(prefix, key)
    for entry in others if folders else ():
        record = _that_lists(prefix, entry, key, folders)
        if record is not None:
            return record.name
    return None


def frozen(prefix: str) -> str | None:
    """Say whether an environment is frozen (CEP 22).

    Returns
    -------
    str or None
        None where it is not; else the message of ``conda-meta/frozen``, "" where it has none.
    """
    path = os.path.join(prefix, "conda-meta", "frozen")
    if not os.path.exists(path):
        return None
    message = read_object(path).get("message")
    return message if isinstance(message, str) else ""


def pixi_project(prefix: str) -> str | None:
    """Return the manifest of the pixi workspace that owns a prefix, None where it is no pixi environment.

    "" where the mark is there and names no manifest.
    """
    meta = os.path.join(prefix, "conda-meta")
    path = os.path.join(meta, "pixi")
    if not os.path.exists(path) and not os.path.exists(os.path.join(meta, "pixi_env_prefix")):
        return None
    manifest = read_object(path).get("manifest_path")
    return manifest if isinstance(manifest, str) else ""


def channel_of(url: str) -> str:
    """Take the channel's name out of a package's URL, as in ``https://host/t/TOKEN/NAME/noarch/x.conda``."""
    return _SUBDIR.sub("", url).rstrip("/").rpartition("/")[2]


def record_names(prefix: str) -> list[str]:
    """List the file names of a prefix's records, in order; none where there is no ``conda-meta``."""
    try:
        return sorted(entry for entry in os.listdir(os.path.join(prefix, "conda-meta")) if entry.endswith(".json"))
    except (OSError, ValueError):
        return []


def read_text(path: str) -> str:
    """Read a file; "" where it cannot be read."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read(_LARGEST)
    except (OSError, ValueError):
        return ""


def read_object(path: str) -> dict[str, Any]:
    """Read a JSON object from a file; an empty one where there is none, or something else."""
    return _object(read_text(path))


def _object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _that_lists(prefix: str, entry: str, key: str, folders: frozenset[str] | None = None) -> CondaRecord | None:
    """Read a record if it lists a distribution's metadata; `folders`, where they are known, are looked for first."""
    text = read_text(os.path.join(prefix, "conda-meta", entry))
    if folders is not None and not any(folder in text for folder in folders):
        return None
    record = _parse_record(text)
    if record is None:
        return None
    return record if any(_is_metadata_of(part, key) for file in record.files for part in _folders_of(file)) else None


def _folders_of(file: str) -> Iterator[str]:
    """Give the parts of a path that may be a distribution's metadata: its file, or the folder that this is in."""
    path, _, last = file.replace("\\", "/").rpartition("/")
    yield path.rpartition("/")[2]
    yield last


def _is_metadata_of(entry: str, key: str) -> bool:
    stem, dot, suffix = entry.rpartition(".")
    if f"{dot}{suffix}" not in _METADATA:
        return False
    # Old tools leave the dashes of a name as they are: then the first digit after a dash begins the version.
    return normalise(stem.partition("-")[0]) == key or re.match(rf"{key}-\d", normalise(stem)) is not None


def _metadata_folders(prefix: str, key: str) -> frozenset[str]:
    """Name the metadata of a distribution that lies in the prefix's own site directories."""
    found = set()
    for site in _site_directories(prefix):
        try:
            found |= {entry for entry in os.listdir(site) if entry.endswith(_METADATA) and _is_metadata_of(entry, key)}
        except OSError:
            continue
    return frozenset(found)


def _site_directories(prefix: str) -> Iterator[str]:
    yield os.path.join(prefix, "Lib", "site-packages")
    library = os.path.join(prefix, "lib")
    try:
        versions = [entry for entry in os.listdir(library) if entry.startswith("python")]
    except OSError:
        return
    for version in versions:
        yield os.path.join(library, version, "site-packages")


def _parse_record(text: str) -> CondaRecord | None:
    record = _object(text)
    name, version, build = (record.get(key) for key in ("name", "version", "build"))
    if not (isinstance(name, str) and isinstance(version, str) and isinstance(build, str)):
        return None
    files = record.get("files")
    url = record.get("url")
    return CondaRecord(
        name,
        version,
        build,
        channel_of(url) if isinstance(url, str) else "",
        tuple(file for file in files if isinstance(file, str)) if isinstance(files, list) else (),
    )
