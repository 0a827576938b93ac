"""What a file asks for, whatever kind of file it is."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["CondaSpec", "Wanted"]


@dataclass(frozen=True, slots=True)
class CondaSpec:
    """A package that conda is asked for.

    Parameters
    ----------
    text : str
        As it is written: "numpy>=1.26", "conda-forge::gdal", "python=3.12".
    name : str
        The package's name.
    specifier : str
        A version specifier as PEP 440 writes it, "" where there is none; conda's "|" is kept.
    """

    text: str
    name: str
    specifier: str = ""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a file asks for.

    Parameters
    ----------
    requirements : tuple of str
        Requirements (PEP 508), import names and distribution names, as they are written.
    python : str or None
        The versions of Python that it is for (a version specifier), None where it does not say.
    conda : tuple of CondaSpec
        What conda is asked for.
    optional : frozenset of str
        Those of `requirements` that a program does without.
    source : str
        The file.
    """

    requirements: tuple[str, ...] = ()
    python: str | None = None
    conda: tuple[CondaSpec, ...] = ()
    optional: frozenset[str] = frozenset()
    source: str = ""
