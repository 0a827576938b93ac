"""What the running kernel needs to start again, and what would take that away."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ipy_envmagic.environments.distributions import metadata_headers, normalise

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from packaging.requirements import Requirement
    from packaging.specifiers import SpecifierSet

    from ipy_envmagic.environments.distributions import Distribution

__all__ = ["CHANGES", "Need", "names_in", "needs", "refusal", "unmet"]

CHANGES = frozenset({"install", "uninstall", "remove", "update", "upgrade", "sync"})
"""The sub-commands, of every program, that `refusal` has something to say about."""

# Where the closure begins, in the order in which a need is told, and the oldest version that this package works with.
_ROOTS = {"ipykernel": ">=6", "ipython": ">=8.12", "ipy-envmagic": "", "pip": ""}
_LOST = {
    "ipykernel": "this kernel could never start again",
    "ipython": "IPython could never start again",
    "ipy-envmagic": "these magics would be gone",
    "pip": "%pip would be gone",
}
_FORCE = "--force-kernel does it all the same"
_REMOVES = frozenset({"uninstall", "remove"})
_CONDA_SPEC = re.compile(r"(?:[^\s:]+::?)?(?P<name>[A-Za-z0-9_][\w.-]*)\s*(?P<rest>.*)")


@dataclass(frozen=True, slots=True)
class Need:
    """A distribution that the kernel needs.

    Parameters
    ----------
    name : str
        Normalised.
    required_by : tuple of str
        Who requires it; parallel to `specifiers`.
    specifiers : tuple of str
        What each requires of its version (PEP 440); "" for any.
    root : str
        What stops working without it: "ipykernel", "ipython", "ipy-envmagic" or "pip".
    version : str or None
        The installed one; None where it is missing or unknown.
    missing : bool
        Whether it is not installed.
    """

    name: str
    required_by: tuple[str, ...]
    specifiers: tuple[str, ...]
    root: str
    version: str | None = None
    missing: bool = False


def needs(distributions: Mapping[str, Distribution]) -> dict[str, Need]:
    """Follow what ipykernel, IPython and this package require (Requires-Dist), markers and extras applied.

    Parameters
    ----------
    distributions : mapping of str to Distribution
        What is installed, by normalised name.

    Returns
    -------
    dict of str to Need
        By normalised name, the roots that are installed among them, and pip. It reads the metadata of some thirty
        distributions.
    """
    found: dict[str, Need] = {}
    seen: set[tuple[str, frozenset[str]]] = set()
    for root, floor in _ROOTS.items():
        if root not in distributions:
            continue
        found.setdefault(root, _need(root, root, distributions))
        if floor and "ipy-envmagic" not in distributions:
            found[root] = _with(found[root], "ipy-envmagic", floor)
        queue: list[tuple[str, frozenset[str]]] = [(root, frozenset())] if root != "pip" else []
        while queue:
            key, extras = queue.pop(0)
            if (key, extras) in seen or key not in distributions:
                continue
            seen.add((key, extras))
            for requirement in _requirements(distributions[key], extras):
                name = normalise(requirement.name)
                need = found.get(name) or _need(name, root, distributions)
                found[name] = _with(need, key, str(requirement.specifier))
                queue.append((name, frozenset(requirement.extras)))
    return found


def refusal(
    subcommand: str,
    requested: Sequence[str],
    needed: Mapping[str, Need],
    *,
    conda: bool = False,
    python: tuple[int, int] | None = None,
    kept: Collection[str] | None = None,
) -> str | None:
    """Say why a line must not run in this kernel.

    Parameters
    ----------
    subcommand : str
        The verb: "install", "uninstall", "remove", "update", "sync".
    requested : sequence of str
        What the line names; for conda ``--all`` counts too.
    needed : mapping of str to Need
        As `needs` returns it.
    conda : bool
        Whether `requested` are conda's specifications (``channel::name=1.2=build``), read loosely.
    python : tuple of int, optional
        Major and minor version of the kernel's Python, for conda.
    kept : collection of str, optional
        For "sync" (and for an install that removes all else): the normalised names that its files hold.

    Returns
    -------
    str or None
        One line: what, what would stop working, and the option that overrides; None where nothing speaks against it.
    """
    if subcommand == "sync":
        return _sync_refusal(needed, kept or ())
    if conda and subcommand in _REMOVES and "--all" in requested:
        return f"--all would remove the environment that this kernel runs in; {_FORCE}"
    if subcommand not in CHANGES:
        return None
    asked = [(word, *read) for word in requested if (read := (_conda_spec(word) if conda else _pip_spec(word)))]
    if subcommand in _REMOVES:
        return next((line for _, name, _ in asked if (line := _removal(name, needed, conda=conda))), None)
    changing = {name for _, name, _ in asked}
    for word, name, specifier in asked:
        if conda and name == "python" and python and specifier:
            if not _any_of(specifier, (f"{python[0]}.{python[1]}.{micro}" for micro in range(100))):
                return _other_python(word, python)
        elif name in needed and specifier and (line := _impossible(needed[name], specifier, changing)):
            return line
    return None


def unmet(distributions: Mapping[str, Distribution], needed_before: Mapping[str, Need]) -> list[str]:
    """Name what a change took from the kernel.

    Parameters
    ----------
    distributions : mapping of str to Distribution
        What is installed now.
    needed_before : mapping of str to Need
        What `needs` said before.

    Returns
    -------
    list of str
        One line for each need that is not met now and was before, with the line that mends it.
    """
    gone = {
        root: _need(root, root, distributions)
        for root in _ROOTS
        if root in needed_before and not needed_before[root].missing and root not in distributions
    }
    before = {problem for need in needed_before.values() for problem in _problems(need)}
    now = [problem for need in (gone | needs(distributions)).values() for problem in _problems(need)]
    return [problem for problem in dict.fromkeys(now) if problem not in before]


def names_in(text: str) -> set[str]:
    """Return the normalised names of the requirements in a file's text, for `refusal`'s `kept`."""
    found = set()
    for line in text.splitlines():
        match = re.match(r"\s*([A-Za-z0-9][\w.-]*)\s*(?:[\[<>=!~;@(#]|$|\s--hash|\\)", line)
        if match:
            found.add(normalise(match[1]))
    return found


def _need(name: str, root: str, distributions: Mapping[str, Distribution]) -> Need:
    distribution = distributions.get(name)
    return Need(name, (), (), root, distribution.version if distribution else None, distribution is None)


def _with(need: Need, by: str, specifier: str) -> Need:
    if (by, specifier) in zip(need.required_by, need.specifiers, strict=True):
        return need
    by_all, specifiers = (*need.required_by, by), (*need.specifiers, specifier)
    return Need(need.name, by_all, specifiers, need.root, need.version, need.missing)


def _requirements(distribution: Distribution, extras: frozenset[str]) -> Iterator[Requirement]:
    """Yield what a distribution requires here; a line that nobody can read requires nothing."""
    from packaging.markers import UndefinedEnvironmentName  # noqa: PLC0415 - 20 ms, only where a change is about to run
    from packaging.requirements import InvalidRequirement, Requirement  # noqa: PLC0415 - the same

    for line in metadata_headers(distribution).get("requires-dist", []):
        try:
            requirement = Requirement(line)
            applies = requirement.marker is None or any(
                requirement.marker.evaluate({"extra": extra}) for extra in ("", *extras)
            )
        except (InvalidRequirement, UndefinedEnvironmentName):
            continue
        if applies:
            yield requirement


def _pip_spec(word: str) -> tuple[str, str] | None:
    """Read a requirement as (normalised name, specifier); None for a path, a URL and what does not apply here."""
    from packaging.requirements import InvalidRequirement, Requirement  # noqa: PLC0415 - as above

    try:
        requirement = Requirement(word)
    except InvalidRequirement:
        return None
    if requirement.url or (requirement.marker and not requirement.marker.evaluate()):
        return None
    return normalise(requirement.name), str(requirement.specifier)


def _conda_spec(word: str) -> tuple[str, str] | None:
    """Read a conda specification as (normalised name, PEP 440 specifier, "" for any or for what has no counterpart)."""
    match = _CONDA_SPEC.fullmatch(word.strip().strip("'\""))
    if not match or word.startswith("-") or re.search(r"[\\/]", word.partition("::")[2] or word):
        return None
    bracket = re.search(r"\[[^\]]*version\s*=\s*['\"]?([^'\"\]]+)", match["rest"])
    rest = bracket[1] if bracket else match["rest"].partition("[")[0].strip()
    if "|" in rest:
        return normalise(match["name"]), ""
    if re.match(r"=(?!=)", rest) or re.match(r"\d", rest):
        fuzzy = rest.startswith("=")
        version = re.split(r"[=\s]", rest.lstrip("="))[0]
        exact = version if version.endswith("*") or not fuzzy else f"{version}.*"
        rest = f"=={exact.replace('.*.*', '.*')}"
    else:
        rest = re.sub(r"(==[^=,\s]+)[=\s].*", r"\1", rest)
    return normalise(match["name"]), rest


def _removal(name: str, needed: Mapping[str, Need], *, conda: bool) -> str | None:
    if conda and name == "python":
        return f"Without python this kernel could never start again; {_FORCE}"
    need = needed.get(name)
    if need is None or need.missing:
        return None
    lost = _LOST[need.root]
    if name == need.root:
        return f"Without {name} {lost}; {_FORCE}"
    by = next((one for one in need.required_by if one != "ipy-envmagic"), need.required_by[0])
    return f"{by} needs {name}: without it {lost}; {_FORCE}"


def _sync_refusal(needed: Mapping[str, Need], kept: Collection[str]) -> str | None:
    lost = [name for name, need in needed.items() if name not in kept and not need.missing and name != "pip"]
    if not lost:
        return None
    named = ", ".join(lost[:3]) + (", …" if len(lost) > len(lost[:3]) else "")
    return f"This removes whatever its files do not name, also {named}: {_LOST[needed[lost[0]].root]}; {_FORCE}"


def _other_python(word: str, python: tuple[int, int]) -> str:
    return (
        f"{word} would replace the Python {python[0]}.{python[1]} that this kernel runs, and leave behind what pip "
        f"installed for it; make another environment: %conda create -n NAME {_quoted(word)} ipykernel; {_FORCE}"
    )


def _impossible(need: Need, specifier: str, changing: Collection[str]) -> str | None:
    """Say so where no version satisfies both what is asked for and what the kernel needs."""
    for by, required in zip(need.required_by, need.specifiers, strict=True):
        # A requirer that the same line replaces may ask for something else afterwards.
        if required and by not in changing and not _together(specifier, required):
            return (
                f"{need.name}{specifier} cannot be: {by} needs {need.name}{required}, or {_LOST[need.root]}; {_FORCE}"
            )
    return None


def _together(one: str, other: str) -> bool:
    """Say whether some version satisfies both: tried on each version that they name and on its neighbours."""
    texts = f"{one},{other}"
    return _any_of(texts, _boundaries(texts))


def _any_of(specifier: str, versions: Iterable[str]) -> bool:
    from packaging.specifiers import InvalidSpecifier, SpecifierSet  # noqa: PLC0415 - as above

    try:
        wanted: SpecifierSet = SpecifierSet(specifier)
    except InvalidSpecifier:
        return True
    return any(_contains(wanted, version) for version in versions)


def _contains(wanted: SpecifierSet, version: str) -> bool:
    from packaging.version import InvalidVersion  # noqa: PLC0415 - as above

    try:
        return wanted.contains(version, prereleases=True)
    except InvalidVersion:
        return True


def _boundaries(specifiers: str) -> Iterator[str]:
    yield from ("0", "99999")
    for text in re.findall(r"[\d][\w.+!]*", specifiers):
        named = text.rstrip(".")
        yield named
        numbers = [int(part) for part in re.findall(r"\d+", re.split(r"[a-z+]", named.rpartition("!")[2])[0])]
        epoch = f"{named.partition('!')[0]}!" if "!" in named else ""
        for length in range(1, len(numbers) + 1):
            head, last = numbers[: length - 1], numbers[length - 1]
            yield epoch + ".".join(map(str, (*head, last + 1)))
            if last:
                yield epoch + ".".join(map(str, (*head, last - 1, 99999)))
        yield epoch + ".".join(map(str, (*numbers, 1)))


def _problems(need: Need) -> list[str]:
    if need.missing:
        by = next((one for one in need.required_by if one != "ipy-envmagic"), None)
        if by is None:
            return [f"{need.name} is gone, and {_LOST[need.root]}: %pip install {need.name}"]
        specifier = need.specifiers[need.required_by.index(by)]
        return [
            f"{by} needs {need.name}{specifier}, which is not installed: %pip install {_quoted(need.name, specifier)}"
        ]
    if need.version is None:
        return []
    here = f"and {need.version} is installed"
    return [
        f"{by} needs {need.name}{specifier}, {here}: %pip install {_quoted(need.name, specifier)}"
        for by, specifier in zip(need.required_by, need.specifiers, strict=True)
        if specifier and not _any_of(specifier, (need.version,))
    ]


def _quoted(name: str, specifier: str = "") -> str:
    requirement = f"{name}{specifier}"
    return f"'{requirement}'" if re.search(r"[<>!~;\s\[]", requirement) else requirement
