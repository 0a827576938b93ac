"""Programs on PATH, and which real interpreter stands behind ``python`` there; found from files, nothing is started."""

from __future__ import annotations

import os
import re
import sys
from typing import TYPE_CHECKING

from ipy_envmagic.environments.layout import read_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["behind_shim", "head_of", "is_executable", "is_script", "on_path", "python_on_path"]

_HEAD = 4096
_ROOT = re.compile(r"""PYENV_ROOT=["']?([^"'\s]+)""")
_UNFINISHED = re.compile(r"(?:-dev|-src|-latest|(?:a|b|rc)\d+)$")
_PYTHON = re.compile(r"(?:python|pypy|graalpy)[\d.tw]*d?(?:\.exe)?", re.IGNORECASE)


def python_on_path(
    environ: Mapping[str, str], home: str, cwd: str | None, *, platform: str = sys.platform
) -> str | None:
    """Return the interpreter that ``python`` means in a shell of the kernel (``!python``).

    Parameters
    ----------
    environ : mapping of str to str
        The shell's variables: PATH, PYENV_ROOT, PYENV_VERSION, PYENV_DIR.
    home : str
        The user's home.
    cwd : str or None
        The shell's working directory.
    platform : str
        As `sys.platform`.

    Returns
    -------
    str or None
        A path whose links are not followed, so that a virtual environment's stays its own. A shim of pyenv is followed
        as ``pyenv which`` does. None where there is no Python, or a wrapper that is not known stands first. Where
        there is no ``python``, ``python3`` counts.
    """
    for name in ("python", "python3"):
        for candidate in on_path(name, environ, cwd, platform=platform):
            if _is_pyenv_shim(candidate):
                found = behind_shim(candidate, environ, home, cwd, platform=platform)
                return found if found and _is_python(found) else None
            return candidate if _is_python(candidate) else None
    return None


def on_path(name: str, environ: Mapping[str, str], cwd: str | None, *, platform: str = sys.platform) -> Iterator[str]:
    """Yield the executable files of that name on PATH, in order.

    Parameters
    ----------
    name : str
        The program, without the ``.exe`` of Windows.
    environ : mapping of str to str
        With PATH.
    cwd : str or None
        What relative entries are relative to; None leaves them out.
    platform : str
        As `sys.platform`.
    """
    default = "" if platform == "win32" else "/usr/local/bin:/usr/bin:/bin"
    names = [f"{name}{suffix}" for suffix in (".exe", ".bat", ".cmd")] if platform == "win32" else [name]
    for entry in environ.get("PATH", default).split(os.pathsep):
        folder = entry.strip('"') if platform == "win32" else entry
        if not os.path.isabs(folder):
            if cwd is None or (not folder and platform == "win32"):
                continue
            folder = os.path.join(cwd, folder)
        for one in names:
            path = os.path.join(folder, one)
            if is_executable(path):
                yield path


def behind_shim(
    path: str, environ: Mapping[str, str], home: str, cwd: str | None, *, platform: str = sys.platform
) -> str | None:
    """Return the program that a shim of pyenv runs, as ``pyenv which`` does; None where it is no shim, or runs none.

    Parameters
    ----------
    path : str
        A program on PATH.
    environ, home, cwd, platform
        As for `python_on_path`.
    """
    if not _is_pyenv_shim(path):
        return None
    return _behind_shim(path, _pyenv_root(path, environ, home), environ, cwd, platform=platform)


def is_executable(path: str) -> bool:
    """Whether a path is a file that this user may run; the empty files of Windows' app aliases are none."""
    try:
        return os.stat(path).st_size > 0 and os.path.isfile(path) and os.access(path, os.X_OK)
    except (OSError, ValueError):
        return False


def is_script(path: str) -> bool:
    """Whether a file is a script and not a program of its own."""
    return head_of(path).startswith("#!") or path.lower().endswith((".bat", ".cmd"))


