"""Where the dynamic linker of Linux would find a shared library, and what brings one that is not here.

After ld.so(8): DT_RPATH and DT_RUNPATH, LD_LIBRARY_PATH, the cache, the default directories; and what is loaded
already.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, NamedTuple

from ipy_envmagic.environments.tables import rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["Linker", "Source", "find", "glibc_version", "linker", "version_key", "what_brings"]

_CACHE = "/etc/ld.so.cache"
_DEFAULT = ("/lib64", "/usr/lib64", "/lib", "/usr/lib")
_LARGEST = 1 << 24  # bytes of the linker's cache


class Source(NamedTuple):
    """What brings a shared library: the names of a Debian package, a conda package and a distribution, "" for none."""

    debian: str
    conda: str
    distribution: str


class Linker(NamedTuple):
    """What a process would find libraries by: its loaded files by name, extra folders, and the cache's text."""

    loaded: Mapping[str, str]
    folders: tuple[str, ...]
    cache: bytes


def what_brings(library: str) -> Source | None:
    """Return what brings a library.

    Parameters
    ----------
    library : str
        As it is asked for: ``libGL.so.1``.
    """
    stem = library.partition(".so")[0]
    return next((Source(*row[1:]) for row in rows("libraries", 4) if row[0] == stem), None)


def linker(environ: Mapping[str, str], prefixes: Iterable[str]) -> Linker | None:
    """Return what this process finds libraries by.

    Parameters
    ----------
    environ : mapping of str to str
        For LD_LIBRARY_PATH.
    prefixes : iterable of str
        Whose ``lib`` a conda Python looks into, through its own run path.

    Returns
    -------
    Linker or None
        None where nothing can be told: no Linux, or a linker without that cache (musl's).
    """
    try:
        with open(_CACHE, "rb") as file:
            cache = file.read(_LARGEST)
        with open("/proc/self/maps", "rb") as file:
            maps = file.read().decode("utf-8", "surrogateescape")
    except OSError:
        return None
    loaded = {}
    for line in maps.splitlines():
        path = line[line.find("/") :] if "/" in line else ""
        if ".so" in path:
            loaded[os.path.basename(path)] = path
    folders = [entry for entry in environ.get("LD_LIBRARY_PATH", "").split(":") if entry]
    folders += [os.path.join(prefix, "lib") for prefix in prefixes]
    return Linker(loaded, tuple(dict.fromkeys(folders)), cache)


def find(library: str, origin: str, search: Iterable[str], where: Linker) -> str | None:
    """Return where a library is found.

    Parameters
    ----------
    library : str
        As DT_NEEDED has it.
    origin : str
        The folder of the file that needs it.
    search : iterable of str
        Its run path, in which ``$ORIGIN`` stands for that folder.
    where : Linker
        What else is looked into.

    Returns
    -------
    str or None
        A path, or the name alone where the cache has it.
    """
    if "/" in library:
        return library if os.path.exists(library) else None
    if library in where.loaded:
        return where.loaded[library]
    run_path = [part.replace("${ORIGIN}", origin).replace("$ORIGIN", origin) for part in search]
    for folder in (*run_path, *where.folders):
        path = os.path.join(folder, library)
        if os.path.exists(path):
            return path
    name = library.encode()
    if b"\0" + name + b"\0" in where.cache or where.cache.find(b"/" + name + b"\0") >= 0:
        return library
    return next((path for folder in _DEFAULT if os.path.exists(path := os.path.join(folder, library))), None)


def glibc_version() -> tuple[int, ...] | None:
    """Return the version of the C library that runs this process, None where it is not glibc."""
    try:
        text = os.confstr("CS_GNU_LIBC_VERSION") or ""
    except (AttributeError, OSError, ValueError):
        return None
    return version_key(text) if text.startswith("glibc") else None


def version_key(text: str) -> tuple[int, ...]:
    """Return the numbers in the name of a symbol version: ``GLIBCXX_3.4.29`` is (3, 4, 29)."""
    match = re.search(r"\d+(?:\.\d+)*", text)
    return tuple(map(int, match[0].split("."))) if match else ()
