"""What pip's configuration files say about where an install goes ("Configuration", pip's documentation)."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ipy_envmagic.environments.layout import read_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ipy_envmagic.environments.environment import Environment

__all__ = ["configuration_files", "constraint_files", "pip_configuration"]

_REDIRECTING = frozenset({"target", "prefix", "root", "user", "no-user", "python"})


def pip_configuration(environment: Environment, environ: Mapping[str, str], home: str) -> dict[str, str]:
    """Return the settings in pip's configuration files that send an install elsewhere.

    Parameters
    ----------
    environment : Environment
        Whose pip reads them.
    environ : mapping of str to str
        The variables that pip will see; only those that name files are read here.
    home : str
        The user's home.

    Returns
    -------
    dict of str to str
        By "section.option", as in ``pip config list``: "global.target", "install.user". Options are target, prefix,
        root, user, no-user, python and constraint; the value is as it is written. A file that pip could not read tells
        nothing.
    """
    merged: dict[str, str] = {}
    for path in configuration_files(environment, environ, home):
        merged.update(_settings(path))
    return merged


def configuration_files(environment: Environment, environ: Mapping[str, str], home: str) -> list[str]:
    """Return the paths of the files that pip reads, existing or not; what comes later overrides what comes earlier.

    Parameters
    ----------
    environment : Environment
        Whose pip it is.
    environ : mapping of str to str
        With PIP_CONFIG_FILE, XDG_CONFIG_HOME, XDG_CONFIG_DIRS, APPDATA, ALLUSERSPROFILE.
    home : str
        The user's home.
    """
    extra = environ.get("PIP_CONFIG_FILE")
    if extra == os.devnull:
        # pip's way to say: none at all.
        return []
    name = "pip.ini" if environment.platform == "win32" else "pip.conf"
    folders = _global_folders(environment.platform, environ)
    # pip leaves the user's files out where PIP_CONFIG_FILE names one that is there.
    if not (extra and os.path.exists(extra)):
        folders += _user_folders(environment.platform, environ, home)
    folders.append(environment.prefix)
    return [*(os.path.join(folder, name) for folder in folders), *([extra] if extra else [])]


def _global_folders(platform: str, environ: Mapping[str, str]) -> list[str]:
    if platform == "win32":
        root = environ.get("ALLUSERSPROFILE") or environ.get("PROGRAMDATA") or "C:\\ProgramData"
        return [os.path.join(root, "pip")]
    if platform == "darwin":
        return ["/Library/Application Support/pip"]
    roots = (environ.get("XDG_CONFIG_DIRS") or "/etc/xdg").split(":")
    return [*(os.path.join(root, "pip") for root in roots if root), "/etc"]


def _user_folders(platform: str, environ: Mapping[str, str], home: str) -> list[str]:
    if platform == "win32":
        roaming = environ.get("APPDATA") or os.path.join(home, "AppData", "Roaming")
        return [os.path.join(home, "pip"), os.path.join(roaming, "pip")]
    if platform == "darwin":
        library = os.path.join(home, "Library", "Application Support", "pip")
        modern = library if os.path.isdir(library) else os.path.join(home, ".config", "pip")
    else:
        modern = os.path.join(environ.get("XDG_CONFIG_HOME") or os.path.join(home, ".config"), "pip")
    return [os.path.join(home, ".pip"), modern]


def _settings(path: str) -> dict[str, str]:
    text = read_text(path)
    if not text:
        return {}
    import configparser  # noqa: PLC0415 most people have no such file

    parser = configparser.RawConfigParser()
    try:
        parser.read_string(text)
    except configparser.Error:
        return {}
    found = {}
    for section in parser.sections():
        for written, value in parser.items(section):
            option = written.lower().replace("_", "-").removeprefix("--")
            if option in _REDIRECTING or option == "constraint":
                found[f"{section}.{option}"] = value
    return found


def constraint_files(environment: Environment, environ: Mapping[str, str], home: str) -> list[str]:
    """Return the constraint files that pip takes without being asked, from its variables and configuration.

    Parameters
    ----------
    environment : Environment
        Whose pip.
    environ : mapping of str to str
        The variables.
    home : str
        The user's home directory.
    """
    named = environ.get("PIP_CONSTRAINT", "").split()
    for file in configuration_files(environment, environ, home):
        for key in ("install.constraint", "global.constraint"):
            named += _settings(file).get(key, "").split()
    return named
