"""A report for a terminal: 80 columns, words and symbols, colours only where they are asked for."""

from __future__ import annotations

import os
import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypedDict

from ipy_envmagic.checks.wording import (
    FEW,
    SYMBOLS,
    about_line,
    evidence_lines,
    here,
    partly,
    problems,
    shell_line,
    shell_rows,
    shown,
    where,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ipy_envmagic.checks.listing import Listing
    from ipy_envmagic.checks.report import Check, Finding, Report

__all__ = ["Style", "for_stream", "render", "render_listing"]

_COLOURS = {"ok": "32", "error": "31", "warning": "33", "info": "36"}
_MOST = 3  # of a list of evidence; the notebook and the dictionary have all
_PLAIN = {"ok": "+", "error": "x", "warning": "!", "info": "i"}


class Style(TypedDict):
    """What a stream can show: keyword arguments of `render`."""

    colour: bool
    symbols: bool


def for_stream(stream: Any) -> Style:
    """Return what a stream shows: colours on a terminal that does not refuse them, symbols where its encoding has them.

    NO_COLOR (no-color.org) and TERM=dumb refuse colours.

    Parameters
    ----------
    stream : file
        As `sys.stdout`.
    """
    is_terminal = bool(getattr(stream, "isatty", lambda: False)())
    colour = is_terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    try:
        "".join(SYMBOLS.values()).encode(getattr(stream, "encoding", None) or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return {"colour": colour, "symbols": False}
    return {"colour": colour, "symbols": True}


def render(report: Report, *, colour: bool = False, symbols: bool = True, width: int = 80) -> str:
    """Write the report as text.

    Parameters
    ----------
    report : Report
        What was found.
    colour : bool
        Whether to colour the words of status (SGR); they say the same without.
    symbols : bool
        Whether to use symbols beyond ASCII.
    width : int
        Columns. A line to copy is never broken.
    """
    face = _Face(report.home, width, colour, symbols)
    lines = [face.status(report.status, report.verdict), *_about(report, face)]
    if report.checks:
        lines += ["", *_checks(report.checks, face)]
    for said in partly(report):
        lines += face.wrapped(said, "  ")
    for finding in problems(report):
        lines += ["", *_finding(finding, face)]
    return "\n".join(lines)


def _about(report: Report, face: _Face) -> list[str]:
    """Say which Python it is; of the environment as a whole one line more, and all of it where something is wrong."""
    if report.about is None:
        return face.wrapped(about_line(report), "  ")
    if report.status == "ok":
        room = face.width - 2
        return [f"  {face.cut(about_line(report), room)}", f"  {face.cut(shell_line(report.about), room)}"]
    lines = face.wrapped(about_line(report), "  ")
    rows = [("python", "", report.kernel.executable)]
    sites = [
        ("imports from" if not index else "", "", site) for index, site in enumerate(report.about.site_directories)
    ]
    for name, state, place in (*rows, *sites, *shell_rows(report.about)):
        lines.append(
            face.cut(f"    {name:<13} {state:<10}{place}" if state else f"    {name:<13} {place}", face.width).rstrip()
        )
    return lines


def render_listing(listing: Listing, *, colour: bool = False, symbols: bool = True, width: int = 80) -> str:
    """Write a listing as text: a line a row where that fits, else the last column on a line of its own.

    Parameters
    ----------
    listing : Listing
        The rows.
    colour, symbols, width
        As for `render`.
    """
    face = _Face(listing.home, width, colour, symbols)
    lines = [face.status(listing.status, listing.verdict)]
    if listing.rows:
        lines += ["", *_table(listing, face)]
    for note in listing.notes:
        lines += ["", *face.wrapped(note, "  ")]
    if listing.lines:
        lines += [
            "",
            *face.wrapped("To bring them together:", "  "),
            *(f"    {shown(line, '')}" for line in listing.lines),
        ]
    return "\n".join(lines)


def _table(listing: Listing, face: _Face) -> Iterator[str]:
    mark = "\N{RIGHTWARDS ARROW}" if face.symbols else ">"
    cells = [[face.plain(cell) for cell in row] for row in (listing.columns, *listing.rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(listing.columns))]
    one_line = 2 + sum(widths) + 2 * (len(widths) - 1) <= face.width
    room = face.width - 2 - 2 * (len(widths) - 2)
    while not one_line and sum(widths[:-1]) > max(room, 8 * len(widths)):
        widest = max(range(len(widths) - 1), key=widths.__getitem__)
        widths[widest] -= 1
    for number, row in enumerate(cells):
        head = f"{mark if number - 1 in listing.marked else ' '} "
        ahead = row if one_line else row[:-1]
        told = [f"{face.cut(cell, width):<{width}}" for cell, width in zip(ahead, widths, strict=False) if width]
        yield head + "  ".join(told).rstrip()
        if not one_line and number and row[-1]:
            yield face.cut(f"      {row[-1]}", face.width)


@dataclass(frozen=True, slots=True)
class _Face:
    """How to write on one stream."""

    home: str
    width: int
    colour: bool
    symbols: bool

    def status(self, status: str, text: str) -> str:
        symbol = (SYMBOLS if self.symbols else _PLAIN)[status]
        first, *rest = self.wrapped(text, "", f"{symbol} {status}: ", "  ")
        head, tail = first[: len(symbol) + 1 + len(status)], first[len(symbol) + 1 + len(status) :]
        return "\n".join([self.painted(head, status) + tail, *rest])

    def painted(self, text: str, status: str) -> str:
        return f"\x1b[{_COLOURS[status]}m{text}\x1b[0m" if self.colour else text

    def plain(self, text: str) -> str:
        text = shown(text, self.home).replace("\n", " ")
        return text if self.symbols else text.replace("\N{MIDDLE DOT}", "-").replace("\N{HORIZONTAL ELLIPSIS}", "...")

    def wrapped(self, text: str, indent: str, first: str | None = None, later: str | None = None) -> list[str]:
        return textwrap.wrap(
            self.plain(text),
            self.width,
            initial_indent=indent if first is None else first,
            subsequent_indent=indent if later is None else later,
            break_on_hyphens=False,
        ) or [first or indent]

    def cut(self, text: str, room: int) -> str:
        """Shorten from the middle: both ends of a path tell more."""
        text = self.plain(text)
        if len(text) <= room:
            return text
        mark = "\N{HORIZONTAL ELLIPSIS}" if self.symbols else "..."
        keep = max(room - len(mark), 2)
        return text[: keep // 3] + mark + text[-(keep - keep // 3) :]


def _checks(checks: tuple[Check, ...], face: _Face) -> list[str]:
    healthy = [check for check in checks if check.status == "ok"]
    together = len(healthy) > FEW
    single = [check for check in checks if check.status != "ok"] if together else checks
    asked = min(max((len(face.plain(check.requirement)) for check in single), default=0), 24)
    version = min(max((len(face.plain(here(check))) for check in single), default=0), 24)
    lines = [_row(check, face, asked, version) for check in single]
    if together:
        names = ", ".join(f"{check.requirement} ({here(check)})" for check in healthy)
        lines.append(face.status("ok", names))
    return lines


def _row(check: Check, face: _Face, asked: int, version: int) -> str:
    symbol = (SYMBOLS if face.symbols else _PLAIN)[check.status]
    head = f"{symbol} {check.status:<7}"
    row = f"  {face.cut(check.requirement, asked):<{asked}}  {face.cut(here(check), version):<{version}}  "
    return (face.painted(head, check.status) + row + face.cut(where(check), face.width - len(head) - len(row))).rstrip()


def _finding(finding: Finding, face: _Face) -> list[str]:
    symbol = (SYMBOLS if face.symbols else _PLAIN)[finding.severity]
    head = f"{symbol} {finding.code}"
    first, *rest = face.wrapped(finding.message, "  ", f"{head}: ", "  ")
    lines = [face.painted(head, finding.severity) + first[len(head) :], *rest]
    if finding.severity != "info":
        for key, value in evidence_lines(finding, face.home, most=_MOST):
            lines += face.wrapped(value, "", f"    {key}: ", "      ")
    if finding.fix is None:
        return lines
    for index, line in enumerate(finding.fix.magic):
        lines.append(("         " if index else "    fix: ") + shown(line, ""))  # as it runs: whole, and no ~
    if finding.fix.steps:
        lines += face.wrapped(finding.fix.steps, "         ", "         " if finding.fix.magic else "    fix: ")
    return lines
