"""The journal: a line for each change of an environment, and what was there after the last of them.

``history.jsonl`` has one JSON object a line and only grows; ``state.json`` is what the environment was after the last
line, so that what others do in between is noticed, and told in a line of its own.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from typing import TYPE_CHECKING, Any

from ipy_envmagic.commands.secrets import mask
from ipy_envmagic.environments import conda_meta, distributions
from ipy_envmagic.run import state

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ipy_envmagic.environments.distributions import Distribution
    from ipy_envmagic.environments.environment import Environment
    from ipy_envmagic.run.changes import Snapshot

__all__ = ["Described", "append", "changed", "describe", "last_state", "lines", "net", "write_state"]

SCHEMA = 1
LARGEST = 5_000_000  # bytes of a journal before it becomes the old one
_SOURCES = ("conda", "pip")
_NAME, _OLD, _STATE = "history.jsonl", "history.1.jsonl", "state.json"

Described = dict[str, dict[str, dict[str, Any]]]
"""By source ("pip", "conda") and name: "name", "version", "installer", "origin" and "stamp"."""


def describe(environment: Environment, snapshot: Snapshot, known: Described, options: Sequence[str] = ()) -> Described:
    """Say of everything that is installed who brought it and from where.

    Parameters
    ----------
    environment : Environment
        Where.
    snapshot : Snapshot
        What is there.
    known : dict
        What was described before: what has not changed since is taken from there.
    options : sequence of str
        The options that say where the installer looked; they are the origin of what it has just brought.
    """
    found: Described = {"pip": {}, "conda": {}}
    by_conda = {distributions.normalise(name) for name in snapshot.conda}
    for key, one in snapshot.distributions.items():
        stamp: list[Any] = list(snapshot.stamps[key])
        told = known.get("pip", {}).get(key)
        if told is None or told.get("stamp") != stamp or told.get("version") != one.version:
            told = _describe(one, stamp, options)
        if not (told["installer"] == "conda" or (told["installer"] is None and key in by_conda)):
            found["pip"][key] = told
    before = known.get("conda", {})
    is_known = all(before.get(name, {}).get("stamp") == [text] for name, text in snapshot.conda.items())
    sources = {} if is_known else conda_meta.sources(environment.prefix)
    for name, text in snapshot.conda.items():
        found["conda"][name] = before[name] if is_known else _of_conda(name, text, sources.get(name, {}))
    return found


def changed(before: Described, after: Described) -> list[dict[str, Any]]:
    """List what differs, by name: "name", "source", "before" and "after" (None where it was or is not there)."""
    rows = []
    for source in _SOURCES:
        one, other = before.get(source, {}), after.get(source, {})
        for key in sorted(one.keys() | other.keys()):
            was, now = one.get(key), other.get(key)
            if was is None or now is None or _identity(was) != _identity(now):
                name = str((now or was or {}).get("name", key))
                rows.append({"name": name, "source": source, "before": _public(was), "after": _public(now)})
    return rows


def append(folder: str, line: Mapping[str, Any]) -> dict[str, Any]:
    """Write a line.

    Parameters
    ----------
    folder : str
        A folder of `state`, whose lock is held.
    line : mapping
        "by", "command", "status", "outcome", "changes" and what else is to be kept; number and time are added.

    Returns
    -------
    dict
        The line as it was written.
    """
    path = os.path.join(folder, _NAME)
    last = next(_backwards(folder), {}).get("number")
    number = (last if isinstance(last, int) else 0) + 1
    whole = {"schema": SCHEMA, "number": number, "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), **line}
    text = json.dumps(whole, ensure_ascii=False, default=str)
    with contextlib.suppress(OSError):
        if os.lstat(path).st_size > LARGEST:
            os.replace(path, os.path.join(folder, _OLD))
    state.append(path, ("" if _ends_whole(path) else "\n") + text + "\n")
    return whole


def lines(folder: str) -> list[dict[str, Any]]:
    """Return the lines, the oldest first; one that was cut off or damaged is passed over.

    Parameters
    ----------
    folder : str
        A folder of `state`.
    """
    return [*_backwards(folder)][::-1]


def last_state(folder: str) -> Described | None:
    """Return what was there after the last line; None where nothing has been written down."""
    try:
        told = json.loads(state.read(os.path.join(folder, _STATE)))
        found = {source: told[source] for source in _SOURCES}
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    whole = all(
        isinstance(by_name, dict)
        and all(_is_described(one) and {"stamp", "name", "installer"} <= one.keys() for one in by_name.values())
        for by_name in found.values()
    )
    return found if whole else None


def write_state(folder: str, described: Described) -> None:
    """Write down what is there now."""
    state.write(os.path.join(folder, _STATE), json.dumps({"schema": SCHEMA, **described}, ensure_ascii=False))


def net(since: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Add up the changes of some lines: for each name what was there before the first of them, and after the last.

    Parameters
    ----------
    since : sequence of dict
        Lines, the oldest first.
    """
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for line in since:
        for change in line.get("changes", ()):
            key = change["source"], distributions.normalise(change["name"])
            if key in found:
                found[key]["after"] = change["after"]
            else:
                found[key] = dict(change)
    return [one for one in found.values() if _identity(one["before"] or {}) != _identity(one["after"] or {})]


