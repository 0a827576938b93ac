"""Small text files, read whole; what cannot be read is told in one line."""

from __future__ import annotations

import contextlib
from typing import Any

from ipy_envmagic.errors import EnvMagicError

__all__ = ["read_text", "read_toml"]

_LARGEST = 8 << 20  # characters


def read_text(path: str) -> str:
    """Return a file's text.

    Parameters
    ----------
    path : str
        The file.

    Raises
    ------
    EnvMagicError
        It cannot be read, is not UTF-8 or is no text.
    """
    try:
        with open(path, encoding="utf-8-sig") as file:
            text = file.read(_LARGEST)
    except UnicodeDecodeError:
        raise EnvMagicError(f"{path} is not UTF-8 text; save it as UTF-8.") from None
    except (OSError, ValueError) as error:
        raise EnvMagicError(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}.") from None
    if "\0" in text:
        raise EnvMagicError(f"{path} is no text file.")
    return text


def read_toml(text: str, path: str) -> dict[str, Any]:
    """Return what a TOML text holds.

    Parameters
    ----------
    text : str
        The text.
    path : str
        Where it comes from, for the error.

    Raises
    ------
    EnvMagicError
        It is no TOML, or this Python (3.10) has no reader of it.
    """
    from importlib import import_module  # noqa: PLC0415 (few files are TOML)

    for reader in ("tomllib", "tomli"):  # Python has the first from 3.11 on
        with contextlib.suppress(ImportError):
            toml = import_module(reader)
            break
    else:
        raise EnvMagicError(
            f"{path} is TOML, which Python reads from 3.11 on", "For an earlier one: %pip install tomli"
        )
    try:
        return dict(toml.loads(text))
    except (toml.TOMLDecodeError, RecursionError) as error:
        raise EnvMagicError(f"{path} is no TOML: {str(error) or 'nested too deep'}") from None
