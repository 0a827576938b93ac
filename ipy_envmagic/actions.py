"""Plan, run, look again: what a magic, a fix and the command line all call.

Nothing here prints: what is to be shown goes to the `Face` that the caller hands in.
"""

from __future__ import annotations

import os
import re
import sys
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
from ipy_envmagic.run import changes as look
from ipy_envmagic.run import lock, process

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ipy_envmagic.commands.command import Command
    from ipy_envmagic.commands.pip import Backend
    from ipy_envmagic.run.changes import Change, Stale

__all__ = ["CommandResult", "Options", "install_into", "run"]

_LEADING_NAME = re.compile(r"\s*(?P<name>[A-Za-z0-9](?:[\w.-]*[A-Za-z0-9])?)(?:\[[^]]*\])?(?P<rest>.*)", re.DOTALL)
_LARGEST_FILE = 1 << 20  # characters of a requirements file that are looked at


@dataclass(frozen=True, slots=True)
class Options:
    """What the user's configuration says of a run; see `ipy_envmagic.magics.EnvMagics` for each."""

    echo: bool = True
    raise_on_error: bool = True
    pip_backend: Backend = "auto"
    interrupt_grace: float = 5.0


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
        shown = mask(f"{program} {' '.join(command.arguments)}")
        with lock.hold(environment.prefix, shown, face.say):
            return _change(command, environment, face, options, needed=needed, terminal=terminal)
    outcome = _execute(command, face, options, terminal=terminal, busy=lambda _tail: False)
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
    with lock.hold(environment.prefix, mask(f"{program} install {' '.join(requirements)}"), face.say):
        outcome = process.run_in_cell(command, face, busy=lambda _tail: False)
    result = CommandResult(outcome.returncode, tuple(map(mask, command.argv)), seconds=outcome.seconds)
    _judged(result, outcome, command=command, environment=environment, face=face, options=options)


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


def _change(
    command: Command,
    environment: Environment,
    face: process.Face,
    options: Options,
    *,
    needed: Mapping[str, kernel_needs.Need],
    terminal: bool,
) -> CommandResult:
    """Run a command that changes the environment, and look what it changed."""
    before = look.take(environment, sys.modules)
    debris = set(distributions.leftovers(environment.site_directories))

    def busy(tail: str) -> bool:
        return "Installing collected packages" in tail or look.touched(before, environment)

    outcome = _execute(command, face, options, terminal=terminal, busy=busy)
    after = look.take(environment)
    found = look.compare(before, after)
    look.refresh(before, after, environment)
    look.remember(before, after, found)
    notes = (
        *_debris(debris, distributions.leftovers(environment.site_directories), before, after),
        *(kernel_needs.unmet(after.distributions, needed) if found else ()),
    )
    result = CommandResult(
        outcome.returncode,
        tuple(map(face.mask, command.argv)),
        found,
        look.stale_modules(before, after) if found else (),
        outcome.seconds,
        notes,
    )
    return _judged(result, outcome, command=command, environment=environment, face=face, options=options)


def _execute(
    command: Command, face: process.Face, options: Options, *, terminal: bool, busy: Callable[[str], bool]
) -> process.Outcome:
    if terminal:
        return process.run_in_terminal(command)
    return process.run_in_cell(command, face, busy=busy, grace=options.interrupt_grace)


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
        parsed = read.parse_uv(words) if program == "uv" else read.parse(words)
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


def _debris(before: set[str], now: Sequence[str], had: look.Snapshot, has: look.Snapshot) -> tuple[str, ...]:
    """Name what an installer that was stopped left behind, with the line that repairs."""
    left = [path for path in now if path not in before]
    if not left:
        return ()
    gone = [one for key, one in had.distributions.items() if key not in has.distributions]
    lines = [
        f"The installer was stopped while it replaced files and left {', '.join(map(os.path.basename, left))} behind."
    ]
    wanted = " ".join(line.quote(f"{one.name}=={one.version}") for one in gone if one.version)
    if wanted:
        lines.append(f"To repair: %pip install --force-reinstall --no-deps {wanted}")
    return tuple(lines)


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
