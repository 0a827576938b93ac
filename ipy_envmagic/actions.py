"""Plan, run, look again: what a magic, a fix and the command line all call.

Nothing here prints: what is to be shown goes to the `Face` that the caller hands in.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ipy_envmagic.commands import arguments as read
from ipy_envmagic.commands import conda as conda_builder
from ipy_envmagic.commands import error_lines, failures, line, secrets
from ipy_envmagic.commands import pip as pip_builder
from ipy_envmagic.commands import uv as uv_builder
from ipy_envmagic.commands.requested import check_requirements_text
from ipy_envmagic.environments import conda, distributions, kernel_needs, tools
from ipy_envmagic.environments.environment import Environment
from ipy_envmagic.errors import CommandFailed, CommandInterrupted, EnvMagicError, LineError
from ipy_envmagic.run import lock, pending, process, transaction

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ipy_envmagic.commands.command import Command
    from ipy_envmagic.commands.pip import Backend
    from ipy_envmagic.run.changes import Change, Stale

__all__ = ["CommandResult", "Options", "carry_out", "install_into", "run"]

_LEADING_NAME = re.compile(r"\s*(?P<name>[A-Za-z0-9](?:[\w.-]*[A-Za-z0-9])?)(?:\[[^]]*\])?(?P<rest>.*)", re.DOTALL)
_PLACES = frozenset({"--index-url", "--extra-index-url", "--find-links", "--no-index", "--index", "--default-index"})
_LARGEST_FILE = 1 << 20  # characters of a requirements file that are looked at


@dataclass(frozen=True, slots=True)
class Options:
    """What the user's configuration says of a run; see `ipy_envmagic.magics.EnvMagics` for each."""

    echo: bool = True
    raise_on_error: bool = True
    pip_backend: Backend = "auto"
    interrupt_grace: float = 5.0
    protect: bool = True


@dataclass(frozen=True, slots=True)
class CommandResult:
    """What came of a command.

    Parameters
    ----------
    returncode : int
        The program's exit status; negative for a signal.
    argv : tuple of str
        What was run, secrets masked.
    changes : tuple of Change
        What was added, removed, updated or reinstalled, by name.
    stale : tuple of Stale
        The loaded modules that are no longer those on disk: while there are any, the kernel wants a restart.
    seconds : float
        Wall time of the program.
    notes : tuple of str
        What else a person should know, a line each.
    """

    returncode: int
    argv: tuple[str, ...]
    changes: tuple[Change, ...] = ()
    stale: tuple[Stale, ...] = ()
    seconds: float = 0.0
    notes: tuple[str, ...] = field(default=())

    @property
    def restart(self) -> str | None:
        """Why the kernel wants a restart, None where it does not."""
        return _restart(self.stale)

    @property
    def summary(self) -> str:
        """What changed, a line for each kind of change; "" where nothing did."""
        lines = []
        for kind in ("added", "updated", "reinstalled", "removed"):
            names = [str(change) for change in self.changes if change.kind == kind]
            if names:
                lines.append(f"{kind.capitalize()}: {', '.join(names)}")
        return "\n".join(lines)

    def __str__(self) -> str:
        return "\n".join(filter(None, (self.summary or self._in_short(), *self.notes, self.restart)))

    def __repr__(self) -> str:
        return f"<CommandResult: {self._in_short()}>"

    def _in_short(self) -> str:
        count = len(self.changes)
        changed = f", {count} change{'s' if count > 1 else ''}" if count else ""
        return f"exit status {self.returncode}{changed}, {self.seconds:.1f} s"


