"""Rules for a name that is nearly the right one."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from ipy_envmagic.checks.known import is_well_known, well_known_names
from ipy_envmagic.checks.report import Finding, Fix

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ipy_envmagic.checks.subject import Subject

__all__ = ["case_mismatch", "distance", "near_well_known", "typo"]

_SHORTEST = 4  # letters: of shorter names too many are one letter apart
_LONG = 8  # letters from which two mistakes are forgiven
_ENDINGS = (".py", ".so", ".pyd")


def case_mismatch(subject: Subject) -> Finding | None:
    """See a module that is here in another case, or with "_" where "-" was written (PEP 235)."""
    root = subject.root
    folded = root.casefold()
    here = next((name for name in _here(subject) if name.casefold() == folded and name != root), None)
    if here is None:
        return None
    right = ".".join([here, *subject.title.split(".")[1:]])
    return Finding(
        "case-mismatch",
        "error",
        f"{subject.title} is spelt {right}: Python tells upper from lower case.",
        {"asked": subject.title, "right": right},
        Fix((), steps=f"Write import {right}."),
    )


def typo(subject: Subject) -> Finding | None:
    """See a name that nothing knows and that is a letter or two away from one that is installed or widely used."""
    root = subject.root
    if subject.is_known and subject.distribution is not None:
        return None
    if len(root) < _SHORTEST or root.lower() in well_known_names():
        return None
    near = _nearest(root, _names(subject))
    if near is None:
        return None
    is_here = near in sys.stdlib_module_names or near in set(_here(subject))
    there = "which is here" if is_here else "which is not installed here either"
    steps = f"Write {near}." if is_here else f"Write {near}, and install it: %envcheck {near} says how."
    return Finding(
        "typo",
        "error",
        f"Nothing is called {subject.title} here; did you mean {near}, {there}?",
        {"asked": subject.title, "nearest": near},
        Fix((), steps=steps),
    )


def near_well_known(name: str) -> str | None:
    """Return the widely used name that another is nearly, None where it is one itself, or near none.

    Parameters
    ----------
    name : str
        A distribution's name, in any spelling.
    """
    key = name.lower().replace("_", "-").replace(".", "-")
    if len(key) < _SHORTEST or is_well_known(name) or key in well_known_names():
        return None
    return _nearest(key, well_known_names())


def distance(one: str, other: str, most: int) -> int:
    """Return how many letters were mistaken, left out, added or swapped with their neighbour between two words.

    Parameters
    ----------
    one, other : str
        Words.
    most : int
        More than so many are not counted: the answer is then `most` + 1.

    Notes
    -----
    The "optimal string alignment" distance of Damerau and Levenshtein.
    """
    if abs(len(one) - len(other)) > most:
        return most + 1
    before: list[int] = []
    previous: list[int] = []
    row = list(range(len(other) + 1))
    for at, letter in enumerate(one, start=1):
        before, previous, row = previous, row, [at]
        for there, another in enumerate(other, start=1):
            cost = letter != another
            best = min(previous[there] + 1, row[there - 1] + 1, previous[there - 1] + cost)
            if at > 1 and there > 1 and letter == other[there - 2] and one[at - 2] == another:
                best = min(best, before[there - 2] + 1)
            row.append(best)
        if min(row) > most:
            return most + 1
    return min(row[-1], most + 1)


def _nearest(name: str, names: Iterable[str]) -> str | None:
    lower = name.lower()
    most = 2 if len(lower) >= _LONG else 1
    best: tuple[int, str] | None = None
    for one in names:
        other = one.lower()
        # A word of which neither the beginning nor the end is right is another word.
        if (
            other == lower
            or abs(len(other) - len(lower)) > most
            or (other[:2] != lower[:2] and other[-2:] != lower[-2:])
        ):
            continue
        far = distance(lower, other, most)
        if far <= most and (best is None or (far, one) < best):
            best = far, one
    return best[1] if best else None


def _names(subject: Subject) -> Iterator[str]:
    yield from _here(subject)
    yield from (name for name in sys.stdlib_module_names if not name.startswith("_"))
    yield from well_known_names()


def _here(subject: Subject) -> Iterator[str]:
    """Yield the modules that the site directories and the working directory have, and the standard library's."""
    directories = dict.fromkeys((*subject.environment.site_directories, *subject.session.path))
    for directory in directories:
        try:
            entries = os.listdir(directory)
        except (OSError, ValueError):
            continue
        for entry in entries:
            name = entry.partition(".")[0]
            if name.isidentifier() and (entry.endswith(_ENDINGS) or entry == name):
                yield name
