"""The grammar of a magic's line: from what was typed to the words that a program gets.

No shell stands between. Words split as in a POSIX shell, a requirement is one word whether quoted or not (PEP 508),
placeholders expand to plain text that is never read again as syntax, and what follows an unquoted ``|``, ``&&``, ``||``
or ``>`` is the user's own shell tail. All functions are pure: the values of placeholders come from the `evaluate` that
the caller hands in.
"""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from ipy_envmagic.errors import LineError

__all__ = ["Evaluate", "Line", "parse", "parse_body", "quote"]

Evaluate = Callable[[str], object]

_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?(?:\[[^][]*\])?")
_OPEN_EXTRAS = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*\[[^]]*")
_SPECIFIER = re.compile(r"===|[=!~<>]=|[<>]")
_VERSION = re.compile(r"[vV]?\d+(?:[.!+_-]?(?:\d+|[a-zA-Z]{1,4}\d*|\*))*,?(?:[=!~<>]\S*)?")
_REQUIREMENT = re.compile(rf"(?P<name>{_NAME.pattern})(?P<rest>\s*(?:===|[=!~<>]=|[<>]).*)?", re.DOTALL)
_VARIABLE = re.compile(r"\$(?:\{(?P<braced>[A-Za-z_]\w*)\}|(?P<name>[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*))")
_REDIRECT = re.compile(r"(?:\d|&)?>>?(?:&\d)?|\d>&\d")
_GLUED_REDIRECT = re.compile(r">{1,2}(?![=\d{$'\"]|[vV]\d)[^\s]+")
_LITERAL = re.compile(r"[^\s'\"\\{}$;|&~#<>]+")
_CONVERSION = re.compile(r"(?s)(?P<expression>.*?)(?:!(?P<conversion>[rsa]))?(?::(?P<spec>[^{}]*))?")
_MARKER_TOKEN = re.compile(
    r"""\s*(?:(?P<open>\()|(?P<close>\))|(?P<string>'[^']*'|"[^"]*")|(?P<word>[A-Za-z_.]+)|(?P<op>===|[=!~<>]=|[<>]))"""
)
# PEP 508 with the additions of PEP 751
_MARKER_VARIABLES = frozenset(
    (
        *("os_name", "sys_platform", "platform_machine", "platform_python_implementation", "platform_release"),
        *("platform_system", "platform_version", "python_version", "python_full_version", "implementation_name"),
        *("implementation_version", "extra", "extras", "dependency_groups"),
    )
)
_PLACEHOLDER_TRIES = 32  # closing braces looked at for one placeholder: bounds the work on a hostile line


@dataclass(frozen=True, slots=True)
class Line:
    """A line as it was understood.

    Parameters
    ----------
    words : tuple of str
        The arguments, each as the program gets it.
    tail : str or None
        The shell text that the user typed behind them, beginning with its operator; values of placeholders in it are
        quoted.
    """

    words: tuple[str, ...]
    tail: str | None = None


@dataclass(slots=True)
class _Word:
    """A word in the making.

    `typed` says that it stands in the line as it is: no quotes, no escapes, no placeholder; `open` that its end was
    written in the line, so that what follows may continue it: the end of a value is never syntax.
    """

    text: str
    typed: bool = True
    open: bool = True


def parse(
    text: str,
    evaluate: Evaluate,
    *,
    platform: str = "linux",
    home: str | None = None,
    environ: Mapping[str, str] | None = None,
) -> Line:
    r"""Split the line of a magic into words.

    Parameters
    ----------
    text : str
        The line as typed, placeholders not yet expanded.
    evaluate : callable
        Gives the value of a Python expression of the user's; raises NameError for a name that is not defined.
    platform : str
        As `sys.platform`; on "win32" a backslash is a path separator and escapes nothing.
    home : str, optional
        What an unquoted ``~`` at the start of a word stands for.
    environ : mapping of str to str, optional
        Environment variables: what ``$NAME`` stands for where Python knows no such name.

    Returns
    -------
    Line

    Raises
    ------
    LineError
        The only error there is: an unclosed quote, a placeholder that has no value, something ambiguous. One line that
        shows how to write it.

    Examples
    --------
    >>> parse('install numpy >=2,<3 "pandas[excel]"  # comment', {}.__getitem__).words
    ('install', 'numpy>=2,<3', 'pandas[excel]')
    """
    return _Scanner(text, evaluate, posix=platform != "win32", home=home, environ=environ or {}).line()


