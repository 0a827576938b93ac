"""`%conda`, `%mamba`, `%micromamba`: from a line to the command that does it to the running kernel's environment."""

from __future__ import annotations

import ntpath
import posixpath
import re
from typing import TYPE_CHECKING

from ipy_envmagic.commands.arguments import FORCE_KERNEL
from ipy_envmagic.commands.command import Command
from ipy_envmagic.commands.conda_failures import explain_failure
from ipy_envmagic.commands.conda_line import CondaLine, read
from ipy_envmagic.commands.line import quote
from ipy_envmagic.commands.surroundings import machine_readable, unattended
from ipy_envmagic.errors import EnvMagicError, LineError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ipy_envmagic.environments.conda import Found
    from ipy_envmagic.environments.environment import Environment

__all__ = ["asked", "build", "explain_failure"]

# What takes --prefix, what takes --yes (24.7 has none for `env update` and `rename`), what changes a prefix: by the
# --help of conda 24.7 and the documentation of 26.9, conda-pypi and micromamba 2.
_TAKES_PREFIX = frozenset(
    {"install", "remove", "uninstall", "update", "upgrade", "list", "run", "export", "compare", "doctor", "package"}
    | {"env update", "env export", "pypi install"}
    | {"env config vars list", "env config vars set", "env config vars unset"}
)
# `create` asks whether to remove an environment that is already there, and no is what it takes at the end of the input;
# what it asks before it goes on is yes there: so it is left to that.
_TAKES_YES = frozenset({"install", "remove", "uninstall", "update", "upgrade", "clean", "env remove"})
_CREATES = frozenset({"create", "env create"})
_MUTATES = frozenset(
    {"install", "remove", "uninstall", "update", "upgrade", "env update", "env remove", "rename", "create"}
    | {"env create", "env config vars set", "env config vars unset", "pypi install"}
)
_MUST_NAME = frozenset({"create", "rename", "env remove"})
_END_AN_ENVIRONMENT = frozenset({"create", "env create", "rename", "env remove"})
_ONLY_READS = frozenset(
    {"list", "search", "info", "config", "compare", "export", "doctor", "notices", "env list", "env export"}
    | {"env config vars list", "run"}
)
_OF_SHELLS = frozenset({"activate", "deactivate"})
_VERBS_OF_PIXI = {"remove": "remove", "uninstall": "remove", "update": "update", "upgrade": "update"}
_INSTALLER = re.compile(r"(?:pip(?:3(?:\.\d+)?)?|uv|conda|mamba|micromamba)(?:\.exe)?")
_OVERRIDE = "--override-frozen"


def asked(words: Sequence[str], environment: Environment | None = None) -> tuple[str, tuple[str, ...]]:
    """Return the verb of a line, and the specifications that it names; ``--all`` counts as one.

    A line that names another environment than the kernel's asks nothing of this one: then the verb is "".

    Parameters
    ----------
    words : sequence of str
        What follows the magic.
    environment : Environment, optional
        The kernel's; without it, every environment that the line names counts as another.
    """
    line = read(words)
    if line.names_environment and not (environment is not None and _names_this(line, environment)):
        return "", ()
    return line.subcommand, (*line.positionals, *(("--all",) if line.has("--all") else ()))


