"""Rules for a virtual environment that no longer is what it was made as: moved, its base gone, its Python replaced."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from ipy_envmagic.checks.report import Finding, Fix
from ipy_envmagic.checks.whole import same_prefix
from ipy_envmagic.environments.launchers import interpreter_of
from ipy_envmagic.environments.layout import installed_versions, read_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ipy_envmagic.checks.whole import Whole

__all__ = ["venv_base_gone", "venv_moved", "venv_python_upgraded"]

_ACTIVATES = re.compile(r"""^\s*(?:export\s+)?VIRTUAL_ENV=["']?([^"'\n]+?)["']?\s*$""", re.MULTILINE)


def venv_moved(whole: Whole) -> Iterator[Finding]:
    """See an environment that was copied or moved: its scripts still run the Python of the old place."""
    environment = whole.environment
    if not whole.settings:
        return
    scripts = os.path.join(environment.prefix, "Scripts" if environment.platform == "win32" else "bin")
    old = _old_place(scripts, whole)
    if old is None or same_prefix(old, environment.prefix):
        return
    yield Finding(
        "venv-moved",
        "warning",
        f"This environment was made as {old} and is in {environment.prefix} now: its scripts act on the old place.",
        {"prefix": environment.prefix, "made_as": old, "scripts": scripts},
        Fix(
            (),
            steps="%pip acts on this kernel all the same. For its scripts (pip, jupyter, activate): make the "
            "environment anew, or install again what brings them, as with %pip install --force-reinstall pip.",
        ),
    )


def venv_base_gone(whole: Whole) -> Iterator[Finding]:
    """See an environment whose base Python is not there any more: this kernel lives, the next will not start."""
    environment = whole.environment
    home = whole.settings.get("home")
    if not home:
        return
    link = environment.executable
    dangling = bool(link) and os.path.islink(link) and not os.path.exists(link)
    if os.path.isdir(home) and not dangling:
        return
    yield Finding(
        "venv-base-gone",
        "error",
        f"The Python that {environment.prefix} was made from, {home}, is not there any more: this kernel still runs, "
        "but no other will start.",
        {"home": home, "executable": link, "base_prefix": environment.base_prefix},
        Fix((), steps="Keep a list with %pip freeze > requirements.txt, make the environment anew, and install it."),
    )


def venv_python_upgraded(whole: Whole) -> Iterator[Finding]:
    """See an environment whose Python became another minor version: what was installed for the old one is not seen."""
    environment = whole.environment
    if not whole.settings or environment.platform == "win32":
        return
    mine = environment.version[:2]
    for version in installed_versions(environment.prefix):
        site = os.path.join(environment.prefix, "lib", f"python{version[0]}.{version[1]}", "site-packages")
        names = _distributions_in(site) if version != mine else []
        if not names:
            continue
        yield Finding(
            "venv-python-upgraded",
            "warning",
            f"This environment had Python {version[0]}.{version[1]} before and has {mine[0]}.{mine[1]} now: what was "
            f"installed for the old one is not seen ({len(names)} distributions).",
            {"location": site, "distributions": len(names), "python": f"{mine[0]}.{mine[1]}"},
            Fix((), steps="Install again what you need with %pip install, or make the environment anew."),
        )


def _old_place(scripts: str, whole: Whole) -> str | None:
    """Return which environment the scripts belong to: as pip's own first line says, else as ``activate`` does."""
    platform, session = whole.environment.platform, whole.session
    for name in ("pip3", "pip", "pip3.exe", "pip.exe", "ipython", "jupyter"):
        path = os.path.join(scripts, name)
        if os.path.isfile(path):
            runs = interpreter_of(path, session.environ, session.home, platform)
            if runs and os.path.basename(os.path.dirname(runs)) == os.path.basename(scripts):
                return os.path.dirname(os.path.dirname(runs))
    found = _ACTIVATES.search(read_text(os.path.join(scripts, "activate")))
    return found[1] if found and os.path.isabs(found[1]) else None


def _distributions_in(site: str) -> list[str]:
    try:
        names = [name for name in os.listdir(site) if name.endswith((".dist-info", ".egg-info"))]
    except OSError:
        return []
    return [name for name in names if not name.startswith(("pip-", "setuptools-", "wheel-"))]