def _is_python(path: str) -> bool:
    return not is_script(path) and _PYTHON.fullmatch(os.path.basename(os.path.realpath(path))) is not None


def _is_pyenv_shim(path: str) -> bool:
    return is_script(path) and "pyenv" in f"{head_of(path)} {path}" and _folder_name(path) == "shims"


def _pyenv_root(shim: str, environ: Mapping[str, str], home: str) -> str:
    said = _ROOT.search(head_of(shim))
    if said:
        return said[1]
    above = os.path.dirname(os.path.dirname(shim))
    places = (environ.get("PYENV_ROOT"), above, os.path.join(home, ".pyenv") if home else None)
    return next((place for place in places if place and os.path.isdir(os.path.join(place, "versions"))), above)


def _folder_name(path: str) -> str:
    return os.path.basename(os.path.dirname(path))


def _behind_shim(shim: str, root: str, environ: Mapping[str, str], cwd: str | None, *, platform: str) -> str | None:
    """Follow a shim: each version that is chosen, in order, then the system, as ``pyenv which`` does."""
    name = os.path.splitext(os.path.basename(shim))[0] if platform == "win32" else os.path.basename(shim)
    shims = os.path.realpath(os.path.dirname(shim))
    others = on_path(name, environ, cwd, platform=platform)
    beyond = next((path for path in others if os.path.realpath(os.path.dirname(path)) != shims), None)
    for version in _versions(root, environ, cwd):
        if version == "system" and beyond:
            return beyond
        folder = _version_folder(root, version) if version != "system" else None
        if folder is not None:
            path = os.path.join(folder, f"{name}.exe") if platform == "win32" else os.path.join(folder, "bin", name)
            if is_executable(path):
                return path
    return beyond


def _versions(root: str, environ: Mapping[str, str], cwd: str | None) -> list[str]:
    chosen = environ.get("PYENV_VERSION")
    if chosen:
        return chosen.split(":")
    for start in (environ.get("PYENV_DIR"), cwd):
        folder = os.path.abspath(start) if start else None
        while folder:
            path = os.path.join(folder, ".python-version")
            if os.path.isfile(path):
                return _words(path)
            above = os.path.dirname(folder)
            folder = above if above != folder else None
    return _words(os.path.join(root, "version"))


def _words(path: str) -> list[str]:
    first = (line.split()[0] for line in read_text(path).splitlines() if line.strip())
    return [word for word in first if not word.startswith("#") and ".." not in word.split("/")]


def _version_folder(root: str, version: str) -> str | None:
    versions = os.path.join(root, "versions")
    for name in dict.fromkeys((version, version.removeprefix("python-"))):
        exact = os.path.join(versions, name)
        if name and os.path.isdir(exact):
            return exact
        newest = _newest(versions, name)
        if newest:
            return os.path.join(versions, newest)
    return None


def _newest(versions: str, prefix: str) -> str | None:
    """Return the newest installed version that a prefix as "3.12" stands for (``pyenv latest``)."""
    free_threaded = prefix[-2:-1].isdigit() and prefix.endswith("t")
    start = prefix[:-1] if free_threaded else prefix
    try:
        names = os.listdir(versions)
    except OSError:
        return None
    fitting = [
        name
        for name in names
        if name.startswith((f"{start}.", f"{start}-"))
        and not _UNFINISHED.search(name)
        and (name[-2:-1].isdigit() and name.endswith("t")) == free_threaded
    ]
    return max(fitting, key=lambda name: [int(number) for number in re.findall(r"\d+", name)], default=None)


def head_of(path: str) -> str:
    """Return the beginning of a file as text, "" where it cannot be read.

    Parameters
    ----------
    path : str
        Any file, a program too.
    """
    try:
        with open(path, "rb") as file:
            return file.read(_HEAD).decode("utf-8", "replace")
    except (OSError, ValueError):
        return ""
