"""A script with inline metadata (PEP 723), or, without any, its imports."""

from __future__ import annotations

import os
import re

from ipy_envmagic.errors import EnvMagicError
from ipy_envmagic.requirements.asked_for import Wanted
from ipy_envmagic.requirements.text import read_text, read_toml

__all__ = ["of_script"]

_BLOCK = re.compile(r"(?m)^# /// (?P<type>[a-zA-Z0-9-]+)$\s(?P<content>(^#(| .*)$\s)+)^# ///$")


def of_script(path: str) -> Wanted:
    """Return what a script's metadata asks for; where it has none, what the script imports.

    Parameters
    ----------
    path : str
        A file of Python.

    Raises
    ------
    EnvMagicError
        The file cannot be read, is no Python, or its metadata is damaged.
    """
    text = read_text(path)
    blocks = [match for match in _BLOCK.finditer(f"{text}\n") if match["type"] == "script"]
    if len(blocks) > 1:
        raise EnvMagicError(f"{path} has {len(blocks)} blocks of script metadata; PEP 723 allows one")
    if not blocks:
        from ipy_envmagic.requirements.imports import imports_of  # noqa: PLC0415 (a script without metadata needs it)

        found = imports_of(text, path, os.path.dirname(path))
        return Wanted(found.names, optional=found.optional, source=path)
    lines = (line[2:] if line.startswith("# ") else line[1:] for line in blocks[0]["content"].splitlines())
    table = read_toml("\n".join(lines), path)
    needs, python = table.get("dependencies", []), table.get("requires-python")
    if not isinstance(needs, list) or not all(isinstance(one, str) for one in needs):
        raise EnvMagicError(f"{path}: dependencies are a list of texts")
    return Wanted(tuple(needs), python if isinstance(python, str) else None, source=path)
