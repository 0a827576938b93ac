"""How the recordings are made: `python record.py FILE [--rows N] [--hide TEXT=NEUTRAL ...] -- PROGRAM ARGUMENT ...`.

The program gets a terminal as `run.process` gives it one (100 columns, one row, newlines untranslated), and every byte
that it writes is kept, but for what is hidden: paths and hosts of the machine that recorded.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import os
import pty
import struct
import subprocess
import termios
from pathlib import Path

VARIABLES = {"TERM": "xterm-256color", "COLUMNS": "100", "FORCE_COLOR": "1", "CLICOLOR_FORCE": "1"}


def recorded(program: list[str], *, rows: int = 1, columns: int = 100) -> bytes:
    """Run a program in a terminal of that size; give what it wrote."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    settings = termios.tcgetattr(theirs)
    settings[1] &= ~termios.OPOST
    termios.tcsetattr(theirs, termios.TCSANOW, settings)
    with subprocess.Popen(
        program,
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=theirs,
        env=os.environ | VARIABLES,
        start_new_session=True,
    ):
        os.close(theirs)
        parts = []
        with contextlib.suppress(OSError):  # Linux: the end of a terminal is an error
            while data := os.read(ours, 65536):
                parts.append(data)
    os.close(ours)
    return b"".join(parts)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("file", type=Path)
    parser.add_argument("--rows", type=int, default=1)
    parser.add_argument("--hide", action="append", default=[], metavar="TEXT=NEUTRAL")
    parser.add_argument("program", nargs="+")
    given = parser.parse_args()
    data = recorded(given.program, rows=given.rows)
    for hidden in given.hide:
        text, _, neutral = hidden.partition("=")
        data = data.replace(text.encode(), neutral.encode())
    given.file.write_bytes(data)


if __name__ == "__main__":
    main()
