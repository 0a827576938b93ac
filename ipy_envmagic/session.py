"""What stands between a magic and the floors below: its line, the shell's face, and how a value is shown."""

from __future__ import annotations

import os
import sys
import tempfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ipy_envmagic import frontend
from ipy_envmagic.commands.line import Line, parse, parse_body
from ipy_envmagic.errors import LineError

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from ipy_envmagic import actions
    from ipy_envmagic.checks.listing import Listing
    from ipy_envmagic.checks.report import Report
    from ipy_envmagic.commands.line import Evaluate
    from ipy_envmagic.magics import EnvMagics

__all__ = [
    "Line",
    "Typed",
    "command",
    "complete",
    "kernelspec_of",
    "options_of",
    "parse_line",
    "show_report",
    "show_result",
    "show_value",
    "take_back_prompt",
]

_TAKES_BODY = {"install", "uninstall", "download", "wheel", "add", "remove", "create", "update", "upgrade"}


@dataclass(frozen=True, slots=True)
class Typed:
    """A line or a cell as it was typed, and how its placeholders get their values."""

    program: str
    line: str
    cell: str | None
    evaluate: Evaluate


def command(shell: InteractiveShell, typed: Typed, settings: EnvMagics) -> actions.CommandResult:
    """Run the line or the cell of a package magic."""
    from ipy_envmagic import actions  # noqa: PLC0415 a check alone does without

    program, cell = typed.program, typed.cell
    line = parse_line(typed.line, typed.evaluate)
    options = options_of(settings)
    terminal = frontend.has_terminal(shell)

    def run(words: tuple[str, ...]) -> actions.CommandResult:
        return actions.run(program, words, frontend.face_of(shell), options, tail=line.tail, terminal=terminal)

    if cell is None:
        return run(line.words)
    if line.tail is not None:
        raise LineError(f"%%{program} takes no shell tail; take {line.tail!r} away")
    if _is_environment_file(program, line.words):
        return _with_environment_file(cell, line.words, run)
    plain = [word for word in line.words if not word.startswith("-")]
    if not _TAKES_BODY & set(plain):
        raise LineError(
            f"%%{program} {' '.join(plain)} takes no body".rstrip(),
            f"Write %{program} {typed.line.strip()}; in %%{program} install each line is a requirement.",
        )
    body = parse_body(cell, typed.evaluate, platform=sys.platform, home=os.path.expanduser("~"), environ=os.environ)
    return run((*line.words, *body))


def options_of(settings: EnvMagics) -> actions.Options:
    """Return the user's configuration as plain values."""
    from ipy_envmagic import actions  # noqa: PLC0415 a check alone does without

    return actions.Options(
        settings.echo,
        settings.raise_on_error,
        settings.pip_backend,  # type: ignore[arg-type] # the trait takes these words alone
        settings.interrupt_grace,
        settings.protect,
    )


def kernelspec_of(shell: InteractiveShell) -> str | None:
    """Return the name of the kernelspec that started the shell's kernel, None where there is none or nothing tells."""
    application = getattr(getattr(shell, "kernel", None), "parent", None)
    path = getattr(application, "abs_connection_file", None)
    if not isinstance(path, str):
        return None
    from ipy_envmagic.environments.kernels import kernelspec_name  # noqa: PLC0415 a command does without

    return kernelspec_name(path)


def complete(before: str, cell: str | None) -> dict[str, Any]:
    """Return what Tab offers, as a matcher of IPython's gives it.

    Parameters
    ----------
    before : str
        The line up to the cursor.
    cell : str or None
        The whole cell, where it begins with a cell magic.
    """
    from IPython.core.completer import SimpleCompletion  # noqa: PLC0415 only Tab needs it

    from ipy_envmagic.completion import offer  # noqa: PLC0415 as above
    from ipy_envmagic.environments.environment import Environment  # noqa: PLC0415 as above

    is_body = cell is not None and cell.lstrip().split(None, 1)[0] in {"%%pip", "%%uv", "%%conda", "%%mamba"}
    if cell is not None and not is_body:
        return {"completions": []}
    found = offer(before, Environment.current().site_directories, is_cell=is_body)
    if found is None:
        return {"completions": []}
    completions = [SimpleCompletion(text=word, type=kind) for word, kind in found.words]
    return {"completions": completions, "matched_fragment": found.fragment, "suppress": True}


def parse_line(text: str, evaluate: Evaluate) -> Line:
    """Read a line by the grammar of the magics, on this machine."""
    return parse(text, evaluate, platform=sys.platform, home=os.path.expanduser("~"), environ=os.environ)


def _is_environment_file(program: str, words: tuple[str, ...]) -> bool:
    """Tell whether the body is an environment.yml: `conda env update` and `conda env create`."""
    plain = [word for word in words if not word.startswith("-")]
    return (
        program in ("conda", "mamba", "micromamba") and plain[:1] == ["env"] and plain[1:2] in (["update"], ["create"])
    )


def _with_environment_file(cell: str, words: tuple[str, ...], run: Any) -> actions.CommandResult:
    """Run with the body in a private file, which is taken away afterwards; its text is left as it is."""
    if any(word in ("-f", "--file") or word.startswith("--file=") for word in words):
        raise LineError("the body is the environment file; take --file away, or write a line without a body")
    with tempfile.TemporaryDirectory(prefix="ipy-envmagic-") as folder:
        path = os.path.join(folder, "environment.yml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(cell)
        result: actions.CommandResult = run((*words, "--file", path))
        return result


def show_result(shell: InteractiveShell, result: actions.CommandResult) -> None:
    """Show what changed, and what a person should know."""
    if result.summary:
        frontend.show(result.summary)
    for note in result.notes:
        frontend.show(note)
    if result.restart:
        frontend.show_restart(shell, result.restart)


def show_report(shell: InteractiveShell, report: Report | Listing) -> None:
    """Show a report or a listing: HTML in a notebook, text in a terminal."""
    if hasattr(shell, "kernel"):
        from IPython.display import display  # noqa: PLC0415 the first report loads it

        bundle = {"text/plain": report.to_text(), "text/html": report.to_html()}
        display(bundle, raw=True)  # type: ignore[no-untyped-call]
    else:
        frontend.show(report.to_text(colour=frontend.has_terminal(shell)))


def show_value(shell: InteractiveShell, value: Any) -> None:
    """Show a value that a person asked for again."""
    if hasattr(value, "to_html"):
        show_report(shell, value)
    else:
        frontend.show(str(value))


def take_back_prompt(shell: InteractiveShell) -> None:
    """Wipe the ``Out[n]:`` that a terminal has written for a value which stands above it already."""
    if frontend.has_terminal(shell):
        sys.stdout.write("\r\x1b[2K")