def run(
    program: str, words: Sequence[str], face: process.Face, options: Options, *, tail: str | None = None, terminal: bool
) -> CommandResult:
    """Run a line of a package program on the environment of this process.

    Parameters
    ----------
    program : str
        "pip", "uv", "conda", "mamba" or "micromamba".
    words : sequence of str
        The arguments.
    face : Face
        Where the output and our own lines go.
    options : Options
        The user's configuration.
    tail : str, optional
        A shell tail, beginning with its operator.
    terminal : bool
        Whether the program gets the terminal itself.

    Returns
    -------
    CommandResult

    Raises
    ------
    LineError
        The line cannot be run as it stands; nothing has been.
    CommandFailed
        The exit status was not 0 (unless `options.raise_on_error` is false).
    CommandInterrupted
        The run was interrupted.
    """
    environment = Environment.current()
    command = _with_tail(_plan(program, words, environment, options, interactive=terminal), tail)
    mask = secrets.masker(secrets.collect(command.argv, _seen_by(command)))
    face = process.Face(face.write, face.say, mask, face.progress, face.width, face.hold)
    _refuse_empty_files(program, words)
    needed = kernel_needs.needs(distributions.installed(environment.site_directories)) if command.mutates else {}
    if command.mutates and read.FORCE_KERNEL not in words:
        _refuse_what_breaks_the_kernel(program, words, environment, needed)
    if options.echo:
        face.say(mask(_shown(command)))
    for note in (*command.notes, *_owned_by_conda(program, words, environment)):
        face.say(mask(note))
    if command.mutates:
        request = transaction.Request(
            (command,),
            mask(f"{program} {' '.join(command.arguments)}"),
            pending.me("terminal" if terminal else "kernel"),
            _looked_in(program, words, mask),
            options.protect,
            terminal,
            options.interrupt_grace,
        )
        return carry_out(request, environment, face, options, needed)
    outcome = _execute(command, face, options, terminal=terminal)
    result = CommandResult(outcome.returncode, tuple(map(mask, command.argv)), seconds=outcome.seconds)
    return _judged(result, outcome, command=command, environment=environment, face=face, options=options)


def install_into(environment: Environment, requirements: Sequence[str], face: process.Face) -> None:
    """Install into another environment than this process's, by conda where conda made it and is there, else by pip.

    Parameters
    ----------
    environment : Environment
        The other one.
    requirements : sequence of str
        What to install.
    face : Face
        Where the output and our own lines go.

    Raises
    ------
    LineError
        It cannot be done so; nothing has been.
    CommandFailed
        The exit status was not 0.
    """
    by_conda = environment.is_conda and conda.find_conda(environment, os.environ, os.path.expanduser("~")) is not None
    program, options = "conda" if by_conda else "pip", Options()
    command = _plan(program, ("install", *requirements), environment, options, interactive=False)
    mask = secrets.masker(secrets.collect(command.argv, _seen_by(command)))
    face = process.Face(face.write, face.say, mask, face.progress, face.width, face.hold)
    face.say(mask(_shown(command)))
    shown = mask(f"{program} install {' '.join(requirements)}")
    carry_out(transaction.Request((command,), shown, pending.me("command line")), environment, face, options)


def carry_out(
    request: transaction.Request,
    environment: Environment,
    face: process.Face,
    options: Options,
    needed: Mapping[str, kernel_needs.Need] | None = None,
    *,
    folder: str | None = None,
) -> CommandResult:
    """Carry out a change as the only one of its prefix, and judge how it ended.

    Parameters
    ----------
    request : Request
        What.
    environment : Environment
        Where.
    face : Face
        Where the output and our own lines go; its mask hides the secrets of all commands.
    options : Options
        The user's configuration.
    needed : mapping, optional
        What the running kernel needs.
    folder : str, optional
        The prefix's folder of `ipy_envmagic.run.state`, where its lock is held already.

    Raises
    ------
    CommandFailed
        An exit status was not 0 (unless `options.raise_on_error` is false).
    CommandInterrupted
        It was interrupted, also while it waited for another one.
    """
    if folder is None:
        with lock.hold(environment.prefix, request.shown, face.say) as folder:  # noqa: PLR1704 it is what was not given
            done = transaction.change(request, environment, face, folder, needed)
    else:
        done = transaction.change(request, environment, face, folder, needed)
    outcome, command = done.outcome, request.commands[-1]
    result = CommandResult(
        outcome.returncode,
        tuple(face.mask(word) for one in request.commands for word in one.argv),
        done.changes,
        done.stale,
        outcome.seconds,
        done.notes,
    )
    if done.failure is not None:
        raise _carrying(CommandFailed(f"{request.shown} failed: {done.failure}"), result)
    return _judged(result, outcome, command=command, environment=environment, face=face, options=options)


def plan(
    program: str,
    words: Sequence[str],
    environment: Environment,
    options: Options,
    needed: Mapping[str, kernel_needs.Need] | None = None,
) -> Command:
    """Return the command of a line that nobody answers questions of.

    Parameters
    ----------
    program : str
        "pip", "uv", "conda", "mamba" or "micromamba".
    words : sequence of str
        The arguments.
    environment : Environment
        What it acts on.
    options : Options
        The user's configuration.
    needed : mapping, optional
        What the running kernel needs: a line that breaks it is refused.

    Raises
    ------
    LineError
        It cannot be run as it stands.
    """
    if needed:
        _refuse_what_breaks_the_kernel(program, words, environment, needed)
    return _plan(program, words, environment, options, interactive=False)


