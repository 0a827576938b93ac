"""What a program writes to its terminal, made fit for a notebook's cell.

A front end knows lines, colours and, at best, a carriage return. So the moves and erasures of a terminal (ECMA-48)
are carried out here: whole lines come out as they are finished, and the line that a program renews in place comes out
as one frame that the next replaces. Pure: bytes in, text out.
"""

from __future__ import annotations

import codecs
import re
from collections import deque
from dataclasses import dataclass, field
from functools import lru_cache

__all__ = ["Screen"]

_RUN = re.compile("(?:[^\x00-\x08\x0b-\x1f\x7f-\x9f]+|\x1b\\[[\\d;:]*m)+")
_SGR = re.compile(r"\x1b\[[\d;:]*m")
_TOKEN = re.compile(
    r"(?P<text>[^\x00-\x1f\x7f-\x9f]+)"
    r"|(?P<sgr>\x1b\[[\d;:]*m)"
    r"|\x1b\[(?P<parameters>[0-?]*)[ -/]*(?P<final>[@-~])"
    r"|(?P<string>\x1b[\]PX^_][^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c))"
    r"|(?P<escape>\x1b[ -/]*[0-Z\\-~])"
    r"|(?P<control>[\x00-\x1f\x7f-\x9f])"
)
_UNFINISHED = re.compile(r"\x1b(?:\[[0-?]*[ -/]*|[\]PX^_][^\x07\x1b\x9c]*\x1b?|[ -/]*)?\Z|\r+\Z")
_BAR = re.compile(r"\|\s*\d+%\s*(?:\x1b\[[\d;:]*m)*\s*\Z")
_ROWS = 32  # lines above the cursor that a program can come back to
_LONGEST = 1 << 16  # characters of one line, or of one escape sequence
_QUIET_ROWS = 2  # new lines without a move upwards after which a block counts as no longer redrawn


@dataclass(slots=True)
class _Row:
    """A line: as it was written (`raw`) until the cursor goes back in it, then as cells of style and character."""

    raw: str = ""
    style: str = ""
    cells: list[tuple[str, str]] | None = None
    sent: str | None = None
    had_text: bool = False

    def opened(self) -> list[tuple[str, str]]:
        """Give the cells, to be written into."""
        if self.cells is None:
            self.cells = []
            style = self.style
            for piece in re.split(r"(\x1b\[[\d;:]*m)", self.raw):
                if piece.startswith("\x1b["):
                    style = _styled(style, piece)
                else:
                    self.cells += [(style, character) for character in piece]
            self.had_text = self.had_text or bool(self.cells)
        return self.cells

    def text(self) -> str:
        """Give the line with its colours; blanks at the end of one that was rewritten were there to erase."""
        if self.cells is None:
            return self.raw
        end = len(self.cells)
        while end and self.cells[end - 1][1] == " ":
            end -= 1
        out: list[str] = []
        style = ""
        for cell_style, character in self.cells[:end]:
            if cell_style != style:
                out.append(("\x1b[0m" if style else "") + cell_style)
                style = cell_style
            out.append(character)
        return "".join(out) + ("\x1b[0m" if style else "")


