"""conda's side of a prefix: what it installed, which conda owns it, and whether it may be changed.

Read from ``conda-meta`` and the few files around it (CEP 22, CEP 32); nothing is started.
"""

from __future__ import annotations

import json
import ntpath
import os
import posixpath
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ipy_envmagic.environments.distributions import normalise

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ipy_envmagic.environments.environment import Environment

__all__ = [
    "CondaRecord",
    "Found",
    "channel_of",
    "find_conda",
    "frozen",
    "installed",
    "owner_of",
    "pixi_project",
    "records",
    "root_of",
]

_RECORD = re.compile(r"(?P<name>.+)-(?P<version>[^-]+)-(?P<build>[^-]+)\.json")
_SUBDIR = re.compile(r"/(?:noarch|(?:linux|osx|win|freebsd|emscripten|wasi|zos)-[\w]+)/[^/]*$")
_HISTORY_COMMAND = re.compile(r"^# cmd: (?P<command>.*)$", re.MULTILINE)
_LARGEST = 32 << 20  # bytes of one record that are read: a package of some 100,000 files


@dataclass(frozen=True, slots=True)
class Found:
    """A conda, or one of its kin, that can serve.

    Parameters
    ----------
    path : str
        The program.
    program : str
        "conda", "mamba" or "micromamba".
    how : str
        Where it was found, for the person who wonders.
    """

    path: str
    program: str
    how: str


@dataclass(frozen=True, slots=True)
class CondaRecord:
    """A package that conda put into a prefix (CEP 32).

    Parameters
    ----------
    name, version, build : str
        As in the record.
    channel : str
        The channel's name, taken from the URL: the record's own field differs by writer.
    files : tuple of str
        Relative to the prefix.
    """

    name: str
    version: str
    build: str
    channel: str
    files: tuple[str, ...]


def installed(prefix: str) -> dict[str, str]:
    """List conda's packages of a prefix from the names of their records alone.

    Returns
    -------
    dict of str to str
        "version build" by name.
    """
    found = {}
    for entry in _record_names(prefix):
        match = _RECORD.fullmatch(entry)
        if match:
            found[match["name"]] = f"{match['version']} {match['build']}"
    return found


def records(prefix: str) -> dict[str, CondaRecord]:
    """Read all records of a prefix, by name; one that is damaged is passed over."""
    found = {}
    for entry in _record_names(prefix):
        record = _read_record(os.path.join(prefix, "conda-meta", entry))
        if record is not None:
            found[record.name] = record
    return found


def owner_of(prefix: str, distribution: str) -> str | None:
    """Say which conda package brought a Python distribution that is here.

    Parameters
    ----------
    prefix : str
        The environment's.
    distribution : str
        The distribution's name, in any spelling.

    Returns
    -------
    str or None
        The package's name, which may be another than the distribution's; None where conda did not bring it.
    """
    key = normalise(distribution)
    metadata = re.compile(rf"(?:^|/){key.replace('-', '[-_.]+')}-[^/-]+\.(?:dist-info|egg-info)(?:/|$)", re.IGNORECASE)
    names = [entry for entry in _record_names(prefix) if _RECORD.fullmatch(entry)]
    names.sort(key=lambda entry: normalise(_RECORD.fullmatch(entry)["name"]) != key)  # type: ignore[index]
    for entry in names:
        text = _read(os.path.join(prefix, "conda-meta", entry))
        if not metadata.search(text.replace("\\\\", "/").replace('"', "/")):
            continue
        record = _parse_record(text)
        if record is not None and any(metadata.search(file) for file in record.files):
            return record.name
    return None


def frozen(prefix: str) -> str | None:
    """Say whether an environment is frozen (CEP 22).

    Returns
    -------
    str or None
        None where it is not; else the message of ``conda-meta/frozen``, "" where it has none.
    """
    path = os.path.join(prefix, "conda-meta", "frozen")
    if not os.path.exists(path):
        return None
    message = _object(_read(path)).get("message")
    return message if isinstance(message, str) else ""


def pixi_project(prefix: str) -> str | None:
    """Return the manifest of the pixi workspace that owns a prefix, None where it is no pixi environment.

    "" where the mark is there and names no manifest.
    """
    meta = os.path.join(prefix, "conda-meta")
    path = os.path.join(meta, "pixi")
    if not os.path.exists(path) and not os.path.exists(os.path.join(meta, "pixi_env_prefix")):
        return None
    manifest = _object(_read(path)).get("manifest_path")
    return manifest if isinstance(manifest, str) else ""


