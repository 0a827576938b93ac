"""A change of an environment, whole or not at all: keep, run, look, and put back where it did not end well."""

from __future__ import annotations

import contextlib
import os
import re
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ipy_envmagic.environments import distributions, kernel_needs
from ipy_envmagic.errors import CommandInterrupted
from ipy_envmagic.run import backup, history, pending, process
from ipy_envmagic.run import changes as look

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ipy_envmagic.commands.command import Command
    from ipy_envmagic.environments.environment import Environment
    from ipy_envmagic.run.changes import Change, Stale
    from ipy_envmagic.run.history import Described

__all__ = ["Done", "Request", "catch_up", "change", "repair"]

REPAIR = "%envcheck --repair"
_FEW = 3  # paths that a line names
_SIGNS = {  # what a program that is not silenced writes while it changes nothing yet, and what from then on
    "pip": (
        re.compile(
            r"^(?:Collecting|Processing|Obtaining|Requirement already|Looking in|Usage:|"
            r"ERROR: (?:Could not find a version|Could not open requirements|Invalid requirement))",
            re.MULTILINE,
        ),
        re.compile(r"Installing collected packages|ninstalling|uninstall:|Successfully|Running setup\.py"),
    ),
    "conda": (
        re.compile(
            r"Channels:|Collecting package metadata|Solving environment|PackagesNotFoundError|^usage:", re.MULTILINE
        ),
        re.compile(r"(?:Preparing|Verifying|Executing) transaction|Downloading and Extracting"),
    ),
}


@dataclass(frozen=True, slots=True)
class Request:
    """What is to be done as one change.

    Parameters
    ----------
    commands : sequence of Command
        In this order; the first that fails ends the change.
    shown : str
        The line as the user wrote it, without secrets.
    by : mapping
        As of `pending.me`.
    options : tuple of str
        Those that say where an installer looks: the origin of what it brings.
    protect : bool
        Whether what is there is kept, and put back where the change does not end well.
    terminal : bool
        Whether the programs get the terminal itself.
    grace : float
        Seconds that an interrupted program has to clean up.
    told : mapping
        What else the journal's line is to hold.
    check : callable, optional
        Takes what is there afterwards and says what is wrong with it, None where nothing is: it is put back then.
    known : mapping
        By normalised name, the origin of distributions that the commands bring from where they once came.
    """

    commands: Sequence[Command]
    shown: str
    by: Mapping[str, Any]
    options: tuple[str, ...] = ()
    protect: bool = True
    terminal: bool = False
    grace: float = 5.0
    told: Mapping[str, Any] = field(default_factory=dict)
    check: Callable[[Described], str | None] | None = None
    known: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Done:
    """What came of it.

    Parameters
    ----------
    outcome : Outcome
        Of the last program that ran.
    changes : tuple of Change
        What is not as it was.
    stale : tuple of Stale
        Loaded modules that are no longer those on disk.
    notes : tuple of str
        What else a person should know.
    failure : str or None
        Why it was put back although every program did what it was to do.
    """

    outcome: process.Outcome
    changes: tuple[Change, ...] = ()
    stale: tuple[Stale, ...] = ()
    notes: tuple[str, ...] = ()
    failure: str | None = None


def change(
    request: Request,
    environment: Environment,
    face: process.Face,
    folder: str,
    needed: Mapping[str, kernel_needs.Need] | None = None,
) -> Done:
    """Run the commands of a change, and write it down.

    Parameters
    ----------
    request : Request
        What.
    environment : Environment
        Where.
    face : Face
        Where the output and our own lines go.
    folder : str
        The prefix's folder of `state`, whose lock is held.
    needed : mapping, optional
        What the running kernel needs, to say what it lacks afterwards.

    Raises
    ------
    CommandInterrupted
        Interrupted before anything was run.
    EnvMagicError
        A program cannot be started, or there is no room to keep what is there.
    """
    before = look.take(environment, sys.modules)
    debris = set(distributions.leftovers(environment.site_directories))
    for entry in pending.left_open(folder):
        face.say(f"{cut_off(entry)} {REPAIR} puts back what it broke.")
    known = catch_up(folder, environment, before)
    with process.Interrupts() as interrupts:
        entry = pending.begin(folder, environment, request.shown, dict(request.by), protect=request.protect)
        if interrupts.count:
            pending.close(entry)
            raise CommandInterrupted(f"Interrupted before it began: {request.shown} was not run")
        outcome, succeeded = _run_all(request, environment, before, face, entry)
        failure = None
        if succeeded and request.check is not None:
            failure = request.check(history.describe(environment, look.take(environment), known))
        put_back, not_put_back = False, None
        if failure is not None or (not succeeded and _may_have_begun(request, outcome)):
            put_back, not_put_back = _roll_back(entry, face)
        after = look.take(environment)
        found = look.compare(before, after)
        look.refresh(before, after, environment)
        look.remember(before, after, found)
        _write_down(folder, environment, request, known, after, outcome, put_back=put_back)
        if not_put_back is None:
            pending.close(entry)
        else:
            pending.leave(entry)
    notes = (
        *((not_put_back,) if not_put_back else ()),
        *_debris(debris, environment, before, after, succeeded=succeeded),
        *(kernel_needs.unmet(after.distributions, needed) if found and needed else ()),
    )
    return Done(outcome, found, look.stale_modules(before, after) if found else (), notes, failure)


