"""Reading a line of conda's, mamba's or micromamba's: the sub-command, what it names, and its options.

argparse, which conda uses, takes any unique beginning of a long option, a value with or without "=" or glued to a short
option, and several short options in one word; all of that is read here, so that an environment which the user named is
always seen.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["CondaLine", "read"]

_GROUPS = frozenset({"env", "env config", "env config vars", "pypi", "self", "token"})
_VALUED = frozenset(
    {"--name", "--prefix", "--channel", "--file", "--revision", "--solver", "--subdir", "--platform", "--repodata-fn"}
    | {"--clone", "--root-prefix", "--rc-file", "--log-level", "--cwd", "--experimental", "--download-threads"}
    | {"--pkgs-dirs", "--extra-safety-checks", "--format", "--console", "--shortcuts-only", "--channel-priority"}
    | {"--index-url", "--editable", "--repodata-ttl", "--condarc"}
)
# Options that have a beginning in common with one that is looked for: a beginning that fits two is no abbreviation.
_OTHERS = frozenset(
    {"--yes", "--dry-run", "--json", "--help", "--all", "--no-capture-output", "--live-stream", "--override-frozen"}
    | {"--override-channels", "--offline", "--only-deps", "--no-deps", "--no-pin", "--dev", "--debug"}
    | {"--download-only", "--freeze-installed", "--force-reinstall", "--force-remove", "--force", "--features"}
    | {"--copy", "--clobber", "--keep-env", "--verbose", "--version", "--quiet", "--mkdir", "--update-all", "--prune"}
    | {"--update-deps", "--update-specs", "--use-local", "--show-channel-urls", "--from-history"}
)
_LONG = tuple(sorted(_VALUED | _OTHERS))
_SHORT = {
    "n": "--name",
    "p": "--prefix",
    "c": "--channel",
    "f": "--file",
    "r": "--root-prefix",
    "y": "--yes",
    "d": "--dry-run",
    "h": "--help",
    "a": "--all",
}
# Some sub-commands use these letters for something else.
_OWN_SHORT: dict[str, dict[str, str]] = {
    "clean": {letter: f"-{letter}" for letter in "acfp"},
    "list": {letter: f"-{letter}" for letter in "cfr"},
    "package": {letter: f"-{letter}" for letter in "r"},
    "run": {letter: f"-{letter}" for letter in "a"},
    "pypi install": {"i": "--index-url", "e": "--editable"},
}


@dataclass(frozen=True, slots=True)
class CondaLine:
    """A line, read.

    Parameters
    ----------
    subcommand : str
        Such as "install" or "env update"; "" where there is none.
    split : int
        How many words stand up to the end of the sub-command: what is added goes behind them.
    positionals : tuple of str
        What it names: specifications, or the words of the program that ``conda run`` starts.
    options : tuple of (str, str or None)
        Each by its long name where it has one, with its value.
    """

    subcommand: str = ""
    split: int = 0
    positionals: tuple[str, ...] = ()
    options: tuple[tuple[str, str | None], ...] = field(default=())

    def has(self, *names: str) -> bool:
        """Say whether one of the options is there."""
        return any(name in names for name, _ in self.options)

    def values(self, name: str) -> tuple[str, ...]:
        """Return the values of an option, in order."""
        return tuple(value for option, value in self.options if option == name and value is not None)

    @property
    def names_environment(self) -> bool:
        """Whether the user named an environment, in any spelling."""
        return self.has("--name", "--prefix")


def read(words: Sequence[str]) -> CondaLine:
    """Tell the sub-command, what it names and the options apart.

    Parameters
    ----------
    words : sequence of str
        What follows the magic. Of ``run``, what follows the program's name belongs to the program, options and all.
    """
    subcommand, split = "", 0
    positionals: list[str] = []
    options: list[tuple[str, str | None]] = []
    at = 0
    while at < len(words):
        word = words[at]
        at += 1
        if word == "--":
            positionals += words[at:]
            break
        if word.startswith("--"):
            name, equals, value = word.partition("=")
            name = _in_full(name)
            if not equals and name in _VALUED and at < len(words):
                value, equals = words[at], "="
                at += 1
            options.append((name, value if equals else None))
        elif word.startswith("-") and word != "-":
            found, wants_value = _short(word, subcommand)
            if wants_value and at < len(words):
                found[-1] = (found[-1][0], words[at])
                at += 1
            options += found
        elif not subcommand or subcommand in _GROUPS:
            subcommand, split = f"{subcommand} {word}".strip(), at
        elif subcommand == "run":
            positionals += words[at - 1 :]
            break
        else:
            positionals.append(word)
    return CondaLine(subcommand, split, tuple(positionals), tuple(options))


def _in_full(name: str) -> str:
    """Return the long option that a beginning stands for; itself where that is none or several."""
    if name in _LONG:
        return name
    fitting = [option for option in _LONG if option.startswith(name)]
    return fitting[0] if len(fitting) == 1 else name


def _short(word: str, subcommand: str) -> tuple[list[tuple[str, str | None]], bool]:
    """Read a word of short options; and whether the last one takes the next word as its value."""
    meaning = _SHORT | _OWN_SHORT.get(subcommand, {})
    found: list[tuple[str, str | None]] = []
    for place, letter in enumerate(word[1:], 2):
        name = meaning.get(letter, f"-{letter}")
        if name in _VALUED:
            value = word[place:].removeprefix("=")
            found.append((name, value or None))
            return found, not value
        found.append((name, None))
    return found, False
