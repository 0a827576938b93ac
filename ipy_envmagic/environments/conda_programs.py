"""Which conda, mamba or micromamba serves an environment: each place where one may be, in order.

Places are proposed lazily and only looked at until one holds the program. What the process knows (variables, home,
platform) is handed in.
"""

from __future__ import annotations

import ntpath
import os
import posixpath
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ipy_envmagic.environments.conda_meta import read_object, read_text, record_names

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from ipy_envmagic.environments.environment import Environment

__all__ = ["Found", "find_conda", "root_of"]

_PROGRAMS = ("conda", "mamba", "micromamba")
_HISTORY_COMMAND = re.compile(r"# cmd: (?P<command>.*)$", re.MULTILINE)
_PROGRAM_IN_COMMAND = re.compile(r"[\\/](?:conda|mamba|micromamba)(?:\.exe|\.bat|-script\.py)?(?=\s|$)", re.IGNORECASE)
_MODULE_IN_COMMAND = re.compile(r"(?:[\\/]lib[\\/]python[\d.]+|[\\/]Lib)[\\/]site-packages[\\/]conda[\\/]__main__\.py")
_MOST_RECORDS = 40  # records that are read for the root they name: nearly always the first tells


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
class _Search:
    """One search: for which program, on behalf of which prefix, with what the process knows."""

    program: str
    prefix: str
    environ: Mapping[str, str]
    home: str
    platform: str

    @property
    def variable(self) -> str:
        """The variable that names the program; mamba and micromamba share theirs."""
        return "CONDA_EXE" if self.program == "conda" else "MAMBA_EXE"


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
    do comes after those: it was set for the terminal or the server that started the kernel.
    """
    for name in _PROGRAMS if program == "conda" else (program,):
        search = _Search(name, environment.prefix, environ, home, environment.platform)
        for how, propose in _PLACES:
            for path in propose(search):
                if _is_program(path, search):
                    return Found(path, name, how.format(variable=search.variable))
    return None


def root_of(prefix: str) -> str | None:
    """Return the conda installation that a prefix belongs to: itself, or the one whose package cache it came from."""
    return next((root for root in _roots(prefix) if _is_installation(root)), None)


# -- the places: each proposes paths, which need not be there


def _variable_of_the_owner(search: _Search) -> Iterator[str]:
    """Propose the variable's program, unless the prefix belongs to another installation that has one."""
    path = search.environ.get(search.variable)
    if path:
        owners = (root for root in _roots(search.prefix) if any(_is_program(p, search) for p in _in_root(root, search)))
        owner = next(owners, None)
        if owner is None or _is_within(path, owner):
            yield path


def _own(search: _Search) -> Iterator[str]:
    yield from _in_root(search.prefix, search)


def _recorded(search: _Search) -> Iterator[str]:
    for root in _roots(search.prefix):
        yield from _in_root(root, search)


def _variable(search: _Search) -> Iterator[str]:
    path = search.environ.get(search.variable)
    if path:
        yield path


def _history(search: _Search) -> Iterator[str]:
    """Propose what ``conda-meta/history`` names: words joined by spaces, so that a path may have some itself.

    A relative command says nothing about where it was.
    """
    module = ntpath if search.platform == "win32" else posixpath
    text = read_text(os.path.join(search.prefix, "conda-meta", "history"))
    for command in dict.fromkeys(match["command"].strip() for match in _HISTORY_COMMAND.finditer(text)):
        if not module.isabs(command) and not os.path.isabs(command):
            continue
        for end in _PROGRAM_IN_COMMAND.finditer(command):
            path = command[: end.end()]
            yield path
            yield from _in_root(module.dirname(module.dirname(path)), search)
        for end in _MODULE_IN_COMMAND.finditer(command):
            yield from _in_root(command[: end.start()], search)


def _listed(search: _Search) -> Iterator[str]:
    """Propose the roots in ``~/.conda/environments.txt``: the environments themselves, or the owners of ``envs``."""
    for line in read_text(os.path.join(search.home, ".conda", "environments.txt")).splitlines():
        prefix = line.strip()
        if not prefix:
            continue
        parent, name = os.path.split(os.path.dirname(prefix))
        yield from _in_root(parent if name == "envs" else prefix, search)


def _usual(search: _Search) -> Iterator[str]:
    for root in _usual_roots(search):
        yield from _in_root(root, search)
    if search.platform == "win32":
        local = search.environ.get("LOCALAPPDATA")
        if local:
            yield os.path.join(local, search.program, f"{search.program}.exe")
        return
    folders = [os.path.join(search.home, ".local", "bin"), os.path.join(search.home, "bin")]
    for folder in (*folders, "/usr/local/bin", "/opt/homebrew/bin", "/usr/bin"):
        yield os.path.join(folder, search.program)


