"""What ``!python``, ``!pip``, ``!conda`` and ``!uv`` are in a kernel's shell, and which environment each acts on."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ipy_envmagic.environments.launchers import interpreter_of
from ipy_envmagic.environments.layout import prefix_of, upwards
from ipy_envmagic.environments.shims import behind_shim, on_path, python_on_path

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["Program", "Shell", "programs"]


@dataclass(frozen=True, slots=True)
class Shell:
    """What decides which program a name is in a shell.

    Parameters
    ----------
    environ : mapping of str to str
        Its variables.
    home, cwd : str
        The user's home, and where the shell starts.
    platform : str
        As `sys.platform`.
    """

    environ: Mapping[str, str]
    home: str
    cwd: str
    platform: str = sys.platform


@dataclass(frozen=True, slots=True)
class Program:
    """A program on PATH.

    Parameters
    ----------
    name : str
        "python", "pip", "conda" or "uv".
    path : str or None
        The file that the shell runs; None where there is none.
    prefix : str or None
        The environment that it acts on when it is told no other; None where that cannot be told, or there is none.
    why : str
        What decides it: "PATH", "pyenv", "CONDA_PREFIX", "VIRTUAL_ENV", ".venv", ...
    """

    name: str
    path: str | None = None
    prefix: str | None = None
    why: str = "PATH"


def programs(shell: Shell) -> tuple[Program, ...]:
    """Return what each of the four is; files are read, nothing is started.

    Parameters
    ----------
    shell : Shell
        Whose.
    """
    return tuple(find(shell) for find in _PROGRAMS)


def _python(shell: Shell) -> Program:
    first = _first("python", shell) or _first("python3", shell)
    if first is None:
        return Program("python")
    found = python_on_path(shell.environ, shell.home, shell.cwd, platform=shell.platform)
    prefix = prefix_of(found, shell.platform) if found else None
    return Program("python", found or first, prefix, _why(first, shell))


def _pip(shell: Shell) -> Program:
    first = _first("pip", shell) or _first("pip3", shell)
    if first is None:
        return Program("pip")
    runs = interpreter_of(first, shell.environ, shell.home, shell.platform, cwd=shell.cwd)
    return Program("pip", first, prefix_of(runs, shell.platform) if runs else None, _why(first, shell))


def _conda(shell: Shell) -> Program:
    """Find conda's target: the activated environment, else the installation's own ("base")."""
    first = _first("conda", shell)
    if first is None:
        return Program("conda")
    active = shell.environ.get("CONDA_PREFIX")
    if active and os.path.isdir(os.path.join(active, "conda-meta")):
        return Program("conda", first, active, "CONDA_PREFIX")
    folder = os.path.dirname(os.path.realpath(first))
    above = (os.path.dirname(folder), os.path.dirname(os.path.dirname(folder)))  # Library/bin on Windows lies deeper
    root = next((place for place in above if os.path.isdir(os.path.join(place, "conda-meta"))), None)
    return Program("conda", first, root)


def _uv(shell: Shell) -> Program:
    """Find the target of ``uv pip``, as uv's documentation has it ("Using arbitrary Python environments")."""
    first = _first("uv", shell)
    if first is None:
        return Program("uv")
    for variable in ("VIRTUAL_ENV", "CONDA_PREFIX"):
        prefix = shell.environ.get(variable)
        if prefix and not (variable == "CONDA_PREFIX" and shell.environ.get("CONDA_DEFAULT_ENV") == "base"):
            return Program("uv", first, prefix, variable)
    for folder in upwards(shell.cwd):
        if os.path.isfile(os.path.join(folder, ".venv", "pyvenv.cfg")):
            return Program("uv", first, os.path.join(folder, ".venv"), ".venv")
    return Program("uv", first, None, "no environment is active")


_PROGRAMS: tuple[Callable[[Shell], Program], ...] = (_python, _pip, _conda, _uv)


def _first(name: str, shell: Shell) -> str | None:
    return next(on_path(name, shell.environ, shell.cwd, platform=shell.platform), None)


def _why(path: str, shell: Shell) -> str:
    return "pyenv" if behind_shim(path, shell.environ, shell.home, shell.cwd, platform=shell.platform) else "PATH"
