"""One distribution's RECORD against the disk: what is missing, cut short or changed.

Bounded in time, and remembered: the second look costs a ``stat`` for each directory and for what matters most.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ipy_envmagic.environments.distributions import Distribution

__all__ = ["Damage", "Entry", "Integrity", "Stamp", "entries", "examine", "extensions", "forget", "stamp"]

DamageKind = Literal["missing", "broken-link", "unreadable", "size", "content"]

_EXTENSIONS = (".so", ".pyd", ".dylib", ".dll")
_CODE = (".py", *_EXTENSIONS)
_BESIDE = frozenset({"test", "tests", "testing_data", "docs", "doc", "examples", "benchmarks", "__pycache__"})
_SMALL = 1 << 16  # bytes of a file whose hash is taken
_HASHED = 8  # files
_CHECKED_EACH = 64  # files between two looks at the clock
_IMPORTANT = 200  # files that are looked at again each time
_MOST = 64  # distributions that are remembered
_FEW = 4  # distributions whose whole RECORD is
_LIMIT = 1 << 24  # bytes of a RECORD


class Entry(NamedTuple):
    """A line of RECORD: a path relative to the site directory, with "/"; its hash and size in bytes as written."""

    path: str
    digest: str
    size: str


@dataclass(frozen=True, slots=True)
class Damage:
    """A file that is not as RECORD says.

    Parameters
    ----------
    path : str
        Relative to the site directory, as RECORD has it.
    kind : str
        "missing", "broken-link" (a link to nothing), "unreadable", "size" or "content" (its hash is another).
    size : int
        Bytes on the disk; -1 where there are none.
    """

    path: str
    kind: DamageKind
    size: int = -1

    @property
    def is_code(self) -> bool:
        """Whether an import may need it."""
        return self.path.endswith(_CODE) and not is_beside(self.path)

    @property
    def is_extension(self) -> bool:
        """Whether it is compiled."""
        return self.path.endswith(_EXTENSIONS)


@dataclass(frozen=True, slots=True)
class Integrity:
    """What was seen of a distribution's files.

    Parameters
    ----------
    damage : tuple of Damage
        In the order of their importance.
    looked_at, listed : int
        How many files were looked at, and how many there are to look at.
    """

    damage: tuple[Damage, ...] = ()
    looked_at: int = 0
    listed: int = 0

    @property
    def stopped_short(self) -> bool:
        """Whether the time was up before all had been looked at."""
        return self.looked_at < self.listed


Stamp = tuple[int, int]
"""A file's modification time in nanoseconds and its size in bytes."""


class _Memory(NamedTuple):
    stamps: dict[str, Stamp]
    integrity: Integrity


_healthy: dict[str, _Memory] = {}
_read: dict[str, tuple[Stamp, list[Entry]]] = {}
_compiled: dict[str, tuple[Stamp, tuple[str, ...]]] = {}


def entries(distribution: Distribution) -> list[Entry]:
    """Read RECORD (PEP 376, PEP 627); empty where there is none. The last few that were read are remembered.

    Parameters
    ----------
    distribution : Distribution
        Any.
    """
    path = f"{distribution.path}{os.sep}RECORD"
    at = stamp(path)
    remembered = _read.get(path)
    if remembered is not None and remembered[0] == at:
        return remembered[1]
    found = _parsed(path)
    if len(_read) >= _FEW:
        _read.clear()
    _read[path] = (at, found)
    return found


def extensions(distribution: Distribution) -> tuple[str, ...]:
    """Return the paths of the extension modules and libraries that RECORD names, the shallowest first.

    Parameters
    ----------
    distribution : Distribution
        Any.
    """
    path = f"{distribution.path}{os.sep}RECORD"
    at = stamp(path)
    remembered = _compiled.get(path)
    if remembered is None or remembered[0] != at:
        listed = [entry.path for entry in entries(distribution) if entry.path.endswith((".so", ".pyd"))]
        listed.sort(key=lambda one: (one.count("/"), one))
        site = distribution.site_directory
        if len(_compiled) >= _MOST:
            _compiled.clear()
        remembered = _compiled[path] = (at, tuple(f"{site}/{one}" for one in listed))
    return remembered[1]


def _parsed(path: str) -> list[Entry]:
    try:
        with open(path, "rb") as file:
            text = file.read(_LIMIT).decode("utf-8", "surrogateescape")
    except (OSError, ValueError):
        return []
    if '"' in text:
        import csv  # noqa: PLC0415 (only a path with a comma needs it)

        try:
            rows = [row for row in csv.reader(text.splitlines()) if len(row) == len(Entry._fields)]
        except csv.Error:
            return []
        return [Entry(*row) for row in rows]
    return [Entry(*row) for line in text.splitlines() if len(row := line.rsplit(",", 2)) == len(Entry._fields)]


