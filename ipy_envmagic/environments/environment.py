"""The environment of an interpreter: what it is, where it imports from and who looks after it."""

from __future__ import annotations

import os
import site
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ipy_envmagic.environments import layout
from ipy_envmagic.environments.ownership import Kind, Prefix, kind_of, manager_of, name_of
from ipy_envmagic.errors import EnvMagicError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["Environment", "Kind"]

_SITE_NAMES = frozenset({"site-packages", "dist-packages"})


@dataclass(frozen=True, slots=True)
class Environment:
    """An interpreter's environment, read from files and, for the running one, from its own process.

    Parameters
    ----------
    executable : str
        The interpreter as it was started, links not followed; "" where it is not known.
    prefix, base_prefix : str
        As `sys.prefix` and `sys.base_prefix`.
    version : tuple of int
        The Python version; the third number is 0 where no file tells it.
    kind : str
        "venv", "virtualenv", "uv", "conda-base", "conda", "pixi", "pyenv", "system", "homebrew", "framework" or
        "user-built".
    name : str
        What people call it.
    site_directories : tuple of str
        In import order, the user site included where it is enabled; existing or not.
    manager : str
        Who looks after it: "pip", "uv", "conda", "pixi", "poetry", "pdm", "hatch", "pipenv", "pipx", "apt", ...
    writable : bool
        Whether the directory that an install goes to can be written.
    externally_managed : str or None
        The text for the user that an EXTERNALLY-MANAGED file gives where pip would honour it (PEP 668); None where it
        would not, as in a virtual environment.
    platform : str
        As `sys.platform`.
    """

    executable: str
    prefix: str
    base_prefix: str
    version: tuple[int, int, int]
    kind: Kind
    name: str
    site_directories: tuple[str, ...]
    manager: str
    writable: bool
    externally_managed: str | None
    platform: str

    @property
    def is_conda(self) -> bool:
        """Whether conda or pixi made it."""
        return self.kind in {"conda", "conda-base", "pixi"}

    @classmethod
    def current(cls) -> Environment:
        """Return the environment of this process; nothing is started, and only a few small files are read."""
        version = sys.version_info[:3]
        configured = _configured()
        return _make(
            executable=layout.resolve_executable(sys.executable, sys.prefix, version, sys.platform),
            prefix=sys.prefix,
            base_prefix=sys.base_prefix,
            version=version,
            settings=layout.read_settings(sys.prefix),
            site_directories=_in_import_order(sys.path, configured),
            purelib=_install_directory(configured, sys.prefix),
            library=os.path.dirname(os.__file__),
            platform=sys.platform,
        )

    @classmethod
    def from_prefix(
        cls,
        path: str | os.PathLike[str],
        *,
        platform: str = sys.platform,
        environ: Mapping[str, str] | None = None,
        home: str | None = None,
    ) -> Environment:
        """Return the environment of another prefix, from its files alone.

        Parameters
        ----------
        path : path
            The prefix: the folder above ``bin``, or above ``Scripts``.
        platform : str
            As `sys.platform`; which layout to look for.
        environ : mapping of str to str, optional
            The variables that say where the user site is (PYTHONNOUSERSITE, PYTHONUSERBASE, APPDATA); by default this
            process's.
        home : str, optional
            The user's home; by default this process's.

        Raises
        ------
        EnvMagicError
            Where there is no Python environment.
        """
        prefix = os.path.abspath(os.fspath(path))
        settings = layout.read_settings(prefix)
        base = layout.base_prefix_of(prefix, settings, platform)
        version = layout.version_of(prefix, base, settings, platform)
        if version is None:
            raise EnvMagicError(_no_environment(prefix, platform))
        own = layout.site_packages(prefix, base, version, platform)
        variables = os.environ if environ is None else environ
        user = layout.user_site(base, version, platform, variables, home or os.path.expanduser("~"))
        directories = [*filter(None, [user]), *own]
        if settings:
            directories = own
            if settings.get("include-system-site-packages", "").lower() == "true":
                directories = [*own, *filter(None, [user]), *layout.site_packages(base, base, version, platform)]
        return _make(
            executable=layout.interpreter(prefix, version, platform, plain=bool(settings)),
            prefix=prefix,
            base_prefix=base,
            version=version,
            settings=settings,
            site_directories=directories,
            purelib=_install_directory(own, prefix),
            library=layout.standard_library(base, version, platform),
            platform=platform,
        )


