"""What an installed distribution says of itself: METADATA, RECORD, INSTALLER, direct_url.json, or their egg forms.

Each function reads the one distribution it is given, and takes whatever it finds: what is missing, damaged, unreadable
or not UTF-8 is told as far as it goes.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ipy_envmagic.environments.distributions import Distribution

__all__ = ["direct_url", "installer", "metadata_headers", "record", "top_level"]

_HEAD = 1 << 16
_LONGEST_HEAD = 1 << 20
_SEAM = 4  # bytes of an end that may lie over two pieces
_LIMIT = 1 << 24
_END_OF_HEAD = re.compile(rb"\r?\n\r?\n")
_CODE = (".py", ".so", ".pyd", ".pyi", ".pyc")
_MAPPING = re.compile(r"^MAPPING(?:\s*:[^=\n]+)?\s*=\s*(\{.*\})\s*$", re.MULTILINE)
# What a project's folder has beside its package.
_BESIDE = frozenset(
    {"test", "tests", "doc", "docs", "example", "examples", "benchmarks", "build", "dist", "setup", "conftest"}
)


def metadata_headers(distribution: Distribution) -> dict[str, list[str]]:
    """Read the head of METADATA or PKG-INFO.

    Parameters
    ----------
    distribution : Distribution
        Any.

    Returns
    -------
    dict of str to list of str
        By the header's name in lower case ("name", "version", "requires-dist", "requires-python", "provides-extra",
        "import-name", ...), each with its values in order; empty where there is no such file. The description, which is
        the body, is left out. ("Core metadata specifications", packaging.python.org)
    """
    return _parse_head(_head(distribution))


def installer(distribution: Distribution) -> str | None:
    """Return the name of the program that installed it ("pip", "uv", "conda", ...), or None where it does not say."""
    text = _read(os.path.join(_folder(distribution), "INSTALLER")).decode("utf-8", "replace").strip()
    return text.splitlines()[0].strip() if text else None


def record(distribution: Distribution) -> list[str]:
    """Return the paths of the distribution's files.

    Parameters
    ----------
    distribution : Distribution
        Any.

    Returns
    -------
    list of str
        With "/", relative to the site directory, as RECORD has them (PEP 376, "Recording installed projects"), or
        ``installed-files.txt`` of an ``.egg-info``; empty where there is neither.
    """
    folder = _folder(distribution)
    text = _read(os.path.join(folder, "RECORD")).decode("utf-8", "surrogateescape")
    if text:
        return _paths_of_record(text)
    text = _read(os.path.join(folder, "installed-files.txt")).decode("utf-8", "surrogateescape")
    base = os.path.basename(folder)
    return [
        os.path.normpath(f"{base}/{line.strip()}").replace(os.sep, "/") for line in text.splitlines() if line.strip()
    ]


def top_level(distribution: Distribution) -> frozenset[str]:
    """Return the names of the modules and packages that the distribution brings, without what is below them.

    Parameters
    ----------
    distribution : Distribution
        Any.

    Returns
    -------
    frozenset of str
        From the headers ``Import-Name`` and ``Import-Namespace`` (PEP 794), else ``top_level.txt``, else from RECORD,
        else, where nothing is recorded, the modules in the site directory that have its name.
    """
    headers = metadata_headers(distribution)
    declared = [*headers.get("import-name", ()), *headers.get("import-namespace", ())]
    if declared:
        return frozenset(filter(None, (line.partition(";")[0].partition(".")[0].strip() for line in declared)))
    listed = _read(os.path.join(_folder(distribution), "top_level.txt")).decode("utf-8", "replace").split()
    if listed:
        return frozenset(name.replace("\\", "/").partition("/")[0] for name in listed)
    files = record(distribution)
    if files:
        return _tops_of(files) or _tops_of_editable(distribution, files)
    return _tops_by_name(distribution)


def direct_url(distribution: Distribution) -> dict[str, Any] | None:
    """Return what direct_url.json says of a distribution that no index brought (PEP 610), or None."""
    text = _read(os.path.join(_folder(distribution), "direct_url.json"))
    if not text:
        return None
    import json  # noqa: PLC0415 not needed where there is no such file

    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _folder(distribution: Distribution) -> str:
    """Return the directory that holds the metadata's files."""
    path = distribution.path
    if path.endswith(".egg"):
        return os.path.join(path, "EGG-INFO")
    if path.endswith(".egg-link"):
        source = _linked(path)
        stem = os.path.basename(path)[: -len(".egg-link")].replace("-", "_")
        return os.path.join(source, f"{stem}.egg-info") if source else path
    return path


def _linked(path: str) -> str | None:
    lines = _read(path).decode("utf-8", "surrogateescape").splitlines()
    return lines[0].strip() if lines and "\0" not in lines[0] else None


def _head(distribution: Distribution) -> bytes:
    folder = _folder(distribution)
    names = ("METADATA", "PKG-INFO") if folder.endswith(".dist-info") else ("PKG-INFO", "METADATA")
    for name in names:
        head = _read_head(os.path.join(folder, name))
        if head:
            return head
    if distribution.path.endswith(".egg"):
        return _END_OF_HEAD.split(_read_zipped(distribution.path, "EGG-INFO/PKG-INFO"), maxsplit=1)[0]
    # An .egg-info of distutils is the file itself.
    return _read_head(folder)


