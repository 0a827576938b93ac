"""The command line: ``python -m ipy_envmagic check`` and ``kernel``, for terminals and programs."""

from __future__ import annotations

import argparse
import json
import os
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from ipy_envmagic import __version__
from ipy_envmagic.checks.session import Session
from ipy_envmagic.environments.environment import Environment
from ipy_envmagic.errors import CommandFailed, CommandInterrupted, EnvMagicError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ipy_envmagic.checks.listing import Listing
    from ipy_envmagic.checks.report import Report
    from ipy_envmagic.run.process import Face

__all__ = ["main"]

_WELL, _PROBLEM, _WRONG_USE = 0, 1, 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    arguments : sequence of str, optional
        By default the process's own.

    Returns
    -------
    int
        0 where all is well, 1 where there is a problem, 2 for a line that cannot be run as it stands.
    """
    parser = _parser()
    asked = parser.parse_args(arguments)
    try:
        return int(asked.run(asked))
    except EnvMagicError as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return _PROBLEM if isinstance(error, (CommandFailed, CommandInterrupted)) else _WRONG_USE
    except BrokenPipeError:  # the reader has read enough
        sys.stderr.close()
        return _WELL
    except KeyboardInterrupt:
        return _PROBLEM


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m ipy_envmagic", description="Check a Python environment, and register environments as kernels."
    )
    parser.add_argument("--version", action="version", version=f"ipy_envmagic {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_check(commands.add_parser("check", help="is each requirement usable, and if not, why?"))
    for verb, run, told in (
        ("enable", _enable, "load the extension in every kernel and terminal of IPython"),
        ("disable", _disable, "take away what enable wrote"),
    ):
        _add_place(commands.add_parser(verb, help=told), run)
    _add_way_back(commands)
    kernel = commands.add_parser("kernel", help="register environments as kernels")
    verbs = kernel.add_subparsers(required=True, metavar="VERB")
    _add_kernel_add(verbs.add_parser("add", help="register an environment, with its shell activated"))
    listing = verbs.add_parser("list", help="every kernelspec: what it starts, and whether it can")
    listing.add_argument("--json", action="store_true", help="print plain values")
    listing.set_defaults(run=_kernel_list)
    removing = verbs.add_parser("remove", help="take a kernelspec away; its environment stays")
    removing.add_argument("name", help="the kernelspec's name")
    removing.set_defaults(run=_kernel_remove)
    return parser


def _add_check(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("names", nargs="*", metavar="NAME", help="import names, distribution names, requirements")
    parser.add_argument("-r", "--requirement", action="append", default=[], metavar="FILE", help="what a file asks for")
    parser.add_argument("--notebook", action="append", default=[], metavar="FILE", help="every import of a notebook")
    parser.add_argument("--extra", action="append", default=[], metavar="NAME", help="an extra of a project's file")
    parser.add_argument("--group", action="append", default=[], metavar="NAME", help="a dependency group of it")
    parser.add_argument("--python", metavar="PATH", help="another interpreter, prefix, or an environment's name")
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    parser.add_argument("--strict", action="store_true", help="take a warning for a problem")
    parser.set_defaults(run=_check)


def _add_way_back(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    listing = commands.add_parser("history", help="what changed in this environment, and who did it")
    listing.add_argument("count", nargs="?", type=int, help="how many changes (20)")
    listing.add_argument("--json", action="store_true", help="print plain values")
    listing.set_defaults(run=_history)
    undo = commands.add_parser("undo", help="bring this environment back to what it was before a change")
    undo.add_argument("number", nargs="?", type=int, help="the change's number in the history (the last one)")
    undo.set_defaults(run=_undo)
    for verb, run, told in (
        ("snapshot", _snapshot, "write this environment as a lock file"),
        ("restore", _restore, "bring this environment to what a lock file says"),
    ):
        parser = commands.add_parser(verb, help=told)
        parser.add_argument("file", metavar="FILE", help="pylock.toml, or pylock.NAME.toml")
        parser.set_defaults(run=run)
    commands.add_parser("repair", help="put back what a change that was cut off broke").set_defaults(run=_repair)


def _add_place(parser: argparse.ArgumentParser, run: Callable[[argparse.Namespace], int]) -> None:
    place = parser.add_mutually_exclusive_group()
    place.add_argument("--profile", default="default", metavar="P", help="in a profile of yours (the default one)")
    place.add_argument("--sys-prefix", action="store_true", help="for everybody who uses this environment")
    place.add_argument("--system", action="store_true", help="for everybody on this machine")
    parser.add_argument("--dry-run", action="store_true", help="say what would be done, and do nothing")
    parser.set_defaults(run=run)


def _add_kernel_add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "environment", metavar="ENV", help="a prefix, an interpreter, a project, or an environment's name"
    )
    parser.add_argument("--name", help="the kernelspec's name")
    parser.add_argument("--display-name", help="what people see in the launcher")
    place = parser.add_mutually_exclusive_group()
    place.add_argument("--user", action="store_true", help="in your own Jupyter folder (the default)")
    place.add_argument("--sys-prefix", action="store_true", help="in the environment that runs this command")
    parser.add_argument("--install-ipykernel", action="store_true", help="install ipykernel there where it is missing")
    parser.add_argument("--force", action="store_true", help="replace a kernelspec of that name")
    parser.set_defaults(run=_kernel_add)


def _check(asked: argparse.Namespace) -> int:
    if asked.python is not None:
        from ipy_envmagic.run.elsewhere import run_in  # noqa: PLC0415 (only another interpreter needs it)

        words = [option for option in ("--json", "--strict") if getattr(asked, option[2:])]
        for option in ("--requirement", "--notebook", "--extra", "--group"):
            words += [word for value in getattr(asked, option[2:]) for word in (option, value)]
        words += ["--", *asked.names]
        return run_in(_environment(asked.python), ("check", *words))
    from ipy_envmagic.checks.check import check  # noqa: PLC0415 (only this command needs it)

    environment, session = Environment.current(), _session()
    if asked.requirement or asked.notebook:
        from ipy_envmagic.checks.sources import Sources, check_files  # noqa: PLC0415 (as above)

        files = (*asked.requirement, *asked.notebook)
        sources = Sources(tuple(asked.names), files, tuple(asked.extra), tuple(asked.group))
        report = check_files(sources, environment, session, _transformation())
    else:
        report = check(asked.names, environment, session)
    _show(report, asked.json)
    bad = {"error", "warning"} if asked.strict else {"error"}
    return _PROBLEM if report.status in bad else _WELL


def _enable(asked: argparse.Namespace) -> int:
    from ipy_envmagic import always  # noqa: PLC0415 (only this command needs it)

    print(always.enable(_startup_folder(asked), dry_run=asked.dry_run))
    return _WELL


def _disable(asked: argparse.Namespace) -> int:
    from ipy_envmagic import always  # noqa: PLC0415 (only this command needs it)

    print(always.disable(_startup_folder(asked), dry_run=asked.dry_run))
    return _WELL


def _startup_folder(asked: argparse.Namespace) -> str:
    from ipy_envmagic import always  # noqa: PLC0415 (as above)

    if asked.system:
        return always.system_folder()
    return always.prefix_folder(sys.prefix) if asked.sys_prefix else always.profile_folder(asked.profile)


def _history(asked: argparse.Namespace) -> int:
    from ipy_envmagic.wayback import history_page  # noqa: PLC0415 (only this command needs it)

    _show(history_page(Environment.current(), os.path.expanduser("~"), asked.count), asked.json)
    return _WELL


def _undo(asked: argparse.Namespace) -> int:
    from ipy_envmagic import actions, wayback  # noqa: PLC0415 (only this command needs it)

    print(wayback.undo(Environment.current(), asked.number, _face(), actions.Options(), terminal=False))
    return _WELL


def _snapshot(asked: argparse.Namespace) -> int:
    from ipy_envmagic import wayback  # noqa: PLC0415 (only this command needs it)

    print(f"Written: {', '.join(wayback.snapshot(Environment.current(), asked.file, _face()))}")
    return _WELL


def _restore(asked: argparse.Namespace) -> int:
    from ipy_envmagic import actions, wayback  # noqa: PLC0415 (only this command needs it)

    print(wayback.restore(Environment.current(), asked.file, _face(), actions.Options(), terminal=False))
    return _WELL


def _repair(_asked: argparse.Namespace) -> int:
    from ipy_envmagic import wayback  # noqa: PLC0415 (only this command needs it)

    lines, whole = wayback.repair(Environment.current(), _face(), "command line")
    print("\n".join(lines))
    return _WELL if whole else _PROBLEM


def _face() -> Face:
    """Return the face of a run whose output goes to standard output."""
    from ipy_envmagic.run.process import Face  # noqa: PLC0415 (only what changes something needs it)

    def write(text: str) -> None:
        sys.stdout.write(text)
        sys.stdout.flush()

    return Face(write, lambda line: write(f"{line}\n"), str, progress=False)


def _kernel_add(asked: argparse.Namespace) -> int:
    from ipy_envmagic import registering  # noqa: PLC0415 (only this command needs it)

    added = registering.add(
        _environment(asked.environment),
        name=asked.name,
        display_name=asked.display_name,
        prefix=sys.prefix if asked.sys_prefix else None,
        force=asked.force,
        install=_install_ipykernel if asked.install_ipykernel else None,
    )
    print(f"The kernel {added.display_name!r} ({added.name}) is in {added.directory}")
    return _WELL


def _kernel_remove(asked: argparse.Namespace) -> int:
    from ipy_envmagic import registering  # noqa: PLC0415 (only this command needs it)

    print(f"Removed {registering.remove(asked.name)}")
    return _WELL


def _kernel_list(asked: argparse.Namespace) -> int:
    from ipy_envmagic.checks.kernel_list import kernel_list  # noqa: PLC0415 (only this command needs it)

    listing = kernel_list(Environment.current(), Session.current())
    _show(listing, asked.json)
    return _WELL


def _transformation() -> Callable[[str], str]:
    """Return IPython's input transformation; in an environment without IPython one that leaves magics out."""
    try:
        from IPython.core.inputtransformer2 import TransformerManager  # noqa: PLC0415 (only a file needs it)
    except ImportError:
        from ipy_envmagic.requirements.notebook import without_magics  # noqa: PLC0415 (as above)

        return without_magics
    transform: Callable[[str], str] = TransformerManager().transform_cell  # type: ignore[no-untyped-call]
    return transform


def _session() -> Session:
    """Return this process's state without what it has loaded: that is ours, and no kernel's."""
    session = Session.current()
    finders = {name: module for name, module in session.modules.items() if name.startswith("__editable__")}
    return replace(session, modules=finders)


def _environment(text: str) -> Environment:
    from ipy_envmagic.checks.around import find_environment  # noqa: PLC0415 (only a named environment needs it)

    return find_environment(text, Environment.current(), Session.current())


def _install_ipykernel(environment: Environment) -> None:
    from ipy_envmagic import actions  # noqa: PLC0415 (only an install needs it)

    actions.install_into(environment, ("ipykernel",), _face())


def _show(answer: Report | Listing, as_json: bool) -> None:  # noqa: FBT001 (private)
    if as_json:
        json.dump(answer.to_dict(), sys.stdout, indent=2, ensure_ascii=False)
        print()
        return
    from ipy_envmagic.checks.text import for_stream  # noqa: PLC0415 (JSON needs no face)

    print(answer.to_text(**for_stream(sys.stdout)))


if __name__ == "__main__":
    sys.exit(main())
