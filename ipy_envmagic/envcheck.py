"""%envcheck: read the line, check, and where it asks for it try imports, run the fixes, fail the cell."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ipy_envmagic import frontend, session
from ipy_envmagic.checks.check import check
from ipy_envmagic.checks.session import Session
from ipy_envmagic.environments.environment import Environment
from ipy_envmagic.errors import CommandInterrupted, EnvCheckFailed, LineError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from IPython.core.interactiveshell import InteractiveShell

    from ipy_envmagic.actions import CommandResult
    from ipy_envmagic.checks.listing import Listing
    from ipy_envmagic.checks.report import Check, Report
    from ipy_envmagic.commands.line import Evaluate
    from ipy_envmagic.magics import EnvMagics

__all__ = ["check_cell", "envcheck", "warm"]

_TIMEOUT = 30.0  # seconds for each import of --deep
_FEW = 5  # problems that a failed check names
_FLAGS = ("--deep", "--everywhere", "--fix", "--history", "--json", "--kernels", "--repair", "--strict", "--undo")
_VALUES = ("--diff", "--extra", "--group", "--notebook", "--requirement", "--restore", "--snapshot", "--timeout")
_PAGES = ("--everywhere", "--diff", "--kernels", "--history")  # which answer with a listing
_ACTS = ("--repair", "--undo", "--snapshot", "--restore")  # which do something
_NUMBERED = ("--history", "--undo")
_SHORT = {"-r": "--requirement"}
_TAKES = {
    "--requirement": "a file: %envcheck -r requirements.txt",
    "--notebook": "a notebook: %envcheck --notebook analysis.ipynb",
    "--extra": "an extra's name: %envcheck -r pyproject.toml --extra test",
    "--group": "a dependency group's name: %envcheck -r pyproject.toml --group dev",
    "--snapshot": "a file: %envcheck --snapshot pylock.toml",
    "--restore": "a file: %envcheck --restore pylock.toml",
}
_MAGICS = ("pip", "uv", "conda", "mamba", "micromamba")


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a line asks for."""

    names: tuple[str, ...] = ()
    flags: frozenset[str] = frozenset()
    timeout: float = _TIMEOUT
    other: str = ""
    files: tuple[str, ...] = ()
    notebooks: tuple[str, ...] = ()
    extras: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    number: int | None = None

    @property
    def page(self) -> str | None:
        """The option that asks for a listing, or for something to be done; None where a report is asked for."""
        return next((option for option in (*_PAGES, *_ACTS) if option in self.flags), None)


def envcheck(
    shell: InteractiveShell,
    text: str,
    evaluate: Evaluate,
    settings: EnvMagics,
    present: Callable[[Any, Callable[[InteractiveShell, Any], None]], None],
) -> Report | Listing | CommandResult:
    """Run a line of %envcheck.

    Parameters
    ----------
    shell : InteractiveShell
        Where it was typed.
    text : str
        The line, without the magic's name.
    evaluate : callable
        Gives a placeholder its value.
    settings : EnvMagics
        The user's configuration.
    present : callable
        Shows the report by the function that it is given.

    Returns
    -------
    Report, Listing or CommandResult
        The report after the fixes where they were asked for; of ``--undo`` and ``--restore`` what they changed.

    Raises
    ------
    LineError
        The line cannot be read; nothing was done.
    EnvCheckFailed
        With ``--strict``, where something cannot be used.
    CommandFailed, CommandInterrupted
        A fix, or a trial, ended so.
    """
    asked = _read(session.parse_line(text, evaluate))
    show = _print_json if "--json" in asked.flags else session.show_report
    if asked.page in _ACTS:
        return _act(shell, asked, settings, present)
    if asked.page is not None:
        listing = _list(shell, asked)
        present(listing, show)
        return listing
    report = _look(shell, asked)
    if "--fix" in asked.flags:
        restart = _fix(shell, report, evaluate, settings)
        report = _look(shell, asked)
        present(report, show)
        if restart := _restart(report) or restart:
            frontend.show_restart(shell, restart)
    else:
        present(report, show)
    if "--strict" in asked.flags and not report.ok:
        raise EnvCheckFailed(report.verdict, _in_short(report), report)
    return report


