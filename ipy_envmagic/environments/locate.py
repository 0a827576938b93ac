"""Other environments on this machine, found from files alone, within a bounded time.

Each locator of `ipy_envmagic.environments.locators` proposes prefixes; here each is looked at once, and kept where it
is a Python environment.
"""

from __future__ import annotations

import os
import re
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from ipy_envmagic.environments.layout import read_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["Found", "Located", "Surroundings", "locate", "look_at"]

_VERSION = re.compile(r"(?:python|pypy)(\d+)\.(\d+)t?")
_SAID = re.compile(r"^version(?:_info)?\s*=\s*(\d+)\.(\d+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the process knows of the machine; nothing is read globally.

    Parameters
    ----------
    environ : mapping of str to str
        The variables by which the tools are told where their environments are.
    home, cwd : str
        The user's home and the working directory, absolute.
    platform : str
        As `sys.platform`.
    kernels : tuple of str
        The interpreters that kernelspecs start, absolute.
    root : str
        Where the system's files are.
    installations : tuple of str
        Conda installations that are known otherwise: the one that the kernel's own environment belongs to.
    """

    environ: Mapping[str, str]
    home: str
    cwd: str
    platform: str = sys.platform
    kernels: tuple[str, ...] = ()
    root: str = "/"
    installations: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Located:
    """An environment, or a user site directory, that is somewhere on this machine.

    Parameters
    ----------
    prefix : str
        Absolute; of a user site its base, as ``~/.local``.
    how : str
        Where it was found: "kernelspec", "PATH", "pyenv", "pipx", ...
    site_directories : tuple of str
        Those that are there, in import order.
    version : tuple of int or None
        Major and minor, where the layout tells them.
    is_user_site : bool
        Whether it is a user site directory (PEP 370) and no environment.
    """

    prefix: str
    how: str
    site_directories: tuple[str, ...]
    version: tuple[int, int] | None
    is_user_site: bool = False


class Found(NamedTuple):
    """What was found, and whether the time was up before every place had been looked at."""

    environments: tuple[Located, ...]
    stopped_short: bool


def locate(surroundings: Surroundings, *, seconds: float = 0.15) -> Found:
    """Look for environments in all the places that are known.

    Parameters
    ----------
    surroundings : Surroundings
        What the process knows.
    seconds : float
        The time that all of them together may take.

    Returns
    -------
    Found
        Each environment once, named by the first locator that proposes it.
    """
    from ipy_envmagic.environments.locators import LOCATORS  # noqa: PLC0415 (they take what is defined here)

    end = time.perf_counter() + seconds
    found: dict[str, Located] = {}
    for how, propose in LOCATORS:
        try:
            for proposed in propose(surroundings):
                if time.perf_counter() > end:
                    return Found(tuple(found.values()), stopped_short=True)
                _keep(proposed, how, surroundings.platform, found)
        except (OSError, ValueError, RecursionError):  # a place that cannot be read hides no other
            continue
    return Found(tuple(found.values()), stopped_short=False)


def look_at(prefix: str, how: str, platform: str) -> Located | None:
    """Look whether a prefix is a Python environment, as cheaply as its layout allows.

    Parameters
    ----------
    prefix : str
        Absolute.
    how : str
        Where it was found.
    platform : str
        As `sys.platform`.

    Returns
    -------
    Located or None
        None where there is no site directory.
    """
    if platform == "win32":
        site = os.path.join(prefix, "Lib", "site-packages")
        return Located(prefix, how, (site,), _of_settings(prefix)) if os.path.isdir(site) else None
    version = _of_link(prefix) or _of_settings(prefix)
    if version is not None:
        sites = tuple(_sites(prefix, version))
        if sites:
            return Located(prefix, how, sites, version)
    newest = max(_listed(prefix), default=None)
    if newest is None:
        return None
    sites = tuple(_sites(prefix, newest))
    return Located(prefix, how, sites, newest) if sites else None


def _keep(proposed: str | Located, how: str, platform: str, found: dict[str, Located]) -> None:
    prefix = proposed if isinstance(proposed, str) else proposed.site_directories[0]
    key = os.path.realpath(prefix)
    if key in found:
        return
    located = proposed if isinstance(proposed, Located) else look_at(os.path.normpath(prefix), how, platform)
    if located is not None:
        found[key] = located


def _of_link(prefix: str) -> tuple[int, int] | None:
    """Take the version from the name that ``bin/python3`` or ``bin/python`` leads to."""
    for name in ("python3", "python", "pypy3"):
        path = os.path.join(prefix, "bin", name)
        for _ in range(4):  # python -> python3 -> python3.12 -> the base's
            try:
                path = os.path.join(os.path.dirname(path), os.readlink(path))
            except (OSError, ValueError):
                break
            match = _VERSION.fullmatch(os.path.basename(path))
            if match:
                return int(match[1]), int(match[2])
    return None


def _of_settings(prefix: str) -> tuple[int, int] | None:
    match = _SAID.search(read_text(os.path.join(prefix, "pyvenv.cfg")))
    return (int(match[1]), int(match[2])) if match else None


def _listed(prefix: str) -> Iterator[tuple[int, int]]:
    for library in ("lib", "lib64"):
        try:
            names = os.listdir(os.path.join(prefix, library))
        except (OSError, ValueError):
            continue
        for name in names:
            match = _VERSION.fullmatch(name) if name.startswith(("python", "pypy")) else None
            if match and os.path.isdir(os.path.join(prefix, library, name)):
                yield int(match[1]), int(match[2])


def _sites(prefix: str, version: tuple[int, int]) -> Iterator[str]:
    number = f"{version[0]}.{version[1]}"
    debian = os.path.join(prefix, "lib", "python3", "dist-packages")
    if os.path.isdir(debian) and not os.path.isfile(os.path.join(prefix, "pyvenv.cfg")):
        local = os.path.join(prefix, "local", "lib", f"python{number}", "dist-packages")
        yield from filter(os.path.isdir, (local, debian))
        return
    for library in ("lib64", "lib"):
        if library == "lib64" and os.path.islink(os.path.join(prefix, library)):
            continue  # a virtual environment's lib64 is its lib
        for name in (f"python{number}", f"python{number}t", f"pypy{number}"):
            site = os.path.join(prefix, library, name, "site-packages")
            if os.path.isdir(site):
                yield site
