"""How JupyterLab shows the text of a stream: what `\\r` and `\\b` do there, which is not what they do in a terminal."""

from __future__ import annotations

__all__ = ["as_lab_shows"]


def as_lab_shows(text: str) -> str:
    """Return stream text as a cell of JupyterLab ends up showing it.

    ``\\r`` goes to the start of the line and erases nothing, ``\\b`` goes back by one character, and what follows
    overwrites. Escape sequences are characters like any others there, also for overwriting.
    """
    done: list[str] = []
    line: list[str] = []
    column = 0
    for character in text:
        if character == "\n":
            done.append("".join(line))
            line, column = [], 0
        elif character == "\r":
            column = 0
        elif character == "\b":
            column = max(0, column - 1)
        else:
            line[column : column + 1] = [character]
            column += 1
    return "\n".join([*done, "".join(line)])
