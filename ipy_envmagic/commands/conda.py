"""`%conda`, `%mamba`, `%micromamba`: from a line to the command that does it to the running kernel's environment."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ipy_envmagic.commands.arguments import FORCE_KERNEL
from ipy_envmagic.commands.command import Command
from ipy_envmagic.commands.surroundings import machine_readable
from ipy_envmagic.errors import EnvMagicError, LineError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ipy_envmagic.environments.conda import Found
    from ipy_envmagic.environments.environment import Environment

__all__ = ["asked", "build", "explain_failure"]

_GROUPS = frozenset({"env", "config", "pypi", "self", "token"})
# What takes --prefix, what may ask a question (and so takes --yes), what changes a prefix: by conda 24.7 to 26.9.
_TAKES_PREFIX = frozenset(
    {"install", "remove", "uninstall", "update", "upgrade", "list", "run", "export", "compare", "doctor", "rename"}
    | {"env update", "env export", "env config"}
)
_ASKS = frozenset(
    {"install", "remove", "uninstall", "update", "upgrade", "create", "clean", "env remove", "env create", "rename"}
)
_MUTATES = frozenset(
    {"install", "remove", "uninstall", "update", "upgrade", "env update", "env config", "rename", "pypi install"}
)
_NEEDS_ENVIRONMENT = _TAKES_PREFIX
_OUTSIDE = "This kernel runs in no conda environment"
# Options with a value that may stand before the sub-command or before a requirement; the others of that kind begin with
# two hyphens and are told by the same table. Whatever is not here takes none.
_VALUED = frozenset(
    {"-n", "--name", "-p", "--prefix", "-c", "--channel", "-f", "--file", "--revision", "--solver", "--subdir"}
    | {"--platform", "--repodata-fn", "--clone", "--root-prefix", "-r", "--rc-file", "--log-level", "--cwd"}
    | {"--experimental", "--download-threads", "--pkgs-dirs", "--extra-safety-checks", "--format", "--console"}
)
_FOR_CMD = re.compile(r'[%^&<>|"!\r\n]')


@dataclass(frozen=True, slots=True)
class _Line:
    """A line of conda's, read: its sub-command, how many words stand up to it, and what it names."""

    subcommand: str
    split: int
    positionals: tuple[str, ...]
    own: tuple[str, ...]  # the words that are conda's own: without those of a program that `conda run` starts

    def has(self, *names: str) -> bool:
        return any(word in names or word.startswith(tuple(f"{name}=" for name in names)) for word in self.own)

    @property
    def names_environment(self) -> bool:
        """Whether an environment was named, in any spelling; argparse takes unique beginnings of long options too."""
        return any(
            re.match(r"-[np](?!-)", word) is not None
            or re.match(r"--(?:n|na|nam|name|pre|pref|prefi|prefix)(?:=|$)", word)
            for word in self.own
        )


def asked(words: Sequence[str]) -> tuple[str, tuple[str, ...]]:
    """Return the verb of a line, and the specifications that it names; ``--all`` counts as one.

    A line that names another environment than the kernel's asks nothing of this one: then the verb is "".
    """
    line = _read(words)
    verb = "remove" if line.subcommand == "env remove" else line.subcommand
    if line.names_environment:
        return "", ()
    return verb, (*line.positionals, *(("--all",) if line.has("--all") else ()))