def catch_up(folder: str, environment: Environment, snapshot: look.Snapshot) -> Described:
    """Write a line for what others have changed since the last one, and return what is there now.

    Parameters
    ----------
    folder : str
        The prefix's folder of `state`, whose lock is held.
    environment : Environment
        Where.
    snapshot : Snapshot
        What is there.
    """
    known = history.last_state(folder)
    now = history.describe(environment, snapshot, known or {})
    changes = history.changed(known, now) if known is not None else []
    if changes:
        line: dict[str, Any] = {"by": {"kind": "others"}, "command": None, "status": None, "outcome": "found"}
        told = {one.get("entry") for one in history.lines(folder)}
        for entry in pending.left_open(folder):
            if entry.id not in told:  # what is found next is somebody else's
                line |= {"by": entry.by, "command": entry.command, "outcome": "cut off", "entry": entry.id}
        with contextlib.suppress(OSError):  # that the disk is full is told where it hinders more than this
            history.append(folder, {**line, "changes": changes})
    if known is None or known != now:
        with contextlib.suppress(OSError):
            history.write_state(folder, now)
    return now


def repair(folder: str, environment: Environment, by: Mapping[str, Any]) -> tuple[tuple[str, ...], bool]:
    """Put back what changes that were cut off broke; what somebody has changed since stays as it is.

    Parameters
    ----------
    folder : str
        The prefix's folder of `state`, whose lock is held.
    environment : Environment
        Where.
    by : mapping
        As of `pending.me`.

    Returns
    -------
    (tuple of str, bool)
        What was done, a line each, and whether all is well now.
    """
    lines: list[str] = []
    whole = True
    before = look.take(environment, sys.modules)
    for entry in reversed(pending.left_open(folder)):  # the youngest first: each goes back to what it found
        if pending.still_running(entry):
            lines.append(f"{cut_off(entry)} Its program still runs; end it, and repair then.")
            whole = False
            continue
        if outside := backup.outside(entry.roots, environment):
            lines.append(f"{cut_off(entry)} Not repaired: its record names {outside}, which is not this environment's.")
            whole = False
            continue
        known = catch_up(folder, environment, look.take(environment))
        with process.Interrupts():
            found = pending.differences(entry, late=True, kept_for=_changed_since(folder, entry))
            count, failed = pending.roll_back(found)
            after = look.take(environment)
            line = {"by": dict(by), "command": "envcheck --repair", "status": 1 if failed else 0, "outcome": "repaired"}
            _append(folder, environment, line, known, after, always=bool(count))
            if failed:
                whole = False
                lines += [f"{cut_off(entry)} Not put back: {_few(failed)}."]
                continue
            pending.close(entry)
        done = f"{_counted(count)} put back or taken away." if count else "It had broken nothing."
        lines.append(f"{cut_off(entry)} {done}")
    after = look.take(environment)
    look.refresh(before, after, environment)
    return tuple(lines), whole


def cut_off(entry: pending.Pending) -> str:
    """Say in a sentence which change was cut off."""
    when = entry.since.replace("T", " ").rstrip("Z")
    return (
        f"A change of this environment was cut off: {entry.command} (begun {when} UTC, process {entry.by.get('pid')})."
    )


def _run_all(
    request: Request, environment: Environment, before: look.Snapshot, face: process.Face, entry: pending.Pending
) -> tuple[process.Outcome, bool]:
    """Run one command after the other; give the last one's outcome, and whether all did what they were to do."""

    def busy(tail: str) -> bool:
        return "Installing collected packages" in tail or look.touched(before, environment)

    outcome, succeeded = process.Outcome(0), True
    try:
        with pending.watched(entry):
            for number, command in enumerate(request.commands, start=1):
                if request.terminal:
                    outcome = process.run_in_terminal(command, mark=entry.id)
                else:
                    outcome = process.run_in_cell(command, face, busy=busy, grace=request.grace, mark=entry.id)
                stopped = outcome.interrupts > 0 and number < len(request.commands)
                succeeded = outcome.succeeded and not stopped
                if not succeeded:
                    break
    except Exception:
        _roll_back(entry, face)
        pending.close(entry)
        raise
    return outcome, succeeded