def parse_body(
    text: str,
    evaluate: Evaluate,
    *,
    platform: str = "linux",
    home: str | None = None,
    environ: Mapping[str, str] | None = None,
) -> tuple[str, ...]:
    """Read the body of a cell magic: one requirement a line, or one option with its value, as in a requirements file.

    Parameters
    ----------
    text, evaluate, platform, home, environ
        As for `parse`.

    Returns
    -------
    tuple of str
        The arguments, in the order of the lines.

    Raises
    ------
    LineError
        With the number of the line.

    Notes
    -----
    Comments, blank lines and continuation lines are those of pip's requirements file format.
    """
    words: list[str] = []
    for number, line in _logical_lines(text):
        try:
            parsed = parse(line, evaluate, platform=platform, home=home, environ=environ)
            _check_body_line(line, parsed)
        except LineError as error:
            raise LineError(f"line {number} of the cell: {error.message}", error.remedy) from None
        words += parsed.words
    return tuple(words)


def quote(word: str) -> str:
    """Write a word so that `parse` gives it back as it is, on every platform.

    Parameters
    ----------
    word : str
        Any text.

    Returns
    -------
    str
    """
    if word and re.fullmatch(r"[A-Za-z0-9_@%+=:,./-]+", word) and not _SPECIFIER.match(word) and word[0] not in "@,":
        return word
    escaped = word.replace("{", "{{").replace("}", "}}")
    return "'" + escaped.replace("'", "'\"'\"'") + "'"


