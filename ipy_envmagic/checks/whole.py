"""The environment as a whole with everything that its rules look at, gathered once."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from ipy_envmagic.checks.report import About, ShellProgram
from ipy_envmagic.environments import kernels, layout, shell
from ipy_envmagic.environments.host import host_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ipy_envmagic.checks.report import Finding
    from ipy_envmagic.checks.session import Session
    from ipy_envmagic.environments.distributions import Distribution
    from ipy_envmagic.environments.environment import Environment
    from ipy_envmagic.environments.kernels import Kernelspec
    from ipy_envmagic.environments.shell import Program

__all__ = ["Whole", "about", "findings_of", "kernelspecs_of", "same_prefix"]


@dataclass(frozen=True)  # without slots: what is read once for all rules is kept in the instance
class Whole:
    """An environment, the session that runs in it, and what is around it.

    Parameters
    ----------
    environment : Environment
        The kernel's.
    session : Session
        What the kernel's process knows.
    index : mapping of str to Distribution
        What is installed on the kernel's path, by normalised name.
    """

    environment: Environment
    session: Session
    index: Mapping[str, Distribution]

    @cached_property
    def programs(self) -> tuple[Program, ...]:
        """What the shell's python, pip, conda and uv are."""
        session = self.session
        return shell.programs(shell.Shell(session.environ, session.home, session.cwd, self.environment.platform))

    @cached_property
    def kernelspecs(self) -> tuple[Kernelspec, ...]:
        """Every kernelspec that Jupyter can see."""
        return kernelspecs_of(self.environment, self.session)

    @cached_property
    def settings(self) -> Mapping[str, str]:
        """The environment's pyvenv.cfg; empty where there is none."""
        return layout.read_settings(self.environment.prefix)

    def acts_here(self, program: Program) -> bool | None:
        """Whether a program of the shell acts on this environment; None where that cannot be told.

        Parameters
        ----------
        program : Program
            One of `programs`.
        """
        return None if program.prefix is None else same_prefix(program.prefix, self.environment.prefix)


def about(whole: Whole) -> About:
    """Say what an environment is, beside what is wrong with it.

    Parameters
    ----------
    whole : Whole
        The environment.
    """
    programs = tuple(
        ShellProgram(program.name, program.path, program.prefix, whole.acts_here(program), program.why)
        for program in whole.programs
    )
    sites = tuple(filter(os.path.isdir, whole.environment.site_directories))
    return About(len(whole.index), sites, programs, host_of(whole.session.environ, whole.session.root))


def kernelspecs_of(environment: Environment, session: Session) -> tuple[Kernelspec, ...]:
    """Return every kernelspec that the server of this kernel can see, or, where it is not known, one beside the kernel.

    Parameters
    ----------
    environment : Environment
        The kernel's.
    session : Session
        What the kernel's process knows.
    """
    server = kernels.server_of(session.environ)
    prefix = layout.prefix_of(server, environment.platform) if server else None
    prefix, base = (prefix, "") if prefix else (environment.prefix, environment.base_prefix)
    if not base:
        base = layout.base_prefix_of(prefix, layout.read_settings(prefix), environment.platform)
    else:
        server = environment.executable
    return kernels.kernelspecs(
        kernels.Search(prefix, base, session.environ, session.home, environment.platform, server)
    )


def findings_of(whole: Whole) -> Iterator[Finding]:
    """Yield what is wrong with an environment as a whole: where it is, what is around it, then what is in it.

    Parameters
    ----------
    whole : Whole
        The environment.
    """
    from ipy_envmagic.checks.rules import whole as rules  # noqa: PLC0415 (a check of a name needs none of them)

    for rule in rules():
        yield from rule(whole)


def same_prefix(one: str, other: str) -> bool:
    """Whether two prefixes are one folder, through links or not."""
    return one == other or os.path.realpath(one) == os.path.realpath(other)
