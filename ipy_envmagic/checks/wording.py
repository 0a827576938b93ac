"""What the terminal's face and the notebook's face say alike: words, symbols, shown paths."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ipy_envmagic.checks.report import About, Check, Finding, Kernel, Report

__all__ = [
    "FEW",
    "SYMBOLS",
    "about_line",
    "evidence_lines",
    "here",
    "partly",
    "problems",
    "shell_line",
    "shell_rows",
    "shown",
    "where",
]

FEW = 12  # up to so many healthy requirements have a line each; more are told together
SYMBOLS = {"ok": "\N{CHECK MARK}", "error": "\N{BALLOT X}", "warning": "!", "info": "i"}
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def shown(text: str, home: str) -> str:
    """Return the text with the home directory as ``~`` and control characters, which could move a cursor, spelt out.

    Parameters
    ----------
    text : str
        Anything, from a file's content to a message of ours.
    home : str
        The home directory; one that is empty or a root is not replaced.
    """
    if len(home) > 1 and home.rstrip("/\\") and home in text:
        text = re.sub(rf"(?<![\w/\\.~-]){re.escape(home.rstrip('/' + chr(92)))}(?=[/\\]|[^\w.-]|$)", "~", text)
    return _CONTROL.sub(lambda match: f"\\x{ord(match[0]):02x}", text)


def about_line(report: Report) -> str:
    """Return one line that says which Python was looked at, and, for the environment as a whole, who looks after it."""
    line = _kernel_line(report.kernel)
    if report.about is None:
        return line
    more = [report.kernel.manager] if report.kernel.manager not in {"pip", report.kernel.kind} else []
    more += [f"in a {report.about.host}" if report.about.host == "container" else report.about.host]
    return " \N{MIDDLE DOT} ".join([line, *filter(None, more)])


def shell_line(about: About) -> str:
    """Return one line that says where the programs of the notebook's shell act."""
    acting: dict[str, list[str]] = {"here": [], "elsewhere": [], "unknown": []}
    for program in about.shell:
        if program.path is not None and (program.prefix is not None or program.name in {"python", "pip"}):
            acting["unknown" if program.here is None else "here" if program.here else "elsewhere"].append(program.name)
    words = {"here": "here too", "elsewhere": "elsewhere", "unknown": "where, cannot be told"}
    told = [
        f"{', '.join(f'!{name}' for name in names)} act{'s' if len(names) == 1 else ''} {words[where]}"
        for where, names in acting.items()
        if names
    ]
    return f"In the shell {'; '.join(told)}." if told else "The shell has no python, pip, conda or uv."


def shell_rows(about: About) -> list[tuple[str, str, str]]:
    """Return a row for each program of the notebook's shell: its name, "here" or "elsewhere", and where."""
    rows = []
    for program in about.shell:
        if program.path is None:
            rows.append((f"!{program.name}", "not there", ""))
            continue
        where = "here" if program.here else "unknown" if program.here is None else "elsewhere"
        place = program.prefix or program.path
        rows.append((f"!{program.name}", where, f"{place} ({program.why})"))
    return rows


def here(check: Check) -> str:
    """Return what is here of a requirement: its version, or in words what stands in for one."""
    if check.installed:
        named = check.distribution if check.distribution and check.distribution != check.requirement else ""
        return f"{named} {check.installed}".strip() if _is_other_name(check) else check.installed
    codes = {finding.code for finding in check.findings}
    if "bad-requirement" in codes:
        return "not read"
    if "not-needed" in codes:
        return "not needed here"
    if check.installer == "standard library":
        return "standard library"
    if check.location:
        return "version unknown"
    return "not here"


def where(check: Check) -> str:
    """Return the place of a requirement, and who put it there."""
    put_by = f" ({check.installer})" if check.installer and check.installer != "standard library" else ""
    return f"{check.location}{put_by}" if check.location else ""


def partly(report: Report) -> list[str]:
    """Return a line for each requirement whose files were looked at in part only."""
    return [f"{check.requirement}: {check.partial}" for check in report.checks if check.partial]


def problems(report: Report) -> list[Finding]:
    """Return the findings that are to be told: of each requirement together, the worst first, none twice."""
    order = ("error", "warning", "ok")
    found: dict[tuple[str, str], Finding] = {}
    for check in sorted(report.checks, key=lambda check: order.index(check.status)):
        for finding in check.findings:
            told = finding.code == "not-needed" or (finding.code == "name-mismatch" and check.installed is not None)
            if not told:  # by the requirement's own line
                found.setdefault((finding.code, finding.message), finding)
    for finding in report.environment_findings:
        found.setdefault((finding.code, finding.message), finding)
    return list(found.values())


def evidence_lines(finding: Finding, home: str, *, most: int = 100) -> list[tuple[str, str]]:
    """Return the evidence as pairs of a key in words and a value, without what is empty.

    Parameters
    ----------
    finding : Finding
        Whose evidence.
    home : str
        The home directory.
    most : int
        Of a list that is longer, only the number is told.
    """
    return [
        (key.replace("_", " "), shown(_one_line(value, most), home))
        for key, value in finding.evidence.items()
        if value is not None and value not in ([], "")
    ]


def _kernel_line(kernel: Kernel) -> str:
    parts = [f"Python {kernel.version}", f"{kernel.kind} {kernel.name}".strip(), kernel.prefix]
    return " \N{MIDDLE DOT} ".join([*parts, *([f"kernel {kernel.kernelspec}"] if kernel.kernelspec else [])])


def _is_other_name(check: Check) -> bool:
    def plain(text: str) -> str:
        return re.sub(r"[-_.]+", "-", text).lower()

    return bool(check.distribution) and not plain(check.requirement).startswith(plain(check.distribution or ""))


def _one_line(value: Any, most: int) -> str:
    if not isinstance(value, (list, tuple)):
        return str(value)
    return ", ".join(map(str, value)) if len(value) <= most else f"{len(value)} in all"
