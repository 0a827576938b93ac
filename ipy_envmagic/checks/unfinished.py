"""A rule for a change of the environment that was cut off: its kernel died, or the machine."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ipy_envmagic.checks.report import Finding, Fix
from ipy_envmagic.run import state

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ipy_envmagic.environments.environment import Environment

__all__ = ["change_cut_off"]


def change_cut_off(environment: Environment) -> Iterator[Finding]:
    """See an entry of a change that nobody works on any more.

    Parameters
    ----------
    environment : Environment
        The kernel's.
    """
    for folder in state.existing(environment.prefix):
        if not _has_entries(os.path.join(folder, "pending")):
            continue
        from ipy_envmagic.run import pending, transaction  # noqa: PLC0415 (mostly nothing is being changed here)

        for entry in pending.left_open(folder):
            yield Finding(
                "change-cut-off",
                "warning",
                transaction.cut_off(entry),
                {"command": entry.command, "since": entry.since, "by": entry.by, "kept": entry.kept},
                Fix((transaction.REPAIR,), restart=False, steps="Put back what it broke."),
            )


def _has_entries(folder: str) -> bool:
    try:
        return any("." not in name for name in os.listdir(folder))
    except OSError:
        return False
