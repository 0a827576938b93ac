"""The errors that a user of the magics can meet.

All derive from `EnvMagicError`, whose text is what the person in front of the cell reads: what was wrong, where, and
what to write instead. None of them shows a traceback for something that a user typed.
"""

from __future__ import annotations

__all__ = ["CommandFailed", "CommandInterrupted", "EnvCheckFailed", "EnvMagicError", "LineError"]


class EnvMagicError(Exception):
    """The one base of what this package raises on purpose.

    Parameters
    ----------
    message : str
        One line: what, where, and what to do.
    remedy : str, optional
        A second line that mends it, where one is known.

    Attributes
    ----------
    result : CommandResult or None
        What came of the program all the same, where one was run.
    """

    def __init__(self, message: str, remedy: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy
        self.result: object = None

    def __str__(self) -> str:
        return f"{self.message}\n{self.remedy}" if self.remedy else self.message

    def _render_traceback_(self) -> list[str]:
        """Return the lines that IPython shows in place of a traceback (IPython's protocol for exceptions)."""
        first = f"\x1b[31m{type(self).__name__}\x1b[0m: {self.message}"
        return [first, *([self.remedy] if self.remedy else [])]


class LineError(EnvMagicError):
    """A line that cannot be read as it stands; nothing has been run."""


class CommandFailed(EnvMagicError):  # noqa: N818 the name is what a cell shows
    """A program ended with a status other than 0."""


class CommandInterrupted(EnvMagicError, KeyboardInterrupt):  # noqa: N818 the name is what a cell shows
    """A program was ended by an interrupt of the kernel; a loop around it ends as for any KeyboardInterrupt."""


class EnvCheckFailed(EnvMagicError):  # noqa: N818 the name is what a cell shows
    """``%envcheck --strict`` found something that cannot be used.

    Parameters
    ----------
    message, remedy : str
        As of every error of ours: the verdict, then a line for each problem with its fix.
    report : Report
        What was found; kept as `report`.
    """

    def __init__(self, message: str, remedy: str | None, report: object) -> None:
        super().__init__(message, remedy)
        self.report = report
