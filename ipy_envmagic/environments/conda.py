"""conda's side of a prefix: what it installed, which conda owns it, and whether it may be changed."""

from __future__ import annotations

from ipy_envmagic.environments.conda_meta import (
    CondaRecord,
    channel_of,
    frozen,
    installed,
    owner_of,
    pixi_project,
    records,
)
from ipy_envmagic.environments.conda_programs import Found, find_conda, root_of

__all__ = [
    "CondaRecord",
    "Found",
    "channel_of",
    "find_conda",
    "frozen",
    "installed",
    "owner_of",
    "pixi_project",
    "records",
    "root_of",
]
