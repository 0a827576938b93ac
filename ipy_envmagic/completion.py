"""What Tab offers after our magics: sub-commands, their options, what is installed, known names, files. Offline."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, NamedTuple

from ipy_envmagic.environments.tables import rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

__all__ = ["Offer", "offer"]

_LINE = re.compile(
    r"^\s*(?:\w+\s*=\s*)?%{0,2}(?P<magic>pip|uv|conda|mamba|micromamba|envcheck)\s(?!\s*[=.,)\]])(?P<rest>.*)$",
    re.DOTALL,
)
_FILES = frozenset({"-r", "--requirement", "--requirements", "-c", "--constraint", "-f", "--file", "--notebook"})
_FOLDERS = frozenset({"-e", "--editable", "-t", "--target", "-p", "--prefix", "--python"})
_INSTALLED = frozenset({"uninstall", "show", "remove"})
_WANTED = frozenset({"install", "download", "wheel", "search", "add", "pip install", "create"})
_UPGRADE = frozenset({"-U", "--upgrade"})
_ENVCHECK = (
    *("--deep", "--diff", "--everywhere", "--extra", "--fix", "--group", "--json", "--kernels", "--notebook"),
    *("--requirement", "--strict", "--timeout", "-r"),
)
_MOST = 200  # files of a folder


class Offer(NamedTuple):
    """What may stand in the place of the word before the cursor.

    Parameters
    ----------
    fragment : str
        That word, as far as it is written.
    words : tuple of (str, str)
        What may take its place, and of what kind it is.
    """

    fragment: str
    words: tuple[tuple[str, str], ...]


def offer(before: str, site_directories: Sequence[str], *, is_cell: bool = False) -> Offer | None:
    """Return what Tab offers.

    Parameters
    ----------
    before : str
        The line up to the cursor.
    site_directories : sequence of str
        The kernel's: where installed distributions are looked for.
    is_cell : bool
        Whether the line stands in the body of a cell magic, where each line is a requirement.

    Returns
    -------
    Offer or None
        None where the line is none of our magics'.
    """
    if is_cell:
        fragment = re.split(r"\s", before)[-1]
        return Offer(fragment, tuple(_starting(fragment, _names(site_directories))))
    match = _LINE.match(before)
    if match is None:
        return None
    words = match["rest"].split(" ")
    fragment = words[-1]
    written = [word for word in words[:-1] if word]
    found = _for(match["magic"], written, fragment, site_directories)
    return Offer(fragment, tuple(_starting(fragment, found)))


def _for(magic: str, written: list[str], fragment: str, sites: Sequence[str]) -> Iterator[tuple[str, str]]:
    last = written[-1] if written else ""
    if last in _FILES or last in _FOLDERS:
        yield from _paths(fragment, folders_only=last in _FOLDERS)
        return
    if magic == "envcheck":
        yield from ((option, "option") for option in _ENVCHECK if fragment.startswith("-"))
        yield from (() if fragment.startswith("-") else _names(sites))
        return
    program = "conda" if magic in {"mamba", "micromamba"} else magic
    table = {name: options.split() for owner, name, options in rows("options", 3) if owner == program}
    plain = [word for word in written if not word.startswith("-")]
    command = " ".join(plain[:2]) if " ".join(plain[:2]) in table else (plain[0] if plain else "")
    if command not in table:
        yield from ((name, "command") for name in table if " " not in name)
        return
    if fragment.startswith("-"):
        yield from ((option, "option") for option in table[command])
        return
    below = [name.partition(" ")[2] for name in table if name.startswith(f"{command} ")]
    if below and len(plain) == 1:
        yield from ((name, "command") for name in below)
        return
    verb = command.rpartition(" ")[2]
    if verb in _INSTALLED or verb in {"update", "upgrade"} or (verb == "install" and _UPGRADE & set(written)):
        yield from _installed(sites)
    elif verb in _WANTED:
        yield from _names(sites)


def _installed(sites: Sequence[str]) -> Iterator[tuple[str, str]]:
    from ipy_envmagic.checks.index import index_of  # noqa: PLC0415 (only where a name may stand)

    yield from ((distribution.name, "installed") for distribution in index_of(sites).values())


def _names(sites: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield what is installed, then what is widely known."""
    from ipy_envmagic.checks.known import well_known_names  # noqa: PLC0415 (as above)

    yield from _installed(sites)
    yield from ((name, "known") for name in sorted(well_known_names()))


def _paths(fragment: str, *, folders_only: bool) -> Iterator[tuple[str, str]]:
    folder, _, start = fragment.rpartition("/")
    place = os.path.expanduser(folder or ("/" if fragment.startswith("/") else "."))
    head = f"{folder}/" if "/" in fragment else ""
    try:
        with os.scandir(place) as entries:
            names = sorted((entry.name, entry.is_dir()) for entry in entries if entry.name.startswith(start))
    except OSError:
        return
    for name, is_folder in names[:_MOST]:
        if (is_folder or not folders_only) and (not name.startswith(".") or start.startswith(".")):
            yield f"{head}{name}{'/' if is_folder else ''}", "path"


def _starting(fragment: str, found: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Keep what begins with the fragment, in any case, each once, what begins with exactly it first."""
    seen = set()
    for word, kind in found:
        if word.lower().startswith(fragment.lower()) and word.lower() not in seen:
            seen.add(word.lower())
            yield word, kind
