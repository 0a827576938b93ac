"""What a notebook imports, what it installs itself first, and what it says of the kernel that it is for."""

from __future__ import annotations

import ast
import json
import os
import re
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ipy_envmagic.environments.distributions import normalise
from ipy_envmagic.errors import EnvMagicError
from ipy_envmagic.requirements.asked_for import Wanted
from ipy_envmagic.requirements.imports import Imports, collect, without_local
from ipy_envmagic.requirements.text import read_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["Notebook", "files_in", "of_notebook", "read_notebook", "without_magics"]

_INSTALL = re.compile(
    r"^[ \t]*[%!]{1,2}(?:(?:\{sys\.executable\}|python3?)[ \t]+-m[ \t]+)?(?:uv[ \t]+)?"
    r"(?P<program>pip3?|conda|mamba|micromamba)[ \t]+install[ \t]+(?P<words>[^\n|&;#]+)",
    re.MULTILINE,
)
_BODY = re.compile(r"^%%(?:pip|conda|mamba|uv pip)[ \t]+install[^\n]*\n(?P<body>.*)", re.DOTALL)
_NAME = re.compile(r"([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)")
_VALUED = frozenset(
    {"-r", "-c", "-i", "-f", "-e", "-n", "-p", "--index-url", "--extra-index-url", "--find-links", "--channel"}
)
_SKIPPED = frozenset({".venv", "venv", "env", "node_modules", "__pycache__", "site-packages"})
_MOST = 500  # files of one folder


@dataclass(frozen=True, slots=True)
class Notebook:
    """What a notebook asks for.

    Parameters
    ----------
    path : str
        The file.
    imports : Imports
        Of its code cells, without what comes with Python or lies beside it.
    installs : dict of str to str
        What it installs itself before the first import of it: the line, by normalised name.
    kernelspec, language, version : str or None
        What its metadata says of the kernel.
    unread : tuple of int
        The code cells that are no Python, counted from 1.
    """

    path: str
    imports: Imports
    installs: dict[str, str]
    kernelspec: str | None = None
    language: str | None = None
    version: str | None = None
    unread: tuple[int, ...] = ()

    @property
    def wanted(self) -> Wanted:
        """What it imports, as what any file asks for."""
        return Wanted(self.imports.names, optional=self.imports.optional, source=self.path)


def read_notebook(path: str, transform: Callable[[str], str]) -> Notebook:
    """Read a notebook; nothing of it is run.

    Parameters
    ----------
    path : str
        The file, in the notebook format 3 or later.
    transform : callable
        Turns a cell's text into Python: IPython's input transformation.

    Raises
    ------
    EnvMagicError
        The file cannot be read, or is no notebook.
    """
    try:
        value = json.loads(read_text(path))
    except (ValueError, RecursionError) as error:
        raise EnvMagicError(f"{path} is no notebook: {error or 'nested too deep'}") from None
    cells = list(_code_cells(value)) if isinstance(value, dict) else None
    if cells is None or not any(key in value for key in ("cells", "worksheets")):
        raise EnvMagicError(f"{path} is no notebook: it has no cells")
    metadata = value.get("metadata")
    names: dict[str, None] = {}
    optional: set[str] = set()
    installs: dict[str, str] = {}
    unread: list[int] = []
    for number, source in enumerate(cells, start=1):
        for name, line in _installed_by(source):
            installs.setdefault(name, line)
        tree = _parse(source, transform)
        if tree is None:
            unread.append(number)
            continue
        found = collect(tree)
        needed = [name for name in found.names if name not in found.optional]
        optional = (optional | {name for name in found.optional if name not in names}) - set(needed)
        names.update(dict.fromkeys(found.names))
    imports = without_local(Imports(tuple(names), frozenset(optional)), os.path.dirname(os.path.abspath(path)))
    return Notebook(path, imports, installs, *_kernel_of(metadata), tuple(unread))


def of_notebook(path: str) -> Wanted:
    """Return what a notebook imports, for where the magics in it do not matter."""
    return read_notebook(path, without_magics).wanted


def files_in(folder: str) -> list[str]:
    """Return the notebooks and scripts in a folder and below it, but for hidden folders and environments.

    Parameters
    ----------
    folder : str
        Any folder.
    """
    found: list[str] = []
    for place, folders, names in os.walk(folder):
        kept = (name for name in folders if not name.startswith(".") and name not in _SKIPPED)
        folders[:] = sorted(name for name in kept if not os.path.exists(os.path.join(place, name, "pyvenv.cfg")))
        found += [os.path.join(place, name) for name in sorted(names) if name.endswith((".ipynb", ".py"))]
        if len(found) >= _MOST:
            break
    return found[:_MOST]


def _code_cells(value: dict[str, Any]) -> Iterator[str]:
    sheets = value.get("worksheets")
    groups = [sheet.get("cells") for sheet in sheets if isinstance(sheet, dict)] if isinstance(sheets, list) else []
    for cells in (value.get("cells"), *groups):
        for cell in cells if isinstance(cells, list) else ():
            if isinstance(cell, dict) and cell.get("cell_type") == "code":
                source = cell.get("source", cell.get("input", ""))
                if isinstance(source, list):
                    source = "".join(part for part in source if isinstance(part, str))
                if isinstance(source, str):
                    yield source


def _parse(source: str, transform: Callable[[str], str]) -> ast.AST | None:
    if re.match(r"\s*%%(?!time\b|timeit\b|capture\b|prun\b|envcheck\b)", source):
        return ast.Module([], [])  # a cell in another language, or one that only installs
    source = re.sub(r"^\s*%%[^\n]*", "", source)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(transform(source))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _installed_by(source: str) -> Iterator[tuple[str, str]]:
    body = _BODY.match(source.lstrip())
    if body:
        for line in body["body"].splitlines():
            match = _NAME.match(line.strip())
            if match:
                yield normalise(match[1]), source.strip().splitlines()[0]
    for found in _INSTALL.finditer(source):
        skip = False
        for word in found["words"].split():
            if skip or word.startswith("-"):
                skip = not skip and word in _VALUED
                continue
            match = _NAME.match(word.strip("'\""))
            if match:
                yield normalise(match[1]), found[0].strip()


def _kernel_of(metadata: Any) -> tuple[str | None, str | None, str | None]:
    table = metadata if isinstance(metadata, dict) else {}
    spec, info = table.get("kernelspec"), table.get("language_info")
    spec, info = (value if isinstance(value, dict) else {} for value in (spec, info))
    values = (spec.get("name"), info.get("name") or spec.get("language"), info.get("version"))
    name, language, version = (value if isinstance(value, str) and value else None for value in values)
    return name, language, version


def without_magics(source: str) -> str:
    """Return a cell's text with each line that is a magic, a command of the shell or a question left out."""
    return re.sub(r"^([ \t]*)[%!?].*$", r"\1pass", source, flags=re.MULTILINE)
