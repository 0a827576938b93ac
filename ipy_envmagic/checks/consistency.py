"""Does everything that is installed have what it needs, in versions that serve? As ``pip check`` asks."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from ipy_envmagic.checks.report import Finding, Fix
from ipy_envmagic.environments.requires import needs_of, satisfies, wanted_by

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from ipy_envmagic.checks.whole import Whole
    from ipy_envmagic.environments.distributions import Distribution
    from ipy_envmagic.environments.environment import Environment
    from ipy_envmagic.environments.requires import Needed

__all__ = ["consistency", "findings", "of_conda", "problem"]

_FEW = 4  # names that a message lists


def consistency(index: Mapping[str, Distribution], environment: Environment) -> tuple[Finding, ...]:
    """Compare the requirements of every distribution, without extras, with what is installed.

    Parameters
    ----------
    index : mapping of str to Distribution
        By normalised name.
    environment : Environment
        Whose Python it is for.

    Returns
    -------
    tuple of Finding
        "dependency-missing", "dependency-conflict" and "requires-python".
    """
    python = ".".join(map(str, environment.version))
    conda = of_conda(environment)
    found = []
    for distribution in index.values():
        needs = needs_of(distribution)
        if needs.python and not satisfies(python, needs.python):
            found.append(
                Finding(
                    "requires-python",
                    "error",
                    f"{_titled(distribution)} is for Python {needs.python}, and this is {python}.",
                    {"distribution": distribution.name, "requires_python": needs.python, "location": distribution.path},
                    Fix((f"%pip install --force-reinstall {shlex.quote(distribution.name)}",), restart=True),
                )
            )
        for needed in wanted_by(needs, (), environment.version, environment.platform):
            finding = problem(distribution, needed, index, conda)
            if finding is not None:
                found.append(finding)
    return tuple(found)


def findings(whole: Whole) -> tuple[Finding, ...]:
    """Return what `consistency` finds in an environment as a whole; all that one distribution lacks in one finding."""
    found = consistency(whole.index, whole.environment)
    lacking: dict[str, list[Finding]] = {}
    for finding in found:
        if finding.code == "dependency-missing":
            lacking.setdefault(finding.evidence["distribution"], []).append(finding)
    together = {key: _together(several, whole.index) for key, several in lacking.items() if len(several) > 1}
    others = (one for one in found if one.code != "dependency-missing" or one.evidence["distribution"] not in together)
    return (*together.values(), *others)


def problem(
    distribution: Distribution, needed: Needed, index: Mapping[str, Distribution], conda: Collection[str]
) -> Finding | None:
    """Return what is wrong with one requirement of a distribution.

    Parameters
    ----------
    distribution : Distribution
        Whose requirement it is.
    needed : Needed
        One that holds for this Python.
    index : mapping of str to Distribution
        What is installed, by normalised name.
    conda : collection of str
        The names of what conda installed, which need not have Python's metadata.
    """
    here = index.get(needed.key)
    if here is None:
        if needed.key in conda:
            return None
        return Finding(
            "dependency-missing",
            "error",
            f"{_titled(distribution)} needs {needed.name}{needed.specifier}, which is not installed.",
            {
                "distribution": distribution.name,
                "needs": needed.name,
                "requirement": f"{needed.name}{needed.specifier}",
            },
            Fix((_install(needed),), steps=f"Install {needed.name} in this kernel's environment."),
        )
    if not needed.specifier or not here.version or satisfies(here.version, needed.specifier):
        return None
    return Finding(
        "dependency-conflict",
        "error",
        f"{_titled(distribution)} needs {needed.name}{needed.specifier}, and {here.version} is installed.",
        {
            "distribution": distribution.name,
            "needs": needed.name,
            "requirement": f"{needed.name}{needed.specifier}",
            "installed": here.version,
            "location": here.path,
        },
        Fix((_install(needed),), restart=True, steps=f"Bring a version of {needed.name} that serves, then restart."),
    )


def of_conda(environment: Environment) -> Collection[str]:
    """Return the names of what conda installed in the environment; none outside conda."""
    if not environment.is_conda:
        return ()
    from ipy_envmagic.environments.conda import installed  # noqa: PLC0415 (only a conda environment needs it)
    from ipy_envmagic.environments.distributions import normalise  # noqa: PLC0415

    return {normalise(name) for name in installed(environment.prefix)}


def _together(several: list[Finding], index: Mapping[str, Distribution]) -> Finding:
    """Tell in one finding all that one distribution lacks, with one line that brings it."""
    name = several[0].evidence["distribution"]
    titled = next((_titled(one) for one in index.values() if one.name == name), name)
    needs = [finding.evidence["needs"] for finding in several]
    words = [line.partition(" install ")[2] for finding in several if finding.fix for line in finding.fix.magic]
    more = f" and {len(needs) - _FEW} more" if len(needs) > _FEW else ""
    return Finding(
        "dependency-missing",
        "error",
        f"{titled} needs {len(needs)} distributions that are not installed: {', '.join(needs[:_FEW])}{more}.",
        {
            "distribution": name,
            "needs": needs,
            "requirements": [finding.evidence["requirement"] for finding in several],
        },
        Fix((f"%pip install {' '.join(words)}",), steps="Install them in this kernel's environment."),
    )


def _install(needed: Needed) -> str:
    extras = f"[{','.join(needed.extras)}]" if needed.extras else ""
    return f"%pip install {shlex.quote(needed.name + extras + needed.specifier)}"


def _titled(distribution: Distribution) -> str:
    return f"{distribution.name} {distribution.version or ''}".rstrip()