def _may_have_begun(request: Request, outcome: process.Outcome) -> bool:
    """Whether the last program may have changed files: pip and conda say so before they do, where they say anything.

    What fails before, in minutes of resolving or downloading, leaves alone what others did in that time. One that an
    option, a variable or its configuration has silenced, or of whose output not all was kept, may have.
    """
    command = request.commands[-1]
    elsewhere = request.terminal or command.machine_output or command.shell_tail is not None
    if elsewhere or len(request.commands) > 1 or command.program != _runs(command):
        return True
    if command.program not in _SIGNS or len(outcome.tail) >= process.KEPT:
        return True
    before, begun = _SIGNS[command.program]
    return before.search(outcome.tail) is None or begun.search(outcome.tail) is not None


def _runs(command: Command) -> str:
    """Return the program that serves: uv may stand in for pip, and mamba for conda."""
    name = os.path.basename(command.argv[0]).lower().removesuffix(".exe")
    return "pip" if name.startswith("python") else name


def _roll_back(entry: pending.Pending, face: process.Face) -> tuple[bool, str | None]:
    """Put back what a change did that did not end well, and say so; give whether it did, and what it could not."""
    found = pending.differences(entry, late=False)
    if not found:
        return False, None
    count, failed = pending.roll_back(found)
    but = f", but for {len(failed)}" if failed else ""
    face.say(
        f"It did not end well, so the environment is as it was before{but}: {_counted(count)} put back or taken away."
    )
    if not failed:
        return True, None
    told = f"Not put back: {_few(failed)}. When that can be written, {REPAIR} tries it again."
    face.say(told)
    return True, told


def _write_down(
    folder: str,
    environment: Environment,
    request: Request,
    known: Described,
    after: look.Snapshot,
    outcome: process.Outcome,
    *,
    put_back: bool,
) -> None:
    how = "put back" if put_back else "done" if outcome.succeeded else "failed"
    line = {
        "by": dict(request.by),
        "command": request.shown,
        "status": outcome.returncode,
        "outcome": how,
        "seconds": round(outcome.seconds, 2),
        **request.told,
    }
    _append(folder, environment, line, known, after, request.options, request.known, always=put_back)


def _append(
    folder: str,
    environment: Environment,
    line: Mapping[str, Any],
    known: Described,
    after: look.Snapshot,
    options: Sequence[str] = (),
    origins: Mapping[str, Mapping[str, Any]] | None = None,
    *,
    always: bool,
) -> None:
    """Write a line where something has changed; that the disk is full ends nothing."""
    now = history.describe(environment, after, known, options)
    for key, told in (origins or {}).items():
        if key in now["pip"] and now["pip"][key]["origin"]["kind"] == "index":
            now["pip"][key]["origin"] = dict(told["origin"])
    changes = history.changed(known, now)
    if not changes and not always and known == now:
        return
    with contextlib.suppress(OSError):
        if changes or always:
            history.append(folder, {**line, "changes": changes})
        history.write_state(folder, now)


def _changed_since(folder: str, entry: pending.Pending) -> frozenset[str]:
    """Return the normalised names that later lines of the journal have changed: those are not the entry's any more."""
    later = (
        line
        for line in history.lines(folder)
        if str(line.get("time")) > entry.since and line.get("outcome") in {"done", "found"}
    )
    return frozenset(distributions.normalise(one["name"]) for line in later for one in line["changes"])


def _debris(
    before: set[str], environment: Environment, had: look.Snapshot, has: look.Snapshot, *, succeeded: bool
) -> tuple[str, ...]:
    """Name what an installer left behind and, where it was stopped, the line that repairs."""
    left = [path for path in distributions.leftovers(environment.site_directories) if path not in before]
    if not left:
        return ()
    gone = [one for key, one in had.distributions.items() if key not in has.distributions]
    names = ", ".join(map(os.path.basename, left))
    if succeeded:
        return (f"The installer could not take {names} away, which nothing needs any more.",)
    lines = [f"The installer was stopped while it replaced files and left {names} behind."]
    wanted = " ".join(f"{one.name}=={one.version}" for one in gone if one.version)
    if wanted:
        lines.append(f"To repair: %pip install --force-reinstall --no-deps {wanted}")
    return tuple(lines)


def _few(paths: Sequence[str]) -> str:
    more = f" and {len(paths) - _FEW} more" if len(paths) > _FEW else ""
    return f"{', '.join(paths[:_FEW])}{more}"


def _counted(count: int) -> str:
    return f"{count} file{'s' if count != 1 else ''}"
