"""`%pip`: from a line to the command that does it to the environment of the running kernel."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from ipy_envmagic.commands import redirections
from ipy_envmagic.commands.arguments import Arguments, parse
from ipy_envmagic.commands.command import Command
from ipy_envmagic.commands.requested import check_requested
from ipy_envmagic.commands.surroundings import machine_readable, unattended, without_working_directory
from ipy_envmagic.errors import EnvMagicError, LineError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ipy_envmagic.environments.environment import Environment

__all__ = ["RUN_PIP", "Backend", "Tools", "build", "requested", "require_executable"]

Backend = Literal["auto", "pip", "uv"]

# `python -m` and `python -c` put the working directory first on sys.path, so that ./pip.py, ./random.py, ... would be
# imported in place of the real ones. `-P` (Python 3.11) keeps it away. Before that: this program, which must not import
# anything before it has cleaned up.
_SAFE_PATH_SINCE = (3, 11)
RUN_PIP = (
    "import sys; sys.path[:] = [entry for entry in sys.path if entry]; import runpy; "
    "runpy.run_module('pip', run_name='__main__', alter_sys=True)"
)

# What `uv pip` takes of pip's options, tried out one by one with uv 0.13: whatever is not here needs a real pip.
_UV_ANYWHERE = frozenset(
    {
        "--help",
        "--quiet",
        "--verbose",
        "--cache-dir",
        "--no-cache-dir",
        "--no-color",
        "--cert",
        "--trusted-host",
        "--python",
    }
)
_UV_INDEX = frozenset({"--index-url", "--extra-index-url", "--find-links", "--no-index"})
_UV_TAKES = {
    "install": _UV_INDEX
    | {
        "--requirement",
        "--constraint",
        "--build-constraint",
        "--editable",
        "--no-deps",
        "--dry-run",
        "--target",
        "--prefix",
    }
    | {"--python-version", "--upgrade", "--force-reinstall", "--no-build-isolation", "--break-system-packages", "--pre"}
    | {"--config-settings", "--compile", "--no-compile", "--require-hashes", "--no-binary", "--only-binary", "--group"},
    "uninstall": frozenset({"--requirement", "--break-system-packages"}),
    "list": _UV_INDEX | {"--editable", "--exclude", "--exclude-editable", "--format", "--outdated"},
    "freeze": frozenset({"--exclude", "--exclude-editable", "--path"}),
    "show": frozenset({"--files"}),
    "check": frozenset[str](),
}
# What uv refuses and does not need: it never asks, has no version check, and builds in isolation by PEP 517 alone.
_UV_NEEDS_NOT = frozenset(
    {"--yes", "--no-input", "--disable-pip-version-check", "--no-python-version-warning", "--no-warn-script-location"}
    | {"--root-user-action", "--use-pep517", "--no-user", "--progress-bar", "--no-warn-conflicts", "--prefer-binary"}
)
# uv does not read pip's variables, but an index that a company set there must serve all the same. Several values are
# divided by white space except where uv wants commas.
_UV_VARIABLES = {
    "PIP_INDEX_URL": ("UV_DEFAULT_INDEX", ("UV_INDEX_URL",), " "),
    "PIP_EXTRA_INDEX_URL": ("UV_EXTRA_INDEX_URL", ("UV_INDEX",), " "),
    "PIP_FIND_LINKS": ("UV_FIND_LINKS", (), ","),
    "PIP_NO_INDEX": ("UV_NO_INDEX", (), " "),
    "PIP_CONSTRAINT": ("UV_CONSTRAINT", (), " "),
}


@dataclass(frozen=True, slots=True)
class Tools:
    """What can serve a `%pip` line, found beforehand.

    Parameters
    ----------
    has_pip : bool
        Whether pip can be imported in the environment.
    uv : str or None
        A uv.
    bundled_pip : str or None
        The wheel of pip inside ``ensurepip``.
    other_python : str or None
        An interpreter whose pip (22.3 or later, for ``--python``) can serve.
    """

    has_pip: bool
    uv: str | None = None
    bundled_pip: str | None = None
    other_python: str | None = None


def requested(words: Sequence[str]) -> tuple[str, ...]:
    """Return the requirements that a line names, without options and their values."""
    return parse(words).requested


def require_executable(environment: Environment) -> str:
    """Return the environment's interpreter.

    Raises
    ------
    LineError
        Where the kernel does not know it: an embedded Python, or one started under a name that leads nowhere.
    """
    if not environment.executable:
        raise LineError(
            "This kernel does not say which Python runs it (sys.executable is empty), so nothing can be installed; "
            "start it from a kernelspec whose first argument is the full path of a Python"
        )
    return environment.executable


def build(
    words: Sequence[str],
    environment: Environment,
    tools: Tools,
    *,
    backend: Backend = "auto",
    interactive: bool,
    environ: Mapping[str, str],
    configuration: Mapping[str, str] | None = None,
) -> Command:
    """Make the command of a `%pip` line.

    Parameters
    ----------
    words : sequence of str
        What follows ``%pip``.
    environment : Environment
        The kernel's.
    tools : Tools
        What can serve.
    backend : {"auto", "pip", "uv"}
        "auto": the environment's own pip; where there is none uv, then the pip that Python carries, then that of
        another Python.
    interactive : bool
        Whether a person can answer questions (a terminal).
    environ : mapping of str to str
        The variables that the program will inherit.
    configuration : mapping of str to str, optional
        What pip's configuration files say about places, by "section.key".

    Returns
    -------
    Command
        With a note for whatever serves in place of the environment's own pip, and for an install that goes elsewhere.

    Raises
    ------
    LineError
        A line that cannot be meant; nothing has been run.
    EnvMagicError
        Where nothing can serve it.
    """
    arguments = parse(words)
    executable = require_executable(environment)
    check_requested(arguments, "%pip")
    machine = machine_output(arguments)
    env: dict[str, str | None] = machine_readable() if machine else {}
    if not interactive:
        env |= unattended(environ)
    refused = _uv_lacks(arguments)
    if backend == "uv" and not tools.uv:
        raise EnvMagicError(
            "c.EnvMagics.pip_backend is 'uv', and no uv was found",
            "Bring one: %config EnvMagics.pip_backend = 'auto', then %pip install uv",
        )
    if tools.uv and not refused and (backend == "uv" or (backend == "auto" and not tools.has_pip)):
        notes = ("" if tools.has_pip else f"This environment has no pip: uv serves ({tools.uv})",)
        argv = (tools.uv, "pip", arguments.subcommand, *_for_uv(arguments, executable))
        env |= _uv_variables(environ)
        return Command(
            program="uv",
            argv=argv,
            arguments=("pip", *arguments.words),
            env=env,
            mutates=_mutates(arguments),
            machine_output=machine,
            notes=(*filter(None, notes), *redirections.notes(arguments, environment, {}, {})),
        )
    prefix, serving = _real_pip(environment, tools, arguments)
    if backend == "uv" or (tools.uv and not tools.has_pip and backend == "auto"):
        serving = f"uv pip has no `{refused}`: {serving or 'the pip of this environment serves'}"
    elif serving:
        serving = f"This environment has no pip: {serving}"
    given = arguments.words
    if not interactive:
        env["PIP_NO_INPUT"] = "1"
        if arguments.subcommand == "uninstall" and not arguments.has("--yes", "--help"):
            given = (*given[: arguments.split], "--yes", *given[arguments.split :])
    return Command(
        program="pip",
        argv=(*prefix, *given),
        arguments=arguments.words,
        env=env | without_working_directory(environ, environment.platform),
        mutates=_mutates(arguments),
        machine_output=machine,
        notes=(*filter(None, (serving,)), *redirections.notes(arguments, environment, environ, configuration or {})),
    )


def machine_output(arguments: Arguments) -> bool:
    """Say whether the line asks for output that is for a program: a report, JSON."""
    return (
        arguments.subcommand == "inspect"
        or arguments.value("--report") == "-"
        or (arguments.subcommand == "lock" and arguments.value("--output") == "-")
        or (arguments.subcommand == "index" and arguments.has("--json"))
        or (arguments.subcommand == "list" and arguments.value("--format") == "json")
    )


def _mutates(arguments: Arguments) -> bool:
    return arguments.subcommand in {"install", "uninstall"} and not arguments.has("--dry-run", "--help")


def _real_pip(environment: Environment, tools: Tools, arguments: Arguments) -> tuple[tuple[str, ...], str]:
    """Return the words that start a real pip upon this environment, and which one it is where it is not its own."""
    executable = environment.executable
    safe = ("-P",) if environment.version >= _SAFE_PATH_SINCE else ()
    if tools.has_pip:
        return (executable, "-P", "-m", "pip") if safe else (executable, "-c", RUN_PIP), ""
    if tools.bundled_pip:
        # A path inside a zip file is put on sys.path in place of the working directory.
        inside = tools.bundled_pip + ("\\" if environment.platform == "win32" else "/") + "pip"
        return (executable, *safe, inside), f"the one that Python carries serves ({_base_name(tools.bundled_pip)})"
    if tools.other_python:
        target = () if arguments.has("--python") else ("--python", executable)
        return (tools.other_python, "-c", RUN_PIP, *target), f"that of {tools.other_python} serves"
    if tools.uv:
        raise EnvMagicError(
            f"uv pip has no `{_uv_lacks(arguments)}`, and this environment has no pip", "%pip install pip brings one"
        )
    raise EnvMagicError(
        f"There is no pip in this environment ({environment.prefix}), nor uv or another pip to stand in for it",
        f'Put one in, in a terminal: "{executable}" -m ensurepip (Debian: apt install python3-venv python3-pip), '
        "or install uv and run the line again",
    )


def _base_name(path: str) -> str:
    return re.split(r"[\\/]", path)[-1]


def _uv_lacks(arguments: Arguments) -> str:
    """Return the first thing in the line that uv's pip cannot do, as it was spelled; "" where it can do it all."""
    takes = _UV_TAKES.get(arguments.subcommand)
    if takes is None:
        return arguments.subcommand or (arguments.options[0].spelled if arguments.options else "help")
    known = takes | _UV_ANYWHERE | _UV_NEEDS_NOT
    return next((option.spelled for option in arguments.options if option.name not in known), "")


def _for_uv(arguments: Arguments, executable: str) -> tuple[str, ...]:
    words: list[str] = [] if arguments.has("--python") else ["--python", executable]
    for option in arguments.options:
        if option.name == "--progress-bar" and option.value == "off":
            words.append("--no-progress")
        elif option.name not in _UV_NEEDS_NOT:
            words.extend([option.name] if option.value is None else [option.name, option.value])
    dashed = any(word.startswith("-") for word in arguments.positionals)
    return (*words, *(("--",) if dashed else ()), *arguments.positionals)


def _uv_variables(environ: Mapping[str, str]) -> dict[str, str | None]:
    found: dict[str, str | None] = {}
    for ours, (theirs, others, divider) in _UV_VARIABLES.items():
        if environ.get(ours) and not any(environ.get(name) for name in (theirs, *others)):
            found[theirs] = divider.join(environ[ours].split())
    return found
