"""What differs between this kernel's environment and another, and the line that brings them together."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

from ipy_envmagic.checks.listing import Listing
from ipy_envmagic.checks.whole import same_prefix
from ipy_envmagic.environments import conda_meta
from ipy_envmagic.environments.distributions import installed, installer, normalise

if TYPE_CHECKING:
    from ipy_envmagic.checks.session import Session
    from ipy_envmagic.environments.environment import Environment

__all__ = ["difference"]

_KINDS = ("other version", "only there", "only here", "other installer")


def difference(environment: Environment, other: Environment, session: Session) -> Listing:
    """Compare what is installed for this kernel with what is installed in another environment.

    Parameters
    ----------
    environment : Environment
        The kernel's.
    other : Environment
        The other one.
    session : Session
        What the kernel's process knows.

    Returns
    -------
    Listing
        A row for each distribution that differs; the lines bring both together.
    """
    here, there = _contents(environment), _contents(other)
    rows = []
    for key in sorted(here.keys() | there.keys()):
        mine, theirs = here.get(key), there.get(key)
        kind = _kind(mine, theirs)
        if kind is not None:
            rows.append({"name": (mine or theirs or {})["name"], "kind": kind, "here": mine, "there": theirs})
    rows.sort(key=lambda row: (_KINDS.index(row["kind"]), normalise(row["name"])))
    pythons = [".".join(map(str, one.version[:2])) for one in (environment, other)]
    notes = [f"This kernel has Python {pythons[0]}, the other {pythons[1]}."] if pythons[0] != pythons[1] else []
    return Listing(
        _verdict(rows, environment, other),
        ("Differs", "Distribution", "Here", "There"),
        tuple((row["kind"], row["name"], _told(row["here"]), _told(row["there"])) for row in rows),
        lines=_lines(rows, environment, other),
        notes=tuple(notes),
        data={
            "here": {"prefix": environment.prefix, "python": ".".join(map(str, environment.version))},
            "there": {"prefix": other.prefix, "python": ".".join(map(str, other.version))},
            "differences": rows,
        },
        home=session.home,
    )


def _contents(environment: Environment) -> dict[str, dict[str, Any]]:
    """Return name, version and installer of each distribution, and of what conda has without Python's metadata."""
    found: dict[str, dict[str, Any]] = {}
    for key, one in installed(environment.site_directories).items():
        found[key] = {"name": one.name, "version": one.version, "installer": installer(one)}
    if environment.is_conda:
        for name, version in conda_meta.installed(environment.prefix).items():
            found.setdefault(
                normalise(name), {"name": name, "version": version.partition(" ")[0], "installer": "conda"}
            )
    return found


def _kind(mine: dict[str, Any] | None, theirs: dict[str, Any] | None) -> str | None:
    if mine is None or theirs is None:
        return "only there" if mine is None else "only here"
    if mine["version"] != theirs["version"]:
        return "other version"
    return "other installer" if mine["installer"] != theirs["installer"] else None


def _told(one: dict[str, Any] | None) -> str:
    if one is None:
        return ""
    return f"{one['version'] or '?'}{' (' + one['installer'] + ')' if one['installer'] else ''}"


def _lines(rows: list[dict[str, Any]], environment: Environment, other: Environment) -> tuple[str, ...]:
    """Write the lines that bring here what is there, and there what is only here: by conda what conda brought."""
    wanted: dict[str, list[str]] = {"conda": [], "pip": []}
    for row in rows:
        theirs = row["there"]
        if row["kind"] in {"other version", "only there"} and theirs["version"]:
            by = "conda" if environment.is_conda and theirs["installer"] == "conda" else "pip"
            pin = "=" if by == "conda" else "=="
            wanted[by].append(shlex.quote(f"{row['name']}{pin}{theirs['version']}"))
    lines = [f"%{by} install {' '.join(words)}" for by, words in wanted.items() if words]
    missing = [
        shlex.quote(f"{row['name']}=={row['here']['version']}")
        for row in rows
        if row["kind"] == "only here" and row["here"]["installer"] != "conda" and row["here"]["version"]
    ]
    if missing and other.executable:
        lines.append(f"!{shlex.quote(other.executable)} -m pip install {' '.join(missing)}")
    return tuple(lines)


def _verdict(rows: list[dict[str, Any]], environment: Environment, other: Environment) -> str:
    if same_prefix(environment.prefix, other.prefix):
        return f"{other.prefix} is this kernel's own environment"
    if not rows:
        return f"the same is installed here and in {other.prefix}"
    counts = {kind: sum(row["kind"] == kind for row in rows) for kind in _KINDS}
    told = ", ".join(f"{count} {kind}" for kind, count in counts.items() if count)
    return f"here and {other.prefix} differ: {told}"
