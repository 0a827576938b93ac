"""What a project asks for: pyproject.toml (PEP 621, PEP 735), pylock.toml (PEP 751), setup.cfg of setuptools."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ipy_envmagic.environments.distributions import normalise
from ipy_envmagic.errors import EnvMagicError
from ipy_envmagic.requirements.asked_for import Wanted
from ipy_envmagic.requirements.text import read_text, read_toml

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["of_pylock", "of_pyproject", "of_setup_cfg"]

_NEWER = "%pip install 'packaging>=26.1' brings what is needed"


def of_pyproject(path: str, extras: Sequence[str] = (), groups: Sequence[str] = ()) -> Wanted:
    """Return the dependencies of a project, those of the extras and of the dependency groups that are named.

    Parameters
    ----------
    path : str
        A pyproject.toml.
    extras : sequence of str
        Names of ``[project.optional-dependencies]``.
    groups : sequence of str
        Names of ``[dependency-groups]`` (PEP 735); groups that they include come with them.

    Raises
    ------
    EnvMagicError
        The file cannot be read, has no such extra or group, or leaves its dependencies to a build backend.
    """
    table = read_toml(read_text(path), path)
    project = table.get("project")
    grouped = _groups(table.get("dependency-groups"), groups, path)
    if not isinstance(project, dict):
        if groups:
            return Wanted(grouped, source=path)
        raise EnvMagicError(f"{path} has no [project] table; its dependencies are not written as PEP 621 has it")
    if "dependencies" in (project.get("dynamic") or ()):
        raise EnvMagicError(
            f"{path} leaves its dependencies to its build backend (dynamic); install it, then check it by name"
        )
    optional = project.get("optional-dependencies")
    known = {normalise(name): texts for name, texts in optional.items()} if isinstance(optional, dict) else {}
    found = _texts(project.get("dependencies"), path)
    for extra in extras:
        if normalise(extra) not in known:
            raise EnvMagicError(f"{path} has no extra {extra!r}; {_has(known)}")
        found += _texts(known[normalise(extra)], path)
    python = project.get("requires-python")
    return Wanted(
        _resolved((*found, *grouped), project, known, path), python if isinstance(python, str) else None, source=path
    )


def of_pylock(path: str, extras: Sequence[str] = (), groups: Sequence[str] = ()) -> Wanted:
    """Return the packages that a lock file pins and that are for this Python and machine.

    Parameters
    ----------
    path : str
        A pylock.toml.
    extras, groups : sequence of str
        What else of the lock is wanted.

    Raises
    ------
    EnvMagicError
        The file cannot be read or is not valid, or the installed packaging is too old to tell (before 26.1).
    """
    table = read_toml(read_text(path), path)
    try:
        from packaging.pylock import Pylock, PylockValidationError  # noqa: PLC0415 (packaging 26.1 and later)
    except ImportError:
        raise EnvMagicError(f"{path} is a lock file, which the installed packaging cannot read", _NEWER) from None
    try:
        lock = Pylock.from_dict(table)
    except PylockValidationError as error:
        raise EnvMagicError(f"{path} is no lock file of version 1: {error}") from None
    context: dict[str, Any] = {"extras": set(map(normalise, extras)), "dependency_groups": set(groups)}
    if not groups and lock.default_groups:
        context["dependency_groups"] = set(lock.default_groups)
    found = []
    for package in lock.packages:
        if package.marker is not None and not package.marker.evaluate(context, context="lock_file"):
            continue
        found.append(f"{package.name}=={package.version}" if package.version else str(package.name))
    python = str(lock.requires_python) if lock.requires_python else None
    return Wanted(tuple(found), python, source=path)


def of_setup_cfg(path: str, extras: Sequence[str] = ()) -> Wanted:
    """Return what setuptools' declarative configuration asks for.

    Parameters
    ----------
    path : str
        A setup.cfg.
    extras : sequence of str
        Names of ``[options.extras_require]``.

    Raises
    ------
    EnvMagicError
        The file cannot be read, or has no such extra.
    """
    import configparser  # noqa: PLC0415 (one kind of file at a time)

    parser = configparser.ConfigParser(interpolation=None, strict=False)
    try:
        parser.read_string(read_text(path))
    except configparser.Error as error:
        raise EnvMagicError(f"{path} cannot be read: {str(error).partition(chr(10))[0]}") from None
    found = _lines(parser.get("options", "install_requires", fallback=""), path)
    section = parser["options.extras_require"] if parser.has_section("options.extras_require") else {}
    known = {normalise(name): text for name, text in section.items()}
    for extra in extras:
        if normalise(extra) not in known:
            raise EnvMagicError(f"{path} has no extra {extra!r}; {_has(known)}")
        found += _lines(known[normalise(extra)], path)
    return Wanted(tuple(found), parser.get("options", "python_requires", fallback="").strip() or None, source=path)


def _groups(table: Any, names: Sequence[str], path: str) -> tuple[str, ...]:
    if not names:
        return ()
    if not isinstance(table, dict):
        raise EnvMagicError(f"{path} has no [dependency-groups] table (PEP 735)")
    try:
        from packaging.dependency_groups import resolve_dependency_groups  # noqa: PLC0415 (packaging 26.1 and later)
    except ImportError:
        raise EnvMagicError(
            f"{path} has dependency groups, which the installed packaging cannot read", _NEWER
        ) from None
    try:
        return tuple(map(str, resolve_dependency_groups(table, *names)))
    except Exception as error:  # noqa: BLE001 (an ExceptionGroup of what is wrong with the table)
        told = getattr(error, "exceptions", (error,))[0]
        raise EnvMagicError(f"{path}: {told}; {_has(table)}") from None


def _resolved(found: Sequence[str], project: Mapping[str, Any], known: Mapping[str, Any], path: str) -> tuple[str, ...]:
    """Put the extras of the project itself (``all = ["mine[a,b]"]``) in the place of their names."""
    name = project.get("name")
    if not isinstance(name, str):
        return tuple(found)
    own = re.compile(rf"\s*{re.escape(name)}\s*\[([^\]]*)\]\s*", re.IGNORECASE)
    resolved: list[str] = []
    waiting, seen = list(found), set()
    while waiting:
        text = waiting.pop(0)
        match = own.fullmatch(text)
        if match is None:
            resolved.append(text)
            continue
        for extra in map(normalise, filter(None, (part.strip() for part in match[1].split(",")))):
            if extra not in seen:
                seen.add(extra)
                waiting[:0] = _texts(known.get(extra), path)
    return tuple(dict.fromkeys(resolved))


def _texts(value: Any, path: str) -> list[str]:
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        raise EnvMagicError(f"{path}: dependencies are a list of texts, and {str(value)[:60]!r} is none")
    return list(value)


def _lines(text: str, path: str) -> list[str]:
    if text.strip().startswith("file:"):
        raise EnvMagicError(f"{path} names {text.strip()}; check that file with -r")
    lines = (re.sub(r"(?:^|\s+)#.*$", "", line).strip() for line in text.splitlines())
    return [line for line in lines if line]


def _has(known: Mapping[str, Any]) -> str:
    return f"it has {', '.join(sorted(known))}" if known else "it has none"