def build(
    words: Sequence[str],
    environment: Environment,
    found: Found | None,
    *,
    program: str = "conda",
    interactive: bool,
    frozen: str | None,
    pixi: str | None,
    environ: Mapping[str, str] | None = None,
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
    environ : mapping of str to str, optional
        The variables that the program will inherit; what answers questions of git and ssh there is kept.

    Returns
    -------
    Command

    Raises
    ------
    LineError
        Outside conda, in an environment that pixi owns or that is frozen, where an environment has to be named, or
        where the kernel's own would be taken away.
    EnvMagicError
        Where no conda was found.
    """
    forced = FORCE_KERNEL in words
    given = tuple(word for word in words if word != FORCE_KERNEL)
    line = read(given)
    helped = not line.subcommand or line.has("--help")
    here = _names_this(line, environment) if line.names_environment else line.subcommand not in _END_AN_ENVIRONMENT
    mutates = here and not helped and _mutates(line)
    if not helped:
        _refuse_what_cannot_be_meant(line, environment, program)
    if mutates and line.subcommand != "run":
        _refuse_to_end_the_kernel(line, environment, forced=forced)
        _refuse_pixi(line, pixi)
        _refuse_frozen(given, frozen, program)
    if found is None:
        raise EnvMagicError(
            f"No {program} was found: not by its variable, not from the records of this environment, not on PATH",
            f"Set {'CONDA_EXE' if program == 'conda' else 'MAMBA_EXE'} to the full path of {program}.",
        )
    completed = given if helped else _completed(given, line, environment, found, interactive=interactive)
    serves = () if found.program == program else (f"No {program} is here: {found.program} serves ({found.path})",)
    env = _variables(line, environment, environ or {}, interactive=interactive, ends=mutates and _ends(line))
    return Command(
        program=found.program,
        argv=_started(found.path, completed, environment.platform),
        arguments=given,
        env=env,
        mutates=mutates,
        machine_output=line.has("--json"),
        notes=serves,
    )


def _mutates(line: CondaLine) -> bool:
    if line.subcommand == "run":
        return _runs_installer(line.positionals)
    return line.subcommand in _MUTATES and not line.has("--dry-run")


def _runs_installer(words: Sequence[str]) -> bool:
    """Tell whether the program of ``conda run`` is one that installs."""
    if not words:
        return False
    name = re.split(r"[\\/]", words[0])[-1].lower()
    if name.startswith("python") and "-m" in words[:-1]:
        name = words[words.index("-m") + 1]
    return _INSTALLER.fullmatch(name) is not None


def _names_this(line: CondaLine, environment: Environment) -> bool:
    """Tell whether all environments that a line names are the kernel's own."""
    if not environment.is_conda:
        return False
    module = ntpath if environment.platform == "win32" else posixpath
    own = module.normcase(module.normpath(environment.prefix))
    names = {"base", "root"} if environment.kind == "conda-base" else set()
    if environment.kind == "conda" and module.basename(module.dirname(own)) == "envs":
        names = {environment.name}
    same = [value in names for value in line.values("--name")]
    same += [module.normcase(module.normpath(value)) == own for value in line.values("--prefix")]
    return bool(same) and all(same)


def _ends(line: CondaLine) -> bool:
    """Tell whether a line takes away the whole environment that it acts on, or puts another in its place."""
    removes_all = line.subcommand in ("remove", "uninstall") and line.has("--all")
    return line.subcommand in _END_AN_ENVIRONMENT or removes_all


def _completed(
    words: tuple[str, ...], line: CondaLine, environment: Environment, found: Found, *, interactive: bool
) -> tuple[str, ...]:
    """Add the prefix, and the answer to a question that nobody could give; take away what the program does not know."""
    added: list[str] = []
    if not line.names_environment and line.subcommand in _TAKES_PREFIX:
        added += ["--prefix", environment.prefix]
    if line.subcommand == "run" and not line.has("--no-capture-output", "--live-stream") and found.program == "conda":
        added.append("--no-capture-output")
    if line.subcommand in _TAKES_YES and not interactive and not line.has("--yes", "--dry-run"):
        added.append("--yes")
    before, after = words[: line.split], words[line.split :]
    if line.subcommand != "run":  # where the words behind belong to another program
        after = tuple(word for word in after if word != _OVERRIDE)
    return (*before, *added, *after)


def _variables(
    line: CondaLine, environment: Environment, environ: Mapping[str, str], *, interactive: bool, ends: bool
) -> dict[str, str | None]:
    """Give the variables that conda's own Python must not be misled by, and those that keep it from asking."""
    env: dict[str, str | None] = machine_readable() if line.has("--json") else {}
    if line.subcommand == "run":
        return env
    env |= {"PYTHONPATH": None, "PYTHONHOME": None}
    if environment.is_conda:
        # What has no --prefix acts on the active environment (`config --env`), and conda protects that from being
        # removed or renamed: a kernel's variables name whichever was active where Jupyter was started.
        env["CONDA_PREFIX"] = None if ends else environment.prefix
    if line.has(_OVERRIDE):
        # conda 25.5 brought the setting and the option, which `env update`, micromamba and older condas refuse.
        env["CONDA_PROTECT_FROZEN_ENVS"] = "0"
    if not interactive:
        env |= unattended(environ) if environ else {}
        env["PIP_NO_INPUT"] = "1"  # `env update` runs pip
        if line.subcommand not in _ONLY_READS | _CREATES:
            env |= {"CONDA_ALWAYS_YES": "true", "MAMBA_ALWAYS_YES": "true"}
    return env


# -- what is refused


def _refuse_what_cannot_be_meant(line: CondaLine, environment: Environment, program: str) -> None:
    if line.subcommand in _OF_SHELLS:
        raise LineError(
            f"{program} {line.subcommand} is for a shell: a kernel stays in the environment that it was started in",
            f"Choose the kernel of the other environment, or name it: %{program} install -n NAME ...",
        )
    if line.names_environment:
        return
    if line.subcommand in _TAKES_PREFIX and not environment.is_conda:
        raise LineError(
            f"This kernel runs in no conda environment ({environment.prefix})", _without_conda(line, program)
        )
    if line.subcommand in _MUST_NAME and not line.has("--file"):
        raise LineError(
            f"{line.subcommand} needs the name of an environment", f"Write %{program} {line.subcommand} -n NAME"
        )


def _without_conda(line: CondaLine, program: str) -> str:
    named = " ".join(map(quote, line.positionals))
    if line.subcommand in ("install", "update", "upgrade") and named:
        return (
            f"%pip install {named} installs for this kernel; %{program} {line.subcommand} -n NAME names another place."
        )
    if line.subcommand in ("remove", "uninstall") and named:
        return f"%pip uninstall {named} removes from this kernel."
    if line.subcommand == "list":
        return "%pip list shows what this kernel has."
    return "%pip acts on this kernel's environment; -n NAME names a conda environment."


def _refuse_to_end_the_kernel(line: CondaLine, environment: Environment, *, forced: bool) -> None:
    if not forced and _ends(line):
        raise LineError(
            f"{line.subcommand} would take away the environment that this kernel runs in ({environment.prefix})",
            f"Run it from another environment, or add {FORCE_KERNEL} and lose this kernel.",
        )


def _refuse_pixi(line: CondaLine, pixi: str | None) -> None:
    if pixi is None:
        return
    manifest = f" --manifest-path {_quoted(pixi)}" if pixi else ""
    verb = {"remove": "remove", "uninstall": "remove", "update": "update", "upgrade": "update"}.get(
        line.subcommand, "add"
    )
    names = " ".join(map(_quoted, line.positionals)) or ("NAME" if verb != "update" else "")
    raise LineError(
        "pixi owns this environment and would undo what conda changes here", f"!pixi {verb}{manifest} {names}".rstrip()
    )


def _refuse_frozen(words: Sequence[str], frozen: str | None, program: str) -> None:
    if frozen is None or _OVERRIDE in words:
        return
    told = f": {' '.join(frozen.split())}" if frozen else ""
    raise LineError(
        f"This environment is frozen (conda-meta/frozen){told}",
        f"%{program} {' '.join(map(quote, words))} {_OVERRIDE} changes it all the same.",
    )


# -- Windows


_READ_BY_CMD = re.compile(r"[<>|&]")
_SPOILT_BY_CMD = re.compile(r'[%^"\r\n]')
_COMPARISON = re.compile(r"(?<=[\w\]*.-])(?=[<>])")


def _started(path: str, words: tuple[str, ...], platform: str) -> tuple[str, ...]:
    r"""Give the words that start the program; a batch file is started by ``cmd.exe``, which reads its words again.

    Python puts quotes around a word for Windows only where it has a space (`subprocess.list2cmdline`), and between
    quotes ``cmd.exe`` leaves ``< > | &`` alone: a specification such as ``numpy>=2`` is given the space that conda
    allows there. ``call`` in front keeps ``cmd.exe`` from taking the outer quotes away, ``/v:off`` keeps "!" as it is.
    """
    if platform != "win32" or not path.lower().endswith(".bat"):
        return path, *words
    return "cmd.exe", "/d", "/v:off", "/c", "call", path, *(_safe_for_cmd(word, path) for word in words)


def _safe_for_cmd(word: str, path: str) -> str:
    if _READ_BY_CMD.search(word) and " " not in word:
        word = _COMPARISON.sub(" ", word, count=1)
    if _SPOILT_BY_CMD.search(word) or (_READ_BY_CMD.search(word) and " " not in word):
        raise LineError(
            f"{word!r} cannot be given to {path}, which cmd.exe runs", "Write it without % ^ & < > | and quotes."
        )
    return word


def _quoted(word: str) -> str:
    """Quote a word for a line that begins with "!", which a shell reads."""
    return word if re.fullmatch(r"[\w@%+=:,./\\~-]+", word) else f'"{word}"'
