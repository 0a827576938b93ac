"""Every place along the path that has a module of a name: the first is imported, the others are hidden by it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ipy_envmagic.environments.resolve import Module, resolve

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["candidates", "same_file"]


def candidates(root: str, path: Iterable[str]) -> list[Module]:
    """Return what each entry of the path has under a name.

    Parameters
    ----------
    root : str
        A top-level name.
    path : iterable of str
        As `sys.path`, with absolute entries.

    Returns
    -------
    list of Module
        In the order of the path. Folders without ``__init__`` are namespace packages here; whether an import would come
        to one depends on the others.
    """
    found = []
    for entry in dict.fromkeys(path):
        module = resolve(root, (entry,))
        if module is not None and module.entry is not None:
            found.append(module)
    return found


def same_file(one: str | None, other: str | None) -> bool:
    """Whether two paths lead to one file or folder, through links or not."""
    if one is None or other is None:
        return False
    return one == other or os.path.realpath(one) == os.path.realpath(other)
