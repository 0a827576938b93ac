"""The installers that can serve an environment: its own pip, uv, the pip that Python carries, another Python's pip."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from ipy_envmagic.environments import layout
from ipy_envmagic.environments.distributions import installed, metadata_headers, record
from ipy_envmagic.environments.environment import Environment
from ipy_envmagic.environments.layout import prefix_of
from ipy_envmagic.environments.pip_configuration import pip_configuration
from ipy_envmagic.environments.shims import is_executable, is_script, on_path, python_on_path
from ipy_envmagic.errors import EnvMagicError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = [
    "bundled_pip",
    "find_uv",
    "other_pip",
    "pip_configuration",
    "pip_module",
    "prefix_of",
    "python_on_path",
]

_PIP_WITH_PYTHON_OPTION = (22, 3)
_PIP_WHEEL = re.compile(r"pip-(\d[^-]*)-.*\.whl")


def find_uv(environment: Environment, environ: Mapping[str, str], home: str) -> str | None:
    """Return a uv that can be run, None where there is none.

    Parameters
    ----------
    environment : Environment
        Whose own uv comes first.
    environ : mapping of str to str
        With UV (which uv sets for what it starts), PATH, XDG_BIN_HOME.
    home : str
        The user's home.
    """
    candidates = _uv_candidates(environment, environ, home)
    return next((path for path in candidates if is_executable(path) and not _is_shim(path)), None)


def pip_module(environment: Environment) -> bool:
    """Whether ``python -m pip`` finds a pip in the environment."""
    return any(os.path.isfile(os.path.join(place, "pip", "__main__.py")) for place in environment.site_directories)


def bundled_pip(environment: Environment) -> str | None:
    """Return the wheel of pip that the environment's base carries for `ensurepip`, the newest where there are several.

    Parameters
    ----------
    environment : Environment
        Any. Debian, Fedora and others keep the wheel in ``/usr/share/python-wheels``.
    """
    library = layout.standard_library(environment.base_prefix, environment.version, environment.platform)
    folders = [os.path.join(library, "ensurepip", "_bundled")]
    if environment.platform != "win32":
        folders.append(os.path.join(environment.base_prefix, "share", "python-wheels"))
    for folder in folders:
        wheels = [entry for entry in _list(folder) if _PIP_WHEEL.fullmatch(entry)]
        if wheels:
            return os.path.join(folder, max(wheels, key=_wheel_version))
    return None


def other_pip(environment: Environment, environ: Mapping[str, str]) -> str | None:
    """Return another Python whose pip can install into the environment with ``--python``.

    Parameters
    ----------
    environment : Environment
        The target: its version must suit that pip, which runs in it.
    environ : mapping of str to str
        With PATH.

    Returns
    -------
    str or None
        An interpreter: the base's, or the first on PATH that has pip 22.3 or later.
    """
    tried = {os.path.realpath(environment.prefix)}
    for interpreter in _interpreters(environment, environ):
        prefix = prefix_of(interpreter, environment.platform)
        if prefix is None or os.path.realpath(prefix) in tried:
            continue
        tried.add(os.path.realpath(prefix))
        if _has_serving_pip(prefix, environment, environ):
            return interpreter
    return None


def _uv_candidates(environment: Environment, environ: Mapping[str, str], home: str) -> Iterator[str]:
    name = "uv.exe" if environment.platform == "win32" else "uv"
    scripts = "Scripts" if environment.platform == "win32" else "bin"
    yield os.path.join(environment.prefix, scripts, name)
    distribution = installed(environment.site_directories).get("uv")
    if distribution is not None:
        for path in record(distribution):
            if path.replace("\\", "/").rpartition("/")[2] == name:
                yield os.path.normpath(os.path.join(distribution.site_directory, path))
    if os.path.isabs(environ.get("UV", "")):
        yield environ["UV"]
    yield from on_path("uv", environ, None, platform=environment.platform)
    if environ.get("XDG_BIN_HOME"):
        yield os.path.join(environ["XDG_BIN_HOME"], name)
    for folder in (os.path.join(home, ".local", "bin"), os.path.join(home, ".cargo", "bin")):
        yield os.path.join(folder, name)
    yield os.path.join(environment.base_prefix, scripts, name)
    if environment.platform != "win32":
        for folder in ("/usr/local/bin", "/opt/homebrew/bin", "/home/linuxbrew/.linuxbrew/bin"):
            yield os.path.join(folder, name)


def _is_shim(path: str) -> bool:
    """Whether a version manager's script stands there: it may have no such program behind it."""
    return is_script(path) and os.path.basename(os.path.dirname(path)) == "shims"


def _interpreters(environment: Environment, environ: Mapping[str, str]) -> Iterator[str]:
    base = layout.interpreter(environment.base_prefix, environment.version, environment.platform, plain=False)
    if base:
        yield base
    for name in ("python3", "python"):
        for path in on_path(name, environ, None, platform=environment.platform):
            if not is_script(path):
                yield path
    home = environ.get("HOME") or environ.get("USERPROFILE") or ""
    through_shims = python_on_path(environ, home, None, platform=environment.platform)
    if through_shims:
        yield through_shims


def _has_serving_pip(prefix: str, target: Environment, environ: Mapping[str, str]) -> bool:
    try:
        other = Environment.from_prefix(prefix, platform=target.platform, environ=environ)
    except EnvMagicError:
        return False
    pip = installed(other.site_directories).get("pip")
    if pip is None or not os.path.isfile(os.path.join(pip.site_directory, "pip", "__pip-runner__.py")):
        return False
    if _numbers(pip.version or "") < _PIP_WITH_PYTHON_OPTION:
        return False
    from packaging.specifiers import InvalidSpecifier, SpecifierSet  # noqa: PLC0415 takes 20 ms, and is rarely needed

    wanted = metadata_headers(pip).get("requires-python", [""])[0]
    try:
        return SpecifierSet(wanted).contains(".".join(map(str, target.version)), prereleases=True)
    except InvalidSpecifier:
        return True


def _wheel_version(entry: str) -> tuple[int, ...]:
    match = _PIP_WHEEL.fullmatch(entry)
    return _numbers(match[1]) if match else ()


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version))


def _list(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []
