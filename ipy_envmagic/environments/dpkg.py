"""Which package of the system brought a file, from dpkg's database (Debian Policy, "dpkg"); read only."""

from __future__ import annotations

import os
import re
from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["owner_of"]

_MOST = 4000  # lists; a desktop has some 3,000
_LARGEST = 4 << 20  # bytes of one list


def owner_of(path: str, root: str = "/") -> str | None:
    """Return the package that brought a file or a folder.

    Parameters
    ----------
    path : str
        Absolute, as the system sees it.
    root : str
        Where the system's files are: the database is ``var/lib/dpkg/info`` there.

    Returns
    -------
    str or None
        Its name without the architecture; None where no package lists the path.

    Notes
    -----
    Every package has a list of its files, and a machine has thousands. What brings a Python module is called
    ``python3-NAME``, or after the module itself: only such lists are read, the one that has the path's name first.
    """
    folder = os.path.join(root, "var", "lib", "dpkg", "info")
    wanted = f"\n{path}\n".encode("utf-8", "surrogateescape")
    for name in _in_order(folder, os.path.basename(path)):
        try:
            with open(os.path.join(folder, name), "rb") as file:
                if wanted in b"\n" + file.read(_LARGEST):
                    return name.removesuffix(".list").partition(":")[0]
        except (OSError, ValueError):
            continue
    return None


def _in_order(folder: str, base: str) -> Iterator[str]:
    """Yield the names of the lists, the likeliest first."""
    try:
        with os.scandir(folder) as entries:
            names = [entry.name for entry in islice(entries, _MOST * 10) if entry.name.endswith(".list")][:_MOST]
    except (OSError, ValueError):
        return
    word = re.split(r"[-.]", base.lower())[0].replace("_", "-")
    named = [name for name in names if word and word in name]
    yield from sorted(named)
    yield from sorted(name for name in names if name.startswith(("python", "libpython")) and name not in named)