@dataclass(slots=True)
class Screen:
    """A terminal of which only the lines that are still changing are kept.

    Parameters
    ----------
    progress : bool
        Whether `frame` gives anything: somebody watches.
    width : int
        Columns of the program's terminal; lines are not wrapped here.
    """

    progress: bool = True
    width: int = 100
    _decoder: codecs.IncrementalDecoder = field(
        default_factory=lambda: codecs.getincrementaldecoder("utf-8")("replace"), repr=False
    )
    _rest: str = ""
    _rows: deque[_Row] = field(default_factory=lambda: deque([_Row()]), repr=False)
    _at: int = 0
    _column: int = 0
    _style: str = ""
    _redrawing: bool = False
    _quiet: int = 0
    _out: list[str] = field(default_factory=list, repr=False)
    _framed: str = ""
    _framed_length: int = 0
    _latest: _Row | None = None

    def feed(self, data: bytes) -> str:
        """Take what the program wrote; give what is final now.

        Parameters
        ----------
        data : bytes
            The next bytes, cut anywhere.

        Returns
        -------
        str
            Whole lines, each ending in a newline; of escape sequences only colours (SGR). Where a frame stands, the
            text begins with a carriage return and covers it.
        """
        self._take(self._decoder.decode(data))
        return self._given()

    def frame(self) -> str:
        """Give what renews the line that is changing, "" where it is as before or nobody watches."""
        if not self.progress:
            return ""
        row = self._latest if self._redrawing and self._latest is not None else self._rows[self._at]
        text = row.text()
        if row.sent == text or not _SGR.sub("", text):
            text = ""
        if text == self._framed:
            return ""
        padding = " " * max(0, self._framed_length - len(text))
        self._framed, self._framed_length = text, max(self._framed_length, len(text))
        return f"\r{text}{padding}"

    def finish(self) -> str:
        """Give all that is left when the program has ended."""
        self._take(self._decoder.decode(b"", final=True))
        self._rest = ""
        self._settle()
        last = self._rows[-1]
        if last.sent is None and _SGR.sub("", last.text()):
            self._emit(last.text())
        given = self._given()
        if self._framed_length:
            given += "\r" + " " * self._framed_length + "\r"
            self._framed, self._framed_length = "", 0
        self._rows.clear()
        self._rows.append(_Row(style=self._style))
        self._at = self._column = 0
        return given

    # -- from characters to rows

    def _take(self, decoded: str) -> None:
        text = self._rest + decoded
        while "\r\n" in text:
            text = text.replace("\r\n", "\n")
        unfinished = _UNFINISHED.search(text, max(0, len(text) - _LONGEST)) if "\x1b" in text or "\r" in text else None
        end = unfinished.start() if unfinished else len(text)
        self._rest = text[end:]
        position = 0
        while position < end:
            row = self._rows[self._at]
            if row.cells is None and not self._redrawing and self._at == len(self._rows) - 1:
                run = _RUN.match(text, position, end)
                if run is not None:
                    self._append(run.group())
                    position = run.end()
                    continue
            token = _TOKEN.match(text, position, end)
            if token is None:  # the start of a sequence that is none
                position += 1
                continue
            self._obey(token)
            position = token.end()

    def _append(self, run: str) -> None:
        """Add text without any move to the last row: the common case, and the quick one."""
        head, newline, last = run.rpartition("\n")
        row = self._rows[-1]
        self._style = _after(self._style, run)
        if not newline:
            row.raw += last
        elif "%" in head or "%" in row.raw:  # a bar may be among them, which is not final: a line at a time
            style = row.style
            for number, line in enumerate([*head.split("\n"), last]):
                if number:
                    self._newline()
                    self._rows[self._at].style = style
                style = _after(style, self._rows[self._at].raw + line) if number else _after(style, row.raw + line)
                self._rows[self._at].raw += line
            return
        else:
            self._emit(row.raw + head)
            first, *others = f"{row.raw}{run}".rsplit("\n", _ROWS)
            style = row.style
            self._rows.pop()
            for line in [first.rpartition("\n")[2], *others]:
                style = _after(style, first) if line is first else style
                self._rows.append(_Row(line, style, sent=line))
                style = _after(style, line)
            self._rows[-1].sent = None
            self._at = len(self._rows) - 1
            self._trim()
        if len(self._rows[-1].raw) > _LONGEST:
            self._newline()

    def _write(self, text: str) -> None:
        row = self._rows[self._at]
        self._latest = row
        if row.cells is None and self._is_at_end(row):
            row.raw += text
            return
        cells = row.opened()
        row.had_text = True
        if len(cells) < self._column:
            cells += [("", " ")] * (self._column - len(cells))
        cells[self._column : self._column + len(text)] = [(self._style, character) for character in text]
        self._column += len(text)
        if len(cells) > _LONGEST:
            self._newline()

    def _is_at_end(self, row: _Row) -> bool:
        return row.sent is None and self._at == len(self._rows) - 1

    def _obey(self, token: re.Match[str]) -> None:
        if (text := token["text"]) is not None:
            self._write(text)
        elif (sgr := token["sgr"]) is not None:
            self._colour(sgr)
        elif (control := token["control"]) is not None:
            self._control(control)
        elif (final := token["final"]) is not None:
            self._move(final, token["parameters"])

    def _colour(self, sgr: str) -> None:
        row = self._rows[self._at]
        if row.cells is None and self._is_at_end(row):
            row.raw += sgr
        self._style = _styled(self._style, sgr)

    def _control(self, control: str) -> None:
        if control in "\n\v\f":
            self._newline()
        elif control == "\r":
            self._open()
            self._column = 0
        elif control == "\b":
            self._open()
            self._column = max(0, self._column - 1)
        elif control == "\t":
            self._write("\t")

    def _open(self) -> _Row:
        """Make the row one that is written into anywhere, with the cursor where it is."""
        row = self._rows[self._at]
        if row.cells is None:
            self._column = len(row.opened())
        return row

    def _newline(self) -> None:
        """Go to the next row; the one that is left is final unless a program is redrawing several."""
        self._column = 0
        if self._at < len(self._rows) - 1:
            self._at += 1
            self._rows[self._at].opened()
            return
        row = self._rows[self._at]
        if not self._redrawing and _BAR.search(row.text()):
            self._redrawing, self._quiet = True, 0
        if self._redrawing:
            self._quiet += 1
            if self._quiet > _QUIET_ROWS and not _BAR.search(row.text()):
                self._settle(last=True)
        else:
            self._send(row)
        self._rows.append(_Row(style=self._style))
        self._at = len(self._rows) - 1
        self._trim()

    def _settle(self, *, last: bool = False) -> None:
        """Give out the rows of a block that is no longer redrawn."""
        rows = list(self._rows) if last else list(self._rows)[:-1]
        if self._redrawing:
            for row in rows:
                self._send(row)
        self._redrawing, self._quiet, self._latest = False, 0, None

    def _send(self, row: _Row) -> None:
        text = row.text()
        if row.sent == text or (not text and row.cells is not None and row.had_text):
            return
        row.sent = text
        self._emit(text)

    def _trim(self) -> None:
        while len(self._rows) > _ROWS:
            row = self._rows.popleft()
            self._at = max(0, self._at - 1)
            if self._redrawing:
                self._send(row)

    def _move(self, final: str, parameters: str) -> None:
        numbers = [int(number) if number.isdigit() else 0 for number in parameters.split(";")]
        count = max(1, min(numbers[0], _LONGEST))
        if final in "AF":
            self._open()
            self._redrawing, self._quiet = True, 0
            self._at = max(0, self._at - count)
            self._rows[self._at].opened()
        elif final in "BE":
            self._open()
            self._at = min(len(self._rows) - 1, self._at + count)
            self._rows[self._at].opened()
        elif final == "C":
            self._open()
            self._column = min(self._column + count, self.width)
        elif final == "D":
            self._open()
            self._column = max(0, self._column - count)
        elif final in "GH`f":
            self._open()
            self._column = min(count - 1, self.width) if final in "G`" else 0
        elif final == "K":
            self._erase(self._open(), numbers[0])
        elif final == "J":
            self._erase(self._open(), 0 if numbers[0] == 0 else 2)
            for row in list(self._rows)[self._at + 1 :]:
                row.opened().clear()
        if final in "EF":
            self._column = 0

    def _erase(self, row: _Row, what: int) -> None:
        cells = row.opened()
        if what == 0:
            del cells[self._column :]
        elif what == 1:
            cells[: self._column + 1] = [("", " ")] * min(self._column + 1, len(cells))
        else:
            cells.clear()

    # -- from rows to the cell

    def _emit(self, text: str) -> None:
        if self._framed_length:
            first, newline, others = text.partition("\n")
            text = "\r" + first + " " * max(0, self._framed_length - len(first)) + newline + others
            self._framed, self._framed_length = "", 0
        self._out.append(text + "\n")

    def _given(self) -> str:
        given = "".join(self._out)
        self._out.clear()
        return given


