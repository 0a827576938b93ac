"""What a distribution requires, read fast: most lines are plain, and only the others are given to `packaging`.

Importing `packaging.requirements` costs more than a whole check. What is decided here is decided as `packaging` does.
"""

from __future__ import annotations

import functools
import os
import re
import sys
from typing import TYPE_CHECKING, NamedTuple

from ipy_envmagic.environments.distributions import normalise

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ipy_envmagic.environments.distributions import Distribution

__all__ = ["Needed", "Needs", "applies", "needs_of", "parse", "satisfies", "wanted_by"]

_LINE = re.compile(
    r"\s*(?P<name>[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*(?:\[(?P<extras>[^\]]*)\])?\s*"
    r"(?P<open>\()?(?P<specifier>[^;()@]*)(?(open)\))\s*(?:;(?P<marker>.*))?"
)
_CLAUSE = re.compile(r"\s*(===|==|~=|!=|<=|>=|<|>)\s*([^\s,;()=<>!~][^\s,;()]*)\s*")
_PLAIN = re.compile(r"v?(\d+(?:\.\d+)*)(?:\.post(\d+))?(?:\+[a-z0-9.]+)?", re.IGNORECASE)
_NUMBER = re.compile(
    r"(\d+(?:\.\d+)*)((?:[-_.]?(?:a|b|c|rc|alpha|beta|pre)[-_.]?\d*)?(?:[-_.]?dev[-_.]?\d*)?)", re.IGNORECASE
)
_MARKER = re.compile(r"""\s*\(?\s*(\w+)\s*(===?|!=|<=|>=|<|>)\s*(?:"([^"]*)"|'([^']*)')\s*\)?\s*""")
_HEADER = re.compile(rb"^(Requires-Dist|Requires-Python):[ \t]*([^\r\n]*)", re.MULTILINE | re.IGNORECASE)
_HEAD = 1 << 14
_LIMIT = 1 << 20
_MOST = 4096  # distributions that are remembered


class Needed(NamedTuple):
    """One requirement: its normalised name, its name as written, extras, specifier and marker, "" where none is."""

    key: str
    name: str
    extras: tuple[str, ...]
    specifier: str
    marker: str


class Needs(NamedTuple):
    """What a distribution says it needs: its requirements, the lines of its extras unread, a specifier for Python."""

    always: tuple[Needed, ...]
    with_extras: tuple[str, ...]
    python: str


_NOTHING = Needs((), (), "")
_known: dict[str, tuple[tuple[int, int], Needs]] = {}


def needs_of(distribution: Distribution) -> Needs:
    """Read what a distribution needs; remembered as long as its METADATA is the same.

    Parameters
    ----------
    distribution : Distribution
        One with a ``.dist-info``; of others nothing is known here.
    """
    path = f"{distribution.path}{os.sep}METADATA"
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return _NOTHING
    stamp = (status.st_mtime_ns, status.st_size)
    remembered = _known.get(path)
    if remembered is not None and remembered[0] == stamp:
        return remembered[1]
    needs = _read(path)
    if len(_known) >= _MOST:
        _known.clear()
    _known[path] = (stamp, needs)
    return needs


@functools.lru_cache(maxsize=8192)
def parse(line: str) -> Needed | None:
    """Read a requirement (PEP 508).

    Parameters
    ----------
    line : str
        As in ``Requires-Dist``.

    Returns
    -------
    Needed or None
        None for what no tool can read.
    """
    match = _LINE.fullmatch(line)
    if match is None:
        return _parse_slowly(line)
    specifier = match["specifier"].strip()
    if specifier and not all(_CLAUSE.fullmatch(clause) for clause in specifier.rstrip(",").split(",")):
        return _parse_slowly(line)
    name = match["name"]
    extras = tuple(normalise(extra.strip()) for extra in (match["extras"] or "").split(",") if extra.strip())
    return Needed(
        normalise(name), name, extras, re.sub(r"\s", "", specifier).rstrip(","), (match["marker"] or "").strip()
    )


@functools.lru_cache(maxsize=8192)
def satisfies(version: str, specifier: str) -> bool:
    """Whether a version that is installed satisfies a specifier (PEP 440); pre-releases do where their number does.

    Parameters
    ----------
    version : str
        One that PEP 440 cannot read satisfies no specifier but an empty one.
    specifier : str
        Clauses with commas between them.
    """
    if not specifier:
        return True
    plain = _PLAIN.fullmatch(version)
    if plain is not None:
        answers = [_fits(plain, clause) for clause in specifier.split(",")]
        if None not in answers:
            return all(answers)
    from packaging.specifiers import InvalidSpecifier, SpecifierSet  # noqa: PLC0415 (rarely needed, slow to load)
    from packaging.version import InvalidVersion  # noqa: PLC0415

    try:
        return SpecifierSet(specifier).contains(version, prereleases=True)
    except (InvalidSpecifier, InvalidVersion):
        return False


@functools.lru_cache(maxsize=4096)
def applies(marker: str, version: tuple[int, int, int], platform: str, extra: str = "") -> bool:
    """Whether a marker (PEP 508) is true.

    Parameters
    ----------
    marker : str
        "" is always true.
    version : tuple of int
        Of the Python.
    platform : str
        As `sys.platform`.
    extra : str
        The extra that was asked for, normalised.
    """
    if not marker:
        return True
    if " or " not in marker and " not " not in marker:
        answers = [_holds(clause, version, platform, extra) for clause in marker.split(" and ")]
        if None not in answers:
            return all(answers)
        if False in answers and marker.count("(") == marker.count(")") == 0:
            return False
    return _applies_slowly(marker, version, platform, extra)


