"""The lines that bring distributions and conda packages back to what they were; nothing is run here."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ipy_envmagic.commands.secrets import MASK

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

__all__ = ["Plan", "Step", "conda_lines", "plan"]

_OURS = frozenset({"pip", "uv", "conda", "poetry", "pdm", "flit", "hatch", None})


@dataclass(frozen=True, slots=True)
class Step:
    """One line: the program, and its words."""

    program: str
    words: tuple[str, ...]

    def __str__(self) -> str:
        import shlex  # noqa: PLC0415 only a plan that is shown needs it

        return f"%{self.program} {shlex.join(self.words)}"


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done, and what cannot be.

    Parameters
    ----------
    steps : tuple of Step
        In their order.
    refused : tuple of str
        A reason for each thing that cannot be had again; with one of them nothing is to be done.
    """

    steps: tuple[Step, ...] = ()
    refused: tuple[str, ...] = ()


def plan(rows: Iterable[Mapping[str, Any]], exists: Callable[[str], bool] = os.path.exists) -> Plan:
    """Plan the way back.

    Parameters
    ----------
    rows : iterable of dict
        As of `ipy_envmagic.run.history.net`: "name", "source", "before" (what is to be) and "after" (what is).
    exists : callable
        Whether a path is there.

    Returns
    -------
    Plan
        What is to go is removed first, in one line for each program; then what is to come is installed, without
        dependencies, in one line for each set of places to look in.
    """
    refused: list[str] = []
    away: dict[str, list[str]] = {"conda": [], "pip": []}
    wanted: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for row in rows:
        source, name, before = str(row["source"]), str(row["name"]), row["before"]
        if before is None:
            away[source].append(name)
        elif source == "conda":
            wanted.setdefault(("conda", ()), []).append(_of_conda(name, before))
        else:
            words, options, reason = _of_pip(name, before, exists)
            if reason:
                refused.append(reason)
            else:
                wanted.setdefault(("pip", options), []).extend(words)
    steps: list[Step] = []
    if away["pip"]:
        steps.append(Step("pip", ("uninstall", "--yes", *sorted(away["pip"]))))
    if away["conda"]:
        steps.append(Step("conda", ("remove", "--force", *sorted(away["conda"]))))
    for (program, options), asked in sorted(wanted.items()):
        if program == "conda":
            steps += conda_lines(asked)
        else:
            steps.append(Step("pip", ("install", "--no-deps", "--force-reinstall", *options, *asked)))
    return Plan(tuple(steps), tuple(refused))


def conda_lines(specs: Sequence[str]) -> list[Step]:
    """Return the lines for packages of conda's: files named by their address are linked as they are, with no solver."""
    addresses = [one for one in specs if "://" in one]
    names = [one for one in specs if "://" not in one]
    lines = [Step("conda", ("install", *addresses))] if addresses else []
    return [*lines, *([Step("conda", ("install", "--no-deps", *names))] if names else [])]


def _of_conda(name: str, before: Mapping[str, Any]) -> str:
    origin = before.get("origin") or {}
    url, md5 = origin.get("url"), origin.get("md5")
    if isinstance(url, str) and "://" in url and MASK not in url:
        return f"{url}#{md5}" if isinstance(md5, str) and md5 else url
    return f"{name}={before.get('version')}={before.get('build')}"


def _of_pip(
    name: str, before: Mapping[str, Any], exists: Callable[[str], bool]
) -> tuple[tuple[str, ...], tuple[str, ...], str]:
    """Return the words for one distribution, the options they need, and why it cannot be had, "" where it can."""
    version, origin = before.get("version"), before.get("origin") or {}
    kind = origin.get("kind")
    named = f"{name} {version}"
    if before.get("installer") not in _OURS:
        return (), (), f"{named} was put there by {before.get('installer')}, which only that can do again"
    if kind == "index":
        if not isinstance(version, str) or not version:
            return (), (), f"the version of {name} is not known"
        options = tuple(one for one in origin.get("options") or () if isinstance(one, str))
        return (f"{name}=={version}",), options, ""
    if kind in {"editable", "folder"}:
        path = str(origin.get("path", ""))
        if not any(exists(os.path.join(path, file)) for file in ("pyproject.toml", "setup.py")):
            return (), (), f"{named} was installed from {path}, which is no project any more"
        return (("--editable", path) if kind == "editable" else (path,)), (), ""
    url = str(origin.get("url", ""))
    if MASK in url or not url:
        return (), (), f"{named} came from an address with a password, which is not kept"
    if kind == "vcs":
        return (f"{name} @ {origin.get('vcs')}+{url}@{origin.get('commit')}",), (), ""
    digest = origin.get("hash")
    if not isinstance(digest, str) or "=" not in digest:
        return (), (), f"{named} came from {url} without a hash: what is there now may be something else"
    if url.startswith("file://") and not exists(_path_of(url)):
        return (), (), f"{named} was installed from {_path_of(url)}, which is gone"
    part = origin.get("subdirectory")
    return (f"{name} @ {url}#{digest}{f'&subdirectory={part}' if part else ''}",), (), ""


def _path_of(url: str) -> str:
    from urllib.parse import unquote, urlsplit  # noqa: PLC0415 only a local file needs it

    return unquote(urlsplit(url).path)
