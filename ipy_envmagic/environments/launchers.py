"""The interpreter behind a command: through shebangs, launchers, ``conda run`` and scripts that activate; read only."""

from __future__ import annotations

import ntpath
import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ipy_envmagic.environments.layout import interpreter, prefix_of, read_text
from ipy_envmagic.environments.shims import behind_shim, head_of, is_script, on_path

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

__all__ = ["Launched", "behind", "interpreter_of"]

_LONGEST = 4096  # of a path
_TAIL = 1 << 16  # where a Windows launcher keeps its shebang: between its own code and the zip file that follows
_DEEP = 4  # scripts that start one another
_PYTHON = re.compile(r"(?:python|pypy)[\d.tw]*(?:\.exe)?", re.IGNORECASE)
_CONDAS = frozenset({"conda", "mamba", "micromamba"})
_SHELLS = frozenset({"sh", "bash", "zsh", "dash", "ksh"})
_QUOTED = re.compile(r"\"([^\"\n]*)\"|'([^'\n]*)'")
_SPACE = "\0"  # stands for a space inside quotes
_SHEBANG_IN_EXE = re.compile(rb"#!\s*\"?([^\r\n\"]+?python[\d.tw]*(?:\.exe)?)\"?\s*[\r\n]", re.IGNORECASE)
_EXEC_IN_SH = re.compile(r"""^'''exec' "?(?P<path>[^"\n]+?)"? "\$0" "\$@"$""", re.MULTILINE)
_ACTIVATE = re.compile(
    r"(?:^|[\s;&])(?:source|\.)\s+(?P<root>\S+)/bin/activate(?:[ \t]+(?P<name>[^\s;&]+))?", re.MULTILINE
)
_CONDA_ACTIVATE = re.compile(r"\b(?:conda|mamba|micromamba)\s+activate(?:[ \t]+(?P<name>[^\s;&]+))?")
_CONDA_RUN = re.compile(r"\S*\b(?:conda|mamba|micromamba)\s+run\s[^\n]*")
_STARTED = re.compile(
    r"(?:^|[\s;&])(?P<path>(?:/|~/|\$HOME/|\$\{HOME\}/)\S*/(?:python|pypy)[\d.]*)(?=\s)", re.MULTILINE
)
_CONDA_ROOT = re.compile(
    r"(?P<root>[^\s\"'=;(]+)/(?:etc/profile\.d/(?:conda|mamba)\.sh|(?:condabin|bin)/(?:conda|mamba|activate))\b"
)


@dataclass(frozen=True, slots=True)
class Launched:
    """What a command starts in the end.

    Parameters
    ----------
    executable : str or None
        The interpreter, whether it is there or not; None where it cannot be told.
    prefix : str or None
        Its environment.
    wrapper : str or None
        What stands before it: a script, ``conda run``, ...
    """

    executable: str | None = None
    prefix: str | None = None
    wrapper: str | None = None


def behind(argv: Sequence[str], environ: Mapping[str, str], home: str, platform: str) -> Launched:
    """Follow a command to the interpreter that it starts, without starting it.

    Parameters
    ----------
    argv : sequence of str
        The command, as in a kernelspec.
    environ : mapping of str to str
        The variables that it gets: PATH finds a program that is named without a folder.
    home : str
        The user's home.
    platform : str
        As `sys.platform`.

    Returns
    -------
    Launched
        With nothing in it where it cannot be told.
    """
    return _behind(tuple(argv), environ, home, platform, _DEEP)


