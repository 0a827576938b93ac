"""What a program said last, made plain, and the one line of it that tells most."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["first_line", "plain"]

_ESCAPES = re.compile(r"\x1b(?:\[[0-9;?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])")
_LONG, _LONGEST = 160, 240  # characters: from the first on one sentence is enough
# Lines of pip that say less than one near them.
_EMPTY_WORDS = (
    "ResolutionImpossible",
    "Could not find a version that satisfies",
    "Ignored the following",
    "Failed building wheel for",
    "subprocess-exited-with-error",
)
_CAUSE = re.compile(r"^\s*(?:cause:|Caused by:|\u2570\u2500\u25b6|\u251c\u2500\u25b6)\s*(?:\d+:\s*)?(.*)")
_BUILD_ERROR = re.compile(r"^(?:[\w.]*(?:Error|Exception|SystemExit)\b|error:|fatal:|ERROR:|\S+ error:|CMake Error)")


def plain(text: str) -> str:
    r"""Return a program's output without escape sequences, with ``\n`` alone at the ends of lines."""
    return _ESCAPES.sub("", text).replace("\r\n", "\n").replace("\r", "\n")


def first_line(program: str, text: str, status: int) -> str:
    """Find the line that says best why a program failed.

    Parameters
    ----------
    program : str
        "pip", "uv".
    text : str
        The end of its output.
    status : int
        Its exit status; negative for a signal.

    Returns
    -------
    str
        One line without escapes, at most 240 characters; that it ended with this status where it said nothing.
    """
    lines = [line.rstrip() for line in plain(text).split("\n")]
    found = _of_uv(lines) if program == "uv" else _of_pip(lines)
    found = found or _last(lines) or f"{program} ended with status {status}"
    if len(found) > _LONG:
        found = found.partition(". ")[0]
    return found if len(found) <= _LONGEST else f"{found[: _LONGEST - 1]}\u2026"


def _of_pip(lines: list[str]) -> str | None:
    summary, detail = _summary(lines)
    if summary.startswith("Failed to build installable wheels") and detail:
        summary = f"Failed to build {detail}"
    if summary and not summary.endswith("did not run successfully."):
        says_more = detail.endswith(".") and not detail.startswith(("See above", "No available"))
        return _joined(summary, _inside_build(lines) or (detail if says_more else None))
    if "git clone" in summary or "git fetch" in summary:
        return f"git failed: {_inside_build(lines) or summary}"
    errors = [line.partition(":")[2].strip() for line in lines if line.startswith(("ERROR:", "error:"))]
    telling = [error for error in errors if error and not error.startswith(_EMPTY_WORDS)]
    if telling:
        built = re.match(r"(Could not build wheels|Failed to build|Failed to install)", telling[-1])
        return _joined(telling[-1], _inside_build(lines)) if built else telling[-1]
    plain_words = ("no such option", "ambiguous option", "option ")
    options = [line for line in lines if line.startswith(plain_words) or " option requires " in line]
    found = options or errors
    return found[-1] if found else None


def _of_uv(lines: list[str]) -> str | None:
    starts = [
        place for place, line in enumerate(lines) if line.startswith("error:") or line.lstrip().startswith("\u00d7 ")
    ]
    if not starts:
        return None
    block = lines[starts[-1] :]
    head = re.sub(r"^\s*(?:error:|\u00d7)\s*", "", block[0]).rstrip(":")
    causes = list(_causes(block[1:]))
    inside = _inside_build(block)
    if not causes:
        return _joined(head, inside)
    if head.startswith("No solution found"):
        reason = re.sub(r"^Because\s+", "", causes[0])
        return re.sub(r",? (?:and|or) (?:you require|your project).*|,? we can conclude.*", "", reason).rstrip(", ")
    return f"{head}: {inside or causes[-1]}"


def _causes(lines: list[str]) -> Iterable[str]:
    """Yield the causes of a uv error; older versions break a cause into several lines."""
    current: str | None = None
    for line in lines:
        match = _CAUSE.match(line)
        if match:
            if current:
                yield current
            current = match[1].strip()
        elif not line or re.match(r"^\s*(?:hint|tip|note):|^\s*\[std|^\s*---|^\S", line):
            break
        elif current is not None:
            continued = line.strip(" \u2502^")
            current = f"{current} {continued}".rstrip()
    if current:
        yield current


def _inside_build(lines: list[str]) -> str | None:
    """Return the last error that a build printed into the program's output."""
    for line in reversed(lines):
        bare = line.lstrip(" \u2502")
        indented = bare != line
        if indented and _BUILD_ERROR.match(bare) and not bare.removeprefix("error: ").startswith(_EMPTY_WORDS):
            candidate = bare.removeprefix("ERROR: ")
            if not candidate.startswith(_EMPTY_WORDS):
                return candidate
    return None


def _summary(lines: list[str]) -> tuple[str, str]:
    """Return what pip's own form of an error says last, and its detail: a code, then "x what", then "-> detail"."""
    for place in range(len(lines) - 1, -1, -1):
        if lines[place].lstrip().startswith("\u00d7 "):
            following = next((line for line in lines[place + 1 :] if line.lstrip().startswith("\u2570\u2500> ")), "")
            return lines[place].lstrip(" \u00d7"), following.lstrip(" \u2570\u2500>").strip()
    return "", ""


def _joined(text: str, reason: str | None) -> str:
    return f"{text.rstrip('. ')}: {reason}" if reason else text


def _last(lines: list[str]) -> str | None:
    telling = [
        line.strip() for line in lines if line.strip() and not re.match(r"\s*(?:note|hint|tip|\[notice\])\b", line)
    ]
    return telling[-1] if telling else None
