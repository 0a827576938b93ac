"""From the bytes of real programs, and of hostile ones, to what a cell shows."""

import re
import time
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from screen_of_lab import as_lab_shows

from ipy_envmagic.run.screen import Screen

RECORDINGS = Path(__file__).parent / "recordings"
COLOUR = re.compile(r"\x1b\[[\d;:]*m")


def shown(data, *, step=300, progress=True, frames=True):
    """Feed it in pieces with a frame after each, and give what was written and the frames."""
    screen = Screen(progress=progress)
    written, seen = [], []
    for start in range(0, len(data), step):
        written.append(screen.feed(data[start : start + step]))
        frame = screen.frame() if frames else ""
        seen.append(frame)
        written.append(frame)
    written.append(screen.finish())
    return "".join(written), [frame for frame in seen if frame]


def lines(text):
    return [COLOUR.sub("", line).rstrip() for line in as_lab_shows(text).rstrip("\n ").split("\n")]


UV = [
    r"Using Python 3\.12\.1 environment at: v",
    r"Resolved 9 packages in \d+ms",
    r"Prepared 9 packages in \d+ms",
    r"Installed 9 packages in \d+ms",
    *(rf" \+ {name}==\S+" for name in ("certifi", "charset-normalizer", "idna", "numpy", "pandas")),
    *(rf" \+ {name}==\S+" for name in ("python-dateutil", "requests", "tzdata", "urllib3")),
]
PIP = [
    r"Collecting numpy==2\.2\.6",
    r"  Downloading numpy-2\.2\.6-\S+ \(16\.5 MB\)",
    r"     ━+ 16\.5/16\.5 MB \S+ MB/s eta 0:00:00",
    r"Saved \./dl/numpy-2\.2\.6-\S+",
    r"Successfully downloaded numpy",
]


@pytest.mark.parametrize(("name", "expected"), [("uv-install", UV), ("uv-install-24-rows", UV), ("pip-download", PIP)])
@pytest.mark.parametrize("step", [1, 7, 300, 1 << 20])
def test_recordings_of_real_programs(name, expected, step):
    data = (RECORDINGS / f"{name}.bin").read_bytes()
    for progress in (True, False):
        text, frames = shown(data, step=step, progress=progress)
        found = lines(text)
        if name == "pip-download":
            found = [line for line in found if not line.startswith("Looking in") and "notice" not in line]
            found = [line for line in found if not line.startswith("  Obtaining") and line]
        assert len(found) == len(expected), found
        for line, pattern in zip(found, expected, strict=True):
            assert re.fullmatch(pattern, line), (line, pattern)
        assert "\r\n" not in text
        assert bool(frames) == (progress and step < len(data))
        assert progress or "\r" not in text


CASES = {
    "a plain line": (b"hello\r\n", "hello\n"),
    "no newline at the end": (b"hello", "hello\n"),
    "a carriage return overwrites": (b"abcdef\rxy\n", "xycdef\n"),
    "erase in line": (b"abcdef\r\x1b[2Kxy\n", "xy\n"),
    "erase to the end": (b"abcdef\rxy\x1b[K\n", "xy\n"),
    "a spinner of backspaces": (b"Solving: / \b\b- \b\b\\ \b\bdone\n", "Solving: done\n"),
    "a bar that is cleared leaves no line": (b"12%\r\x1b[2Kdone\n", "done\n"),
    "a cleared line leaves none": (b"12%\r\x1b[2K\r\nnext\n", "next\n"),
    "an empty line stays": (b"a\n\nb\n", "a\n\nb\n"),
    "colours stay": (b"\x1b[32mgreen\x1b[0m\n", "\x1b[32mgreen\x1b[0m\n"),
    "links and titles go, their text stays": (b"\x1b]8;;http://x\x1b\\link\x1b]8;;\x07 \x1b]0;title\x07\n", "link \n"),
    "the cursor is not shown or hidden": (b"\x1b[?25lx\x1b[?25h\n", "x\n"),
    "controls go": (b"a\x07b\x00c\x1b(Bd\x1b=e\n", "abcde\n"),
    "tabs stay": (b"a\tb\n", "a\tb\n"),
    "broken UTF-8 is marked": (b"a\xffb\n", "a\N{REPLACEMENT CHARACTER}b\n"),
    "two bars, redrawn": (
        b"a | 10%\r\nb | 10%\x1b[A\r\x1b[2Ka | 100%\r\nb | 50%\x1b[A\r\na | done\r\nb | 100%\r\nend\r\n",
        "a | 100%\na | done\nb | 100%\nend\n",
    ),
    "an update of the row above": (b"one\ntwo\n\x1b[2A\x1b[2KONE\n\x1b[1Bthree\n", "one\ntwo\nONE\nthree\n"),
}