def build(
    words: Sequence[str],
    environment: Environment,
    found: Found | None,
    *,
    program: str = "conda",
    interactive: bool,
    frozen: str | None,
    pixi: str | None,
) -> Command:
    """Make the command of a `%conda`, `%mamba` or `%micromamba` line.

    Parameters
    ----------
    words : sequence of str
        What follows the magic.
    environment : Environment
        The kernel's.
    found : Found or None
        What serves.
    program : str
        What was asked for: "conda", "mamba" or "micromamba".
    interactive : bool
        Whether a person can answer questions (a terminal).
    frozen : str or None
        The message of a frozen environment (CEP 22), None where it is not frozen.
    pixi : str or None
        The manifest of the pixi workspace that owns the environment, None where none does.

    Returns
    -------
    Command

    Raises
    ------
    LineError
        Outside conda, in an environment that pixi owns or that is frozen, or where an environment has to be named.
    EnvMagicError
        Where no conda was found.
    """
    given = tuple(word for word in words if word != FORCE_KERNEL)
    line = _read(given)
    helped = line.has("--help", "-h") or not line.subcommand
    here = not line.names_environment
    mutates = line.subcommand in _MUTATES and not helped and not line.has("--dry-run", "-d")
    if not helped and here and line.subcommand in _NEEDS_ENVIRONMENT and not environment.is_conda:
        raise LineError(f"{_OUTSIDE} ({environment.prefix})", _instead(line, program))
    if not helped and mutates and here:
        _refuse_pixi(line, pixi)
        _refuse_frozen(line, frozen, program)
    if line.subcommand in ("create", "env create") and not helped and here and not line.has("-f", "--file"):
        raise LineError(
            f"{line.subcommand} needs the name of the new environment", f"%{program} {line.subcommand} -n NAME"
        )
    if found is None:
        raise EnvMagicError(
            f"No {program} was found: not by its variable, not from the records of this environment, not on PATH",
            f"Set {'CONDA_EXE' if program == 'conda' else 'MAMBA_EXE'} to the full path of {program}.",
        )
    words_now = _completed(given, line, environment, found, here=here, helped=helped, interactive=interactive)
    machine = line.has("--json")
    env: dict[str, str | None] = machine_readable() if machine else {}
    if line.subcommand != "run":  # conda has a Python of its own, which the kernel's variables would mislead
        env |= {"PYTHONPATH": None, "PYTHONHOME": None}
    serves = () if found.program == program else (f"No {program} is here: {found.program} serves ({found.path})",)
    return Command(
        program=found.program,
        argv=_started(found.path, words_now, environment.platform),
        arguments=given,
        env=env,
        mutates=mutates and here,
        machine_output=machine,
        notes=serves,
    )


def explain_failure(text: str, status: int, command: Command) -> str | None:
    """Say how to mend a failure of conda or its kin.

    Parameters
    ----------
    text : str
        The end of its output.
    status : int
        Its exit status.
    command : Command
        What was run.

    Returns
    -------
    str or None
        One line; None where nothing is known.
    """
    del status
    plain = re.sub(r"\x1b\[[\d;]*m", "", text)
    for pattern, remedy in _FAILURES:
        if re.search(pattern, plain):
            return remedy(plain, command) if callable(remedy) else remedy
    return None


def _read(words: Sequence[str]) -> _Line:
    """Tell sub-command, positionals and options apart."""
    subcommand, split = "", 0
    positionals: list[str] = []
    own: list[str] = []
    at = 0
    while at < len(words):
        word = words[at]
        at += 1
        if subcommand == "run" and not word.startswith("-"):
            positionals.append(word)
            break  # the rest belongs to the program
        own.append(word)
        if word.startswith("-"):
            if word in _VALUED and at < len(words):
                own.append(words[at])
                at += 1
        elif not subcommand or subcommand in _GROUPS:
            subcommand, split = f"{subcommand} {word}".strip(), at
        else:
            positionals.append(word)
    return _Line(subcommand, split, tuple(positionals), tuple(own))


def _completed(
    words: tuple[str, ...],
    line: _Line,
    environment: Environment,
    found: Found,
    *,
    here: bool,
    helped: bool,
    interactive: bool,
) -> tuple[str, ...]:
    """Add the prefix, and the answer to a question that nobody could give."""
    if helped:
        return words
    added: list[str] = []
    if here and line.subcommand in _TAKES_PREFIX and environment.is_conda:
        added += ["--prefix", environment.prefix]
    if line.subcommand == "run" and not line.has("--no-capture-output", "--live-stream") and found.program == "conda":
        added.append("--no-capture-output")
    answered = line.has("--yes", "-y", "--dry-run", "-d") or any(
        re.fullmatch(r"-[a-z]*y[a-z]*", word) for word in line.own
    )
    if line.subcommand in _ASKS and not interactive and not answered:
        added.append("--yes")
    kept = words
    if found.program == "micromamba":  # it knows no frozen environments
        kept = tuple(word for word in words if word != "--override-frozen")
    return (*kept[: line.split], *added, *kept[line.split :])


