"""Where the output of a magic is read: a notebook, a run that nobody watches, a terminal."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from ipy_envmagic.run.process import Face

__all__ = ["face_of", "has_terminal", "note", "show", "show_restart"]

_DIM, _PLAIN = "\x1b[38;5;244m", "\x1b[0m"  # a grey that can be read on both themes; nobody renders faint
_HOLD = 1.0  # seconds: nbclient and nbconvert keep each write as an output of its own
_WIDEST, _NARROWEST = 120, 80


def has_terminal(shell: InteractiveShell) -> bool:
    """Tell whether the shell runs in a terminal that a program can be given."""
    if hasattr(shell, "kernel"):
        return False
    try:
        return sys.stdin.isatty() and sys.stdout.isatty() and sys.stdout.fileno() == 1
    except (AttributeError, OSError, ValueError):
        return False


def face_of(shell: InteractiveShell) -> Face:
    """Give the face of a run in this shell."""
    from ipy_envmagic.run.process import Face  # noqa: PLC0415 at the first command

    watched = bool(getattr(getattr(shell, "kernel", None), "_allow_stdin", False))
    columns = os.environ.get("COLUMNS", "")
    width = min(max(int(columns), _NARROWEST), _WIDEST) if columns.isdigit() else 100
    return Face(_write, note, str, progress=watched, width=width, hold=0.0 if watched else _HOLD)


def note(text: str) -> None:
    """Write a line of our own, dimmed."""
    _write("".join(f"{_DIM}{line}{_PLAIN}\n" for line in text.splitlines()))


def show(text: str) -> None:
    """Write lines that are to be read."""
    _write(f"{text}\n")


def show_restart(shell: InteractiveShell, text: str) -> None:
    """Show that a restart is due; in JupyterLab and Notebook 7 with the button that does it."""
    if not hasattr(shell, "kernel"):
        show(text)
        return
    from IPython.display import display  # noqa: PLC0415 rarely needed

    display({"text/plain": text, "text/html": _restart_html(text, button=_in_lab(shell))}, raw=True)  # type: ignore[no-untyped-call]


def _restart_html(text: str, *, button: bool) -> str:
    """Write the note so that both themes and notebooks that are not trusted show it: no script, no style sheet."""
    import html  # noqa: PLC0415 rarely needed, and a millisecond to load

    pressed = (
        '<button data-commandlinker-command="notebook:restart-kernel" style="margin-left:8px;cursor:pointer">'
        "Restart the kernel</button>"
        if button
        else ""
    )
    return (
        '<div style="border:1px solid rgba(128,128,128,.5);border-left:4px solid #b35900;'
        'border-left-color:var(--jp-warn-color0,#b35900);padding:4px 8px;margin:2px 0">'
        f"<b>Restart needed.</b> {html.escape(text)}{pressed}</div>"
    )


def _in_lab(shell: InteractiveShell) -> bool:
    """Tell whether the front end knows JupyterLab's commands: it names the notebook; VS Code leaves other traces."""
    namespace: dict[str, Any] = shell.user_ns
    return "JPY_SESSION_NAME" in os.environ and "VSCODE_PID" not in os.environ and "__vsc_ipynb_file__" not in namespace


def _write(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()