def root_of(prefix: str) -> str | None:
    """Return the conda installation that a prefix belongs to: itself, or the one whose package cache it came from."""
    return next((root for root in _roots(prefix) if os.path.isdir(root)), None)


def channel_of(url: str) -> str:
    """Take the channel's name out of a package's URL, as in ``https://host/t/TOKEN/NAME/noarch/x.conda``."""
    return _SUBDIR.sub("", url).rstrip("/").rpartition("/")[2]


# -- finding the program


def find_conda(
    environment: Environment, environ: Mapping[str, str], home: str, *, program: str = "conda"
) -> Found | None:
    """Find the conda that owns an environment, or mamba or micromamba.

    Parameters
    ----------
    environment : Environment
        The kernel's.
    environ : mapping of str to str
        The environment variables.
    home : str
        The user's home.
    program : str
        "conda", "mamba" or "micromamba". For "conda", mamba and then micromamba serve where there is none.

    Returns
    -------
    Found or None

    Notes
    -----
    In this order, each only where it is a real executable file: the variable (CONDA_EXE, MAMBA_EXE); the prefix's own;
    the root that the prefix's records point to; the command in ``conda-meta/history``; the roots in
    ``environments.txt``; the usual places; PATH. A variable that names another installation's program than the records
    do comes after those.
    """
    place = _Place(environment.prefix, environ, home, environment.platform)
    asked = (program,) if program != "conda" else ("conda", "mamba", "micromamba")
    for name in asked:
        candidates = [*_candidates(place, name)]
        usable = [(path, how) for path, how in candidates if _is_program(path, name, place)]
        if usable:
            path, how = usable[0]
            return Found(path, name, how)
    return None


@dataclass(frozen=True, slots=True)
class _Place:
    prefix: str
    environ: Mapping[str, str]
    home: str
    platform: str


def _candidates(place: _Place, name: str) -> Iterator[tuple[str, str]]:
    owners = [*_roots(place.prefix)]
    variable = _variable(place, name)
    if variable and (not owners or not _foreign(variable, owners, place, name)):
        yield variable, _variable_name(name)
    for path in _in_root(place.prefix, name, place):
        yield path, "the environment's own"
    for root in owners:
        for path in _in_root(root, name, place):
            yield path, "the installation that the environment's records name"
    if variable:
        yield variable, _variable_name(name)
    for path in _in_history(place, name):
        yield path, "conda-meta/history"
    for root in (*_from_environments_txt(place), *_usual_roots(place)):
        for path in _in_root(root, name, place):
            yield path, root
    for path in (*_usual_programs(place, name), *_on_path(place, name)):
        yield path, "PATH"


def _variable_name(name: str) -> str:
    return "CONDA_EXE" if name == "conda" else "MAMBA_EXE"


def _variable(place: _Place, name: str) -> str:
    return place.environ.get(_variable_name(name), "")


def _foreign(path: str, owners: list[str], place: _Place, name: str) -> bool:
    """Tell whether a variable names another installation's program than the environment's own, which is there too."""
    known = [one for root in owners for one in _in_root(root, name, place) if os.path.isfile(one)]
    return bool(known) and not any(
        os.path.realpath(path).startswith(os.path.realpath(root) + os.sep) for root in owners
    )


def _in_root(root: str, name: str, place: _Place) -> Iterator[str]:
    """Give where an installation, or an environment that holds it, keeps the program."""
    if place.platform != "win32":
        yield os.path.join(root, "bin", name)
        yield os.path.join(root, "condabin", name)
        return
    yield os.path.join(root, "Scripts", f"{name}.exe")
    yield os.path.join(root, "Library", "bin", f"{name}.exe")
    yield os.path.join(root, "condabin", f"{name}.bat")
    yield os.path.join(root, "Library", "bin", f"{name}.bat")
    yield os.path.join(root, f"{name}.exe")


def _roots(prefix: str) -> Iterator[str]:
    """Give the installations that a prefix points to, the surest first."""
    if os.path.isdir(os.path.join(prefix, "condabin")) or (
        os.path.isdir(os.path.join(prefix, "pkgs")) and os.path.isdir(os.path.join(prefix, "envs"))
    ):
        yield prefix
    seen = set()
    for entry in _record_names(prefix)[:8]:
        record = _object(_read(os.path.join(prefix, "conda-meta", entry)))
        link = record.get("link")
        for path in (record.get("extracted_package_dir"), link.get("source") if isinstance(link, dict) else None):
            if isinstance(path, str) and path:
                module = ntpath if "\\" in path else posixpath
                cache = module.dirname(path.rstrip("/\\"))
                root = module.dirname(cache)
                if root and root not in seen:
                    seen.add(root)
                    yield root
    parent = os.path.dirname(prefix)
    if os.path.basename(parent) == "envs":
        yield os.path.dirname(parent)


