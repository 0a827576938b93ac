"""The kernel's shell made to act on the kernel's environment: ``!python`` and ``!pip`` are then the kernel's own."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ipy_envmagic.commands.activation import activation
from ipy_envmagic.environments.environment import Environment

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["sync", "undo"]


def sync() -> dict[str, tuple[str | None, str | None]]:
    """Set PATH, VIRTUAL_ENV and CONDA_PREFIX of this process as the environment's activation would.

    Returns
    -------
    dict of str to (str or None, str or None)
        For `undo`: by variable what it was and what it is now, None where it is not set.
    """
    changed = {}
    for name, value in activation(Environment.current(), os.environ.get("PATH", os.defpath)).items():
        was = os.environ.get(name)
        if was != value:
            changed[name] = (was, value)
            _set(name, value)
    return changed


def undo(changed: Mapping[str, tuple[str | None, str | None]]) -> None:
    """Put the variables back; one that somebody has changed since stays as it is.

    Parameters
    ----------
    changed : mapping
        What `sync` returned.
    """
    for name, (was, value) in changed.items():
        if os.environ.get(name) == value:
            _set(name, was)


def _set(name: str, value: str | None) -> None:
    if value is None:
        os.environ.pop(name, None)
    else:
        os.environ[name] = value
