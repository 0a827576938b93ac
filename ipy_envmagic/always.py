"""The extension in every kernel: one startup file of ours, written where IPython looks for such, and taken away again.

No file of anybody else's is read or changed: what a profile or ``ipython_config.py`` says stays as it is.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile

from ipy_envmagic.errors import EnvMagicError

__all__ = ["FILE", "disable", "enable", "prefix_folder", "profile_folder", "system_folder"]

FILE = "50-envmagic.py"
_MARK = "# Written by: python -m ipy_envmagic enable (disable takes it away)"
_TEXT = f"""\
{_MARK}
def _load_envmagic():
    import sys

    try:
        get_ipython().extension_manager.load_extension("ipy_envmagic")
    except BaseException as error:  # a kernel starts, whatever is wrong with an extension
        print(f"ipy_envmagic is not loaded: {{type(error).__name__}}: {{error}}", file=sys.stderr)


_load_envmagic()
del _load_envmagic
"""
_NAME = re.compile(r"[A-Za-z0-9_.-]+")


def enable(folder: str, *, dry_run: bool = False) -> str:
    """Write our startup file into a folder of startup files.

    Parameters
    ----------
    folder : str
        As `profile_folder`, `prefix_folder` or `system_folder` has it; made where it is not there.
    dry_run : bool
        Whether nothing is written.

    Returns
    -------
    str
        What was done, in a sentence.

    Raises
    ------
    EnvMagicError
        It cannot be written, or a file of that name is somebody else's.
    """
    path = os.path.join(folder, FILE)
    there = _read(path)
    if there == _TEXT:
        return f"{path} is there already; nothing to do."
    if there is not None and not there.startswith(_MARK):
        raise EnvMagicError(f"{path} is not ours and stays as it is", "Move it away, or load the extension in it.")
    if dry_run:
        return f"Would write {path}."
    try:
        os.makedirs(folder, exist_ok=True)
        _write(path)
    except OSError as error:
        raise EnvMagicError(
            f"{path} cannot be written: {error.strerror or error}", "enable --profile default writes into your own."
        ) from None
    return f"Wrote {path}: every kernel and terminal that reads it has the magics."


def disable(folder: str, *, dry_run: bool = False) -> str:
    """Take our startup file away.

    Parameters
    ----------
    folder, dry_run
        As for `enable`.

    Returns
    -------
    str
        What was done, in a sentence.

    Raises
    ------
    EnvMagicError
        It cannot be removed, or is somebody else's.
    """
    path = os.path.join(folder, FILE)
    there = _read(path)
    if there is None:
        return f"{path} is not there; nothing to do."
    if not there.startswith(_MARK):
        raise EnvMagicError(f"{path} is not ours and stays as it is")
    if dry_run:
        return f"Would remove {path}."
    try:
        os.remove(path)
    except OSError as error:
        raise EnvMagicError(f"{path} cannot be removed: {error.strerror or error}") from None
    return f"Removed {path}."


def profile_folder(profile: str) -> str:
    """Return the startup folder of a profile of the user's ("Startup files", IPython's documentation).

    Parameters
    ----------
    profile : str
        Its name.

    Raises
    ------
    EnvMagicError
        There is no such profile, and it is not the default one, which IPython makes.
    """
    root = os.environ.get("IPYTHONDIR") or os.path.join(os.path.expanduser("~"), ".ipython")
    folder = os.path.join(root, f"profile_{profile}")
    if not _NAME.fullmatch(profile) or (profile != "default" and not os.path.isdir(folder)):
        raise EnvMagicError(f"There is no profile {profile!r} in {root}", f"ipython profile create {profile} makes it.")
    return os.path.join(folder, "startup")


def prefix_folder(prefix: str) -> str:
    """Return the startup folder of an environment, which its kernels read whatever the profile.

    Parameters
    ----------
    prefix : str
        The environment's.
    """
    return os.path.join(prefix, "etc", "ipython", "startup")


def system_folder() -> str:
    """Return the startup folder of this machine."""
    if sys.platform == "win32":
        return os.path.join(os.environ.get("PROGRAMDATA", "C:\\ProgramData"), "ipython", "startup")
    return "/etc/ipython/startup"


def _read(path: str) -> str | None:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read(1 << 16)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise EnvMagicError(f"{path} cannot be read: {error.strerror or error}") from None


def _write(path: str) -> None:
    """Put the whole file in its place at once: no kernel ever reads a half of it."""
    handle, name = tempfile.mkstemp(dir=os.path.dirname(path), prefix=".envmagic-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(_TEXT)
        os.chmod(name, 0o644)
        os.replace(name, path)
    except OSError:
        os.unlink(name)
        raise
