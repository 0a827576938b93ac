"""Where a kernel runs, if that may be another machine than the one in front of the person."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ipy_envmagic.environments.layout import read_text

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["host_of"]


def host_of(environ: Mapping[str, str], root: str = "/") -> str:
    """Return "container", "WSL" or "".

    Parameters
    ----------
    environ : mapping of str to str
        The kernel's variables.
    root : str
        Where the system's files are.
    """
    marks = (os.path.join(root, ".dockerenv"), os.path.join(root, "run", ".containerenv"))
    if any(os.path.exists(mark) for mark in marks) or environ.get("KUBERNETES_SERVICE_HOST"):
        return "container"
    return "WSL" if "microsoft" in read_text(os.path.join(root, "proc", "version")).lower() else ""