def examine(distribution: Distribution, *, seconds: float = 0.03, sizes: bool = True) -> Integrity:
    """Look whether the files of a distribution are as it recorded them.

    Parameters
    ----------
    distribution : Distribution
        One that has a RECORD; without one there is nothing to look at.
    seconds : float
        The time there is; what an import needs first is looked at first.
    sizes : bool
        Whether sizes and hashes are to be compared. conda replaces prefixes in files after their RECORD was written.

    Returns
    -------
    Integrity
        Bytecode, what lies outside the site directory and what installers rewrite are left out.
    """
    remembered = _healthy.get(distribution.path)
    if remembered is not None and all(stamp(path) == before for path, before in remembered.stamps.items()):
        return remembered.integrity
    until = time.perf_counter() + seconds
    site = distribution.site_directory
    ranked = _ranked(entries(distribution))
    damage: list[Damage] = []
    looked_at = 0
    for entry in ranked:
        if looked_at % _CHECKED_EACH == 0 and looked_at and time.perf_counter() > until:
            break
        found = _damage(site, entry, sizes=sizes, hashed=looked_at < _HASHED)
        looked_at += 1
        if found is not None:
            damage.append(found)
    integrity = Integrity(tuple(damage), looked_at, len(ranked))
    if damage:
        _healthy.pop(distribution.path, None)
    elif ranked:
        _remember(distribution, ranked[:looked_at], integrity)
    return integrity


def is_beside(path: str) -> bool:
    """Whether a path of RECORD is a test, a document or an example, which people take away to save space."""
    return not _BESIDE.isdisjoint(path.split("/"))


def forget() -> None:
    """Forget what was seen."""
    for memory in (_healthy, _read, _compiled):
        memory.clear()


def _ranked(found: Iterable[Entry]) -> list[Entry]:
    """Sort by what an import needs first: the package itself, extension modules, other code, the rest."""
    ranks: tuple[list[Entry], ...] = ([], [], [], [])
    for entry in found:
        path = entry.path
        if path.endswith((".pyc", ".dist-info/INSTALLER", ".dist-info/REQUESTED")) or path.startswith(("..", "/")):
            continue
        top, _, rest = path.partition("/")
        if top.endswith((".dist-info", ".data")) or os.path.isabs(path):
            continue
        if rest in {"", "__init__.py"} and path.endswith(".py"):
            ranks[0].append(entry)
        elif path.endswith(_EXTENSIONS):
            ranks[1].append(entry)
        else:
            ranks[2 if path.endswith(".py") else 3].append(entry)
    return [entry for rank in ranks for entry in rank]


def _damage(site: str, entry: Entry, *, sizes: bool, hashed: bool) -> Damage | None:
    path = f"{site}/{entry.path}"
    try:
        size = os.stat(path).st_size
    except PermissionError:
        return Damage(entry.path, "unreadable")
    except (OSError, ValueError):
        return _gone(path, entry)
    if not sizes or not entry.size:
        return None
    if str(size) != entry.size:
        return Damage(entry.path, "size", size)
    if entry.path.endswith(_EXTENSIONS) and _begins_with_zeros(path):  # what a crash of the machine leaves
        return Damage(entry.path, "content", size)
    if hashed and size <= _SMALL and entry.path.endswith(".py") and not _is_as_recorded(path, entry.digest):
        return Damage(entry.path, "content", size)
    return None


def _gone(path: str, entry: Entry) -> Damage | None:
    try:
        if os.path.islink(path):
            return Damage(entry.path, "broken-link")
        without_source = entry.path.endswith(".py") and os.path.isfile(f"{path}c")  # a .pyc serves as well
    except (OSError, ValueError):
        return None
    return None if without_source else Damage(entry.path, "missing")


def _begins_with_zeros(path: str) -> bool:
    try:
        with open(path, "rb") as file:
            return file.read(4) == b"\0\0\0\0"
    except OSError:
        return False


def _is_as_recorded(path: str, digest: str) -> bool:
    algorithm, _, wanted = digest.partition("=")
    if algorithm != "sha256":
        return True
    import base64  # noqa: PLC0415 (a remembered distribution needs neither)
    import hashlib  # noqa: PLC0415

    try:
        with open(path, "rb") as file:
            found = hashlib.sha256(file.read()).digest()
    except OSError:
        return True
    return base64.urlsafe_b64encode(found).rstrip(b"=").decode() == wanted.rstrip("=")


def _remember(distribution: Distribution, looked_at: list[Entry], integrity: Integrity) -> None:
    site = distribution.site_directory
    important = (entry.path for entry in looked_at[:_IMPORTANT] if entry.path.endswith(_CODE))
    folders = dict.fromkeys(entry.path.rpartition("/")[0] for entry in looked_at)
    paths = (os.path.join(distribution.path, "RECORD"), *_paths(site, folders), *_paths(site, important))
    if len(_healthy) >= _MOST:
        _healthy.clear()
    _healthy[distribution.path] = _Memory({path: stamp(path) for path in paths}, integrity)


def _paths(site: str, relative: Iterable[str]) -> Iterator[str]:
    return (f"{site}/{path}" for path in relative if path)


def stamp(path: str) -> Stamp:
    """Return what changes when a file is replaced or written; (-1, -1) where there is none.

    Parameters
    ----------
    path : str
        Its path.
    """
    try:
        status = os.stat(path)
    except OSError:
        return (-1, -1)
    return (status.st_mtime_ns, status.st_size)
