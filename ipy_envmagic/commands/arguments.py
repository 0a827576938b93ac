"""The words of a pip or uv line, read as the program itself will read them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from ipy_envmagic.errors import LineError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["FORCE_KERNEL", "Arguments", "Option", "parse", "parse_uv"]

FORCE_KERNEL = "--force-kernel"
"""Our own option: change what the running kernel needs all the same. The program never sees it."""

# One option a word: its names joined by "/", the one that we know it by first, and "=" where it takes a value. pip's
# are those of pip 23.0 to 26.3, uv's those of uv 0.13. Which sub-command knows which does not matter here: it is enough
# to tell the values of options from requirements.
_PIP = """
--version/-V --help/-h --debug --isolated --require-virtualenv/--require-venv --python= --verbose/-v --quiet/-q
--log/--log-file/--local-log= --no-input --keyring-provider= --proxy= --no-proxy-env --retries=
--timeout/--default-timeout= --exists-action= --trusted-host= --cert= --client-cert= --cache-dir= --no-cache-dir
--disable-pip-version-check --no-color --no-python-version-warning --use-feature= --use-deprecated=
--resume-retries= --requirement/-r= --constraint/-c= --build-constraint= --requirements-from-script=
--no-deps/--no-dependencies --only-deps/--only-dependencies --editable/-e= --dry-run --target/-t= --platform=
--python-version= --implementation= --abi= --user --no-user --root= --prefix=
--src/--source/--source-dir/--source-directory= --upgrade/-U --upgrade-strategy= --force-reinstall
--ignore-installed/-I --ignore-requires-python --no-build-isolation --use-pep517 --no-use-pep517
--check-build-dependencies --break-system-packages --config-settings/-C= --install-option= --global-option=
--build-option= --compile --no-compile --no-warn-script-location --no-warn-conflicts --require-hashes
--no-require-hashes --progress-bar= --root-user-action= --report= --group= --no-clean --pre --all-releases=
--only-final= --no-binary= --only-binary= --prefer-binary --index-url/--pypi-url/-i= --extra-index-url= --no-index
--refresh-package= --find-links/-f= --uploaded-prior-to= --output/-o=
--dest/--destination-dir/--destination-directory/-d= --yes/-y --local/-l --path= --all --exclude-editable --exclude=
--outdated --uptodate --format= --not-required --include-editable --files --editor= --global --site --index= --json
--wheel-dir/-w= --no-verify --algorithm/-a=
"""
_PIP_OTHERWISE = {  # the sub-commands whose letters mean something else
    "list": "--editable/-e --outdated/-o --uptodate/-u",
    "show": "--files/-f",
    "search": "--index/-i=",
    "completion": "--bash/-b --zsh/-z --fish/-f --powershell/-p",
}
_UV = """
--help/-h --version/-V --quiet/-q --verbose/-v --color= --no-color --system-certs/--native-tls --offline
--trusted-host/--allow-insecure-host= --no-progress --directory= --project= --config-file= --no-config --isolated
--no-cache/-n --cache-dir= --managed-python --no-managed-python --python-fetch= --python-preference=
--no-python-downloads --cert= --requirement/--requirements/-r= --editable/-e= --no-editable --no-editable-package=
--constraint/--constraints/-c= --override/--overrides= --exclude/--excludes=
--build-constraint/--build-constraints/-b= --extra= --all-extras --no-extra= --group= --no-group= --only-group=
--no-deps --system --target/-t= --prefix= --no-build --no-binary= --only-binary= --no-build-package=
--no-binary-package= --python-version= --python-platform= --strict --dry-run --check --output-format=
--torch-backend= --user --root= --index= --default-index= --index-url/-i= --extra-index-url= --find-links/-f=
--no-index --index-strategy= --keyring-provider= --upgrade/-U --upgrade-package/-P= --upgrade-group= --resolution=
--prerelease= --prerelease-package= --fork-strategy= --exclude-newer= --exclude-newer-package= --no-sources-package=
--reinstall --reinstall-package= --link-mode= --config-setting/--config-settings/-C= --config-settings-package=
--no-build-isolation-package= --refresh --refresh-package= --python/-p= --yes/-y --format= --path= --depth/-d=
--prune= --package= --output-file/-o= --annotation-style= --custom-compile-command= --no-emit-package= --active
--script= --marker/-m= --dev --optional= --bounds= --rev= --tag= --branch= --no-install-package= --env-file=
--with/-w= --with-editable= --with-requirements= --with-executables-from= --from= --prompt= --clear --allow-existing
--seed --username/-u= --password= --token= --publish-url= --check-url= --trusted-publishing= --name= --description=
--vcs= --build-backend= --author-from= --no-sync --json --files
"""
_UV_OTHERWISE = {
    "add": "--editable --script=",
    "pip list": "--editable/-e --outdated",
    "pip show": "--files/-f",
    "publish": "--password/-p= --token/-t=",
    "run": "--module/-m --script/-s",
    "tool install": "--editable/-e",
    "venv": "--clear/-c",
}
_UV_GROUPS = frozenset({"pip", "tool", "python", "cache", "self", "auth", "workspace"})
_UV_RUNNERS = frozenset({"run", "tool run"})  # what follows their first word belongs to another program


@dataclass(frozen=True, slots=True)
class Option:
    """One option as it was given: the name that we know it by, its value, and how it was spelled."""

    name: str
    value: str | None = None
    spelled: str = ""


@dataclass(frozen=True, slots=True)
class Arguments:
    """A line of pip's or uv's, read.

    Parameters
    ----------
    words : tuple of str
        The line without what is ours (`FORCE_KERNEL`).
    subcommand : str
        "install", "list", ...; of uv with its group, "pip install"; "" where there is none.
    split : int
        How many of the words stand before the sub-command's own arguments.
    options : tuple of Option
        All options, also those before the sub-command, in order.
    positionals : tuple of str
        What is neither the sub-command, an option nor an option's value.
    force_kernel : bool
        Whether `FORCE_KERNEL` was there.
    """

    words: tuple[str, ...]
    subcommand: str = ""
    split: int = 0
    options: tuple[Option, ...] = ()
    positionals: tuple[str, ...] = ()
    force_kernel: bool = False

    def has(self, *names: str) -> bool:
        """Say whether one of these options was given."""
        return any(option.name in names for option in self.options)

    def values(self, name: str) -> tuple[str, ...]:
        """Return the values of an option, in order."""
        return tuple(option.value for option in self.options if option.name == name and option.value is not None)

    def value(self, name: str) -> str | None:
        """Return an option's last value: the one that counts."""
        return (self.values(name) or (None,))[-1]

    @property
    def requirement_files(self) -> tuple[str, ...]:
        """The files of ``-r``."""
        return self.values("--requirement")

    @property
    def constraint_files(self) -> tuple[str, ...]:
        """The files of ``-c``."""
        return self.values("--constraint")

    @property
    def editables(self) -> tuple[str, ...]:
        """The paths and URLs of ``-e``."""
        return self.values("--editable")

    @property
    def requested(self) -> tuple[str, ...]:
        """The requirements named in the line itself; () where the sub-command takes none."""
        verb = self.subcommand.rpartition(" ")[2]
        return (
            self.positionals if verb in {"install", "uninstall", "download", "wheel", "lock", "add", "remove"} else ()
        )