def _make(
    *,
    executable: str,
    prefix: str,
    base_prefix: str,
    version: tuple[int, int, int],
    settings: Mapping[str, str],
    site_directories: Iterable[str],
    purelib: str,
    library: str,
    platform: str,
) -> Environment:
    seen = Prefix(prefix, settings, version, platform)
    kind = kind_of(seen)
    return Environment(
        executable=executable,
        prefix=prefix,
        base_prefix=base_prefix,
        version=version,
        kind=kind,
        name=name_of(seen, kind),
        site_directories=tuple(dict.fromkeys(site_directories)),
        manager=manager_of(seen, kind),
        writable=_is_writable(purelib),
        externally_managed=_externally_managed(library, prefix) if prefix == base_prefix else None,
        platform=platform,
    )


def _no_environment(prefix: str, platform: str) -> str:
    if not os.path.isdir(prefix):
        what = "it is a file" if os.path.exists(prefix) else "there is no such folder"
        return f"No Python environment in {prefix}: {what}; give the folder above bin (Windows: above Scripts)"
    expected = "pyvenv.cfg or python3*.dll" if platform == "win32" else "lib/python3.*"
    return f"No Python environment in {prefix}: no {expected} there; give the folder above bin (Windows: above Scripts)"


def _configured() -> list[str]:
    """Return the site directories that this process's `site` would use, on the path yet or not."""
    # Embedded Pythons and very old virtual environments have a `site` without these.
    packages = site.getsitepackages() if hasattr(site, "getsitepackages") else []
    user = site.getusersitepackages() if getattr(site, "ENABLE_USER_SITE", False) else None
    # On Windows the prefix itself is one of them, where no installer puts anything.
    named = [path for path in packages if os.path.basename(path) in _SITE_NAMES]
    return [*named, *([user] if user else [])]


def _in_import_order(path: Iterable[object], configured: Iterable[str]) -> list[str]:
    """Order the site directories as the path has them; those not on it yet come last, where they would be put."""
    known = {os.path.normcase(os.path.normpath(directory)) for directory in configured}
    found: dict[str, str] = {}
    for entry in path:
        if not isinstance(entry, str) or not entry:
            continue
        same = os.path.normcase(os.path.normpath(entry))
        if same in known or os.path.basename(same) in _SITE_NAMES:
            found.setdefault(same, entry)
    for directory in configured:
        found.setdefault(os.path.normcase(os.path.normpath(directory)), directory)
    return list(found.values())


def _install_directory(directories: Iterable[str], prefix: str) -> str:
    """Return where an install goes: `site` names it first, also on Debian and Fedora."""
    return next(iter(directories), prefix)


def _is_writable(directory: str) -> bool:
    """Whether an install can write there; a directory that is not there is made by it in the next one above."""
    place = directory
    while not os.path.exists(place):
        above = os.path.dirname(place)
        if above == place:
            return False
        place = above
    return os.path.isdir(place) and os.access(place, os.W_OK | os.X_OK)


def _externally_managed(library: str, prefix: str) -> str | None:
    path = os.path.join(library, "EXTERNALLY-MANAGED")
    if not os.path.isfile(path):
        return None
    import configparser  # noqa: PLC0415 few environments have the file

    parser = configparser.ConfigParser(interpolation=None, strict=False)
    try:
        parser.read_string(layout.read_text(path))
        text = parser.get("externally-managed", "Error", fallback="")
    except configparser.Error:
        text = ""
    return text.strip() or f"The Python in {prefix} is managed by something else, which says no more about it."