def _in_history(place: _Place, name: str) -> Iterator[str]:
    """Give the programs that ``conda-meta/history`` names; a relative one says nothing about where it was."""
    text = _read(os.path.join(place.prefix, "conda-meta", "history"))
    module = ntpath if place.platform == "win32" else posixpath
    for match in _HISTORY_COMMAND.finditer(text):
        program = re.match(rf"(.*?[\\/]{name}(?:\.exe|-script\.py|\.bat)?)(?:\s|$)", match["command"])
        if program and module.isabs(program[1]):
            path = program[1].removesuffix("-script.py")
            yield path if path == program[1] or place.platform != "win32" else f"{path}.exe"
            for root in (module.dirname(module.dirname(path)),):
                yield from _in_root(root, name, place)


def _from_environments_txt(place: _Place) -> Iterator[str]:
    text = _read(os.path.join(place.home, ".conda", "environments.txt"))
    for line in text.splitlines():
        prefix = line.strip()
        if prefix and os.path.basename(os.path.dirname(prefix)) == "envs":
            yield os.path.dirname(os.path.dirname(prefix))
        elif prefix:
            yield prefix


_INSTALLERS = ("miniforge3", "mambaforge", "miniconda3", "anaconda3", "micromamba")


def _usual_roots(place: _Place) -> Iterator[str]:
    if place.platform == "win32":
        local = place.environ.get("LOCALAPPDATA", "")
        shared = place.environ.get("PROGRAMDATA", "")
        bases = [base for base in (place.home, local, shared) if base]
    else:
        bases = [place.home, "/opt", "/usr/local", os.path.join(place.home, "opt")]
        yield "/opt/conda"
        yield "/opt/homebrew/Caskroom/miniforge/base"
        yield "/opt/homebrew/Caskroom/miniconda/base"
    if root := place.environ.get("MAMBA_ROOT_PREFIX"):
        yield root
    for base in bases:
        for installer in _INSTALLERS:
            yield os.path.join(base, installer)
            yield os.path.join(base, installer.capitalize())


def _usual_programs(place: _Place, name: str) -> Iterator[str]:
    if name != "micromamba":
        return
    if place.platform == "win32":
        if local := place.environ.get("LOCALAPPDATA"):
            yield os.path.join(local, "micromamba", "micromamba.exe")
        return
    yield os.path.join(place.home, ".local", "bin", name)
    yield os.path.join(place.home, "bin", name)
    yield os.path.join("/usr/local/bin", name)
    yield os.path.join("/opt/homebrew/bin", name)


def _on_path(place: _Place, name: str) -> Iterator[str]:
    divider = ";" if place.platform == "win32" else ":"
    endings = (".exe", ".bat") if place.platform == "win32" else ("",)
    for folder in place.environ.get("PATH", "").split(divider):
        if os.path.isabs(folder):
            for ending in endings:
                yield os.path.join(folder, name + ending)


def _is_program(path: str, name: str, place: _Place) -> bool:
    """Tell whether a path is an executable file and the program itself: MAMBA_EXE names micromamba as well."""
    base = (ntpath if place.platform == "win32" else posixpath).basename(path)
    stem = base.rpartition(".")[0] if place.platform == "win32" and "." in base else base
    if stem.lower().removesuffix("_") not in (name, f"_{name}"):
        return False
    return os.path.isabs(path) and os.path.isfile(path) and os.access(path, os.X_OK)


# -- reading


def _record_names(prefix: str) -> list[str]:
    try:
        return sorted(entry for entry in os.listdir(os.path.join(prefix, "conda-meta")) if entry.endswith(".json"))
    except OSError:
        return []


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read(_LARGEST)
    except OSError:
        return ""


def _object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _read_record(path: str) -> CondaRecord | None:
    return _parse_record(_read(path))


def _parse_record(text: str) -> CondaRecord | None:
    record = _object(text)
    name, version, build = (record.get(key) for key in ("name", "version", "build"))
    if not (isinstance(name, str) and isinstance(version, str) and isinstance(build, str)):
        return None
    files = record.get("files")
    url = record.get("url")
    return CondaRecord(
        name,
        version,
        build,
        channel_of(url) if isinstance(url, str) else "",
        tuple(file for file in files if isinstance(file, str)) if isinstance(files, list) else (),
    )
