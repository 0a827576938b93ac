"""What a line asks for, looked at before anything runs: words that can be no requirement, or nothing at all."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ipy_envmagic.errors import LineError

if TYPE_CHECKING:
    from ipy_envmagic.commands.arguments import Arguments

__all__ = ["check_requested", "check_requirements_text", "check_word", "likely_requirement"]

_ARCHIVES = (
    ".whl",
    ".zip",
    ".tar.gz",
    ".tgz",
    ".tar",
    ".tar.bz2",
    ".tbz",
    ".tar.xz",
    ".txz",
    ".tlz",
    ".tar.lz",
    ".tar.zst",
)
_PROJECT_FILES = frozenset({"pyproject.toml", "setup.py", "setup.cfg"})
_SOURCES = ("--requirement", "--editable", "--group", "--requirements-from-script")
# Looser than PEP 508 on purpose (older versions of pip take "==2004d"): a word that passes here is for pip to judge.
_NAME = r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?"
_SPECIFIER = r"(?:===|==|~=|!=|<=|>=|<|>)\s*[^\s,;<>=!~()]+"
_SHAPE = re.compile(
    rf"\s*{_NAME}\s*(?:\[[^\]]*\])?\s*(?:\(?\s*{_SPECIFIER}(?:\s*,\s*{_SPECIFIER})*\s*,?\s*\)?)?\s*(?:;.*)?"
)
_PIECES = re.compile(rf"\s*({_NAME}\s*(?:\[[^\]]*\])?)\s*(.*)", re.DOTALL)
_OPERATOR = re.compile(r"[<>=!~\s]*[<>=!~][<>=!~\s]*")
_MEANT = {"=": "==", "=>": ">=", "=<": "<=", ">>": ">=", "<<": "<=", "=!": "!=", "=~": "~=", "~": "~=", "!": "!="}


def check_requested(arguments: Arguments, magic: str) -> None:
    """Refuse a line that asks for nothing, or for something that can be no requirement.

    Parameters
    ----------
    arguments : Arguments
        The line.
    magic : str
        How the user writes it, for the message: "%pip", "%uv pip".

    Raises
    ------
    LineError
        In one line: what is wrong, and the likely right form.
    """
    verb = arguments.subcommand.rpartition(" ")[2]
    if verb not in {"install", "uninstall", "download", "wheel"} or arguments.has("--help"):
        return
    if not arguments.positionals and not arguments.has(*_SOURCES):
        raise LineError(f"Nothing to {verb} was named; name it: {magic} {verb} numpy")
    for word in arguments.positionals:
        check_word(word, magic, verb)


def check_word(word: str, magic: str = "%pip", verb: str = "install") -> None:
    """Refuse one word that is neither a requirement (PEP 508) nor a path, an archive or a URL.

    Parameters
    ----------
    word : str
        One argument of the line.
    magic, verb : str
        For the message.

    Raises
    ------
    LineError
        Names the word and shows the likely right form.
    """
    # uv would ask on the terminal whether the file is meant, and wait for ever; pip would look for such a project.
    file_name = re.split(r"[\\/]", word.strip().lower())[-1]
    if "://" not in word and "=" not in word:
        if file_name.endswith((".txt", ".in")):
            raise LineError(f"{word} is a file of requirements; write {magic} {verb} -r {word}")
        if file_name in _PROJECT_FILES:
            folder = word.strip()[: -len(file_name)].rstrip("/\\") or "."
            raise LineError(f"{word} is a file of a project; write {magic} {verb} {folder}")
    if _is_location(word) or _SHAPE.fullmatch(word) or _is_requirement(word):
        return
    likely = likely_requirement(word)
    right = f"write {_quoted(likely)}" if likely else "write a name and its versions, as in 'numpy>=2,<3'"
    raise LineError(f"{_quoted(word)} is not a requirement; {right}")


def check_requirements_text(name: str, text: str) -> None:
    """Refuse a file of requirements that asks for nothing.

    Parameters
    ----------
    name : str
        The file, as the message shall call it.
    text : str
        What it holds: one requirement a line, comments and options as pip reads them.

    Raises
    ------
    LineError
        When it holds nothing but blank lines, comments, and options that install nothing.
    """
    for line in text.splitlines():
        bare = line.lstrip("\ufeff").strip()
        asks = not bare.startswith(("#", "-")) or re.match(r"(?:-r|-e|--requirements?\b|--editable\b)", bare)
        if bare and asks:
            return
    raise LineError(f"{name} asks for nothing: it holds no requirement; write one a line, as in numpy>=2")


def _is_location(word: str) -> bool:
    return (
        any(mark in word for mark in ("/", "\\", "://", "@"))
        or word.startswith((".", "~"))
        or word.partition("[")[0].lower().endswith(_ARCHIVES)
        or word == "-"
    )


def _is_requirement(word: str) -> bool:
    from packaging.requirements import InvalidRequirement, Requirement  # noqa: PLC0415 - 20 ms, and only for odd words

    try:
        Requirement(word)
    except InvalidRequirement:
        return False
    return True


def likely_requirement(word: str) -> str | None:
    """Return what was probably meant, ``numpy==2`` for ``numpy=2``; None where no small repair makes a requirement."""
    if re.fullmatch(rf"\s*{_NAME}\s*,\s*", word):
        return word.strip().rstrip(",").strip()
    match = _PIECES.fullmatch(word)
    if not match or not match[2]:
        return None
    rest, semicolon, marker = match[2].partition(";")
    rest = rest.strip().strip("()")
    if not rest[:1].isdigit() and not _OPERATOR.match(rest):
        return None
    if rest[:1].isdigit():
        rest = f"=={rest}"
    # A comma belongs before each further operator: ">=2<3".
    pieces = [piece for piece in re.split(r"\s*,\s*|\s+(?=[<>=!~])|(?<=[\w.*])(?=[<>=!~])", rest) if piece]
    repaired = f"{match[1].strip()}{','.join(map(_with_operator, pieces))}{semicolon}{marker}"
    return repaired if _is_requirement(repaired) else None


def _with_operator(piece: str) -> str:
    match = _OPERATOR.match(piece)
    if not match:
        return piece
    operator = "".join(match[0].split())
    return f"{_MEANT.get(operator, operator)}{piece[match.end() :]}"


def _quoted(word: str) -> str:
    return f'"{word}"' if "'" in word else f"'{word}'"
