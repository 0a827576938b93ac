"""Bad input, tried hard: by hypothesis here, and by atheris for as long as one likes (`make fuzz`)."""

import json
import os
import random
import tracemalloc
from pathlib import Path

import pytest
from fuzz_targets import CORPUS, TARGETS, run
from hypothesis import given, settings
from hypothesis import strategies as st

from ipy_envmagic.environments import distributions, integrity, metadata
from ipy_envmagic.environments.distributions import Distribution
from ipy_envmagic.run import history

KEPT = sorted((path.parent.name, path.name) for path in Path(CORPUS).glob("*/*"))


@pytest.mark.parametrize("name", TARGETS)
def test_what_is_well_formed_is_read(name):
    for data in TARGETS[name][1]:
        run(name, data)


@pytest.mark.parametrize(("name", "file"), KEPT)
def test_what_once_told_something(name, file):
    run(name, Path(CORPUS, name, file).read_bytes())


def changed(data, rng):
    """Return an input with a few bytes replaced, doubled, taken out or put in, or two pieces swapped."""
    found = bytearray(data)
    for _ in range(rng.randint(1, 6)):
        at, to = sorted((rng.randint(0, len(found)), rng.randint(0, len(found))))
        deed = rng.randrange(6)
        if deed == 0:
            found[at:to] = b""
        elif deed == 1:
            found[at:at] = found[at:to]
        elif deed == 2:
            found[at:at] = rng.choice(
                [
                    b"\0",
                    b"\xff",
                    b'"',
                    b"'",
                    b"{",
                    b"}",
                    b"[",
                    b"\n",
                    b"\r",
                    b",",
                    b"\\",
                    b"$",
                    b"null",
                    b"1e999",
                    b"\xe2\x80\xae",
                    b"../",
                    b"://",
                ]
            )
        elif deed == 3 and found:
            found[at % len(found)] = rng.randrange(256)
        elif deed == 4:
            found[at:to] = found[at:to] * 3
        else:
            found = found[to:] + found[at:to] + found[:at]
    return bytes(found)


@pytest.mark.parametrize("name", TARGETS)
@given(st.binary(max_size=200), st.integers(0, 1 << 32))
@settings(max_examples=60, deadline=None)
def test_nothing_but_the_documented_errors(name, data, seed):
    run(name, data)
    rng = random.Random(seed)
    for well_formed in TARGETS[name][1]:
        run(name, changed(well_formed, rng))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "url",
                    "dir_info",
                    "vcs_info",
                    "archive_info",
                    "hashes",
                    "hash",
                    "editable",
                    "argv",
                    "env",
                    "language",
                    "cells",
                    "cell_type",
                    "source",
                    "metadata",
                    "kernelspec",
                    "name",
                    "version",
                    "build",
                    "files",
                    "number",
                    "changes",
                    "by",
                    "roots",
                    "command",
                    "since",
                    "pip",
                    "conda",
                    "stamp",
                    "before",
                    "after",
                ]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=15,
)


@pytest.mark.parametrize("name", ["direct-url", "conda-meta", "kernelspec", "notebook", "journal"])
@given(JSON)
@settings(max_examples=80, deadline=None)
def test_json_of_any_shape(name, value):
    run(name, json.dumps(value).encode())


# -- what is large is bounded: in how often something is read, and in memory


def one(tmp_path, name, text):
    info = tmp_path / "demo_x-1.0.dist-info"
    info.mkdir(exist_ok=True)
    (info / name).write_bytes(text)
    return Distribution("demo-x", "1.0", str(info), str(tmp_path))


def peak(function, *arguments):
    tracemalloc.start()
    try:
        result = function(*arguments)
        return result, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.timeout(60)
@pytest.mark.parametrize("part", [b"Requires-Dist: a>=1\n", b"X: " + b"a" * 70 + b"\n", b" more\n", b":", b"\r"])
def test_a_metadata_of_ten_megabytes(tmp_path, part):
    """Its head is read, up to its end or to a limit; the description, which is the rest, is not."""
    distribution = one(tmp_path, "METADATA", b"Name: demo-x\nVersion: 1.0\n" + part * (10_000_000 // len(part)))
    headers, used = peak(metadata.metadata_headers, distribution)
    assert headers["name"] == ["demo-x"]
    assert used < 50 << 20
    described = one(tmp_path, "METADATA", b"Name: demo-x\n\n" + b"x" * 10_000_000)
    headers, used = peak(metadata.metadata_headers, described)
    assert headers == {"name": ["demo-x"]}
    assert used < 1 << 20


@pytest.mark.timeout(60)
def test_a_record_of_a_million_lines(tmp_path):
    rows = b"".join(b"demo/m%d.py,sha256=abc,12\n" % number for number in range(1_000_000))
    distribution = one(tmp_path, "RECORD", rows)
    found, used = peak(integrity.examine, distribution)
    assert found.stopped_short  # the time that an examination has was up, and it says so
    assert used < 1 << 30
    assert len(metadata.record(distribution)) > 100_000


@pytest.mark.timeout(60)
def test_a_directory_of_a_hundred_thousand_files(tmp_path):
    for number in range(100_000):
        os.close(os.open(f"{tmp_path}/f{number}.py", os.O_CREAT))
    (tmp_path / "demo_x-1.0.dist-info").mkdir()
    found, used = peak(distributions.installed, [str(tmp_path)])
    assert list(found) == ["demo-x"]
    assert used < 100 << 20


PARTS = [
    b"(",
    b"[",
    b"{",
    b"'",
    b'"',
    b"\\",
    b"\n",
    b"a ",
    b",",
    b"${",
    b"\r",
    b"\x1b[",
    b"://u:p@",
    b"--x=",
    b" | ",
    b"\n b",
]


@pytest.mark.timeout(60)
@pytest.mark.parametrize("name", TARGETS)
def test_no_quadratic_blow_up(name):
    """Fifty kilobytes of what opens, quotes or repeats; what grows with the square would not end in time."""
    for part in PARTS:
        run(name, part * (50_000 // len(part)))


def test_what_is_well_formed_in_the_journal_is_read(tmp_path):
    """The seeds of the fuzzing lead beyond the check of a line's form."""
    line, of_conda, last, _ = TARGETS["journal"][1]
    for number, seed in enumerate((line, of_conda, last)):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "history.jsonl").write_bytes(seed)
        (folder / "state.json").write_bytes(seed)
    assert [len(history.net(history.lines(str(tmp_path / str(number))))) for number in range(3)] == [1, 1, 0]
    assert history.last_state(str(tmp_path / "2")) is not None
