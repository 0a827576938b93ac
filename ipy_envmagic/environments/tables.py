"""The tables that come with the package: tab-separated lines, comments with a "#"."""

from __future__ import annotations

import functools
import os

__all__ = ["rows"]

_FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "data")


@functools.cache
def rows(name: str, columns: int) -> tuple[tuple[str, ...], ...]:
    """Return a table's rows.

    Parameters
    ----------
    name : str
        The file's, without ".tsv".
    columns : int
        How many there are; those that a line leaves out at its end are "".
    """
    with open(os.path.join(_FOLDER, f"{name}.tsv"), encoding="utf-8") as file:
        lines = [line.rstrip("\n").split("\t") for line in file if line.strip() and not line.startswith("#")]
    return tuple((*line, *[""] * (columns - len(line))) for line in lines)
