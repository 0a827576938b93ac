"""One line after a cell that installed through the shell, where the shell acts elsewhere than the kernel."""

from __future__ import annotations

import os
import re

__all__ = ["after_shell_command", "installs_in_shell"]

_MARKS = ("!!", "!", "%sx ", "%system ")
_CELLS = ("%%sh", "%%bash", "%%sx", "%%system", "%%!", "!!")
_INSTALLS = re.compile(
    r"(?:sudo\s+(?:-\S+\s+)*)?(?P<program>pip[\d.]*|python[\d.]* -m pip|uv pip|conda|mamba|micromamba)\s+"
    r"(?P<rest>(?:install|uninstall|remove|update|upgrade)\b[^;&|]*)"
)


def installs_in_shell(cell: str) -> tuple[str, str] | None:
    """Return the first command of a cell that installs through the shell.

    Parameters
    ----------
    cell : str
        As it was typed.

    Returns
    -------
    (str, str) or None
        "pip", "conda" or "uv", and the ``%`` line that does the same for the kernel; None where nothing is installed.
    """
    every_line = cell.lstrip().startswith(_CELLS)
    for line in cell.splitlines():
        text = line.strip()
        mark = next((mark for mark in _MARKS if text.startswith(mark)), None)
        found = _INSTALLS.match(text[len(mark or "") :].lstrip()) if mark or every_line else None
        if found is not None:
            word = found["program"]
            magic = word if word in {"uv pip", "conda", "mamba", "micromamba"} else "pip"
            program = {"uv pip": "uv", "pip": "pip"}.get(magic, "conda")
            return program, f"%{magic} {found['rest'].strip()}"
    return None


def after_shell_command(cell: str) -> str | None:
    """Return what to say after a cell that installed through the shell, None where that acted on this kernel.

    Parameters
    ----------
    cell : str
        As it was typed.
    """
    found = installs_in_shell(cell)
    if found is None:
        return None
    from ipy_envmagic.environments.environment import Environment  # noqa: PLC0415 (few cells come so far)
    from ipy_envmagic.environments.shell import Shell, programs  # noqa: PLC0415 (as above)

    name, line = found
    environment = Environment.current()
    if name == "conda" and not environment.is_conda:
        line = f"%pip {line.partition(' ')[2]}"
    shell = Shell(os.environ, os.path.expanduser("~"), os.getcwd(), environment.platform)
    prefix = next(program.prefix for program in programs(shell) if program.name == name)
    if prefix is None or os.path.realpath(prefix) == os.path.realpath(environment.prefix):
        return None
    return f"The shell's {name} acts on {prefix}, not on this kernel ({environment.prefix}). For this kernel: {line}"