def _describe(one: Distribution, stamp: list[Any], options: Sequence[str]) -> dict[str, Any]:
    return {
        "name": one.name,
        "version": one.version,
        "installer": distributions.installer(one),
        "origin": _origin(one, options),
        "stamp": stamp,
    }


def _of_conda(name: str, text: str, source: Mapping[str, str]) -> dict[str, Any]:
    version, _, build = text.partition(" ")
    url = mask(source.get("url", ""))
    origin = {"kind": "conda", "channel": conda_meta.channel_of(url), "url": url, "md5": source.get("md5")}
    return {
        "name": name,
        "version": version,
        "build": build,
        "installer": "conda",
        "origin": origin,
        "stamp": [text],
    }


def _origin(one: Distribution, options: Sequence[str]) -> dict[str, Any]:
    """Say from where a distribution came (PEP 610); an index is known only by the options of who installed it."""
    told = distributions.direct_url(one)
    if told is None:
        if one.path.endswith(".egg-link"):
            with contextlib.suppress(OSError, ValueError, IndexError), open(one.path, encoding="utf-8") as file:
                return {"kind": "editable", "path": file.readline().strip()}
        return {"kind": "index", "options": list(options)}
    url = str(told.get("url", ""))
    shown = mask(url)
    if isinstance(folder := told.get("dir_info"), dict):
        return {"kind": "editable" if folder.get("editable") else "folder", "path": _path_of(url)}
    if isinstance(vcs := told.get("vcs_info"), dict):
        return {"kind": "vcs", "vcs": str(vcs.get("vcs")), "url": shown, "commit": str(vcs.get("commit_id"))}
    archive = told.get("archive_info")
    archive = archive if isinstance(archive, dict) else {}
    hashes = archive.get("hashes")
    digest = f"sha256={hashes['sha256']}" if isinstance(hashes, dict) and "sha256" in hashes else archive.get("hash")
    if not digest and url.startswith("file:"):  # before pip 23.1 it wrote none; just now the file is what was installed
        digest = _digest(_path_of(url))
    part = told.get("subdirectory")
    return {"kind": "archive", "url": shown, "hash": digest, **({"subdirectory": part} if part else {})}


def _digest(path: str) -> str | None:
    import hashlib  # noqa: PLC0415 only for what old versions of pip brought

    digest = hashlib.sha256()
    try:
        if not os.path.isfile(path):  # a device has no end
            return None
        with open(path, "rb") as file:
            while piece := file.read(1 << 20):
                digest.update(piece)
    except (OSError, ValueError):
        return None
    return f"sha256={digest.hexdigest()}"


def _path_of(url: str) -> str:
    from urllib.parse import unquote, urlsplit  # noqa: PLC0415 only where something came from a folder
    from urllib.request import url2pathname  # noqa: PLC0415 as above

    try:
        return url2pathname(unquote(urlsplit(url).path) if os.name != "nt" else urlsplit(url).path)
    except ValueError:
        return url


def _identity(told: Mapping[str, Any]) -> tuple[object, ...]:
    """Return what makes two descriptions of one name the same thing."""
    origin = told.get("origin") or {}
    place = {key: value for key, value in origin.items() if key != "options"}
    return told.get("version"), told.get("build"), json.dumps(place, sort_keys=True)


def _public(told: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return None if told is None else {key: value for key, value in told.items() if key not in {"stamp", "name"}}


def _backwards(folder: str) -> Iterator[dict[str, Any]]:
    """Yield the lines, the youngest first."""
    for name in (_NAME, _OLD):
        for text in reversed(state.read(os.path.join(folder, name)).splitlines()):
            try:
                line = json.loads(text)
            except (ValueError, RecursionError):
                continue
            if _is_ours(line):
                yield line


def _is_ours(line: object) -> bool:
    """Whether a line is as we write them: others may write to the file as well."""
    if not isinstance(line, dict) or type(line.get("number")) is not int or line["number"] < 1:
        return False
    changes = line.get("changes")
    return (
        all(isinstance(line.get(key, kind()), kind) for key, kind in (("time", str), ("outcome", str), ("by", dict)))
        and isinstance(changes, list)
        and all(
            isinstance(one, dict)
            and isinstance(one.get("name"), str)
            and one.get("source") in _SOURCES
            and all(side in one and (one[side] is None or _is_described(one[side])) for side in ("before", "after"))
            for one in changes
        )
    )


def _is_described(told: object) -> bool:
    """Whether something is what `describe` says of a distribution."""
    if not isinstance(told, dict) or "version" not in told or not isinstance(told.get("origin"), dict):
        return False
    texts = (told["version"], told.get("build"), told.get("installer"), told["origin"].get("kind"))
    return all(text is None or isinstance(text, str) for text in texts) and isinstance(
        told["origin"].get("options", []), list
    )


def _ends_whole(path: str) -> bool:
    """Whether the last line has its end: a crash, or a full disk, may have cut it off."""
    try:
        with open(path, "rb") as file:
            file.seek(-1, os.SEEK_END)
            return file.read(1) == b"\n"
    except OSError:
        return True
