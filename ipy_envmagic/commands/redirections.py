"""Installs that go where this kernel does not import from: by an option, a variable or pip's configuration."""

from __future__ import annotations

import ntpath
import posixpath
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ipy_envmagic.environments import layout

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ipy_envmagic.commands.arguments import Arguments
    from ipy_envmagic.environments.environment import Environment

__all__ = ["Redirection", "notes", "redirections", "user_site"]

_PLACES = ("target", "prefix", "root", "user", "python")
_TRUE = frozenset({"1", "yes", "y", "true", "t", "on"})  # as pip reads a flag from a variable or a file


@dataclass(frozen=True, slots=True)
class Redirection:
    """A setting that sends an install elsewhere.

    Parameters
    ----------
    setting : str
        What sets it: an option, a variable or a key of pip's configuration.
    goes : str
        Where the install goes.
    lift : str
        What lifts it, as an order in words.
    """

    setting: str
    goes: str
    lift: str


def notes(
    arguments: Arguments, environment: Environment, environ: Mapping[str, str], configuration: Mapping[str, str]
) -> tuple[str, ...]:
    """Return a line for each setting that sends this install where the kernel will not find it.

    Parameters
    ----------
    arguments : Arguments
        The line.
    environment : Environment
        The kernel's.
    environ : mapping of str to str
        The variables pip will read: PIP_TARGET, PIP_PREFIX, PIP_ROOT, PIP_USER, PIP_PYTHON.
    configuration : mapping of str to str
        What pip's configuration files say, by "section.key": "install.target", "global.user".

    Returns
    -------
    tuple of str
        Each says where it goes, by what, and how to lift that. pip's order holds: the line, the variables, the files.
    """
    if arguments.subcommand.rpartition(" ")[2] != "install" or arguments.has("--help", "--dry-run"):
        return ()
    return tuple(
        f"{one.setting} sends this to {one.goes}, where this kernel does not import from; {one.lift} to install for it"
        for one in redirections(environment, environ, configuration, arguments)
    )


def user_site(environment: Environment, environ: Mapping[str, str]) -> str | None:
    """Return the user site directory, whether Python looks there or not; None where the variables do not tell."""
    home = "APPDATA" if environment.platform == "win32" else "HOME"
    told = {name: environ.get(name, "") for name in ("PYTHONUSERBASE", home)}
    if not any(told.values()):
        return None
    return layout.user_site(environment.base_prefix, environment.version, environment.platform, told, told[home])


def redirections(
    environment: Environment,
    environ: Mapping[str, str],
    configuration: Mapping[str, str],
    arguments: Arguments | None = None,
) -> Iterator[Redirection]:
    """Yield each setting that sends an install where the kernel will not find it.

    Parameters
    ----------
    environment, environ, configuration
        As for `notes`.
    arguments : Arguments, optional
        A line, whose options come first.
    """
    for place in _PLACES:
        value, setting, lift = _setting(place, arguments, environ, configuration)
        goes = _goes_to(place, value, environment, environ) if value else None
        if goes:
            yield Redirection(setting, goes, lift)


def _setting(
    place: str, arguments: Arguments | None, environ: Mapping[str, str], configuration: Mapping[str, str]
) -> tuple[str, str, str]:
    """Return the value that counts, what set it, and how to lift it; an empty value where nothing does."""
    for option in reversed(arguments.options if arguments else ()):
        if option.name == f"--{place}":
            return option.value or ("yes" if place == "user" else ""), option.spelled, f"leave {option.spelled} out"
        if place == "user" and option.name == "--no-user":
            return "", "", ""
    variable = f"PIP_{place.upper()}"
    if environ.get(variable):
        return environ[variable], variable, f"run `%env {variable}=` first"
    for section in ("install", "global"):
        key = f"{section}.{place}"
        if configuration.get(key):
            return configuration[key], f"pip's configuration ({key})", f"run `%pip config unset {key}` first"
    return "", "", ""


def _goes_to(place: str, value: str, environment: Environment, environ: Mapping[str, str]) -> str | None:
    """Return where a setting sends an install, or None where that is this kernel's own path."""
    if place == "user":
        if value.lower() not in _TRUE:
            return None
        directory = user_site(environment, environ)
        seen = directory is None or _among(directory, environment.site_directories, environment.platform)
        return None if seen else f"the user site {directory}"
    if place == "target":
        return None if _among(value, environment.site_directories, environment.platform) else value
    if place == "root":
        return None if value in {"/", "\\"} else value
    own = (environment.executable, environment.prefix) if place == "python" else (environment.prefix,)
    return None if _among(value, own, environment.platform) else value


def _among(path: str, places: tuple[str, ...], platform: str) -> bool:
    flavour = ntpath if platform == "win32" else posixpath
    same = flavour.normcase(flavour.normpath(path))
    return any(flavour.normcase(flavour.normpath(place)) == same for place in places if place)
