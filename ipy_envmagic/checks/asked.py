"""What a person wrote, as a value: an import name, a distribution name, or a requirement with specifier and marker."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass

from ipy_envmagic.errors import EnvMagicError

__all__ = ["Asked", "BadRequirement", "masked", "parse"]

# A name of PEP 508 (which may hold dots), with extras. Without packaging: its import costs more than the whole check.
_NAME = re.compile(r"([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*(?:\[([A-Za-z0-9._,\s-]*)\])?\Z")
_SECRET = re.compile(r"(?<=://)[^/\s]+(?=@)")
_ARCHIVES = (".whl", ".tar.gz", ".tar.bz2")
_FILES = (".txt", ".ipynb", ".in")
_PERHAPS_FILES = (".toml", ".yml", ".yaml", ".py", ".json", ".lock", ".cfg", ".zip")  # `redis.lock` is a module
_PROJECT_FILES = frozenset(
    {"pyproject.toml", "pixi.toml", "pylock.toml", "environment.yml", "environment.yaml", "setup.py", "setup.cfg"}
    | {"pipfile", "pipfile.lock", "poetry.lock", "pdm.lock", "pixi.lock", "uv.lock"}
)


class BadRequirement(EnvMagicError):  # noqa: N818 (named as the errors of errors.py are)
    """Text that is no requirement; the message says why in one line."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One requirement as it was asked.

    Parameters
    ----------
    text : str
        As it was written, without surrounding white space, with what is secret in a URL masked.
    name : str
        The import name or the distribution name.
    extras : tuple of str
        In alphabetical order.
    specifier : str
        The version specifier (PEP 440), "" where there is none.
    url : str or None
        Of a direct reference, as it was written: it may hold a secret.
    marker : str
        The environment marker, "" where there is none.
    """

    text: str
    name: str
    extras: tuple[str, ...] = ()
    specifier: str = ""
    url: str | None = None
    marker: str = ""

    @property
    def is_importable_name(self) -> bool:
        """Whether the name can stand in an import statement."""
        return all(part.isidentifier() for part in self.name.split("."))

    def allows(self, version: str) -> bool:
        """Whether a version satisfies the specifier; an installed pre-release does where its number does.

        Parameters
        ----------
        version : str
            A version that is installed. One that PEP 440 cannot read satisfies no specifier but an empty one.
        """
        if not self.specifier:
            return True
        from packaging.specifiers import SpecifierSet  # noqa: PLC0415 (its import costs more than a check of bare names)
        from packaging.version import InvalidVersion  # noqa: PLC0415 (its import costs more than a check of bare names)

        try:
            return SpecifierSet(self.specifier).contains(version, prereleases=True)
        except InvalidVersion:
            return False

    def applies(self, version: tuple[int, int, int]) -> bool:
        """Whether the marker (PEP 508) is true for a Python of that version on this machine, without any extra."""
        if not self.marker:
            return True
        from packaging.markers import Marker, UndefinedComparison, UndefinedEnvironmentName  # noqa: PLC0415 (its import costs more than a check of bare names)

        full = ".".join(map(str, version))
        try:
            return Marker(self.marker).evaluate(
                {"python_version": f"{version[0]}.{version[1]}", "python_full_version": full, "extra": ""}
            )
        except (UndefinedComparison, UndefinedEnvironmentName):
            return True


def parse(text: str, cwd: str = "") -> Asked:
    """Read one requirement.

    Parameters
    ----------
    text : str
        An import name (``sklearn.linear_model``), a distribution name (``PyYAML``), or a requirement of PEP 508.
    cwd : str, optional
        The working directory, where a name that is also a file's is looked for.

    Raises
    ------
    BadRequirement
        With one line that says what is wrong with it and what to write.
    """
    word = text.strip()
    if not word:
        raise BadRequirement("An empty word is no requirement; write a name, e.g. numpy.")
    shown = masked(word)
    if word.startswith("-"):
        raise BadRequirement(f"{shown} is an option, not a requirement; write names, e.g. numpy 'pandas>=2'.")
    if _names_a_file(word, cwd):
        raise BadRequirement(f"{shown} names a file, not a requirement; {_hint(word)}")
    match = _NAME.match(word)
    if match:
        return Asked(shown, match[1], _extras(match[2]))
    if all(part.isidentifier() for part in word.split(".")):
        return Asked(shown, word)
    return _parse_pep508(word, shown)


def masked(text: str) -> str:
    """Return the text with the user and password of every URL in it replaced by ``****``."""
    return _SECRET.sub("****", text) if "://" in text else text


def _parse_pep508(word: str, shown: str) -> Asked:
    from packaging.requirements import InvalidRequirement, Requirement  # noqa: PLC0415 (its import costs more than a check of bare names)

    try:
        requirement = Requirement(word)
    except InvalidRequirement as error:
        if "://" in word and " @ " not in word:
            reason = "a URL needs a name before it: 'name @ URL'"
        elif re.search(r"[^=!<>~]=[^=]", word):
            reason = "a version is asked for with two signs, e.g. 'numpy==2.1'"
        elif ";" in word:
            reason = f"its marker cannot be read ({masked(str(error).partition(chr(10))[0])})"
        else:
            reason = "write a name, or a name and a version, e.g. numpy 'pandas>=2'"
        raise BadRequirement(f"{shown} is no requirement: {reason.rstrip('.')}.") from None
    return Asked(
        shown,
        requirement.name,
        tuple(sorted(requirement.extras)),
        ",".join(sorted(map(str, requirement.specifier), key=lambda one: _place(word, one))),
        requirement.url,
        str(requirement.marker or ""),
    )


def _place(word: str, clause: str) -> int:
    """Where a clause of the specifier stands in what was written: packaging forgets the order, people do not."""
    return re.sub(r"\s", "", word).find(clause)


def _extras(text: str | None) -> tuple[str, ...]:
    return tuple(sorted({extra.strip() for extra in (text or "").split(",")} - {""}))


def _hint(word: str) -> str:
    if word.lower().endswith((".txt", ".in")):
        return f"write -r {masked(word)} to check what is in it."
    return "write the name of what it installs."


def _names_a_file(word: str, cwd: str) -> bool:
    """Whether it is a path, by its separators or its ending; ``ruamel.yaml`` and ``discord.py`` are distributions."""
    if " @ " in word or "://" in word or ";" in word:
        return False
    lower = word.lower()
    if "/" in word or "\\" in word or word.startswith((".", "~")) or lower.endswith((*_FILES, *_ARCHIVES)):
        return True
    if lower in _PROJECT_FILES:
        return True
    return lower.endswith(_PERHAPS_FILES) and os.path.isfile(os.path.join(cwd, word))