def _plan(
    program: str, words: Sequence[str], environment: Environment, options: Options, *, interactive: bool
) -> Command:
    """Find what serves and let its builder decide."""
    environ, home = dict(os.environ), os.path.expanduser("~")
    if program == "pip":
        has_pip = tools.pip_module(environment)
        wants_uv = options.pip_backend == "uv" or not has_pip
        serving = pip_builder.Tools(
            has_pip=has_pip,
            uv=tools.find_uv(environment, environ, home) if wants_uv else None,
            bundled_pip=None if has_pip else tools.bundled_pip(environment),
            other_python=None if has_pip else tools.other_pip(environment, environ),
        )
        return pip_builder.build(
            words,
            environment,
            serving,
            backend=options.pip_backend,
            interactive=interactive,
            environ=environ,
            configuration=tools.pip_configuration(environment, environ, home),
        )
    if program == "uv":
        found = tools.find_uv(environment, environ, home)
        project = _project_environment(os.getcwd(), environ)
        return uv_builder.build(
            words, environment, found, interactive=interactive, environ=environ, project_environment=project
        )
    return conda_builder.build(
        words,
        environment,
        conda.find_conda(environment, environ, home, program=program),
        program=program,
        interactive=interactive,
        frozen=conda.frozen(environment.prefix),
        pixi=conda.pixi_project(environment.prefix),
        environ=environ,
    )


def _project_environment(folder: str, environ: Mapping[str, str]) -> str | None:
    """Say which prefix uv's project commands act on: ``.venv`` beside the nearest pyproject.toml, or as configured."""
    while not os.path.isfile(os.path.join(folder, "pyproject.toml")):
        parent = os.path.dirname(folder)
        if parent == folder:
            return None
        folder = parent
    return os.path.normpath(os.path.join(folder, environ.get("UV_PROJECT_ENVIRONMENT") or ".venv"))


def _execute(command: Command, face: process.Face, options: Options, *, terminal: bool) -> process.Outcome:
    if terminal:
        return process.run_in_terminal(command)
    return process.run_in_cell(command, face, busy=lambda _tail: False, grace=options.interrupt_grace)


def _judged(
    result: CommandResult,
    outcome: process.Outcome,
    *,
    command: Command,
    environment: Environment,
    face: process.Face,
    options: Options,
) -> CommandResult:
    """Let the exit status and the interrupts decide between a result and an error that carries it."""
    named = face.mask(f"{command.program} {' '.join(command.arguments)}")
    if outcome.interrupts:
        what = (
            "finished what it had begun to change, then the cell was stopped" if outcome.deferred else "was interrupted"
        )
        raise _carrying(
            CommandInterrupted(f"{named} {what}", str(result) if result.changes or result.notes else None), result
        )
    if not outcome.returncode or not options.raise_on_error:
        return result
    raise _carrying(_failure(named, outcome, command, environment, face), result)


def _carrying(error: EnvMagicError, result: CommandResult) -> EnvMagicError:
    error.result = result
    return error


def _failure(
    named: str, outcome: process.Outcome, command: Command, environment: Environment, face: process.Face
) -> CommandFailed:
    """Say in two lines what failed and, where it is known, what mends it."""
    if command.program in ("pip", "uv"):
        told = error_lines.first_line(command.program, outcome.tail, outcome.returncode)
        remedy = failures.explain(command.program, outcome.tail, outcome.returncode, environment)
    else:
        told, remedy = None, conda_builder.explain_failure(outcome.tail, outcome.returncode, command)
    status = f"exit status {outcome.returncode}" if outcome.returncode > 0 else f"ended by signal {-outcome.returncode}"
    return CommandFailed(
        face.mask(f"{named} failed ({status})" + (f": {told}" if told else "")), remedy and face.mask(remedy)
    )


