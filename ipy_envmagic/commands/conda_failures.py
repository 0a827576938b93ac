"""What mends a failed run of conda, mamba or micromamba, from the end of what it wrote.

The wordings are those of conda 24.7, of conda 26.3 and later (other names for a package that is nowhere), and
of libmamba, which micromamba and mamba share.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ipy_envmagic.commands.conda_line import read
from ipy_envmagic.commands.line import quote

if TYPE_CHECKING:
    from collections.abc import Callable

    from ipy_envmagic.commands.command import Command

__all__ = ["explain_failure"]

_COLOURS = re.compile(r"\x1b\[[\d;]*m")
_KILLED = frozenset({-9, 137})
_NOT_FOUND = re.compile(r"PackagesNotFound\w*Error|packages are (?:not available|missing)")
_BULLET = re.compile(r"\s*- (?P<spec>\S.*)")
_TREE = re.compile(r"[\u2514\u251c]\u2500 (?P<spec>[^\n]+?),? +does not exist \(perhaps a typo")
_NAMED = re.compile(r"(?:nothing provides requested|No candidates were found for) +(?P<spec>[^\n]+)")
_SPEC = re.compile(r"(?:\S*::)?(?P<name>[\w.-]+)\s*(?P<version>\S*)")
_IN_BRACKETS = re.compile(r"\[version=['\"]?([^'\"\]]+)['\"]?\]")
_LINES_BEFORE = 4  # between the error's name and the list of what it is about


def explain_failure(text: str, status: int, command: Command) -> str | None:
    """Say how to mend a failure.

    Parameters
    ----------
    text : str
        The end of the program's output.
    status : int
        Its exit status; negative for a signal.
    command : Command
        What was run.

    Returns
    -------
    str or None
        One line; None where nothing is known.
    """
    if status in _KILLED:
        return (
            "It was killed, most likely for lack of memory while solving: ask for fewer packages at once, or with "
            "versions, so that there is less to search."
        )
    plain = _COLOURS.sub("", text)
    for pattern, remedy in _FAILURES:
        if re.search(pattern, plain):
            return remedy(plain, command) if callable(remedy) else remedy
    return None


def _specifications(text: str, command: Command) -> list[tuple[str, str]]:
    """Return name and version of what was not found, as the program lists it, or else as the line has it."""
    found = _bullets(text) or [match["spec"] for pattern in (_TREE, _NAMED) for match in pattern.finditer(text)]
    plain = (_IN_BRACKETS.sub(r"\1", spec) for spec in found or read(command.arguments).positionals)
    read_specs = [_SPEC.match(spec) for spec in plain]
    return list(dict.fromkeys((match["name"], match["version"].rstrip("*.")) for match in read_specs if match))


def _bullets(text: str) -> list[str]:
    """Return the list that follows the error, and none of the lists of channels before and after it."""
    found: list[str] = []
    start = _NOT_FOUND.search(text)
    for number, line in enumerate(text[start.start() :].splitlines() if start else ()):
        bullet = _BULLET.match(line)
        if bullet:
            found.append(bullet["spec"].strip())
        elif found or number > _LINES_BEFORE:
            break
    return found


def _unknown(text: str, command: Command) -> str:
    specifications = _specifications(text, command)
    if not specifications:
        return "conda's channels do not have it; if it is on PyPI: %pip install NAME"
    names = " ".join(name for name, _ in specifications)
    name, version = specifications[0]
    if len(specifications) == 1 and version.strip("=*"):
        wanted = quote(_for_pip(name, version))
        elsewhere = "" if name == "python" else f"; if PyPI has it: %pip install {wanted}"
        return f"conda's channels do not have it in that version: %conda search {name} lists theirs{elsewhere}"
    return f"conda's channels do not have it; if it is on PyPI: %pip install {names}"


def _for_pip(name: str, version: str) -> str:
    """Write a conda specification as pip reads it: conda's "=" is a beginning of a version, and a build is no part."""
    match = re.fullmatch(r"={0,2}(\d[\w.!+]*)(?:=.*)?", version)
    if match:
        return f"{name}=={match[1]}"
    return name + version


def _not_here(text: str, command: Command) -> str:
    match = re.search(r"package name: (\S+)", text)
    names = match[1] if match else " ".join(name for name, _ in _specifications(text, command)) or "NAME"
    if read(command.arguments).subcommand in ("update", "upgrade"):
        return f"conda has not installed it here: %conda install {names}, or %pip install --upgrade where pip did."
    return f"conda has not installed it here: %pip uninstall {names} where pip did; %conda list shows all."


def _unrecognised(_text: str, command: Command) -> str:
    subcommand = read(command.arguments).subcommand
    return f"%{' '.join(filter(None, (command.program, subcommand)))} --help lists the options."


_FAILURES: tuple[tuple[str, str | Callable[[str, Command], str]], ...] = (
    (r"EnvironmentIsFrozenError|environment is frozen", "Add --override-frozen to change a frozen environment."),
    (r"PackagesNotFoundInPrefixError|missing from the target environment|PackageNotInstalledError", _not_here),
    (
        (
            r"PackagesNotFound\w*Error|not available from current channels|"
            r"does not exist \(perhaps a typo|nothing provides requested|No candidates were found"
        ),
        _unknown,
    ),
    (
        (
            r"\w*UnsatisfiableError|[Cc]ould not solve|Cannot solve the request|conflicting requests|"
            r"packages are incompatible"
        ),
        "The versions asked for do not go together: ask for fewer at once, or loosen them.",
    ),
    (
        r"cannot remove current environment|Cannot rename the active environment",
        "It is the environment of this kernel: run that from another one.",
    ),
    (
        r"EnvironmentNotWritableError|NotWritableError|not writable|Permission denied|Read-only file system",
        "This user may not write there: make an environment of your own, with ipykernel in it, and choose its kernel.",
    ),
    (
        r"EnvironmentLocationNotFound|EnvironmentNameNotFound|DirectoryNotACondaEnvironmentError",
        "There is no such environment: %conda env list shows them.",
    ),
    (r"EnvironmentFileNotFound|SpecNotFound", "There is no such file: paths start at the kernel's working directory."),
    (r"UnavailableInvalidChannel|HTTP 404", "A channel's name or address is wrong: %conda config --show channels"),
    (
        (
            r"CondaHTTPError|CondaSSLError|CONNECTION FAILED|ConnectionFailed|ProxyError|[Cc]ould not resolve host|"
            r"[Cc]onnection (?:timed out|refused)|Download error \(\d+\)"
        ),
        "The channel cannot be reached: check network and proxy, or add --offline for what is in the cache.",
    ),
    (
        r"invalid package specification|InvalidMatchSpec|InvalidVersionSpec",
        'Write a name and its version, as in "numpy>=2,<3" or numpy=2.1',
    ),
    (r"unrecognized arguments|invalid choice|arguments? (?:was|were) not expected", _unrecognised),
    (r"No space left on device|NoSpaceLeftError", "The disk is full: %conda clean --all frees the package cache."),
)
