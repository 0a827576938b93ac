"""`%uv`: from a line to the command of uv that acts on the environment of the running kernel."""

from __future__ import annotations

import ntpath
import posixpath
from typing import TYPE_CHECKING

from ipy_envmagic.commands import redirections
from ipy_envmagic.commands.arguments import Arguments, parse_uv
from ipy_envmagic.commands.command import Command
from ipy_envmagic.commands.pip import require_executable
from ipy_envmagic.commands.requested import check_requested, check_word
from ipy_envmagic.commands.surroundings import machine_readable, unattended
from ipy_envmagic.errors import EnvMagicError, LineError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ipy_envmagic.environments.environment import Environment

__all__ = ["build"]

_PIP_COMMANDS = frozenset({"install", "uninstall", "sync", "list", "freeze", "show", "tree", "check", "compile"})
_ONLY_OF_PIP = _PIP_COMMANDS - {"sync", "tree", "check"} | {
    "download",
    "wheel",
}  # `uv sync`, `uv tree`, `uv check` are others
_OF_PROJECTS = frozenset(
    {"add", "remove", "sync", "run", "lock", "tree", "export", "check", "audit", "format", "version"}
)
_CHANGE_PROJECTS = frozenset({"add", "remove", "sync", "run"})
_VENVS = frozenset({"venv", "virtualenv", "uv"})
# uv asks on the terminal itself, whatever its standard input is ("Do you want to replace it?"); with a pipe it decides.
_ASK = frozenset(
    {"venv", "publish", "auth login", "auth logout", "init", "tool install", "tool upgrade", "self update"}
)


def build(
    words: Sequence[str],
    environment: Environment,
    uv: str | None,
    *,
    interactive: bool,
    environ: Mapping[str, str],
    project_environment: str | None = None,
) -> Command:
    """Make the command of a `%uv` line.

    ``uv pip`` gets ``--python`` with this kernel's interpreter unless the line names another; the commands of projects
    act on the project's environment, as uv documents, and a note says so where that is not this kernel's.

    Parameters
    ----------
    words : sequence of str
        What follows ``%uv``.
    environment : Environment
        The kernel's.
    uv : str or None
        The program.
    interactive : bool
        Whether a person can answer questions (a terminal).
    environ : mapping of str to str
        The variables that the program will inherit.
    project_environment : str, optional
        The prefix that uv's project commands act on from the working directory (UV_PROJECT_ENVIRONMENT, or ``.venv``
        beside the nearest ``pyproject.toml``), whether it exists or not; None where there is no project.

    Returns
    -------
    Command

    Raises
    ------
    LineError
        A line that cannot be meant; nothing has been run.
    EnvMagicError
        Where there is no uv.
    """
    arguments = parse_uv(words)
    _refuse_slips(arguments)
    if not uv:
        raise EnvMagicError(
            "No uv was found: not in this environment, not in UV, not on PATH", "%pip install uv brings one"
        )
    group, _, verb = arguments.subcommand.rpartition(" ")
    of_pip = group == "pip" and verb in _PIP_COMMANDS and not arguments.has("--help")
    of_project = arguments.subcommand in _OF_PROJECTS
    if of_pip:
        check_requested(arguments, "%uv pip")
    for word in arguments.values("--with"):
        check_word(word, "%uv", f"{arguments.subcommand} --with")
    given = arguments.words
    if of_pip and not arguments.has("--python", "--system"):
        python = ("--python", require_executable(environment))
        given = (*given[: arguments.split], *python, *given[arguments.split :])
    elsewhere = of_project and not _acts_here(arguments, environment, project_environment)
    machine = _machine_output(arguments)
    env: dict[str, str | None] = machine_readable() if machine else {}
    if not interactive:
        env |= unattended(environ)
    if of_project and environment.kind in _VENVS:
        env["VIRTUAL_ENV"] = environment.prefix
    notes = redirections.notes(arguments, environment, {}, {}) if of_pip else ()
    if elsewhere and arguments.subcommand in _CHANGE_PROJECTS:
        notes = (*notes, *_project_note(arguments, environment, project_environment))
    return Command(
        program="uv",
        argv=(uv, *given),
        arguments=arguments.words,
        env=env,
        mutates=_mutates(arguments, of_pip=of_pip, here=of_project and not elsewhere),
        machine_output=machine or (not interactive and arguments.subcommand in _ASK),
        notes=notes,
    )


def _refuse_slips(arguments: Arguments) -> None:
    first = arguments.subcommand
    if first in _ONLY_OF_PIP and first not in {"download", "wheel"}:
        line = " ".join(arguments.words)
        raise LineError(f"uv has no `{first}` of its own; write %uv pip {line}")
    if first in {"download", "wheel"}:
        raise LineError(f"uv has no `{first}`; write %pip {' '.join(arguments.words)}")
    group, _, verb = first.rpartition(" ")
    if group == "pip" and verb not in _PIP_COMMANDS and not arguments.has("--help") and verb != "help":
        raise LineError(f"uv pip has no `{verb}`; %pip {verb} may serve")


def _acts_here(arguments: Arguments, environment: Environment, project_environment: str | None) -> bool:
    """Say whether a command of projects acts on the kernel's environment."""
    if arguments.has("--active") and environment.kind in _VENVS:
        return True
    return project_environment is not None and _same(project_environment, environment.prefix, environment.platform)


def _project_note(arguments: Arguments, environment: Environment, project_environment: str | None) -> tuple[str, ...]:
    where = f"the project's environment ({project_environment})" if project_environment else "a project's environment"
    told = f"uv {arguments.subcommand} acts on {where}, not on this kernel's ({environment.prefix})"
    if environment.kind in _VENVS:
        return (f"{told}; --active makes it act on this kernel's",)
    return (f"{told}; %uv pip installs into this kernel's",)


def _mutates(arguments: Arguments, *, of_pip: bool, here: bool) -> bool:
    if arguments.has("--dry-run", "--check", "--help"):
        return False
    verb = arguments.subcommand.rpartition(" ")[2]
    if of_pip:
        return verb in {"install", "uninstall", "sync"}
    return here and verb in _CHANGE_PROJECTS and not arguments.has("--no-sync")


def _machine_output(arguments: Arguments) -> bool:
    return "json" in (arguments.value("--format"), arguments.value("--output-format")) or arguments.has("--json")


def _same(one: str, other: str, platform: str) -> bool:
    flavour = ntpath if platform == "win32" else posixpath
    one, other = (flavour.normcase(flavour.normpath(path)) for path in (one, other))
    return one == other