def interpreter_of(
    path: str, environ: Mapping[str, str], home: str, platform: str, *, cwd: str | None = None
) -> str | None:
    """Return the interpreter that runs a program such as ``pip``.

    Parameters
    ----------
    path : str
        A script with a shebang, a launcher of Windows, a shim of pyenv, or an interpreter itself.
    environ : mapping of str to str
        With PATH, for ``#!/usr/bin/env python3``, and what pyenv reads.
    home, platform : str
        As for `behind`.
    cwd : str, optional
        The working directory, where pyenv looks for ``.python-version``.
    """
    if _PYTHON.fullmatch(os.path.basename(path)) and not is_script(path):
        return path
    through = behind_shim(path, environ, home, cwd, platform=platform)
    if through is not None:
        return interpreter_of(through, environ, home, platform, cwd=cwd) if through != path else None
    words = _shebang(path)
    if not words:
        return None
    program = words[0]
    if os.path.basename(program) == "env":
        rest = [word for word in words[1:] if not word.startswith("-") and "=" not in word]
        program = next(iter(on_path(rest[0], environ, None, platform=platform)), "") if rest else ""
        if program:
            program = behind_shim(program, environ, home, cwd, platform=platform) or program
    if os.path.basename(program) in _SHELLS:
        match = _EXEC_IN_SH.search(head_of(path))
        program = match["path"] if match else ""
    base = re.split(r"[\\/]", program)[-1]
    return program if _PYTHON.fullmatch(base) else None


def _behind(argv: tuple[str, ...], environ: Mapping[str, str], home: str, platform: str, deep: int) -> Launched:
    if not argv or not deep:
        return Launched()
    program, rest = argv[0], argv[1:]
    base = re.split(r"[\\/]", program)[-1].lower()
    name = base.removesuffix(".exe")
    if name == "env":
        while rest and ("=" in rest[0] or rest[0].startswith("-")):
            rest = rest[1:]
        return _behind(rest, environ, home, platform, deep - 1)
    if not os.path.isabs(program) and not ntpath.isabs(program):
        program = next(iter(on_path(program, environ, None, platform=platform)), program)
    if name in _CONDAS and rest[:1] == ("run",):
        return _in_conda(_named_by_run(rest[1:]), [_root_of_program(program)], environ, home, platform, f"{name} run")
    if name in _SHELLS and rest:
        if rest[0].startswith("-") and "c" in rest[0] and len(rest) > 1:
            return _of_script(rest[1], name, environ, home, platform)
        script = next((word for word in rest if not word.startswith("-")), "")
        return _of_script(head_of(script), script, environ, home, platform)
    if _PYTHON.fullmatch(base) and not is_script(program):
        if rest[:2] == ("-m", "nb_conda_kernels.runner") and len(rest) > 3:  # noqa: PLR2004 (runner, root, environment)
            return _of_prefix(rest[3], platform, "nb_conda_kernels")
        return Launched(program, prefix_of(program, platform))
    if is_script(program):
        started = interpreter_of(program, environ, home, platform)
        if started is not None:
            return Launched(started, prefix_of(started, platform), program)
        return _of_script(head_of(program), program, environ, home, platform)
    return Launched(wrapper=program if os.path.isabs(program) else None)


def _of_script(text: str, wrapper: str, environ: Mapping[str, str], home: str, platform: str) -> Launched:
    """Read a shell script for what it activates or starts: an interpreter by its path tells most, the last wins."""
    lines = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    lines = _QUOTED.sub(lambda match: (match[1] or match[2] or "").replace(" ", _SPACE), lines)
    lines = lines.replace("${HOME}", home).replace("$HOME", home).replace("~/", f"{home}/")
    started = [match["path"].replace(_SPACE, " ") for match in _STARTED.finditer(f"{lines}\n")]
    if started:
        return Launched(started[-1], prefix_of(started[-1], platform), wrapper)
    roots = [match["root"].replace(_SPACE, " ") for match in _CONDA_ROOT.finditer(lines)]
    for match in reversed(list(_CONDA_RUN.finditer(lines))):
        return _in_conda(_named_by_run(match[0].split()[2:]), roots, environ, home, platform, wrapper)
    for match in reversed(list(_CONDA_ACTIVATE.finditer(lines))):
        named = (match["name"] or "base").replace(_SPACE, " ")
        return _in_conda(named, roots, environ, home, platform, wrapper)
    for match in reversed(list(_ACTIVATE.finditer(lines))):
        root = match["root"].replace(_SPACE, " ")
        if match["name"] or os.path.isdir(os.path.join(root, "conda-meta")):
            return _in_conda(match["name"] or "base", [root], environ, home, platform, wrapper)
        return _of_prefix(root, platform, wrapper)
    return Launched(wrapper=wrapper)


