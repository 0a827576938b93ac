"""An environment as a lock file: pylock.toml (PEP 751), and beside it an explicit list of conda's packages."""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ipy_envmagic.environments.distributions import normalise
from ipy_envmagic.errors import EnvMagicError
from ipy_envmagic.requirements.text import read_text, read_toml

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

__all__ = ["Locked", "conda_path", "read", "read_conda", "to_conda", "to_toml"]

_NAME = re.compile(r"pylock(?:\.[^.]+)?\.toml")
_TOOL = "ipy_envmagic"
_EXPLICIT = "@EXPLICIT"


@dataclass(frozen=True, slots=True)
class Locked:
    """One distribution of a lock file.

    Parameters
    ----------
    name, version : str
        What it is.
    kind : str
        "index", "archive", "vcs", "editable" or "folder".
    files : tuple of (str, str, str)
        Of "index": file name, address or path, and SHA-256 of each wheel and source distribution.
    origin : mapping
        Of the other kinds: as in the journal.
    options : tuple of str
        Those that say where an installer finds it.
    """

    name: str
    version: str | None
    kind: str
    files: tuple[tuple[str, str, str], ...] = ()
    origin: Mapping[str, Any] | None = None
    options: tuple[str, ...] = ()


def conda_path(path: str) -> str:
    """Return where the list of conda's packages stands: beside ``pylock.x.toml`` it is ``pylock.x.conda.txt``."""
    return f"{path.removesuffix('.toml')}.conda.txt"


def check_name(path: str) -> None:
    """Refuse a name that no tool takes for a lock file's.

    Raises
    ------
    EnvMagicError
        With the name that it takes (PEP 751, "File Name").
    """
    if not _NAME.fullmatch(os.path.basename(path)):
        raise EnvMagicError(f"{path} is no name of a lock file; write pylock.toml, or pylock.NAME.toml")


def to_toml(packages: Iterable[Locked], python: str, created_by: str) -> str:
    """Write a lock file.

    Parameters
    ----------
    packages : iterable of Locked
        What is in it.
    python : str
        The version specifier of the Python that it is for.
    created_by : str
        The program's name.
    """
    lines = ['lock-version = "1.0"', f"requires-python = {_text(python)}", f"created-by = {_text(created_by)}"]
    found = sorted(packages, key=lambda one: normalise(one.name))
    lines += [] if found else ["packages = []"]
    for one in found:
        lines += ["", "[[packages]]", f"name = {_text(normalise(one.name))}"]
        lines += [f"version = {_text(one.version)}"] if one.version and one.kind == "index" else []
        lines += list(_source(one))
        if one.options or (one.kind != "index" and one.version):
            lines += ["", f"[packages.tool.{_TOOL}]"]
            lines += [f"options = [{', '.join(map(_text, one.options))}]"] if one.options else []
            lines += [f"version = {_text(one.version)}"] if one.kind != "index" and one.version else []
    return "\n".join(lines) + "\n"


def to_conda(urls: Sequence[str]) -> str:
    """Write an explicit list of conda's, as ``conda list --explicit --md5`` does."""
    return "\n".join([_EXPLICIT, *urls]) + "\n"


def read(path: str) -> list[Locked]:
    """Read a lock file.

    Parameters
    ----------
    path : str
        A pylock.toml, ours or another program's.

    Raises
    ------
    EnvMagicError
        In one line: what is wrong with it.
    """
    table = read_toml(read_text(path), path)
    if str(table.get("lock-version", "")).partition(".")[0] != "1":
        raise EnvMagicError(f"{path} is no lock file of version 1 (PEP 751)")
    packages = table.get("packages")
    if not isinstance(packages, list):
        raise EnvMagicError(f"{path} has no packages")
    return [_read(one, path) for one in packages]


def read_conda(path: str) -> list[str]:
    """Read an explicit list of conda's: the addresses of the packages; none where there is no such file.

    Raises
    ------
    EnvMagicError
        It is another kind of file.
    """
    if not os.path.exists(path):
        return []
    lines = [line.strip() for line in read_text(path).splitlines()]
    found = [line for line in lines if line and not line.startswith("#")]
    if not found or found[0] != _EXPLICIT or not all("://" in line for line in found[1:]):
        raise EnvMagicError(f"{path} is no explicit list of conda's ({_EXPLICIT}, then an address a line)")
    return found[1:]


def _source(one: Locked) -> Iterable[str]:
    origin = one.origin or {}
    if one.kind in {"editable", "folder"}:
        editable = ", editable = true" if one.kind == "editable" else ""
        yield f"directory = {{ path = {_text(str(origin['path']))}{editable} }}"
    elif one.kind == "vcs":
        pairs = ("type", origin["vcs"]), ("url", origin["url"]), ("commit-id", origin["commit"])
        yield f"vcs = {{ {', '.join(f'{key} = {_text(str(value))}' for key, value in pairs)} }}"
    elif one.kind == "archive":
        algorithm, _, digest = str(origin["hash"]).partition("=")
        yield f"archive = {{ url = {_text(str(origin['url']))}, hashes = {{ {algorithm} = {_text(digest)} }} }}"
    else:
        wheels = [file for file in one.files if file[0].endswith(".whl")]
        if wheels:
            yield f"wheels = [{', '.join(map(_file, wheels))}]"
        for file in one.files:
            if not file[0].endswith(".whl"):
                yield f"sdist = {_file(file)}"


def _file(file: tuple[str, str, str]) -> str:
    name, place, digest = file
    key = "url" if "://" in place else "path"
    return f"{{ name = {_text(name)}, {key} = {_text(place)}, hashes = {{ sha256 = {_text(digest)} }} }}"


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=True)  # what JSON writes so is a basic string of TOML


def _read(table: Any, path: str) -> Locked:
    if not isinstance(table, dict) or not isinstance(table.get("name"), str):
        raise EnvMagicError(f"{path} has a package without a name")
    name, version = table["name"], table.get("version")
    tool = table.get("tool", {}).get(_TOOL, {}) if isinstance(table.get("tool"), dict) else {}
    tool = tool if isinstance(tool, dict) else {}
    options = tuple(one for one in tool.get("options", ()) if isinstance(one, str))
    version = version if isinstance(version, str) else tool.get("version")
    folder = os.path.dirname(os.path.abspath(path))
    try:
        if isinstance(place := table.get("directory"), dict):
            origin = {"path": os.path.join(folder, place["path"])}
            return Locked(name, version, "editable" if place.get("editable") else "folder", (), origin)
        if isinstance(vcs := table.get("vcs"), dict):
            origin = {"vcs": vcs["type"], "url": vcs["url"], "commit": vcs["commit-id"]}
            return Locked(name, version, "vcs", (), origin)
        if isinstance(archive := table.get("archive"), dict):
            algorithm, digest = next(iter(archive["hashes"].items()))
            place = archive.get("url") or "file://" + os.path.join(folder, archive["path"])
            return Locked(name, version, "archive", (), {"url": place, "hash": f"{algorithm}={digest}"})
        files = [*table.get("wheels", ()), *([table["sdist"]] if "sdist" in table else ())]
        found = []
        for one in files:
            place = one.get("url") or os.path.join(folder, one["path"])
            found.append((str(one.get("name") or place.rpartition("/")[2]), place, str(one["hashes"]["sha256"])))
    except (KeyError, TypeError, AttributeError, StopIteration) as error:
        raise EnvMagicError(f"{path}: the source of {name} cannot be read ({error})") from None
    if not found or not isinstance(version, str):
        raise EnvMagicError(f"{path} does not say from where {name} comes, or its version")
    return Locked(name, version, "index", tuple(found), None, options)
