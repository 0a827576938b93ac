"""What is fuzzed: each target takes bytes, and may raise nothing but the errors that are documented.

`TARGETS` maps a name to a function and to a few inputs that are well formed; the files of ``tests/fuzz/corpus`` are
further ones, which once told something.
"""

from __future__ import annotations

import atexit
import json
import os
import shutil
import tempfile
from types import SimpleNamespace

from ipy_envmagic.commands import arguments, secrets, undoing
from ipy_envmagic.commands.conda_line import read as parse_conda
from ipy_envmagic.commands.line import parse, parse_body
from ipy_envmagic.environments import conda_meta, distributions, integrity, kernels, pth, requires
from ipy_envmagic.environments.distributions import Distribution
from ipy_envmagic.errors import EnvMagicError
from ipy_envmagic.requirements.files import wanted_by
from ipy_envmagic.requirements.notebook import read_notebook, without_magics
from ipy_envmagic.run import changes, history, lockfile, pending
from ipy_envmagic.run.screen import Screen

__all__ = ["CORPUS", "TARGETS", "run"]

CORPUS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "fuzz", "corpus")
FOLDER = tempfile.mkdtemp(prefix="ipy-envmagic-fuzz-", dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None)
atexit.register(shutil.rmtree, FOLDER, ignore_errors=True)


def put(path: str, data: bytes) -> str:
    whole = os.path.join(FOLDER, path)
    os.makedirs(os.path.dirname(whole), exist_ok=True)
    with open(whole, "wb") as file:
        file.write(data)
    return whole


def line(data: bytes) -> None:
    text = data.decode("utf-8", "replace")
    platform = "win32" if len(data) % 3 == 0 else "linux"

    def evaluate(expression: str) -> object:
        if len(expression) % 2:
            raise NameError(expression)
        return [expression, "x y"] if len(expression) % 4 else expression

    for read in (parse, parse_body):
        try:
            found = read(text, evaluate, platform=platform, home="/home/x", environ={"A": "b c"})
        except EnvMagicError as error:
            assert "\n" not in error.message  # noqa: PT017 (one line is what is promised)
            continue
        words = found if isinstance(found, tuple) else found.words
        assert all(isinstance(word, str) for word in words)
        for parser in (arguments.parse, arguments.parse_uv, parse_conda):
            try:
                parser(words)
            except EnvMagicError:
                continue
        secrets.mask(" ".join(words), secrets.collect(words, {}))


def requirement_file(name: str):
    def read(data: bytes) -> None:
        path = put(f"asked/{name}", data)
        try:
            wanted_by(path, {"A": "b"}, FOLDER)
            if name == "pylock.toml":
                lockfile.read(path)
        except EnvMagicError as error:
            assert str(error)  # noqa: PT017 (as above)

    return read


def metadata(data: bytes) -> None:
    info = os.path.dirname(put("site/demo_x-1.0.dist-info/METADATA", data))
    one = Distribution("demo-x", "1.0", info, os.path.dirname(info))
    headers = distributions.metadata_headers(one)
    distributions.top_level(one)
    needs = requires.needs_of(one)
    for text in headers.get("requires-dist", ())[:20]:
        requires.parse(text)
    requires.wanted_by(needs, ("a",), (3, 12, 0), "linux")
    distributions.installed([os.path.dirname(info)])


def record(data: bytes) -> None:
    info = os.path.dirname(put("recorded/demo_x-1.0.dist-info/RECORD", data))
    one = Distribution("demo-x", "1.0", info, os.path.dirname(info))
    integrity.forget()
    distributions.record(one)
    distributions.top_level(one)
    integrity.entries(one)
    integrity.extensions(one)
    integrity.examine(one)


def path_file(data: bytes) -> None:
    pth.read([os.path.dirname(put("paths/demo.pth", data))])


def direct_url(data: bytes) -> None:
    info = os.path.dirname(put("urls/demo_x-1.0.dist-info/direct_url.json", data))
    site = os.path.dirname(info)
    one = Distribution("demo-x", "1.0", info, site)
    distributions.direct_url(one)
    snapshot = changes.Snapshot({"demo-x": one}, {"demo-x": distributions.fingerprint(one)}, {})
    history.describe(SimpleNamespace(prefix=FOLDER), snapshot, {})


def conda_record(data: bytes) -> None:
    put("conda/conda-meta/demo-1.0-py_0.json", data)
    prefix = os.path.join(FOLDER, "conda")
    conda_meta.records(prefix)
    conda_meta.sources(prefix)
    conda_meta.installed(prefix)
    conda_meta.owner_of(prefix, "demo")


def conda_list(data: bytes) -> None:
    path = put("asked/pylock.conda.txt", data)
    try:
        lockfile.read_conda(path)
    except EnvMagicError:
        return


def kernelspec(data: bytes) -> None:
    put("jupyter/kernels/demo/kernel.json", data)
    environ = {"JUPYTER_PATH": os.path.join(FOLDER, "jupyter"), "PATH": "/usr/bin"}
    kernels.kernelspecs(kernels.Search(FOLDER, FOLDER, environ, FOLDER, "linux", None))


def notebook(data: bytes) -> None:
    try:
        read_notebook(put("notebooks/demo.ipynb", data), without_magics)
    except EnvMagicError:
        return


def cells(data: bytes) -> None:
    """Treat the bytes as a cell of a notebook: nearly no random bytes are JSON."""
    source = data.decode("utf-8", "replace")
    notebook(json.dumps({"cells": [{"cell_type": "code", "source": source}], "nbformat": 4}).encode())