def check_cell(
    shell: InteractiveShell,
    text: str,
    cell: str,
    evaluate: Evaluate,
    present: Callable[[Any, Callable[[InteractiveShell, Any], None]], None],
) -> Any:
    """Check what a cell imports, then run it; where something cannot be used it is not run.

    Parameters
    ----------
    shell : InteractiveShell
        Where it was typed.
    text : str
        The line after ``%%envcheck``: further names.
    cell : str
        The body.
    evaluate, present
        As for `envcheck`.

    Returns
    -------
    object
        The value of the cell's last expression, as a cell without a magic has it.

    Raises
    ------
    EnvCheckFailed
        Something that the cell needs cannot be used.
    LineError
        The line cannot be read, or the body is no Python.
    """
    from ipy_envmagic.checks.sources import check_sources  # noqa: PLC0415 only this needs it
    from ipy_envmagic.requirements.asked_for import Wanted  # noqa: PLC0415 as above
    from ipy_envmagic.requirements.imports import imports_of  # noqa: PLC0415 as above

    asked = _read(session.parse_line(text, evaluate))
    if asked.flags or asked.files or asked.notebooks:
        raise LineError("%%envcheck takes names beside its body, and no options")
    code = str(shell.transform_cell(cell))  # type: ignore[no-untyped-call]
    environment, state = Environment.current(), Session.current(session.kernelspec_of(shell), shell.user_ns)
    found = imports_of(code, "the cell", state.cwd)
    report = check_sources(
        asked.names, [Wanted(found.names, optional=found.optional, source="the cell")], (), environment, state
    )
    if report.status != "ok":
        present(report, session.show_report)
    if not report.ok:
        raise EnvCheckFailed(f"the cell was not run: {report.verdict}", _in_short(report), report)
    return _run(shell, code)


def _run(shell: InteractiveShell, code: str) -> Any:
    """Run code in the user's namespace, and give the value of its last line if that is an expression."""
    import ast  # noqa: PLC0415 only a cell needs it

    name = shell.compile.cache(code)
    tree = ast.parse(code, name)
    last = tree.body[-1] if tree.body else None
    if not isinstance(last, ast.Expr):
        exec(compile(tree, name, "exec", dont_inherit=True), shell.user_ns)  # noqa: S102 (the user's own cell)
        return None
    tree.body.pop()
    exec(compile(tree, name, "exec", dont_inherit=True), shell.user_ns)  # noqa: S102 (as above)
    expression = ast.Expression(last.value)
    return eval(compile(expression, name, "eval", dont_inherit=True), shell.user_ns)  # noqa: S307 (as above)


def warm() -> None:
    """Do once what every check needs, so that the first one that somebody asks for need not: load, list, write.

    A name that is nowhere is among what is checked: then a check also works after somebody emptied `sys.path`.
    """
    from ipy_envmagic.checks import rules, whole  # noqa: F401, PLC0415 loaded here, for the check of an environment

    report = check(("pip", "nothing_of_that_name"), Environment.current(), Session.current())
    report.to_html()
    report.to_text()
    rules.whole()


def _read(line: session.Line) -> _Asked:
    """Tell options from names."""
    if line.tail is not None:
        raise LineError(f"%envcheck takes no shell tail; take {line.tail!r} away")
    names: list[str] = []
    flags: set[str] = set()
    timeout, other, number = _TIMEOUT, "", None
    lists: dict[str, list[str]] = {"--requirement": [], "--notebook": [], "--extra": [], "--group": []}
    words = iter(line.words)
    for word in words:
        if not word.startswith("-"):
            names.append(word)
            continue
        option, _, value = word.partition("=")
        if option in _NUMBERED and value:
            number = _whole_number(option, value)
            flags.add(option)
            continue
        if word in _FLAGS:
            flags.add(word)
            continue
        if word.startswith("-r") and word[2:3] not in {"", "="}:
            option, value = "-r", word[2:]
        option = _SHORT.get(option, option)
        if option not in _VALUES:
            raise _unknown(word)
        value = value or next(words, "")
        if option == "--timeout":
            timeout = _seconds(value)
        elif option == "--diff" or (option in _ACTS and value):
            other = value
            flags.add(option)
        elif not value:
            raise LineError(f"{word} takes {_TAKES[option]}")
        else:
            lists[option].append(value)
    if lists["--notebook"]:
        lists["--notebook"] += [name for name in names if name.endswith((".ipynb", ".py"))]
        names = [name for name in names if name not in lists["--notebook"]]
    if flags & set(_NUMBERED) and number is None and len(names) == 1:
        number = _whole_number(next(option for option in _NUMBERED if option in flags), names.pop())
    files, notebooks, extras, groups = map(tuple, lists.values())
    return _consistent(_Asked(tuple(names), frozenset(flags), timeout, other, files, notebooks, extras, groups, number))


