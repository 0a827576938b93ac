"""Where else a requirement is: in the environment of the shell's ``python``, or in any other on this machine."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ipy_envmagic.checks.around import Neighbour, describe, kernels_of, neighbours
from ipy_envmagic.checks.copies import Copy, copies_in, wanted
from ipy_envmagic.checks.whole import kernelspecs_of, same_prefix
from ipy_envmagic.environments.layout import prefix_of
from ipy_envmagic.environments.shims import python_on_path

if TYPE_CHECKING:
    from ipy_envmagic.checks.session import Session
    from ipy_envmagic.environments.environment import Environment

__all__ = ["Elsewhere", "find"]

_MOST = 5  # further places that are named


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Another environment that has what this one has not.

    Parameters
    ----------
    copy : Copy
        What is there.
    neighbour : Neighbour
        The environment.
    of_shell : bool
        Whether it is that of the shell's ``python``: then ``!pip install`` has put it there.
    kernels : tuple of str
        The display names of the kernels that run in it.
    others : tuple of str
        The prefixes of further environments that have it.
    """

    copy: Copy
    neighbour: Neighbour
    of_shell: bool
    kernels: tuple[str, ...]
    others: tuple[str, ...]


def find(name: str, known: str, environment: Environment, session: Session) -> Elsewhere | None:
    """Look for a requirement in every other environment of this machine.

    Parameters
    ----------
    name : str
        As it was asked.
    known : str
        The distribution that it would be installed by.
    environment, session
        The kernel's.

    Returns
    -------
    Elsewhere or None
        None where no other environment has it. User site directories are not among them: they have rules of their own.
    """
    specs = kernelspecs_of(environment, session)
    executable = python_on_path(session.environ, session.home, session.cwd, platform=environment.platform)
    of_shell = prefix_of(executable, environment.platform) if executable else None
    mine = {os.path.realpath(entry) for entry in session.path}
    whats = [wanted(one) for one in dict.fromkeys((name, known))]
    found = []
    for located in neighbours(environment, session, specs).environments:
        if located.is_user_site or same_prefix(located.prefix, environment.prefix):
            continue
        sites = [site for site in located.site_directories if os.path.realpath(site) not in mine]
        copy = next((copy for what in whats for copy in copies_in(sites, what)), None)
        if copy is not None:
            found.append((located, copy))
    if not found:
        return None
    first = next((one for one in found if of_shell and same_prefix(one[0].prefix, of_shell)), found[0])
    located, copy = first
    neighbour = describe(located, session, environment.platform)
    is_shell = of_shell is not None and same_prefix(located.prefix, of_shell)
    if is_shell and executable:
        neighbour = Neighbour(neighbour.prefix, neighbour.title, neighbour.version, executable, neighbour.environment)
    others = tuple(one.prefix for one, _ in found if one is not located)
    return Elsewhere(copy, neighbour, is_shell, kernels_of(located.prefix, specs), others[:_MOST])
