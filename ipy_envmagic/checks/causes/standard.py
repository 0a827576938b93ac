"""Rules for the names of the standard library."""

from __future__ import annotations

import os
import shlex
from typing import TYPE_CHECKING

from ipy_envmagic.checks.report import Finding, Fix
from ipy_envmagic.environments.resolve import Module, is_standard_library, resolve
from ipy_envmagic.environments.tables import rows

if TYPE_CHECKING:
    from ipy_envmagic.checks.subject import Subject

__all__ = ["stdlib_missing", "stdlib_module", "stdlib_removed"]

# Packages and modules that are there without the extension module that does their work, where that was not built.
_NEEDS = {
    "bz2": "_bz2",
    "ctypes": "_ctypes",
    "curses": "_curses",
    "lzma": "_lzma",
    "sqlite3": "_sqlite3",
    "ssl": "_ssl",
    "tkinter": "_tkinter",
    "turtle": "_tkinter",
    "idlelib": "_tkinter",
    "uuid": "",
    "zipfile": "",
}
_HEADERS = {  # what Debian calls what a build needs
    "_bz2": "libbz2-dev",
    "_ctypes": "libffi-dev",
    "_curses": "libncurses-dev",
    "_lzma": "liblzma-dev",
    "_sqlite3": "libsqlite3-dev",
    "_ssl": "libssl-dev",
    "_tkinter": "tk-dev",
    "readline": "libreadline-dev",
    "_gdbm": "libgdbm-dev",
    "zlib": "zlib1g-dev",
}
_WINDOWS_ALONE = frozenset({"msvcrt", "winreg", "winsound", "_winapi", "nt", "msilib"})
_POSIX_ALONE = frozenset({"fcntl", "grp", "pwd", "termios", "tty", "pty", "resource", "syslog", "posix", "nis", "spwd"})
_ON_WINDOWS = {"curses": "windows-curses", "readline": "pyreadline3"}


def stdlib_module(subject: Subject) -> Finding | None:
    """Say of a module of the standard library that there is nothing to install: it comes with Python."""
    asked = subject.asked
    if not (asked.specifier or asked.extras or asked.url) and subject.distribution is None:
        return None
    if not is_standard_library(asked.name) or "." in asked.name or not is_standard_library(asked.name, _found(subject)):
        return None
    distribution = subject.distribution
    what = f"; the distribution {distribution.name} is installed, and not what is imported" if distribution else ""
    return Finding(
        "stdlib-module",
        "info",
        f"{asked.name} is part of Python: there is nothing to install{what}.",
        {"module": asked.name, "distribution": distribution.path if distribution else None},
    )


def stdlib_missing(subject: Subject) -> Finding | None:
    """See a module of the standard library that this Python was built, or packaged, without."""
    name = subject.title
    if not is_standard_library(name):
        return None
    root = name.partition(".")[0]
    needed = _NEEDS.get(root, "")
    if subject.place.is_standard and (not needed or resolve(needed, subject.session.path) is not None):
        return None
    if not subject.place.is_standard and not subject.place.is_absent:
        return None
    return Finding(
        "stdlib-missing",
        "error",
        f"{root} is part of the standard library, but {_why(root, subject)}.",
        {
            "executable": subject.environment.executable,
            "base_prefix": subject.environment.base_prefix,
            "extension": needed or None,
        },
        _way(root, needed, subject),
    )


def stdlib_removed(subject: Subject) -> Finding | None:
    """See a module that the standard library had once and has no more ("What's New in Python"; PEP 594)."""
    if not subject.place.is_empty:
        return None
    version = subject.environment.version[:2]
    for module, removed, instead, distribution in rows("removed", 4):
        if subject.title != module and not subject.title.startswith(f"{module}."):
            continue
        if version < tuple(map(int, removed.split("."))):
            return None
        advice = f" Use {instead} instead." if instead else ""
        line = (f"%pip install {shlex.quote(distribution)}",) if distribution else ()
        steps = f"Use {instead}." if instead else "It has no successor."
        return Finding(
            "stdlib-removed",
            "error",
            f"{module} was taken out of Python's standard library in {removed}; this kernel runs "
            f"{version[0]}.{version[1]}.{advice}",
            {"module": module, "removed_in": removed, "distribution": distribution or None},
            Fix(line, subject.is_loaded, f"{distribution} brings a module of that name. {steps}" if line else steps),
        )
    return None


def _found(subject: Subject) -> Module | None:
    return resolve(subject.asked.name, subject.session.path, subject.session.modules)


def _why(root: str, subject: Subject) -> str:
    if root in _WINDOWS_ALONE and subject.environment.platform != "win32":
        return "it is there on Windows only"
    if root in _POSIX_ALONE and subject.environment.platform == "win32":
        return "it is not there on Windows"
    return "this Python does not have it"


def _way(root: str, needed: str, subject: Subject) -> Fix:
    environment = subject.environment
    version = f"{environment.version[0]}.{environment.version[1]}"
    if environment.platform == "win32" and root in _ON_WINDOWS:
        return Fix(
            (f"%pip install {_ON_WINDOWS[root]}",), subject.is_loaded, "That distribution brings it for Windows."
        )
    if root in _WINDOWS_ALONE | _POSIX_ALONE:
        return Fix((), steps="No index has it: it belongs to another system.")
    if environment.is_conda:
        package = "tk" if needed == "_tkinter" else "python"
        return Fix((f"%conda install --force-reinstall {package}",), restart=True, steps="Then restart the kernel.")
    debian = {"_tkinter": "tk", "_gdbm": "gdbm"}.get(needed)
    if environment.base_prefix == "/usr" and os.path.isfile("/etc/debian_version"):
        name = f"python{version}-{debian}" if debian else f"libpython{version}-stdlib"
        return Fix(
            (), restart=True, steps=f"No index has it: run `sudo apt install {name}` in a terminal, then restart."
        )
    headers = _HEADERS.get(needed or root)
    build = f" (on Debian and Ubuntu, {headers} must be there when it is built)" if headers else ""
    return Fix((), restart=True, steps=f"No index has it: use a Python that was built with {root}{build}.")