def _instead(line: _Line, program: str) -> str:
    named = " ".join(line.positionals)
    if line.subcommand in ("install", "update", "upgrade") and named:
        return (
            f"%pip install {named} installs for this kernel; %{program} {line.subcommand} -n NAME names another place."
        )
    if line.subcommand in ("remove", "uninstall") and named:
        return f"%pip uninstall {named} removes from this kernel."
    if line.subcommand == "list":
        return "%pip list shows what this kernel has."
    return "%pip acts on this kernel's environment; -n NAME names a conda environment."


def _refuse_pixi(line: _Line, pixi: str | None) -> None:
    if pixi is None:
        return
    manifest = f" --manifest-path {_quoted(pixi)}" if pixi else ""
    verb = "remove" if line.subcommand in ("remove", "uninstall") else "add"
    names = " ".join(_quoted(name) for name in line.positionals) or "NAME"
    raise LineError(
        "pixi owns this environment and would undo what conda changes here", f"!pixi {verb}{manifest} {names}"
    )


def _refuse_frozen(line: _Line, frozen: str | None, program: str) -> None:
    if frozen is None or line.has("--override-frozen"):
        return
    told = f": {' '.join(frozen.split())}" if frozen else ""
    raise LineError(
        f"This environment is frozen (conda-meta/frozen){told}",
        f"%{program} {' '.join([line.subcommand, *line.positionals])} --override-frozen changes it all the same.",
    )


def _started(path: str, words: tuple[str, ...], platform: str) -> tuple[str, ...]:
    """Give the words that start the program; a batch file is started by ``cmd.exe``, which reads its words again."""
    if platform != "win32" or not path.lower().endswith(".bat"):
        return path, *words
    for word in words:
        if _FOR_CMD.search(word):
            raise LineError(
                f"{word!r} cannot be given to {path}, which cmd.exe runs; install conda.exe or write it otherwise"
            )
    return "cmd.exe", "/d", "/c", "call", path, *words


def _quoted(word: str) -> str:
    return word if re.fullmatch(r"[\w@%+=:,./\\~-]+", word) else f'"{word}"'


# -- failures


def _unknown(text: str, command: Command) -> str:
    """Name the package that the channels do not have, with the line for PyPI."""
    match = re.search(r"(?m)^\s*(?:-|\u2514\u2500|\u251c\u2500)\s*(?P<name>[\w.-]+)", text)
    requested = asked(command.arguments)[1]
    name = match["name"] if match else (re.split(r"[=<>! ]", requested[0])[0] if requested else "NAME")
    return f"conda's channels do not have it; if it is on PyPI: %pip install {name}"


_FAILURES = (
    (r"EnvironmentIsFrozenError|environment is frozen", "Add --override-frozen to change a frozen environment."),
    (
        (
            r"PackagesNotFound\w*Error|not available from current channels|not found in the channels|"
            r"does not exist \(perhaps a typo or a missing channel\)|nothing provides requested|No candidates"
        ),
        _unknown,
    ),
    (
        r"\w*UnsatisfiableError|LibMambaUnsatisfiable|[Cc]ould not solve|Cannot solve the request|conflicting requests",
        "The versions asked for do not go together: ask for fewer at once, or loosen them.",
    ),
    (
        r"EnvironmentNotWritableError|NotWritableError|not writable|Permission denied",
        "This user may not write there: make an environment of your own, with ipykernel in it, and choose its kernel.",
    ),
    (
        r"EnvironmentLocationNotFound|EnvironmentNameNotFound",
        "There is no such environment: %conda env list shows them.",
    ),
    (
        r"CondaHTTPError|CondaSSLError|ConnectionFailed|ProxyError|[Cc]ould not resolve host|Connection \w+ out",
        "The channel cannot be reached: check network and proxy, or add --offline for what is in the cache.",
    ),
    (r"UnavailableInvalidChannel|HTTP 404", "The channel's name or address is wrong."),
    (r"No space left on device|NoSpaceLeftError", "The disk is full: %conda clean --all frees the package cache."),
)
