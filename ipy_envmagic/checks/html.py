"""A report for a notebook: no script, no style sheet, readable in light and dark, trusted or not.

An untrusted notebook loses every declaration that holds ``var()``: so each colour stands twice, a plain one that can be
read on both themes first, then the theme's own.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

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
    from ipy_envmagic.checks.listing import Listing
    from ipy_envmagic.checks.report import Check, Finding, Report

__all__ = ["render", "render_listing"]

_COLOURS = {
    "ok": "color:#2a8a3e;color:var(--jp-success-color0,#2a8a3e)",
    "error": "color:#d9362b;color:var(--jp-error-color0,#d9362b)",
    "warning": "color:#b35900;color:var(--jp-warn-color0,#b35900)",
    "info": "color:#2a7ab8;color:var(--jp-info-color0,#2a7ab8)",
}
_FAINT = "opacity:.75"
_LEFT = "text-align:left"
_BOX = "border-left:3px solid rgba(128,128,128,.5);margin:8px 0;padding-left:10px"
_CODE = "background:rgba(128,128,128,.12);margin:4px 0;padding:4px 8px;white-space:pre-wrap"
_COLUMNS = ("Status", "Asked", "Here", "Where")


def render(report: Report) -> str:
    """Write the report as HTML that stands by itself.

    Parameters
    ----------
    report : Report
        What was found. Everything in it is escaped.
    """
    home = report.home
    parts = [
        f"<div>{_status(report.status)} {_text(report.verdict, home)}</div>",
        f'<div style="{_FAINT}">{_text(about_line(report), home)}</div>',
    ]
    if report.about is not None:
        rows = [(name, f"{state}: {place}" if place else state) for name, state, place in shell_rows(report.about)]
        rows[:0] = [("python", report.kernel.executable), ("manager", report.kernel.manager)]
        rows += [("imports from", site) for site in report.about.site_directories]
        parts.append(_details(_text(shell_line(report.about), home), _pairs(rows, home)))
    healthy = [check for check in report.checks if check.status == "ok"]
    if len(healthy) > FEW:
        others = [check for check in report.checks if check.status != "ok"]
        parts += [_table(others, home)] if others else []
        parts.append(_details(f"{_status('ok')} {len(healthy)} usable here", _table(healthy, home)))
    elif report.checks:
        parts.append(_table(report.checks, home))
    parts += [f'<div style="{_FAINT}">{_text(said, home)}</div>' for said in partly(report)]
    parts += [_finding(finding, home) for finding in problems(report)]
    return f"<div>{''.join(parts)}</div>"


def render_listing(listing: Listing) -> str:
    """Write a listing as HTML that stands by itself.

    Parameters
    ----------
    listing : Listing
        The rows. Everything in it is escaped.
    """
    home = listing.home
    parts = [f"<div>{_status(listing.status)} {_text(listing.verdict, home)}</div>"]
    if listing.rows:
        head = "".join(f'<th scope="col" style="{_LEFT}">{column}</th>' for column in ("", *listing.columns))
        rows = "".join(_listed(row, home, marked=number in listing.marked) for number, row in enumerate(listing.rows))
        parts.append(f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>")
    parts += [f'<div style="{_FAINT}">{_text(note, home)}</div>' for note in listing.notes]
    if listing.lines:
        lines = "\n".join(_text(line, "") for line in listing.lines)
        parts.append(f'<div>To bring them together:</div><pre style="{_CODE}"><code>{lines}</code></pre>')
    return f"<div>{''.join(parts)}</div>"


def _listed(row: tuple[str, ...], home: str, *, marked: bool) -> str:
    mark = "\N{RIGHTWARDS ARROW} here" if marked else ""
    cells = "".join(f'<td style="{_LEFT}">{_text(cell, home)}</td>' for cell in row)
    return f'<tr><th scope="row" style="{_LEFT};white-space:nowrap">{mark}</th>{cells}</tr>'


def _table(checks: list[Check] | tuple[Check, ...], home: str) -> str:
    head = "".join(f'<th scope="col" style="{_LEFT}">{column}</th>' for column in _COLUMNS)
    rows = "".join(_row(check, home) for check in checks)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def _row(check: Check, home: str) -> str:
    cells = "".join(f'<td style="{_LEFT}">{_text(cell, home)}</td>' for cell in (here(check), where(check)))
    asked = f'<th scope="row" style="{_LEFT}">{_text(check.requirement, home)}</th>'
    return f'<tr><td style="{_LEFT};white-space:nowrap">{_status(check.status)}</td>{asked}{cells}</tr>'


def _finding(finding: Finding, home: str) -> str:
    parts = [f"<div>{_status(finding.severity, finding.code)} {_text(finding.message, home)}</div>"]
    if finding.fix:
        if finding.fix.magic:
            lines = "\n".join(_text(line, "") for line in finding.fix.magic)  # as they run: no ~
            parts.append(f'<pre style="{_CODE}"><code>{lines}</code></pre>')
        parts.append(f"<div>{_text(finding.fix.steps, home)}</div>" if finding.fix.steps else "")
    evidence = evidence_lines(finding, home)
    if evidence and finding.severity != "info":
        parts.append(_details("What was seen", _pairs(evidence, "")))
    return f'<div style="{_BOX}">{"".join(parts)}</div>'


def _pairs(rows: list[tuple[str, str]], home: str) -> str:
    inside = "".join(
        f'<tr><th scope="row" style="{_LEFT}">{_text(key, home)}</th><td style="{_LEFT}">{_text(value, home)}</td></tr>'
        for key, value in rows
    )
    return f"<table><tbody>{inside}</tbody></table>"


def _details(summary: str, inside: str) -> str:
    return f"<details><summary>{summary}</summary>{inside}</details>"


def _status(status: str, code: str = "") -> str:
    word = f"{status} {escape(code)}".rstrip()
    return f'<b style="{_COLOURS[status]}">{SYMBOLS[status]} {word}</b>'


def _text(text: str, home: str) -> str:
    return escape(shown(text, home), quote=True)
