"""Requirements files, as pip reads them ("Requirements File Format", pip's documentation)."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ipy_envmagic.environments.distributions import normalise
from ipy_envmagic.errors import EnvMagicError
from ipy_envmagic.requirements.asked_for import Wanted
from ipy_envmagic.requirements.text import read_text

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["of_requirements"]

_COMMENT = re.compile(r"(?:^|\s+)#.*$")
_CONTINUED = re.compile(r"\\\r?\n")
_NESTED = re.compile(r"(?P<option>-r|-c|--requirement|--constraint)(?:\s*=?\s*)(?P<file>.+)")
_EDITABLE = re.compile(r"(?:-e|--editable)(?:\s*=?\s*)(?P<place>.+)")
_OPTIONS = re.compile(r"\s+--?[A-Za-z].*$")  # after a requirement: --hash, --config-settings
_VARIABLE = re.compile(r"\$\{([A-Z0-9_]+)\}")
_EGG = re.compile(r"[#&]egg=([A-Za-z0-9._-]+)")
_NAME = re.compile(r"\s*([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*(\[[^\]]*\])?\s*(.*)", re.DOTALL)
_CLAUSES = re.compile(r"\(?\s*((?:[<>=!~]=?=?\s*[^,;()\s]+\s*,?\s*)*)\)?\s*(;.*)?", re.DOTALL)
_WHEEL = re.compile(r"(?:^|[/\\])(?P<name>[A-Za-z0-9._]+)-(?P<version>[^-/\\]+)-[^/\\]*\.whl$")
_PROJECT_NAME = re.compile(r"""^\s*name\s*=\s*["']?([A-Za-z0-9._-]+)["']?\s*$""", re.MULTILINE)


@dataclass(slots=True)
class _Found:
    requirements: list[str] = field(default_factory=list)
    constraints: dict[str, str] = field(default_factory=dict)
    seen: set[str] = field(default_factory=set)


def of_requirements(path: str, environ: Mapping[str, str]) -> Wanted:
    """Return the requirements of a file and of those that it names with ``-r``, narrowed by those of ``-c``.

    Parameters
    ----------
    path : str
        The file.
    environ : mapping of str to str
        Variables for ``${NAME}``.

    Raises
    ------
    EnvMagicError
        A file cannot be read, or is not text.
    """
    found = _Found()
    _read(path, environ, found, as_constraints=False)
    return Wanted(tuple(_narrowed(one, found.constraints) for one in found.requirements), source=path)


def _read(path: str, environ: Mapping[str, str], found: _Found, *, as_constraints: bool) -> None:
    real = os.path.realpath(path)
    if real in found.seen:
        return
    found.seen.add(real)
    for line in _CONTINUED.sub("", read_text(path)).splitlines():
        written = _VARIABLE.sub(lambda match: environ.get(match[1], match[0]), _COMMENT.sub("", line)).strip()
        nested, editable = _NESTED.fullmatch(written), _EDITABLE.fullmatch(written)
        if nested:
            if "://" in nested["file"]:
                raise EnvMagicError(
                    f"{path} names {nested['file']}, which is not on this machine; save it beside the file."
                )
            inside = os.path.join(os.path.dirname(path), nested["file"].strip().strip("'\""))
            _read(inside, environ, found, as_constraints=as_constraints or nested["option"] in {"-c", "--constraint"})
        elif editable:
            name = _name_of(editable["place"].strip().strip("'\""), os.path.dirname(path))
            if name and not as_constraints:
                found.requirements.append(name)
        elif written and not written.startswith("-"):
            _keep(_OPTIONS.sub("", written), os.path.dirname(path), found, as_constraints=as_constraints)


def _keep(text: str, folder: str, found: _Found, *, as_constraints: bool) -> None:
    if as_constraints:
        match = _NAME.fullmatch(text)
        clauses = _CLAUSES.fullmatch(match[3]) if match else None
        if match and clauses and clauses[1]:
            key = normalise(match[1])
            found.constraints[key] = ",".join(
                filter(None, (found.constraints.get(key), clauses[1].strip().rstrip(",")))
            )
        return
    bare = "://" in text and " @ " not in text and "@" not in text.partition("://")[0]
    found.requirements.append((_name_of(text, folder) or text) if bare or _is_path(text) else text)


def _narrowed(text: str, constraints: Mapping[str, str]) -> str:
    """Add what a constraint file says of the same name."""
    match = _NAME.fullmatch(text)
    more = constraints.get(normalise(match[1])) if match else None
    clauses = _CLAUSES.fullmatch(match[3]) if match and more else None
    if match is None or clauses is None:
        return text
    said = ",".join(filter(None, (clauses[1].strip().rstrip(","), more)))
    return f"{match[1]}{match[2] or ''}{said}{(clauses[2] or '') and ' ' + clauses[2]}"


def _name_of(place: str, folder: str) -> str | None:
    """Return what a path or an address installs: as it says itself, as a wheel is called, as a project's file says."""
    egg = _EGG.search(place)
    if egg:
        return egg[1]
    wheel = _WHEEL.search(place.partition("#")[0].partition("?")[0])
    if wheel:
        return f"{wheel['name'].replace('_', '-')}=={wheel['version']}"
    path, _, extras = place.removeprefix("file://").partition("[")
    root = os.path.join(folder, path)
    for name, section in (("pyproject.toml", "[project]"), ("setup.cfg", "[metadata]")):
        try:
            with open(os.path.join(root, name), encoding="utf-8", errors="replace") as file:
                after = file.read().partition(section)[2].partition("\n[")[0]
        except (OSError, ValueError):
            continue
        match = _PROJECT_NAME.search(after)
        if match:
            return match[1] + (f"[{extras}" if extras else "")
    return None


def _is_path(text: str) -> bool:
    return text.startswith((".", "/", "~")) or text.endswith((".whl", ".tar.gz", ".zip"))