@pytest.mark.parametrize("case", CASES)
def test_cases(case):
    data, expected = CASES[case]
    assert shown(data, progress=False)[0] == expected
    assert shown(data, step=1)[0].replace("\r", "\n") is not None
    assert lines(shown(data, step=1)[0]) == lines(expected)


def test_a_line_comes_at_once_and_a_part_of_one_only_as_a_frame():
    screen = Screen()
    assert screen.feed(b"one\ntw") == "one\n"
    assert screen.frame() == "\rtw"
    assert screen.frame() == ""
    assert screen.feed("o é".encode()[:-1]) == ""
    assert screen.frame() == "\rtwo "
    assert screen.feed("é".encode()[-1:]) == ""
    assert screen.frame() == "\rtwo é"
    assert screen.feed(b"\n") == "\rtwo \N{LATIN SMALL LETTER E WITH ACUTE}\n"
    assert screen.finish() == ""


def test_a_shorter_frame_covers_the_longer_one():
    screen = Screen()
    screen.feed(b"\x1b[32mlong line\x1b[0m")
    first = screen.frame()
    screen.feed(b"\r\x1b[2Kx")
    assert len(screen.frame()) == len(first)
    assert lines(first + screen.feed(b"\r\x1b[2Ky\n")) == ["y"]


def test_a_frame_that_is_taken_back_leaves_nothing():
    screen = Screen()
    written = screen.feed(b"working") + screen.frame() + screen.feed(b"\r\x1b[2K") + screen.frame() + screen.finish()
    assert lines(written) == [""]


PIECE = st.one_of(
    st.sampled_from(
        [
            b"\n",
            b"\r",
            b"\r\n",
            b"\x08",
            b"\t",
            b"\x1b",
            b"\x1b[K",
            b"\x1b[2K",
            b"\x1b[1K",
            b"\x1b[J",
            b"\x1b[1A",
            b"\x1b[3A",
            b"\x1b[1B",
            b"\x1b[32m",
            b"\x1b[0m",
            b"\x1b[1;31m",
            b"\x1b[39m",
            b"\x1b[38;5;9m",
            b"\x1b[9C",
            b"\x1b[5D",
            b"\x1b[3G",
            b"\x1b[2;3H",
            b"\x1b]8;;x\x1b\\",
            b"\x1b]0;t\x07",
            b"\x1b[?25l",
            b"\x1b(B",
            b"x | 50%",
            b"| 5%\n",
        ]
    ),
    st.text(max_size=5).map(lambda text: text.encode("utf-8", "replace")),
    st.binary(max_size=4),
)
DATA = st.lists(PIECE, max_size=40).map(b"".join)
CUTS = st.lists(st.integers(0, 400), max_size=6)


def cut(data, cuts):
    places = [0, *sorted(place % (len(data) + 1) for place in cuts), len(data)]
    return [data[start:end] for start, end in pairwise(places)]


def final(pieces):
    screen = Screen()
    return "".join([*map(screen.feed, pieces), screen.finish()])


@given(DATA, CUTS)
def test_where_the_bytes_are_cut_does_not_matter(data, cuts):
    assert final(cut(data, cuts)) == final([data])


@given(DATA, CUTS)
def test_only_text_and_colours_come_out(data, cuts):
    written = COLOUR.sub("", final(cut(data, cuts)))
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f]", written)


@given(DATA, CUTS)
def test_frames_change_nothing_of_what_stays(data, cuts):
    screen = Screen()
    written = "".join(screen.feed(piece) + screen.frame() for piece in cut(data, cuts)) + screen.finish()
    assert lines(written) == lines(final([data]))


@given(st.text(st.characters(exclude_categories=("Cc", "Cs"))))
def test_plain_text_stays_as_it_is(text):
    assert final([f"{text}\n".encode()]) == f"{text}\n"


@pytest.mark.parametrize(
    "unit", [b"y\r\n", b"x" * 98 + b"\r\n", b"\x1b[32m+\x1b[39m pkg\x1b[0m\r\n", b"\r10%", b"\x1b]", b"x"]
)
def test_time_grows_with_the_output_and_memory_does_not(unit):
    """Not a benchmark: eight times the output may not take sixty-four times as long."""

    def seconds(size):
        data, screen = unit * (size // len(unit)), Screen()
        began = time.perf_counter()
        for start in range(0, len(data), 65536):
            screen.feed(data[start : start + 65536])
        assert sum(len(row.raw) + len(row.cells or ()) for row in screen._rows) + len(screen._rest) < 1 << 22
        return time.perf_counter() - began

    small, large = min(seconds(1 << 17) for _ in range(3)), min(seconds(1 << 20) for _ in range(2))
    assert large < 24 * small + 0.5