def _read_head(path: str) -> bytes:
    head = b""
    try:
        with open(path, "rb") as file:
            while len(head) < _LONGEST_HEAD and (chunk := file.read(_HEAD)):
                at = max(0, len(head) - _SEAM)
                head += chunk
                end = _END_OF_HEAD.search(head, at)
                if end:
                    return head[: end.start()]
    except NotADirectoryError:
        return _END_OF_HEAD.split(_read_in_archive(path), maxsplit=1)[0]
    except (OSError, ValueError):
        return b""
    return head


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read(_LIMIT)
    except NotADirectoryError:
        return _read_in_archive(path)
    except (OSError, ValueError):
        return b""


def _read_in_archive(path: str) -> bytes:
    """Read a file inside a zip file of the path (PEP 273): `path` goes on behind the zip file's own."""
    archive = path
    while not os.path.isfile(archive):
        archive, tail = os.path.split(archive)
        if not tail:
            return b""
    return _read_zipped(archive, path[len(archive) + 1 :].replace(os.sep, "/"))


def _read_zipped(path: str, inside: str) -> bytes:
    if not os.path.isfile(path):
        return b""
    import zipfile  # noqa: PLC0415 eggs are rare

    try:
        with zipfile.ZipFile(path) as archive, archive.open(inside) as file:
            return file.read(_LIMIT)
    except Exception:  # noqa: BLE001 a damaged zip file raises whatever its damage leads to
        return b""


def _parse_head(head: bytes) -> dict[str, list[str]]:
    headers: dict[str, list[list[str]]] = {}
    values: list[list[str]] | None = None
    for line in head.decode("utf-8", "replace").replace("\r\n", "\n").split("\n"):
        if line[:1] in {" ", "\t"}:
            if values:
                values[-1].append(line.strip())
            continue
        name, colon, value = line.partition(":")
        values = headers.setdefault(name.strip().lower(), []) if colon else None
        if values is not None:
            values.append([value.strip()])
    return {name: ["\n".join(lines) for lines in several] for name, several in headers.items()}


def _paths_of_record(text: str) -> list[str]:
    if '"' not in text:
        return [path for line in text.splitlines() if (path := line.rsplit(",", 2)[0].strip())]
    import csv  # noqa: PLC0415 only a path with a comma needs it

    try:
        return [row[0] for row in csv.reader(text.splitlines()) if row and row[0]]
    except csv.Error:
        return []


def _tops_of(files: Iterable[str]) -> frozenset[str]:
    tops = set()
    for path in files:
        first, slash, rest = path.replace("\\", "/").partition("/")
        if not path.endswith(_CODE) or first in {"", "..", "__pycache__"} or first.endswith((".dist-info", ".data")):
            continue
        name = first if slash else first.partition(".")[0]
        if rest.startswith("__pycache__/") or name.startswith("__editable__"):
            continue
        tops.add(name)
    return frozenset(tops)


def _tops_of_editable(distribution: Distribution, files: Iterable[str]) -> frozenset[str]:
    """Look where an editable install points to: a path in a ``.pth``, or the mapping of setuptools' finder."""
    tops: set[str] = set()
    for entry in files:
        text = ""
        if "/" not in entry and (entry.endswith(".pth") or entry.startswith("__editable__")):
            text = _read(os.path.join(distribution.site_directory, entry)).decode("utf-8", "replace")
        if entry.endswith(".pth"):
            for line in text.splitlines():
                if line.strip() and not line.startswith(("#", "import ", "import\t")):
                    tops |= _modules_in(os.path.join(distribution.site_directory, line.strip()))
        elif text:
            tops |= _mapped(text)
    same = distribution.key.replace("-", "_")
    return frozenset({same} if same in tops else tops)


def _mapped(text: str) -> set[str]:
    match = _MAPPING.search(text)
    if match is None:
        return set()
    import ast  # noqa: PLC0415 only for such an editable install

    try:
        mapping = ast.literal_eval(match[1])
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return set()
    return {str(name).partition(".")[0] for name in mapping} if isinstance(mapping, dict) else set()


def _modules_in(folder: str) -> set[str]:
    try:
        entries = os.listdir(folder)
    except (OSError, ValueError):
        return set()
    packages = {
        one for one in entries if one.isidentifier() and os.path.isfile(os.path.join(folder, one, "__init__.py"))
    }
    modules = {one[: -len(".py")] for one in entries if one.endswith(".py")}
    return (packages | modules) - _BESIDE


def _tops_by_name(distribution: Distribution) -> frozenset[str]:
    stem = distribution.name.replace("-", "_").replace(".", "_")
    names = {stem, stem.lower()}
    folder = _linked(distribution.path) if distribution.path.endswith(".egg-link") else distribution.site_directory
    if distribution.path.endswith(".egg"):
        folder = distribution.path
    if folder is None:
        return frozenset()
    there = (name for name in names if any(os.path.exists(os.path.join(folder, one)) for one in (name, f"{name}.py")))
    return frozenset(there)
