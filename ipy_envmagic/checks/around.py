"""The other environments of this machine, with what a person calls them and which kernels use them."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ipy_envmagic.checks.whole import kernelspecs_of, same_prefix
from ipy_envmagic.environments.environment import Environment
from ipy_envmagic.environments.installers import Where
from ipy_envmagic.environments.locate import Found, Located, Surroundings, locate
from ipy_envmagic.environments.shims import python_on_path
from ipy_envmagic.errors import EnvMagicError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ipy_envmagic.checks.session import Session
    from ipy_envmagic.environments.kernels import Kernelspec

__all__ = ["Neighbour", "describe", "find_environment", "kernels_of", "neighbours", "where_of"]


@dataclass(frozen=True, slots=True)
class Neighbour:
    """An environment as a person knows it.

    Parameters
    ----------
    prefix : str
        Its prefix.
    title : str
        "venv analysis", "conda base", "user site", ...
    version : str
        Its Python's, "" where that is not known.
    executable : str
        Its interpreter, "" where there is none.
    environment : Environment or None
        All that its files tell; None for a user site directory.
    """

    prefix: str
    title: str
    version: str
    executable: str
    environment: Environment | None


def neighbours(environment: Environment, session: Session, specs: Iterable[Kernelspec]) -> Found:
    """Locate the environments of this machine.

    Parameters
    ----------
    environment, session
        The kernel's.
    specs : iterable of Kernelspec
        Every kernelspec.
    """
    kernels = tuple(spec.executable for spec in specs if spec.executable and spec.is_python)
    shell = python_on_path(session.environ, session.home, session.cwd, platform=environment.platform)
    return locate(
        Surroundings(
            session.environ,
            session.home,
            session.cwd,
            environment.platform,
            tuple(dict.fromkeys((*kernels, *([shell] if shell else [])))),
            session.root,
            _installations(environment),
        )
    )


def _installations(environment: Environment) -> tuple[str, ...]:
    if not environment.is_conda:
        return ()
    from ipy_envmagic.environments.conda import root_of  # noqa: PLC0415 (only a conda environment needs it)

    root = root_of(environment.prefix)
    return (root,) if root else ()


def describe(located: Located, session: Session, platform: str) -> Neighbour:
    """Say what an environment is; reads the few files that tell.

    Parameters
    ----------
    located : Located
        Where it was found.
    session : Session
        What the kernel's process knows.
    platform : str
        As `sys.platform`.
    """
    version = ".".join(map(str, located.version or ()))
    if located.is_user_site:
        return Neighbour(located.prefix, "user site", version, "", None)
    try:
        found = Environment.from_prefix(located.prefix, platform=platform, environ=session.environ, home=session.home)
    except (EnvMagicError, OSError):
        return Neighbour(located.prefix, located.how, version, "", None)
    number = ".".join(map(str, found.version[: 3 if found.version[2] else 2]))
    tool = f" ({found.manager})" if found.manager in {"pipx", "poetry", "pdm", "hatch", "pipenv"} else ""
    tool = tool or (" (uv tool)" if os.path.isfile(os.path.join(found.prefix, "uv-receipt.toml")) else "")
    title = found.kind if str(found.kind) == found.name else f"{found.kind} {found.name}"
    return Neighbour(located.prefix, f"{title}{tool}", number, found.executable, found)


def kernels_of(prefix: str, specs: Iterable[Kernelspec]) -> tuple[str, ...]:
    """Return the display names of the kernels that run in an environment.

    Parameters
    ----------
    prefix : str
        The environment's.
    specs : iterable of Kernelspec
        Every kernelspec; hidden ones and those that cannot start do not count.
    """
    return tuple(
        spec.display_name
        for spec in specs
        if spec.prefix and not spec.problem and spec.hidden_by is None and same_prefix(spec.prefix, prefix)
    )


def where_of(environment: Environment | None, session: Session, platform: str, prefix: str) -> Where:
    """Return what `installers.put_by` needs to know of an environment."""
    path = session.environ.get("PYTHONPATH", "").split(os.pathsep)
    base = environment.base_prefix if environment else prefix
    return Where(platform, prefix, base, session.home, session.cwd, tuple(filter(None, path)), root=session.root)


def find_environment(text: str, environment: Environment, session: Session) -> Environment:
    """Return the environment that a person names.

    Parameters
    ----------
    text : str
        A path (of a prefix, of an interpreter, of a project with an environment in it), the name of a kernelspec, of a
        conda environment or of another one on this machine, or "shell": that of the notebook's shell.
    environment, session
        The kernel's.

    Raises
    ------
    EnvMagicError
        There is none of that name, or more than one.
    """
    prefixes = dict.fromkeys(_prefixes(text, environment, session))
    distinct = {os.path.realpath(prefix): prefix for prefix in prefixes}
    if not distinct:
        raise EnvMagicError(
            f"No environment is called {text!r}",
            "Give its folder, its interpreter, a kernelspec's name (%envcheck --kernels lists them), or shell.",
        )
    if len(distinct) > 1:
        raise EnvMagicError(f"{text!r} may be {' or '.join(sorted(distinct.values()))}; give the path")
    return Environment.from_prefix(
        next(iter(distinct.values())), platform=environment.platform, environ=session.environ, home=session.home
    )


def _prefixes(text: str, environment: Environment, session: Session) -> list[str]:
    from ipy_envmagic.environments.layout import prefix_of  # noqa: PLC0415 (only a named environment needs it)

    path = os.path.join(session.cwd, os.path.expanduser(text))
    if os.path.isfile(path):
        found = prefix_of(path, environment.platform)
        return [found] if found else []
    if os.path.isdir(path) and ("/" in text or os.sep in text or text in {".", ".."} or _is_prefix(path)):
        inside = [os.path.join(path, name) for name in (".venv", "venv")]
        return [os.path.normpath(path)] if _is_prefix(path) else [one for one in inside if _is_prefix(one)][:1]
    if text == "shell":
        executable = python_on_path(session.environ, session.home, session.cwd, platform=environment.platform)
        found = prefix_of(executable, environment.platform) if executable else None
        return [found] if found else []
    specs = kernelspecs_of(environment, session)
    by_name = [
        spec.prefix
        for spec in specs
        if spec.prefix and spec.hidden_by is None and text in {spec.name, spec.display_name}
    ]
    if by_name:
        return by_name
    located = [one for one in neighbours(environment, session, specs).environments if not one.is_user_site]
    by_folder = [one.prefix for one in located if os.path.basename(one.prefix) == text]
    if by_folder:
        return by_folder
    return [one.prefix for one in located if describe(one, session, environment.platform).title.endswith(f" {text}")]


def _is_prefix(path: str) -> bool:
    return any(os.path.exists(os.path.join(path, name)) for name in ("pyvenv.cfg", "conda-meta")) or any(
        os.path.isfile(os.path.join(path, *name)) for name in (("bin", "python3"), ("python.exe",))
    )