def journal(data: bytes) -> None:
    folder = os.path.dirname(put("state/history.jsonl", data))
    put("state/state.json", data)
    put("state/pending/00aa/entry.json", data)
    lines = history.lines(folder)
    undoing.plan(history.net(lines))
    known = history.last_state(folder)
    if known is not None:
        history.changed(known, {"pip": {}, "conda": {}})
    pending.left_open(folder)


def screen(data: bytes) -> None:
    shown = Screen(progress=bool(len(data) % 2), width=40)
    half = len(data) // 2
    text = shown.feed(data[:half]) + shown.frame() + shown.feed(data[half:]) + shown.finish()
    assert "\x1b]" not in text


LOCK = b'lock-version = "1.0"\ncreated-by = "x"\n[[packages]]\nname = "a"\n'
HEADER = b"Metadata-Version: 2.4\nName: demo-x\nVersion: 1.0\nRequires-Python: >=3.8\n"
DESCRIBED = {"version": "1", "installer": "pip", "origin": {"kind": "archive", "url": "file:///w", "hash": "sha256=0"}}


def journal_line(source: str, origin: dict[str, object]) -> bytes:
    """Give a line of the journal, for a seed."""
    change = {"name": "a", "source": source, "before": {**DESCRIBED, "build": "0", "origin": origin}, "after": None}
    return json.dumps({"number": 1, "time": "t", "changes": [change]}).encode() + b"\n"


TARGETS = {
    "line": (
        line,
        (b"install numpy>=2 'a b' {x} $y # no", b"list | grep x", b'-r "{f}" > out.txt', b"a @ https://u:p@h/x"),
    ),
    "requirements": (
        requirement_file("requirements.txt"),
        (b"numpy>=2 ; python_version<'4'\n-r other.txt\n-e .\nx @ https://h/x.whl --hash=sha256:ab\n${A}\\\n>=1\n",),
    ),
    "pyproject": (
        requirement_file("pyproject.toml"),
        (
            b'[project]\nname = "x"\ndependencies = ["a>=1"]\nrequires-python = ">=3.8"\n',
            b'[project]\nname = "x"\n[dependency-groups]\nd = ["b"]\n',
        ),
    ),
    "pylock": (
        requirement_file("pylock.toml"),
        (
            LOCK + b'version = "1"\nwheels = [{ url = "https://h/a.whl", hashes = { sha256 = "ab" } }]\n',
            LOCK + b'directory = { path = "." }\n',
        ),
    ),
    "setup-cfg": (requirement_file("setup.cfg"), (b"[options]\ninstall_requires =\n    a>=1\n    b\n",)),
    "environment-yml": (requirement_file("environment.yml"), (b"dependencies:\n  - a=1\n  - pip:\n    - b>=2\n",)),
    "script": (requirement_file("demo.py"), (b"# /// script\n# dependencies = ['a']\n# ///\nimport b\n",)),
    "metadata": (
        metadata,
        (HEADER + b"Requires-Dist: a>=1; extra == 'x'\nProvides-Extra: x\nImport-Name: demo\n\nText\n",),
    ),
    "record": (record, (b'demo/__init__.py,sha256=ab,12\n"a,b.py",,\n../../bin/x,,\ndemo_x-1.0.dist-info/RECORD,,\n',)),
    "pth": (
        path_file,
        (b"/somewhere\nimport os; x = 1\n# no\n\n../relative\n", b"\xef\xbb\xbf/a\n", b"\xff\xfe/\0a\0"),
    ),
    "direct-url": (
        direct_url,
        (
            b'{"url": "file:///p", "dir_info": {"editable": true}}',
            b'{"url": "file:///dev/zero", "archive_info": {}}',
            b'{"url": "https://u:p@h/x.whl", "archive_info": {"hashes": {"sha256": "ab"}}}',
            b'{"url": "https://h/x", "vcs_info": {"vcs": "git", "commit_id": "ab"}}',
        ),
    ),
    "conda-meta": (
        conda_record,
        (b'{"name": "demo", "version": "1.0", "build": "py_0", "url": "https://c/noarch/x", "files": ["a/b"]}',),
    ),
    "conda-list": (conda_list, (b"# a\n@EXPLICIT\nhttps://c/noarch/a-1-0.conda#ab\n",)),
    "kernelspec": (
        kernelspec,
        (b'{"argv": ["/usr/bin/env", "A=b", "python3"], "env": {"A": "b"}, "language": "python"}',),
    ),
    "notebook": (
        notebook,
        (b'{"cells": [{"cell_type": "code", "source": ["import a\\n"]}], "metadata": {}, "nbformat": 4}',),
    ),
    "cells": (cells, (b"import a.b\ntry:\n    import c\nexcept ImportError:\n    pass\n%pip install d\n!ls\n",)),
    "journal": (
        journal,
        (
            journal_line("pip", {"kind": "index", "options": ["-f", "w"]}),
            journal_line("conda", {"kind": "conda", "url": "https://c/a-1-0.conda", "md5": "a"}),
            json.dumps({"pip": {"a": {**DESCRIBED, "name": "a", "stamp": [1]}}, "conda": {}}).encode(),
            b'{"command": "c", "since": "s", "by": {"pid": 1, "host": "h"}, "roots": [["/p", true, []]]}',
        ),
    ),
    "screen": (screen, (b"a\r\x1b[2Kb\x1b[31mc\n\x1b]8;;x\x07y\n\xe2\x96\x88",)),
}


def run(name: str, data: bytes) -> None:
    """Give one input to one target."""
    TARGETS[name][0](data)