def _read(path: str) -> Needs:
    head = b""
    try:
        with open(path, "rb", buffering=0) as file:
            while len(head) < _LIMIT and (chunk := file.read(_HEAD)):
                head += chunk
                end = head.find(b"\n\n") if b"\r" not in head else head.find(b"\n\r\n")
                if end >= 0:
                    head = head[: end + 1]
                    break
    except (OSError, ValueError):
        return _NOTHING
    always: list[Needed] = []
    with_extras: list[str] = []
    python = ""
    for header, value in _HEADER.findall(head):
        text = value.decode("utf-8", "replace").strip()
        if header.lower() == b"requires-python":
            python = text.replace(" ", "")
            continue
        if "extra" in text.partition(";")[2]:
            with_extras.append(text)  # most distributions have many, and few are asked for
        elif (needed := parse(text)) is not None:
            always.append(needed)
    return Needs(tuple(always), tuple(with_extras), python)


def _parse_slowly(line: str) -> Needed | None:
    from packaging.requirements import InvalidRequirement, Requirement  # noqa: PLC0415 (rarely needed, slow to load)

    try:
        found = Requirement(line)
    except InvalidRequirement:
        return None
    extras = tuple(sorted(map(normalise, found.extras)))
    return Needed(normalise(found.name), found.name, extras, str(found.specifier), str(found.marker or ""))


def _fits(version: re.Match[str], clause: str) -> bool | None:
    """Compare a plain version with one clause; None where that is not plain."""
    match = _CLAUSE.fullmatch(clause)
    if match is None:
        return None
    operator, wanted = match[1], match[2]
    is_prefix = wanted.endswith(".*")
    wanted = wanted[:-2] if is_prefix else wanted
    number = _NUMBER.fullmatch(wanted)
    if operator == "===" or number is None or (is_prefix and (number[2] or operator not in {"==", "!="})):
        return None
    release, post = _release(version[1]), int(version[2]) if version[2] is not None else -1
    other = _release(number[1])
    before = -2 if number[2] else -1  # a pre-release comes before its release, that before its post-releases
    length = max(len(release), len(other))
    mine = (*release, *[0] * (length - len(release)))
    theirs = (*other, *[0] * (length - len(other)))
    if is_prefix:
        return (mine[: len(other)] == other) == (operator == "==")
    if operator == "~=":
        if len(other) == 1:
            return None
        return (mine, post) >= (theirs, before) and mine[: len(other) - 1] == other[:-1]
    if operator in {"==", "!="}:
        return ((mine, post) == (theirs, before)) == (operator == "==")
    if operator == ">":  # a post-release is not above the release it is of
        if mine != theirs or not number[2]:
            return mine > theirs
        return True if version[2] is None and "+" not in version[0] else None  # versions of packaging differ
    at_least, below = (mine, post) >= (theirs, before), mine < theirs
    return {"<": below, "<=": (mine, post) <= (theirs, before), ">=": at_least}[operator]


@functools.lru_cache(maxsize=8192)
def _release(text: str) -> tuple[int, ...]:
    return tuple(map(int, text.split(".")))


def _holds(clause: str, version: tuple[int, int, int], platform: str, extra: str) -> bool | None:
    """Evaluate one clause of a marker; None where it is not plain."""
    match = _MARKER.fullmatch(clause)
    if match is None:
        return None
    variable, operator = match[1], match[2]
    value = match[3] if match[3] is not None else match[4]
    if variable == "extra":
        same = normalise(value) == extra
        return same if operator == "==" else not same if operator == "!=" else None
    if variable in {"python_version", "python_full_version"}:
        mine = version[:2] if variable == "python_version" else version
        plain = _PLAIN.fullmatch(".".join(map(str, mine)))
        return _fits(plain, operator + value) if plain and operator != "===" else None
    known = _known_variable(variable, platform)
    if known is None or operator not in {"==", "!="}:
        return None
    return (known == value) == (operator == "==")


def _known_variable(variable: str, platform: str) -> str | None:
    if variable == "sys_platform":
        return platform
    if variable == "platform_system":
        return {"linux": "Linux", "darwin": "Darwin", "win32": "Windows"}.get(platform)
    if variable == "os_name":
        return "nt" if platform == "win32" else "posix"
    if variable == "implementation_name":
        return sys.implementation.name
    if variable == "platform_python_implementation":
        return "CPython" if sys.implementation.name == "cpython" else None
    if variable == "platform_machine" and hasattr(os, "uname"):
        return os.uname().machine
    return None


def _applies_slowly(marker: str, version: tuple[int, int, int], platform: str, extra: str) -> bool:
    from packaging.markers import InvalidMarker, Marker, UndefinedComparison, UndefinedEnvironmentName  # noqa: PLC0415
    from packaging.version import InvalidVersion  # noqa: PLC0415

    where = {"python_version": f"{version[0]}.{version[1]}", "python_full_version": ".".join(map(str, version))}
    where |= {"sys_platform": platform, "extra": extra}
    try:
        return Marker(marker).evaluate(where)
    except (InvalidMarker, InvalidVersion, UndefinedComparison, UndefinedEnvironmentName):
        return False


def wanted_by(needs: Needs, extras: Iterable[str], version: tuple[int, int, int], platform: str) -> tuple[Needed, ...]:
    """Return the requirements that hold for a Python, with those of some extras.

    Parameters
    ----------
    needs : Needs
        Of a distribution.
    extras : iterable of str
        Normalised names.
    version, platform
        As for `applies`.
    """
    always = (one for one in needs.always if not one.marker or applies(one.marker, version, platform))
    chosen = (
        one
        for extra in extras
        for line in needs.with_extras
        if (one := parse(line)) is not None and applies(one.marker, version, platform, extra)
    )
    return (*always, *chosen)
