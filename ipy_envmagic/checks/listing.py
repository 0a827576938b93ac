"""A table as an answer: one model for the terminal, the notebook and other programs, as a report is."""

from __future__ import annotations

import sys
from collections.abc import Mapping  # noqa: TC003 (IPython and others read the annotations)
from dataclasses import dataclass, field
from typing import Any

from ipy_envmagic.checks.report import SCHEMA, Finding, Status

__all__ = ["Listing"]


@dataclass(frozen=True, slots=True, repr=False)
class Listing:
    """Rows under headings, with a verdict above and lines to copy below; displays itself as a report does.

    Parameters
    ----------
    verdict : str
        What it comes to, in one line.
    columns : tuple of str
        The headings. The last column holds paths: a terminal puts it on a line of its own where room is short.
    rows : tuple of tuple of str
        The cells.
    marked : frozenset of int
        The rows that are this kernel's own.
    lines : tuple of str
        What to run to bring things together.
    notes : tuple of str
        What else is to be known, a sentence each.
    data : mapping
        The same as plain values, for `to_dict`.
    status : str
        "ok", "warning" or "error".
    home : str
        The home directory, which the text and the HTML show as ``~``.
    """

    verdict: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...] = ()
    marked: frozenset[int] = frozenset()
    lines: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    data: Mapping[str, Any] = field(default_factory=dict)
    status: Status = "ok"
    home: str = ""

    @property
    def ok(self) -> bool:
        """Whether nothing is an error."""
        return self.status != "error"

    @property
    def findings(self) -> tuple[Finding, ...]:
        """None: a listing judges nothing."""
        return ()

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, ready for JSON: "schema", "ok", "lines", and what the listing is of."""
        return {"schema": SCHEMA, "ok": self.ok, **self.data, "lines": list(self.lines)}

    def __repr__(self) -> str:
        return f"<Listing: {self.verdict}>"

    def __str__(self) -> str:
        return self.to_text()

    def to_text(self, *, colour: bool = False, symbols: bool = True, width: int = 80) -> str:
        """Return the listing for a terminal; arguments as of `Report.to_text`."""
        from ipy_envmagic.checks.text import render_listing  # noqa: PLC0415 (a face is loaded when it is shown)

        return render_listing(self, colour=colour, symbols=symbols, width=width)

    def to_html(self) -> str:
        """Return the listing for a notebook: one element that needs no script and no style sheet."""
        from ipy_envmagic.checks.html import render_listing  # noqa: PLC0415 (a face is loaded when it is shown)

        return render_listing(self)

    def _repr_html_(self) -> str:
        return self.to_html()

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:  # noqa: FBT001 (IPython's protocol)
        """Write the text face (IPython's protocol), in colours where standard output is a terminal."""
        from ipy_envmagic.checks.text import for_stream  # noqa: PLC0415 (a face is loaded when it is shown)

        printer.text(repr(self) if cycle else self.to_text(**for_stream(sys.stdout)))
