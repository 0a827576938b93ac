"""The variables that a program is given: no question that nobody can answer, no folder that shadows its modules."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["machine_readable", "unattended", "without_working_directory"]


def machine_readable() -> dict[str, str | None]:
    """Return what keeps colours out of output that is for a program: a kernel sets FORCE_COLOR, which breaks JSON."""
    return {"FORCE_COLOR": None, "CLICOLOR_FORCE": None, "NO_COLOR": "1"}


def unattended(environ: Mapping[str, str]) -> dict[str, str | None]:
    """Return what makes git and ssh fail where they would ask on the terminal: nobody can answer there.

    ssh asks the program in SSH_ASKPASS where SSH_ASKPASS_REQUIRE says "force" (OpenSSH 8.4); ``false`` answers no. One
    that the user set (a window of the desktop) is left in its place.
    """
    found: dict[str, str | None] = {}
    if "GIT_TERMINAL_PROMPT" not in environ:
        found["GIT_TERMINAL_PROMPT"] = "0"
    if "SSH_ASKPASS_REQUIRE" not in environ:
        found["SSH_ASKPASS_REQUIRE"] = "force"
        if "SSH_ASKPASS" not in environ:
            found["SSH_ASKPASS"] = "false"
    return found


def without_working_directory(environ: Mapping[str, str], platform: str) -> dict[str, str | None]:
    """Return PYTHONPATH without the entries that mean the working directory, where it has such."""
    value = environ.get("PYTHONPATH")
    if not value:
        return {}
    divider = ";" if platform == "win32" else ":"
    entries = value.split(divider)
    kept = [entry for entry in entries if entry.strip() and entry.rstrip("/\\") != "."]
    return {} if kept == entries else {"PYTHONPATH": divider.join(kept) or None}
