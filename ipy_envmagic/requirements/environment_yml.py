"""An environment.yml of conda: packages of conda, and those that its pip section asks for."""

from __future__ import annotations

import re
from typing import Any

from ipy_envmagic.errors import EnvMagicError
from ipy_envmagic.requirements.asked_for import CondaSpec, Wanted
from ipy_envmagic.requirements.text import read_text

__all__ = ["of_environment", "parse_spec"]

_SPEC = re.compile(
    r"(?:(?P<channel>[^\s:]+)::)?(?P<name>[A-Za-z0-9_][A-Za-z0-9_.-]*)"
    r"\s*(?P<version>[=<>!~][^\[\s][^\[]*?|\s[0-9*][^\[]*?)?\s*(?:\[[^\]]*\])?\s*"
)


def of_environment(path: str) -> Wanted:
    """Return what an environment.yml asks for.

    Parameters
    ----------
    path : str
        The file ("Creating an environment file manually", conda's documentation).

    Raises
    ------
    EnvMagicError
        The file cannot be read or is no such file, or there is no reader of YAML here.
    """
    table = _load(read_text(path), path)
    needs = table.get("dependencies") if isinstance(table, dict) else None
    if not isinstance(needs, list):
        raise EnvMagicError(f"{path} has no list of dependencies; an environment.yml of conda has one")
    conda: list[CondaSpec] = []
    requirements: list[str] = []
    python = None
    for need in needs:
        if isinstance(need, dict) and isinstance(need.get("pip"), list):
            requirements += [str(one) for one in need["pip"] if not str(one).startswith("-")]
        elif isinstance(need, str):
            spec = parse_spec(need)
            if spec is None:
                raise EnvMagicError(f"{path}: {need!r} is no package of conda; write name, name=1.2 or name>=1.2")
            if spec.name == "python":
                python = spec.specifier or None
            conda.append(spec)
    return Wanted(tuple(requirements), python, tuple(conda), source=path)


def parse_spec(text: str) -> CondaSpec | None:
    """Read what conda is asked for ("Package match specifications", conda's documentation).

    Parameters
    ----------
    text : str
        As it is written.

    Returns
    -------
    CondaSpec or None
        With the version as PEP 440 would write it; None for what is none.
    """
    match = _SPEC.fullmatch(text.strip())
    if match is None:
        return None
    return CondaSpec(text.strip(), match["name"].lower(), "|".join(map(_for_pep440, _parts(match["version"] or ""))))


def _parts(version: str) -> list[str]:
    """Split the alternatives of a version, and leave out the builds."""
    parts = []
    for part in version.strip().split("|"):
        pieces = part.strip().split("=")
        if part.startswith("=") and not part.startswith("==") and len(pieces) > 2:  # noqa: PLR2004 (=version=build)
            parts.append(f"={pieces[1]}")
        elif re.fullmatch(r"[0-9*][^\s=]*\s+\S+", part):  # "1.2 build"
            parts.append(part.split()[0])
        else:
            parts.append(part.replace(" ", ""))
    return [part for part in parts if part]


def _for_pep440(version: str) -> str:
    """Write one alternative of a version: "=1.2" and "1.2.*" are "==1.2.*", "1.2" is "==1.2"."""
    clauses = []
    for clause in version.split(","):
        if clause.startswith("=") and not clause.startswith("=="):
            number = clause[1:].removesuffix(".*").removesuffix("*").rstrip(".")
            clauses.append(f"=={number}.*" if number else "")
        elif clause[:1].isdigit():
            number = clause.removesuffix("*").rstrip(".")
            clauses.append(f"=={number}.*" if clause.endswith("*") else f"=={clause}")
        elif clause != "*":
            clauses.append(clause)
    return ",".join(filter(None, clauses))


def _load(text: str, path: str) -> Any:
    from importlib import import_module  # noqa: PLC0415 (the extra "yaml" brings it)

    try:
        yaml = import_module("yaml")
    except ImportError:
        raise EnvMagicError(
            f"{path} is YAML, for which there is no reader here", "%pip install PyYAML, or ipy-envmagic[yaml]"
        ) from None
    try:
        return yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise EnvMagicError(f"{path} is no YAML: {' '.join(str(error).split())[:200]}") from None