def _consistent(asked: _Asked) -> _Asked:
    """Refuse what does not go together, before anything is looked at."""
    page = asked.page
    if page is None:
        return asked
    if asked.files or asked.notebooks or asked.extras or asked.groups:
        raise LineError(f"{page} reads no other files; take them away")
    if len(asked.flags - {"--json"}) > 1:
        others = sorted(asked.flags - {"--json", page})
        does = "acts" if page in _ACTS else "lists"
        raise LineError(f"{page} {does} and judges nothing; take {', '.join(others)} away")
    if page == "--everywhere" and not asked.names:
        raise LineError("--everywhere takes names: %envcheck --everywhere numpy")
    if page == "--diff" and not asked.other:
        raise LineError("--diff takes an environment: %envcheck --diff PATH, or a name, or shell")
    if page != "--everywhere" and asked.names:
        raise LineError(f"{page} takes no names; take {' '.join(asked.names)} away")
    return asked


def _whole_number(option: str, text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        example = "%envcheck --history 5" if option == "--history" else "%envcheck --undo 3"
        raise LineError(f"{option} takes a number, as in {example}; {text!r} is none")
    return int(text)


def _unknown(word: str) -> LineError:
    import difflib  # noqa: PLC0415 only a mistake needs it

    near = difflib.get_close_matches(word, [*_FLAGS, *_VALUES], 1)
    said = f" Did you mean {near[0]}?" if near else " %envcheck? shows what it takes."
    return LineError(f"%envcheck knows no option {word}.{said}")


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise LineError(f"--timeout takes seconds, as in --timeout 60; {text!r} is no such number")
    return value


def _look(shell: InteractiveShell, asked: _Asked) -> Report:
    environment, state = Environment.current(), Session.current(session.kernelspec_of(shell), shell.user_ns)
    if asked.files or asked.notebooks:
        report = _of_files(shell, asked, environment, state)
    else:
        report = check(asked.names, environment, state)
    return _tried(report, environment, state, asked.timeout) if "--deep" in asked.flags else report


def _of_files(shell: InteractiveShell, asked: _Asked, environment: Environment, state: Session) -> Report:
    """Check what files and notebooks ask for."""
    from ipy_envmagic.checks.sources import Sources, check_files  # noqa: PLC0415 only a file needs it

    sources = Sources(asked.names, (*asked.files, *asked.notebooks), asked.extras, asked.groups)
    return check_files(sources, environment, state, shell.transform_cell)


def _list(shell: InteractiveShell, asked: _Asked) -> Listing:
    """Answer with a listing."""
    environment, state = Environment.current(), Session.current(session.kernelspec_of(shell), shell.user_ns)
    if asked.page == "--kernels":
        from ipy_envmagic.checks.kernel_list import kernel_list  # noqa: PLC0415 only this page needs it

        return kernel_list(environment, state)
    if asked.page == "--history":
        from ipy_envmagic.wayback import history_page  # noqa: PLC0415 only this page needs it

        return history_page(environment, state.home, asked.number)
    if asked.page == "--diff":
        from ipy_envmagic.checks.around import find_environment  # noqa: PLC0415 only this page needs it
        from ipy_envmagic.checks.difference import difference  # noqa: PLC0415 as above

        return difference(environment, find_environment(asked.other, environment, state), state)
    from ipy_envmagic.checks.everywhere import everywhere  # noqa: PLC0415 only this page needs it

    return everywhere(asked.names, environment, state)


def _act(
    shell: InteractiveShell,
    asked: _Asked,
    settings: EnvMagics,
    present: Callable[[Any, Callable[[InteractiveShell, Any], None]], None],
) -> Report | CommandResult:
    """Repair, undo, save or restore; give what was changed, or how the environment is now."""
    from ipy_envmagic import wayback  # noqa: PLC0415 few lines ask for it

    environment, face = Environment.current(), frontend.face_of(shell)
    terminal, options = frontend.has_terminal(shell), session.options_of(settings)
    if asked.page in {"--undo", "--restore"}:
        if asked.page == "--undo":
            result = wayback.undo(environment, asked.number, face, options, terminal=terminal)
        else:
            result = wayback.restore(environment, asked.other, face, options, terminal=terminal)
        present(result, session.show_result)
        return result
    if asked.page == "--snapshot":
        written = wayback.snapshot(environment, asked.other, face)
        frontend.show(f"Written: {', '.join(written)}. %envcheck --restore {asked.other} brings it back.")
    else:
        lines, whole = wayback.repair(environment, face, "terminal" if terminal else "kernel")
        for line in lines:
            frontend.show(line)
        if not whole:
            raise EnvCheckFailed("not everything could be put back", None, None)
    report = check((), environment, Session.current(session.kernelspec_of(shell), shell.user_ns))
    if asked.page == "--repair":
        present(report, session.show_report)
    return report


# -- importing for trial


def _tried(report: Report, environment: Environment, state: Session, timeout: float) -> Report:
    """Import what nothing is known against in processes of their own, and add what that tells."""
    from ipy_envmagic.checks.causes.trial import judge  # noqa: PLC0415 only --deep needs it
    from ipy_envmagic.run.trial import try_imports  # noqa: PLC0415 only --deep needs it

    modules = [one.module for one in report.checks if one.status != "error" and one.module and one.location]
    try:
        trials = try_imports(
            modules,
            executable=environment.executable,
            path=state.sys_path,
            cwd=state.cwd,
            flags=state.flags,
            environ=state.environ,
            timeout=timeout,
        )
    except KeyboardInterrupt:
        raise CommandInterrupted("Interrupted: the trial imports were ended.") from None

    def explain(name: str) -> Check:
        return check((name,), environment, state).checks[0]

    def with_trial(one: Check) -> Check:
        trial = trials.get(one.module or "") if one.status != "error" else None
        finding = judge(trial, one, explain) if trial else None
        return replace(one, findings=(finding, *one.findings)) if finding else one

    seconds = report.seconds + sum(trial.seconds for trial in trials.values())
    return replace(report, checks=tuple(map(with_trial, report.checks)), seconds=round(seconds, 6))


# -- running the fixes


def _fix(shell: InteractiveShell, report: Report, evaluate: Evaluate, settings: EnvMagics) -> str | None:
    """Run each line once, in the order of the findings; give why a restart is due, where a program says so."""
    lines = dict(_lines(report))
    if not lines and report.status != "ok":
        frontend.note("No line can mend this; the report says what to do.")
    restart = None
    for number, (line, code) in enumerate(lines.items(), start=1):
        frontend.note(f"Fix {number} of {len(lines)}, {code}: {line}")
        magic, _, rest = line.partition(" ")
        if magic.startswith("%") and magic[1:] in _MAGICS:
            result = session.command(shell, session.Typed(magic[1:], rest, None, evaluate), settings)
            for said in filter(None, (result.summary, *result.notes)):
                frontend.show(said)
            restart = result.restart or restart
        elif magic.startswith("%"):
            shell.run_line_magic(magic[1:], rest)
        else:
            # What it imports for itself is not for the notebook; what it deletes is the notebook's.
            exec(line, shell.user_ns if line.startswith("del ") else {})  # noqa: S102 (the line that was just shown)
    return restart


def _lines(report: Report) -> Iterator[tuple[str, str]]:
    for finding in report.findings:
        if finding.fix is None or finding.severity == "info":
            continue
        if finding.evidence.get("guess"):
            frontend.note(f"Not run, for the name is a guess: {'; '.join(finding.fix.magic)}")
            continue
        for line in finding.fix.magic:
            if near := _nearly(line):
                frontend.note(f"Not run, for {near}. If you mean it, run it yourself: {line}")
                continue
            yield line, finding.code


def _nearly(line: str) -> str | None:
    """Say of which name of an install line a widely used one is a letter or two away: it may be a trap."""
    program, _, rest = line.partition(" ")
    if program not in {f"%{name}" for name in _MAGICS} or " install " not in f" {rest} ":
        return None
    import re  # noqa: PLC0415 only a fix needs it
    import shlex  # noqa: PLC0415 as above

    from ipy_envmagic.checks.causes.spelling import near_well_known  # noqa: PLC0415 as above

    for word in shlex.split(rest):
        name = re.match(r"[A-Za-z0-9][\w.-]*", word)
        if name is not None and (near := near_well_known(name[0])):
            return f"{name[0]} is nearly {near}, which is widely used"
    return None


def _restart(report: Report) -> str | None:
    """Why a restart is due and nothing else is: the first finding that only that mends."""
    return next(
        (
            finding.message
            for finding in report.findings
            if finding.fix and finding.fix.restart and not finding.fix.magic and finding.severity == "error"
        ),
        None,
    )


def _in_short(report: Report) -> str:
    """Write a line for each of the first errors: what it is, and what mends it."""
    errors = [finding for finding in report.findings if finding.severity == "error"]
    lines = []
    for finding in errors[:_FEW]:
        fix = "; ".join(finding.fix.magic) or finding.fix.steps if finding.fix else ""
        lines.append(f"{finding.code}: {finding.message}" + (f" Fix: {fix}" if fix else ""))
    return "\n".join([*lines, *([f"and {len(errors) - _FEW} more"] if len(errors) > _FEW else [])])


def _print_json(_shell: InteractiveShell, report: Report | Listing) -> None:
    import json  # noqa: PLC0415 only --json needs it

    json.dump(report.to_dict(), sys.stdout, indent=2, ensure_ascii=False)
    sys.stdout.write("\n")