_Table = dict[str, tuple[str, bool]]  # a spelling -> the name that we know the option by, and whether it takes a value


def parse(words: Sequence[str]) -> Arguments:
    """Read a line of pip's: general options, the sub-command, its options and arguments in any order.

    Parameters
    ----------
    words : sequence of str
        What follows ``%pip``.

    Returns
    -------
    Arguments
        Also of a line that pip will refuse: judging is pip's, telling options, values and requirements apart is ours.
    """
    return _parse(words, _PIP, _PIP_OTHERWISE, frozenset(), frozenset(), abbreviations=True)


def parse_uv(words: Sequence[str]) -> Arguments:
    """Read a line of uv's in the same way; the sub-command of a group is named with it: "pip install", "tool run"."""
    return _parse(words, _UV, _UV_OTHERWISE, _UV_GROUPS, _UV_RUNNERS, abbreviations=False)


def _parse(
    words: Sequence[str],
    text: str,
    otherwise: dict[str, str],
    groups: frozenset[str],
    runners: frozenset[str],
    *,
    abbreviations: bool,
) -> Arguments:
    kept = tuple(word for word in words if word != FORCE_KERNEL)
    _refuse_long_dashes(kept)
    table = _table(text)
    subcommand, split = "", 0
    options: list[Option] = []
    positionals: list[str] = []
    position = 0
    while position < len(kept):
        word = kept[position]
        position += 1
        if word == "--":
            positionals.extend(kept[position:])
            break
        if word.startswith("-") and word != "-":
            following = kept[position] if position < len(kept) else None
            for option, takes_next in _options(word, following, table, abbreviations=abbreviations):
                options.append(option)
                position += takes_next
        elif not subcommand or subcommand in groups:
            subcommand = f"{subcommand} {word}" if subcommand else word
            split = position
            if subcommand in otherwise:
                table = table | _table(otherwise[subcommand])
        else:
            positionals.append(word)
            if subcommand in runners:
                positionals.extend(kept[position:])
                break
    return Arguments(kept, subcommand, split, tuple(options), tuple(positionals), len(kept) != len(words))


def _options(word: str, following: str | None, table: _Table, *, abbreviations: bool) -> Iterator[tuple[Option, bool]]:
    """Yield the options in one word, and for each whether it takes the following word as its value."""
    if word.startswith("--"):
        spelled, equals, value = word.partition("=")
        name, takes_value = _named(spelled, table, abbreviations=abbreviations)
        if equals:
            yield Option(name, value, spelled), False
        elif takes_value and following is not None:
            yield Option(name, following, spelled), True
        else:
            yield Option(name, None, spelled), False
        return
    for place, letter in enumerate(word[1:], 2):
        spelled = f"-{letter}"
        name, takes_value = table.get(spelled, (spelled, False))
        rest = word[place:]
        if takes_value and rest:
            yield Option(name, rest, spelled), False
            return
        takes_next = takes_value and following is not None
        yield Option(name, following if takes_next else None, spelled), takes_next


def _named(spelled: str, table: _Table, *, abbreviations: bool) -> tuple[str, bool]:
    """Look a long option up; pip (optparse) also takes what begins only one option's name."""
    if spelled in table:
        return table[spelled]
    if abbreviations:
        meant = {entry for name, entry in table.items() if name.startswith(spelled)}
        if len(meant) == 1:
            return meant.pop()
    return spelled, False


@cache
def _table(text: str) -> _Table:
    table: _Table = {}
    for entry in text.split():
        names = entry.rstrip("=").split("/")
        table.update((name, (names[0], entry.endswith("="))) for name in names)
    return table


def _refuse_long_dashes(words: tuple[str, ...]) -> None:
    """Refuse an option pasted from a page that set "--" as a long dash: a program would take it for a name."""
    for word in words:
        if word[:1] in {"\u2013", "\u2014", "\u2212"}:
            right = "-" * (1 if len(word) == 2 else 2) + word.lstrip("\u2013\u2014\u2212-")  # noqa: PLR2004 - a dash and one letter
            raise LineError(f"{word} begins with a typographic dash; write {right}")
