"""What is to be run: a plain value that the builders make and `run` carries out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Command"]


@dataclass(frozen=True, slots=True)
class Command:
    """A program with its arguments, as a builder decided them.

    Parameters
    ----------
    program : str
        The name people know it by: "pip", "conda", "mamba", "micromamba" or "uv".
    argv : tuple of str
        The program's path and its arguments, one word each; no shell reads them.
    arguments : tuple of str
        What the user asked for, as the error shows it: without what the builder added.
    env : mapping of str to (str or None)
        Changes to the environment variables; None takes a variable away.
    shell_tail : str or None
        The user's own shell text from an unquoted ``|``, ``&&``, ``||`` or ``>`` on.
    mutates : bool
        Whether the program may change the prefix: then it takes the lock, and what changed is looked up.
    machine_output : bool
        Whether the output is for a program (``--report -``, ``--json``, a shell tail): a pipe, no colours, no progress.
    notes : tuple of str
        Lines to say before it runs, e.g. that another pip serves, or that the install goes elsewhere.
    """

    program: str
    argv: tuple[str, ...]
    arguments: tuple[str, ...] = ()
    env: Mapping[str, str | None] = field(default_factory=dict)
    shell_tail: str | None = None
    mutates: bool = False
    machine_output: bool = False
    notes: tuple[str, ...] = ()
