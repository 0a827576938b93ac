"""Where else a requirement is: so far, in the environment of the Python that the shell calls ``python``."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ipy_envmagic.checks.index import index_of
from ipy_envmagic.checks.place import Place, locate
from ipy_envmagic.environments.distributions import normalise
from ipy_envmagic.environments.environment import Environment
from ipy_envmagic.environments.tools import prefix_of, python_on_path
from ipy_envmagic.errors import EnvMagicError

if TYPE_CHECKING:
    from ipy_envmagic.checks.session import Session

__all__ = ["Elsewhere", "in_shell"]


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Another environment that has what this one has not.

    Parameters
    ----------
    executable : str
        Its interpreter.
    prefix : str
        Its prefix.
    place : Place
        What is there.
    """

    executable: str
    prefix: str
    place: Place


def in_shell(name: str, wanted: str, environment: Environment, session: Session) -> Elsewhere | None:
    """Look for a requirement in the environment of the shell's ``python``, where that is another than the kernel's.

    Parameters
    ----------
    name : str
        As it was asked.
    wanted : str
        The distribution that it would be installed by.
    environment, session
        The kernel's.
    """
    executable = python_on_path(session.environ, session.home, session.cwd)
    if executable is None:
        return None
    prefix = prefix_of(executable, environment.platform)
    if prefix is None or os.path.realpath(prefix) == os.path.realpath(environment.prefix):
        return None
    try:
        other = Environment.from_prefix(prefix, environ=session.environ, home=session.home)
    except (EnvMagicError, OSError):
        return None
    index = index_of(other.site_directories)
    place = locate(name, index, other.site_directories)
    if place.distribution is None and normalise(wanted) in index:
        place = locate(wanted, index, other.site_directories)
    if place.distribution is None and (place.module is None or place.module.kind == "namespace"):
        return None
    return Elsewhere(executable, prefix, place)