def _path(search: _Search) -> Iterator[str]:
    windows = search.platform == "win32"
    for folder in search.environ.get("PATH", "").split(";" if windows else ":"):
        for ending in (".exe", ".bat") if windows else ("",):
            yield os.path.join(folder, search.program + ending)


_PLACES: tuple[tuple[str, Callable[[_Search], Iterator[str]]], ...] = (
    ("{variable}", _variable_of_the_owner),
    ("the environment's own", _own),
    ("the installation that the environment's records name", _recorded),
    ("{variable}", _variable),
    ("conda-meta/history", _history),
    ("~/.conda/environments.txt", _listed),
    ("the usual places", _usual),
    ("PATH", _path),
)


# -- installations


def _in_root(root: str, search: _Search) -> Iterator[str]:
    """Give where an installation, or an environment that holds it, keeps the program."""
    name = search.program
    if search.platform != "win32":
        yield os.path.join(root, "bin", name)
        yield os.path.join(root, "condabin", name)
        return
    yield os.path.join(root, "Scripts", f"{name}.exe")
    yield os.path.join(root, "Library", "bin", f"{name}.exe")
    yield os.path.join(root, f"{name}.exe")
    yield os.path.join(root, "condabin", f"{name}.bat")
    yield os.path.join(root, "Library", "bin", f"{name}.bat")


def _roots(prefix: str) -> Iterator[str]:
    """Give the installations that a prefix points to, the surest first; they need not be there, or be one.

    A record names the package cache, ``<root>/pkgs/<package>``; on a shared machine that may be ``~/.conda/pkgs``.
    """
    if os.path.isdir(os.path.join(prefix, "condabin")) or _has_envs_and_pkgs(prefix):
        yield prefix
    seen = set()
    for entry in record_names(prefix)[:_MOST_RECORDS]:
        record = read_object(os.path.join(prefix, "conda-meta", entry))
        link = record.get("link")
        for path in (record.get("extracted_package_dir"), link.get("source") if isinstance(link, dict) else None):
            if isinstance(path, str) and path:
                module = ntpath if "\\" in path else posixpath
                root = module.dirname(module.dirname(path.rstrip("/\\")))
                if root and root not in seen:
                    seen.add(root)
                    yield root
    parent, name = os.path.split(os.path.dirname(prefix))
    if name == "envs" and parent not in seen:
        yield parent


_INSTALLERS = ("miniforge3", "mambaforge", "miniconda3", "anaconda3", "micromamba")


def _usual_roots(search: _Search) -> Iterator[str]:
    """Give where the installers put themselves when nobody says otherwise."""
    if root := search.environ.get("MAMBA_ROOT_PREFIX"):
        yield root
    if search.platform == "win32":
        bases = [search.home, *(search.environ.get(name, "") for name in ("LOCALAPPDATA", "PROGRAMDATA"))]
    else:
        bases = [search.home, "/opt", "/usr/local", os.path.join(search.home, "opt")]
        yield "/opt/conda"
    for base in filter(None, bases):
        for installer in _INSTALLERS:
            yield os.path.join(base, installer)
            yield os.path.join(base, installer.capitalize())
    if search.platform == "darwin":
        for cask in ("miniforge", "miniconda"):
            yield f"/opt/homebrew/Caskroom/{cask}/base"
            yield f"/usr/local/Caskroom/{cask}/base"
        yield "/opt/homebrew/anaconda3"


def _is_installation(root: str) -> bool:
    return (
        os.path.isdir(os.path.join(root, "conda-meta"))
        or os.path.isdir(os.path.join(root, "condabin"))
        or _has_envs_and_pkgs(root)
    )


def _has_envs_and_pkgs(root: str) -> bool:
    return os.path.isdir(os.path.join(root, "envs")) and os.path.isdir(os.path.join(root, "pkgs"))


def _is_within(path: str, root: str) -> bool:
    """Say whether a program lies in an installation, whatever links lead there."""
    return os.path.realpath(os.path.dirname(path)).startswith(os.path.realpath(root) + os.sep)


def _is_program(path: str, search: _Search) -> bool:
    """Tell whether a path is an executable file and the program itself: MAMBA_EXE names micromamba as well."""
    stem = os.path.basename(path.replace("\\", "/") if search.platform == "win32" else path).lower()
    if search.platform == "win32":
        stem = stem.removesuffix(".exe").removesuffix(".bat")
    if stem not in (search.program, f"_{search.program}"):
        return False
    try:
        return os.path.isabs(path) and os.path.isfile(path) and os.access(path, os.X_OK)
    except ValueError:
        return False