def _logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Give each line that says something with the number of its first physical line, continuation lines joined."""
    start = 0
    parts: list[str] = []
    for number, raw in enumerate([*text.splitlines(), ""], 1):
        if not parts:
            start = number
        joined = raw.endswith("\\") and not raw.lstrip().startswith("#")
        parts.append(raw[:-1] if joined else raw)
        if joined:
            continue
        line = " ".join(parts).strip()
        parts = []
        if line and not line.startswith("#"):
            yield start, line


def _check_body_line(line: str, parsed: Line) -> None:
    """Refuse what a requirements file would not take."""
    if parsed.tail is not None:
        raise LineError(f"{_shorten(line)!r} holds a shell operator; the body takes one requirement a line")
    if any(word.startswith("--hash") for word in parsed.words):
        raise LineError("hashes need a requirements file", "Write the lines to a file and use: %pip install -r FILE")
    if len(parsed.words) > 1 and not line.startswith("-") and not line.startswith(("{", "$")):
        raise LineError(f"{_shorten(line)!r} is more than one requirement; write each on a line of its own")


class _Scanner:
    """One pass over a line, left to right."""

    def __init__(
        self, text: str, evaluate: Evaluate, *, posix: bool, home: str | None, environ: Mapping[str, str]
    ) -> None:
        self.text = text
        self.evaluate = evaluate
        self.posix = posix
        self.home = home
        self.environ = environ
        self.at = 0
        self.words: list[_Word] = []

    def line(self) -> Line:
        tail: str | None = None
        while tail is None and self._skip_to_word():
            tail = self._operator()
            if tail is None and self.at < len(self.text) and not self.text[self.at].isspace():
                self._join(self._word())
        words = tuple(word.text for word in self.words)
        for word in words:
            _check_passable(word)
        return Line(words, tail)

    # -- between words

    def _skip_to_word(self) -> bool:
        """Go to the next word; False at the end, a comment or a ``;`` that ends the line."""
        while self.at < len(self.text) and self.text[self.at].isspace():
            self.at += 1
        if self.at < len(self.text) and self.text[self.at] == "#":
            newline = self.text.find("\n", self.at)
            self.at = len(self.text) if newline < 0 else newline
            return self._skip_to_word() if newline >= 0 else False
        return self.at < len(self.text)

    def _rest_is_blank(self, at: int) -> bool:
        rest = self.text[at:].strip()
        return not rest or rest.startswith("#")

    def _operator(self) -> str | None:
        """Take what may stand only between words: a tail, a marker, a specifier, a direct reference."""
        rest = self.text[self.at :]
        if rest.startswith(("|", "&&")):
            return self._tail()
        if rest[0] == ";":
            self._semicolon()
            return None
        if _SPECIFIER.match(rest) and self._is_specifier(rest):
            return None  # `_word` reads it and `_join` puts it to its name
        if _REDIRECT.match(rest):
            return self._tail()
        if rest[0] == "&":
            raise LineError("a single '&' would leave the program running behind the cell; take it away or quote it")
        if rest[0] == "<":
            raise LineError(
                f"{_shorten(rest.split()[0])!r} is no requirement of its own; write it to its name: 'numpy<2'"
            )
        return None

    def _is_specifier(self, rest: str) -> bool:
        """Whether a specifier stands here, behind the name or the comma that it belongs to."""
        before = self.words[-1].text if self.words else ""
        operator = _SPECIFIER.match(rest)
        assert operator is not None  # noqa: S101 the caller has just matched it
        target = rest[operator.end() :].split(None, 1)[0] if rest[operator.end() :].strip() else ""
        continues = _waits_behind_comma(before)
        if operator.group() not in ("<", ">"):
            return continues or _NAME.fullmatch(before) is not None
        if continues:
            return True
        if not _NAME.fullmatch(before) or not _VERSION.fullmatch(target):
            return False
        if operator.group() == "<":
            return True
        raise LineError(
            f"'{before} >{target}' could mean a version or a file",
            f"Write '{before}>{target}' for the version, or '> ./{target}' for the file.",
        )

    def _join(self, words: list[_Word]) -> None:
        """Put new words behind the others, or to the requirement that they continue."""
        for word in words:
            before = self.words[-1].text if self.words else ""
            if self.words and word.text and self._continues(before, word):
                glue = " " if before.endswith("@") or word.text == "@" else ""
                self.words[-1] = _Word(before + glue + word.text, typed=False, open=word.open)
            else:
                self.words.append(word)

    def _continues(self, before: str, word: _Word) -> bool:
        if before.endswith(" @"):
            return self.words[-1].open
        if not word.typed:  # `numpy>= {version}` is one; any other value stands for itself
            return _ends_open(before) and self.words[-1].typed
        if word.text == "@":
            return _NAME.fullmatch(before) is not None and bool(self.text[self.at :].strip())
        if _SPECIFIER.match(word.text):
            return _NAME.fullmatch(before) is not None or (
                before.endswith(",") and bool(_REQUIREMENT.fullmatch(before))
            )
        if _ends_open(before):
            fits = bool(_VERSION.match(word.text)) or bool(_OPEN_EXTRAS.fullmatch(before))
            return fits and self.words[-1].open
        return (
            word.text.startswith(",") and (match := _REQUIREMENT.fullmatch(before)) is not None and bool(match["rest"])
        )

    def _tail(self) -> str:
        tail = self._expand_tail(self.text[self.at :].strip())
        self.at = len(self.text)
        return tail

    def _semicolon(self) -> None:
        """Read a ``;``: the end of the line, or the marker of the requirement before it."""
        if self._rest_is_blank(self.at + 1):
            self.at = len(self.text)
            return
        end = _marker_end(self.text, self.at + 1)
        if end is None or not self.words:
            shown = self.text[self.at + 1 :].strip()
            raise LineError(
                f"';' begins an environment marker, and {_shorten(shown)!r} is none",
                'Another command goes on a line of its own; a marker looks like: numpy; python_version < "3.12"',
            )
        marker = self._expand_quoted(self.text[self.at + 1 : end].strip())
        before = self.words[-1].text
        glue = " ; " if " @ " in before or "://" in before else "; "
        self.words[-1] = _Word(before + glue + marker, typed=False)
        self.at = end
        if end < len(self.text) and not (self.text[end].isspace() or self.text[end] == ";"):
            raise LineError(f"a blank is missing behind the marker {_shorten(marker)!r}")

    # -- one word

    def _word(self) -> list[_Word]:
        """Read one word, which may be none or several where an unquoted placeholder gives none or several."""
        start = self.at
        words = [_Word("")]
        there = False  # an empty unquoted value gives no word, an empty quoted one an empty word
        if self.home is not None and re.match(r"~(?:[/\\]|\s|$)", self.text[start:]):
            words[0].text = self.home
            self.at += 1
            there = True
        while self.at < len(self.text):
            char = self.text[self.at]
            if char.isspace():
                break
            if (literal := _LITERAL.match(self.text, self.at)) is not None:
                words[-1].text += literal.group()
                words[-1].open = True
                self.at = literal.end()
                there = True
            elif char in "'\"":
                words[-1].text += self._quoted(char)
                words[-1].typed = words[-1].open = False
                there = True
            elif char == "\\" and self.posix:
                words[-1].text += self._escaped()
                words[-1].typed = False
                there = True
            elif (placeholder := self._placeholder()) is not None:
                values, alone = placeholder
                there = self._splice(words, values, alone=alone, there=there)
            elif char == ";":
                if self._ends_word(words[-1].text):
                    break
                words[-1].text += char
                self.at += 1
            else:
                self._check_glued(char, words[-1].text)
                words[-1].text += char
                words[-1].open = True
                self.at += 1
                there = True
        return words if there else []

    def _splice(self, words: list[_Word], values: list[str], *, alone: bool, there: bool) -> bool:
        """Put the words of a value where its placeholder stands; `alone` values (a list's) join nothing."""
        if alone and (
            there or (self.at < len(self.text) and not self.text[self.at].isspace() and self.text[self.at] != ";")
        ):
            raise LineError(
                "a list gives one argument for each item and cannot be part of a word; put blanks around it"
            )
        if not values:
            words[-1].typed = False
            return there
        words[-1].text += values[0]
        words[-1].typed = words[-1].open = False
        words += [_Word(value, typed=False, open=False) for value in values[1:]]
        return True

    def _ends_word(self, sofar: str) -> bool:
        """Whether the ``;`` here ends the word: the line ends with it, or a marker follows."""
        if self._rest_is_blank(self.at + 1):
            return True
        if "://" not in sofar:
            return True
        if self.text[self.at + 1].isspace():
            raise LineError("a ';' at the end of a URL is part of it; put a blank before the ';' of a marker")
        return False

    def _check_glued(self, char: str, sofar: str) -> None:
        """Refuse a shell operator that is glued to a word: it is not clear whether it is meant as text."""
        if "://" in sofar:
            return
        rest = self.text[self.at :]
        word = _shorten(sofar)
        if char == "|" or rest.startswith("&&"):
            operator = "||" if rest.startswith("||") else char if char == "|" else "&&"
            raise LineError(f"{operator!r} is glued to {word!r}; put blanks around it for a shell tail, or quote it")
        if char == ">" and sofar and (glued := _GLUED_REDIRECT.match(rest)):
            redirect = _shorten(glued.group())
            target = redirect.lstrip(">")
            raise LineError(f"'{word}{redirect}' is no version; to write to a file: {word} > {target}")

    def _quoted(self, mark: str) -> str:
        opened = self.at
        out: list[str] = []
        self.at += 1
        while self.at < len(self.text):
            char = self.text[self.at]
            if char == mark:
                self.at += 1
                return "".join(out)
            if mark == '"' and char == "\\" and self.posix and self.text[self.at + 1 : self.at + 2] in tuple('"\\$`\n'):
                out.append(self.text[self.at + 1].strip("\n"))
                self.at += 2
            elif char in "{}" or (char == "$" and mark == '"'):
                placeholder = self._placeholder(quoted=True)
                if placeholder is None:
                    out.append(char)
                    self.at += 1
                else:
                    out.append("".join(placeholder[0]))
            else:
                out.append(char)
                self.at += 1
        raise LineError(f"the quote {mark} at column {opened + 1} is never closed: {_shorten(self.text[opened:])}")

    def _escaped(self) -> str:
        if self.at + 1 >= len(self.text):
            raise LineError("the line ends in a backslash that escapes nothing; take it away or double it")
        char = self.text[self.at + 1]
        self.at += 2
        return "" if char == "\n" else char

    # -- placeholders

    def _placeholder(self, *, quoted: bool = False) -> tuple[list[str], bool] | None:
        """Read ``{expression}``, ``$name``, ``{{``, ``}}`` or ``$$``; None where none stands here.

        Returns its words, and whether they stand alone (the items of a list).
        """
        pair = self.text[self.at : self.at + 2]
        if pair in ("{{", "}}", "$$"):
            self.at += 2
            return [pair[0]], False
        if pair[:1] == "{":
            value, shown = self._expression()
        elif (variable := _VARIABLE.match(self.text, self.at)) is not None:
            value, shown = self._variable(variable)
        else:
            return None
        return _words_of(value, shown, quoted=quoted)

    def _expression(self) -> tuple[object, str]:
        start, close = self.at, self.at
        for _ in range(_PLACEHOLDER_TRIES):
            close = self.text.find("}", close + 1)
            if close < 0:
                break
            inside = self.text[start + 1 : close]
            if _compiles(inside):
                self.at = close + 1
                return self._value(inside.strip(), "{" + inside + "}"), "{" + inside + "}"
            formatted = _CONVERSION.fullmatch(inside)
            if formatted and formatted["expression"] != inside and _compiles(formatted["expression"]):
                self.at = close + 1
                return self._formatted(formatted, "{" + inside + "}"), "{" + inside + "}"
        shown = _shorten(self.text[start:])
        raise LineError(f"{shown} holds no Python expression", "Write {{ and }} for braces that are meant as they are.")

    def _formatted(self, match: re.Match[str], shown: str) -> str:
        value = self._value(match["expression"].strip(), shown)
        converters: dict[str, Callable[[object], str]] = {"r": repr, "a": ascii, "s": str}
        convert = converters.get(match["conversion"])
        try:
            return format(convert(value) if convert else value, match["spec"] or "")
        except Exception as error:  # noqa: BLE001 the value is the user's
            raise LineError(f"{_shorten(shown)} has no value: {type(error).__name__}: {error}") from None

    def _variable(self, match: re.Match[str]) -> tuple[object, str]:
        name = match["braced"] or match["name"]
        self.at = match.end()
        if name in self.environ and not self._is_defined(name):
            return self.environ[name], match.group()
        return self._value(name, match.group()), match.group()

    def _is_defined(self, name: str) -> bool:
        try:
            self.evaluate(name)
        except Exception:  # noqa: BLE001 whatever it is, there is no value
            return False
        return True

    def _value(self, expression: str, shown: str) -> object:
        try:
            return self.evaluate(expression)
        except Exception as error:  # noqa: BLE001 the user's own expression may raise anything
            if isinstance(error, (NameError, KeyError)):
                reason = "is not defined"
            else:
                reason = f"has no value: {type(error).__name__}: {_shorten(str(error))}"
            raise LineError(
                f"{_shorten(shown)} {reason}",
                f"Define it first; where the text itself is meant, write {_literally(_shorten(shown))}.",
            ) from None

    def _expand_quoted(self, text: str) -> str:
        """Expand the placeholders in a marker; a value may not bring quotes, which would be syntax there."""
        inner = _Scanner(text, self.evaluate, posix=self.posix, home=None, environ=self.environ)
        out = []
        while inner.at < len(text):
            placeholder = inner._placeholder(quoted=True) if text[inner.at] in "{}$" else None
            if placeholder is None:
                out.append(text[inner.at])
                inner.at += 1
                continue
            value = "".join(placeholder[0])
            if "'" in value or '"' in value:
                raise LineError(f"the value {_shorten(value)!r} has a quote and cannot stand in a marker")
            out.append(value)
        return "".join(out)

    def _expand_tail(self, tail: str) -> str:
        """Put values into the shell tail, each quoted for the place where it stands, so that none becomes syntax."""
        inner = _Scanner(tail, self.evaluate, posix=True, home=None, environ={})
        out: list[str] = []
        mark = ""
        while inner.at < len(tail):
            char = tail[inner.at]
            if char == "\\" and mark != "'":
                out.append(tail[inner.at : inner.at + 2])
                inner.at += 2
                continue
            if char in "'\"" and mark in ("", char):
                mark = "" if mark else char
            elif mark != "'" and char in "{}$" and (values := inner._tail_value()) is not None:
                out.append(mark + " ".join(_shell_quote(value) for value in values) + mark)
                continue
            out.append(char)
            inner.at += 1
        if mark:
            raise LineError(f"the quote {mark} in {_shorten(tail)!r} is never closed")
        return "".join(out)

    def _tail_value(self) -> list[str] | None:
        """Read a placeholder of the tail; a ``$name`` that Python does not know is the shell's own."""
        start = self.at
        if self.text.startswith("$", start):
            match = _VARIABLE.match(self.text, start)
            if match is None or match["braced"]:
                return None
            try:
                value = self.evaluate(match["name"])
            except Exception:  # noqa: BLE001 whatever it is, the shell will say what it knows of the name
                return None
            self.at = match.end()
            words, _ = _words_of(value, match.group(), quoted=not isinstance(value, (list, tuple)))
            return words
        if self.text[start : start + 2] in ("{{", "}}"):
            self.at += 1  # the caller takes the second one as it is
            return None
        if not self.text.startswith("{", start):
            return None
        value, shown = self._expression()
        return _words_of(value, shown, quoted=not isinstance(value, (list, tuple)))[0]


def _literally(shown: str) -> str:
    """Write a placeholder so that it is text."""
    return f"${shown}" if shown.startswith("$") else f"{{{shown}}}"


def _waits_behind_comma(text: str) -> bool:
    """Whether a requirement ends in the comma between two specifiers."""
    return text.endswith(",") and (match := _REQUIREMENT.fullmatch(text)) is not None and bool(match["rest"])


def _ends_open(text: str) -> bool:
    """Whether a requirement is not at its end: its operator waits for a version, or its extras for the bracket."""
    match = _REQUIREMENT.fullmatch(text)
    if match and match["rest"]:
        return re.search(r"(?:[=!~<>]=|[<>]|===|,)$", text) is not None
    return _OPEN_EXTRAS.fullmatch(text) is not None


def _words_of(value: object, shown: str, *, quoted: bool) -> tuple[list[str], bool]:
    """Turn a value into words: a string splits at white space unless quoted, a list gives one word for each item."""
    if isinstance(value, (list, tuple)):
        if quoted:
            raise LineError(f"{_shorten(shown)} is a list; without the quotes it gives one argument for each item")
        return [_text_of(item, shown) for item in value], True
    text = _text_of(value, shown)
    if quoted or isinstance(value, os.PathLike):
        return [text], False
    return text.split(), False


def _text_of(value: object, shown: str) -> str:
    if value is None:
        raise LineError(f"{_shorten(shown)} is None, which names nothing")
    try:
        text = os.fspath(value) if isinstance(value, os.PathLike) else str(value)
    except Exception as error:  # noqa: BLE001 the value is the user's
        raise LineError(f"{_shorten(shown)} cannot be written as text: {type(error).__name__}: {error}") from None
    if not isinstance(text, str):
        raise LineError(f"{_shorten(shown)} is a path of bytes; give it as str")
    return text


def _check_passable(word: str) -> None:
    """Refuse what no operating system takes as an argument."""
    if "\0" in word:
        raise LineError(f"{_shorten(word)!r} holds a NUL character, which no program can be given")
    try:
        word.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        raise LineError(f"{_shorten(word)!r} holds half a character (a lone surrogate)") from None


def _compiles(expression: str) -> bool:
    stripped = expression.strip()
    if not stripped:
        return False
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(stripped, "<placeholder>", "eval")
    except Exception:  # noqa: BLE001 SyntaxError, ValueError, RecursionError, MemoryError: all mean that it is none
        return False
    return True


def _marker_end(text: str, start: int) -> int | None:
    """Find where the environment marker that begins at `start` ends; None where none begins (grammar of PEP 508)."""
    at, depth, want_operand = start, 0, True
    operands = 0
    end: int | None = None
    while (match := _MARKER_TOKEN.match(text, at)) is not None:
        kind, here = match.lastgroup, match.group().strip()
        if want_operand:
            if kind == "open" and operands == 0:
                depth += 1
            elif kind == "string" or (kind == "word" and here in _MARKER_VARIABLES):
                operands += 1
                want_operand = False
            else:
                break
        elif operands == 1:
            if kind == "word" and here == "not" and re.match(r"\s+in\b", text[match.end() :]):
                match = re.compile(r"\s+in\b").match(text, match.end())
                assert match is not None  # noqa: S101 looked at in the line above
            elif kind != "op" and not (kind == "word" and here == "in"):
                break
            want_operand = True
        elif kind == "close" and depth:
            depth -= 1
        elif kind == "word" and here in ("and", "or"):
            operands, want_operand = 0, True
        else:
            break
        at = match.end()
        if not want_operand and operands == 2 and depth == 0:  # noqa: PLR2004 both sides of a comparison
            end = at
    return end


def _shell_quote(value: str) -> str:
    return "'" + value.replace("'", "'\"'\"'") + "'"


def _shorten(text: str, width: int = 60) -> str:
    """Keep a message one readable line, whatever the text holds."""
    flat = " ".join(text.split())
    flat = "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in flat)
    return flat if len(flat) <= width else flat[: width - 1] + "\N{HORIZONTAL ELLIPSIS}"
