"""One short hint after a cell: what an import that failed lacks, or where the shell's installer acted."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["after_import_error", "after_shell_command", "failed_import", "installs_in_shell"]

_DEEP = 20  # errors that led to one another

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


def after_import_error(error: BaseException, variables: Mapping[str, Any]) -> str | None:
    """Return what to say under the traceback of an import that failed, None where a check finds nothing wrong.

    Parameters
    ----------
    error : BaseException
        What ended the cell; the import may have failed below it.
    variables : mapping of str to object
        The user's namespace.
    """
    name = failed_import(error)
    if name is None:
        return None
    from ipy_envmagic.checks.check import check  # noqa: PLC0415 (few cells fail so)
    from ipy_envmagic.checks.session import Session  # noqa: PLC0415 (as above)
    from ipy_envmagic.environments.environment import Environment  # noqa: PLC0415 (as above)

    (found,) = check((name,), Environment.current(), Session.current(None, variables)).checks
    if found.status != "error":
        return None
    finding = found.findings[0]
    fix = finding.fix
    if fix is None or finding.evidence.get("guess"):
        return f"Hint: {finding.message}"
    cure = "; ".join(fix.magic) or fix.steps
    again = " Then restart the kernel." if fix.magic and fix.restart else ""
    return f"Hint: {finding.message} {'Try: ' if fix.magic else ''}{cure}{'.' if again else ''}{again}"


def failed_import(error: BaseException) -> str | None:
    """Return the module whose import failed, in an error or in one that led to it; None where none did.

    Parameters
    ----------
    error : BaseException
        What ended a cell.
    """
    for one in _causes(error):
        if isinstance(one, ImportError) and isinstance(one.name, str) and one.name:
            name = one.name
            return name if all(part.isidentifier() for part in name.split(".")) else None
    return None


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and those that it was raised from or while handling, the first last; not one that it replaces."""
    chain: list[BaseException] = []
    one: BaseException | None = error
    while one is not None and len(chain) < _DEEP and all(one is not other for other in chain):
        chain.append(one)
        one = one.__cause__ or (None if one.__suppress_context__ else one.__context__)
    yield from reversed(chain) if isinstance(error, ImportError) else chain


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