def _refuse_what_breaks_the_kernel(
    program: str, words: Sequence[str], environment: Environment, needed: Mapping[str, kernel_needs.Need]
) -> None:
    """Refuse to remove, or to leave unusable, what the running kernel needs; `FORCE_KERNEL` lifts it."""
    if program in ("pip", "uv"):
        from ipy_envmagic.commands.redirections import redirections  # noqa: PLC0415 (only a change needs it)

        parsed = read.parse_uv(words) if program == "uv" else read.parse(words)
        if any(redirections(environment, {}, {}, parsed)):
            return  # an option of the line sends it elsewhere
        verb = parsed.subcommand.rpartition(" ")[2]
        held: set[str] = set()
        for name in (*parsed.requirement_files, *(parsed.positionals if verb == "sync" else ())):
            held |= kernel_needs.names_in(_text_of(name))
        requested = (*parsed.requested, *(held if verb == "uninstall" else ()))
        refusal = kernel_needs.refusal(verb, requested, needed, kept=held)
    else:
        verb, requested = conda_builder.asked(words, environment)
        refusal = kernel_needs.refusal(verb, requested, needed, conda=True, python=environment.version[:2])
    if refusal:
        raise LineError(refusal)


def _refuse_empty_files(program: str, words: Sequence[str]) -> None:
    """Refuse a requirements file that asks for nothing: pip would end well, and nothing would have been done."""
    if program not in ("pip", "uv"):
        return
    parsed = read.parse_uv(words) if program == "uv" else read.parse(words)
    if parsed.subcommand.rpartition(" ")[2] not in ("install", "uninstall", "download", "wheel"):
        return
    for name in parsed.requirement_files:
        if name.endswith((".txt", ".in")) and os.path.isfile(name):
            check_requirements_text(name, _text_of(name))


def _text_of(path: str) -> str:
    """Read a file that a line names; what cannot be read is for the program itself to complain of."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read(_LARGEST_FILE)
    except (OSError, ValueError):
        return ""


def _owned_by_conda(program: str, words: Sequence[str], environment: Environment) -> tuple[str, ...]:
    """Tell, before pip runs, which of what it is to install is conda's own, with the line for conda."""
    if not environment.is_conda or program not in ("pip", "uv"):
        return ()
    parsed = read.parse_uv(words) if program == "uv" else read.parse(words)
    if parsed.subcommand.rpartition(" ")[2] != "install":
        return ()
    notes = []
    for requirement in parsed.requested:
        match = _LEADING_NAME.match(requirement)
        if match is None or not (package := conda.owner_of(environment.prefix, match["name"])):
            continue
        wanted = line.quote(package + match["rest"].strip()) if match["rest"].strip()[:1] in "=<>!~" else package
        notes.append(
            f"{match['name']} was installed by conda here (package {package}): %conda install {wanted} keeps conda's "
            "records right. pip goes on."
        )
    return tuple(notes)


def _looked_in(program: str, words: Sequence[str], mask: Callable[[str], str]) -> tuple[str, ...]:
    """Return the options of a line that say where pip or uv looks; one with a secret is left out."""
    if program not in ("pip", "uv"):
        return ()
    parsed = read.parse_uv(words) if program == "uv" else read.parse(words)
    found: list[str] = []
    for option in parsed.options:
        if option.name not in _PLACES:
            continue
        value = option.value
        if value is not None and option.name == "--find-links" and os.path.exists(value):
            value = os.path.abspath(value)
        if value is None or mask(value) == value:
            found += [option.name] if value is None else [option.name, value]
    return tuple(found)


def _restart(stale: Sequence[Stale]) -> str | None:
    if not stale:
        return None
    told = ", ".join(
        f"{one.module} {one.loaded or ''} is loaded, {one.installed or 'nothing'} is on disk".replace("  ", " ")
        if one.installed
        else f"{one.module} {one.loaded or ''} is loaded and was removed from disk".replace("  ", " ")
        for one in stale
    )
    if any(one.compiled for one in stale):
        return f"Restart the kernel before anything else: {told}; old and new compiled parts do not go together."
    return f"Restart the kernel to use it: {told}."


def _with_tail(command: Command, tail: str | None) -> Command:
    from dataclasses import replace  # noqa: PLC0415 only where a tail is

    return command if tail is None else replace(command, shell_tail=tail, machine_output=True)


def _seen_by(command: Command) -> Mapping[str, str]:
    return os.environ | {name: value for name, value in command.env.items() if value is not None}


def _shown(command: Command) -> str:
    """Write a command as a person would type it in a terminal."""
    home = os.path.expanduser("~")
    argv = [*command.argv]
    if argv[1:3] == ["-c", pip_builder.RUN_PIP]:
        argv[1:3] = ["-m", "pip"]  # which is what it amounts to
    words = [word.replace(home, "~", 1) if word.startswith(home + os.sep) else word for word in argv]
    shown = [word if word.startswith("~") and " " not in word else line.quote(word) for word in words]
    return " ".join(["$", *shown, command.shell_tail or ""]).rstrip()
