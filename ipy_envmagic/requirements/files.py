"""Requirements files, as pip reads them."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from ipy_envmagic.errors import EnvMagicError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["read"]

_COMMENT = re.compile(r"(?:^|\s+)#.*$")
_CONTINUED = re.compile(r"\\\r?\n")
_NESTED = re.compile(r"(?:-r\s*|--requirement(?:\s+|=))(.+)")
_OPTIONS = re.compile(r"\s+--?[A-Za-z].*$")  # after a requirement: --hash, --config-settings
_VARIABLE = re.compile(r"\$\{([A-Z0-9_]+)\}")
_LARGEST = 1 << 20  # characters


def read(path: str, environ: Mapping[str, str], cwd: str = "") -> list[str]:
    """Return the requirements of a file and of those that it names with ``-r``, each as it is written.

    Parameters
    ----------
    path : str
        A requirements file ("Requirements File Format", pip.pypa.io); relative to `cwd`.
    environ : mapping of str to str
        Variables for ``${NAME}``.
    cwd : str
        The working directory.

    Returns
    -------
    list of str
        Without comments and options; lines that are options alone (``-c``, ``-e``, ``--index-url``) are passed over.

    Raises
    ------
    EnvMagicError
        A file cannot be read, or is not text.
    """
    return list(_read(os.path.join(cwd, os.path.expanduser(path)), environ, ()))


def _read(path: str, environ: Mapping[str, str], above: tuple[str, ...]) -> Iterator[str]:
    if os.path.realpath(path) in above:
        return
    for line in _CONTINUED.sub("", _text(path)).splitlines():
        written = _VARIABLE.sub(lambda match: environ.get(match[1], match[0]), _COMMENT.sub("", line)).strip()
        nested = _NESTED.fullmatch(written)
        if nested:
            inside = os.path.join(os.path.dirname(path), nested[1].strip().strip("'\""))
            yield from _read(inside, environ, (*above, os.path.realpath(path)))
        elif written and not written.startswith("-"):
            yield _OPTIONS.sub("", written)


def _text(path: str) -> str:
    try:
        with open(path, encoding="utf-8-sig") as file:
            text = file.read(_LARGEST)
    except UnicodeDecodeError:
        raise EnvMagicError(f"{path} is not UTF-8 text; save it as UTF-8.") from None
    except OSError as error:
        raise EnvMagicError(f"{path} cannot be read: {error.strerror or error}.") from None
    if "\0" in text:
        raise EnvMagicError(f"{path} is no text file.")
    return text