def _after(style: str, text: str) -> str:
    """Give the style in force behind a text that began in `style`."""
    if "\x1b" in text:
        if (reset := text.rfind("\x1b[0m")) >= 0:
            style, text = "", text[reset + 4 :]
        for sgr in _SGR.findall(text):
            style = _styled(style, sgr)
    return style


@lru_cache(maxsize=1024)
def _styled(style: str, sgr: str) -> str:
    """Add a colour sequence (ECMA-48, SGR) to those in force; what it ends is taken out."""
    now = dict(_attributes(style)) if style else {}
    for name, code in _attributes(sgr):
        if name == "reset":
            now.clear()
        elif code:
            now[name] = code
        else:
            for one in name.split():
                now.pop(one, None)
    return f"\x1b[{';'.join(now.values())}m" if now else ""


_ENDS = {"22": "1 2", "23": "3", "24": "4", "25": "5", "27": "7", "28": "8", "29": "9", "39": "fg", "49": "bg"}


def _attributes(sgr: str) -> list[tuple[str, str]]:
    """Split an SGR sequence into attributes: their name and code; a code of "" ends those named."""
    codes = [code.lstrip("0") or "0" for code in re.split("[;:]", sgr[2:-1])]
    found: list[tuple[str, str]] = []
    at = 0
    while at < len(codes):
        code = codes[at]
        length = 1
        if code == "0":
            found.append(("reset", ""))
        elif code in _ENDS:
            found.append((_ENDS[code], ""))
        elif code in ("38", "48"):
            length = 5 if codes[at + 1 : at + 2] == ["2"] else 3
            found.append(("fg" if code == "38" else "bg", ";".join(codes[at : at + length])))
        elif code.isdigit() and int(code) < _LAST_ATTRIBUTE:
            found.append((_named(int(code)), code))
        at += length
    return found


_LAST_ATTRIBUTE = 108


def _named(code: int) -> str:
    if 30 <= code <= 37 or 90 <= code <= 97:  # noqa: PLR2004 the standard's ranges of foreground colours
        return "fg"
    if 40 <= code <= 47 or 100 <= code <= 107:  # noqa: PLR2004 and of background colours
        return "bg"
    return str(code)
