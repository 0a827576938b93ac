"""Path configuration files (``.pth``), read as the interpreter's `site` module reads them, and never executed."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["Pth", "is_hidden", "read"]

_LARGEST = 1 << 20  # bytes
_UF_HIDDEN, _ATTRIBUTE_HIDDEN = 0x8000, 0x2  # st_flags of macOS, st_file_attributes of Windows


@dataclass(frozen=True, slots=True)
class Pth:
    """A path configuration file.

    Parameters
    ----------
    path : str
        Its own.
    folders : tuple of str
        The folders that its lines name, absolute, whether they exist or not.
    imports : tuple of str
        The lines that are executed: those that begin with ``import``.
    hidden : bool
        Whether `site` passes over it from Python 3.12.4 on: its name begins with a dot, or the system marks it hidden.
    changed : float
        When it came here or was changed, in seconds since the epoch.
    """

    path: str
    folders: tuple[str, ...]
    imports: tuple[str, ...]
    hidden: bool
    changed: float


def read(directories: Iterable[str]) -> list[Pth]:
    """Read every ``.pth`` of some directories, in the order in which `site` takes them.

    Parameters
    ----------
    directories : iterable of str
        Site directories. One that cannot be read has nothing.
    """
    return [pth for directory in directories for name in _names(directory) for pth in _read(directory, name)]


def is_hidden(name: str, flags: int = 0, attributes: int = 0) -> bool:
    """Whether `site` takes a ``.pth`` for hidden.

    Parameters
    ----------
    name : str
        The file's name.
    flags, attributes : int
        ``st_flags`` and ``st_file_attributes``, 0 where the system has none.
    """
    return name.startswith(".") or bool(flags & _UF_HIDDEN) or bool(attributes & _ATTRIBUTE_HIDDEN)


def _names(directory: str) -> list[str]:
    try:
        return sorted(name for name in os.listdir(directory) if name.endswith(".pth"))
    except (OSError, ValueError):
        return []


def _read(directory: str, name: str) -> Iterator[Pth]:
    path = os.path.join(directory, name)
    try:
        status = os.lstat(path)
        if not stat.S_ISREG(status.st_mode) and not os.path.isfile(path):
            return
        with open(path, "rb") as file:
            text = file.read(_LARGEST)
    except (OSError, ValueError):
        return
    folders, imports = [], []
    for line in text.decode("utf-8-sig", "surrogateescape").splitlines():
        if line.startswith("#") or not line.strip():
            continue
        if line.startswith(("import ", "import\t")):
            imports.append(line.rstrip())
        elif "\0" not in line:
            folders.append(os.path.abspath(os.path.join(directory, line.rstrip())))
    hidden = is_hidden(name, getattr(status, "st_flags", 0), getattr(status, "st_file_attributes", 0))
    yield Pth(path, tuple(folders), tuple(imports), hidden, max(status.st_mtime, status.st_ctime))