def _named_by_run(words: Sequence[str]) -> str:
    """Return which environment ``conda run`` is told to run in: a name or a path."""
    for index, word in enumerate(words):
        if word in {"-n", "--name", "-p", "--prefix"}:
            return words[index + 1] if index + 1 < len(words) else ""
        if word.startswith(("--name=", "--prefix=")):
            return word.partition("=")[2]
        if not word.startswith("-"):
            break
    return "base"


def _in_conda(
    named: str, roots: Sequence[str], environ: Mapping[str, str], home: str, platform: str, wrapper: str
) -> Launched:
    """Find a conda environment by what activates it: its path, or its name in one of the installations."""
    if "/" in named or "\\" in named:
        return _of_prefix(named, platform, wrapper)
    for root in (*filter(None, roots), *_known_roots(environ, home)):
        for folder in (root,) if named == "base" else (os.path.join(root, "envs", named),):
            if os.path.isdir(os.path.join(folder, "conda-meta")):
                return _of_prefix(folder, platform, wrapper)
    return Launched(wrapper=wrapper)


def _known_roots(environ: Mapping[str, str], home: str) -> Iterator[str]:
    if environ.get("CONDA_EXE"):
        yield _root_of_program(environ["CONDA_EXE"])
    if environ.get("MAMBA_ROOT_PREFIX"):
        yield environ["MAMBA_ROOT_PREFIX"]
    yield os.path.join(home, ".conda")
    for line in read_text(os.path.join(home, ".conda", "environments.txt")).splitlines():
        parent, name = os.path.split(os.path.dirname(line.strip()))
        yield parent if name == "envs" else line.strip()


def _root_of_program(path: str) -> str:
    return os.path.dirname(os.path.dirname(os.path.realpath(path))) if os.path.isabs(path) else ""


def _of_prefix(prefix: str, platform: str, wrapper: str) -> Launched:
    executable = interpreter(prefix, (3, 0), platform)
    missing = os.path.join(prefix, *(("python.exe",) if platform == "win32" else ("bin", "python")))
    return Launched(executable or missing, prefix if os.path.isdir(prefix) else None, wrapper)


def _shebang(path: str) -> list[str]:
    """Return the words of a script's first line, or of the one that a launcher of Windows carries."""
    head = head_of(path)
    if head.startswith("#!"):
        first = head[2:].partition("\n")[0].strip()
        whole = re.match(r'"?([^"]*?(?:python|pypy)[\d.tw]*(?:\.exe)?)"?(?:\s|$)', first, re.IGNORECASE)
        if whole and "env " not in first:
            return [whole[1]]  # its folder may have spaces on Windows
        return first.split()
    if not path.lower().endswith(".exe"):
        return []
    tail = _tail(path)
    found = _SHEBANG_IN_EXE.findall(tail) or [_of_uv(tail)]
    return [found[-1].decode("utf-8", "replace").strip()] if found[-1] else []


def _of_uv(tail: bytes) -> bytes:
    """Return the path that uv's launcher ends with: the path, its length in four bytes, a mark of four letters."""
    if tail[-4:] not in {b"UVSC", b"UVPY"}:
        return b""
    length = int.from_bytes(tail[-8:-4], "little")
    return tail[-8 - length : -8] if 0 < length < _LONGEST else b""


def _tail(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(file.tell() - _TAIL, 0))
            return file.read()
    except (OSError, ValueError):
        return b""
