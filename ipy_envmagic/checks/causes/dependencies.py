"""Rules for what a distribution needs of others."""

from __future__ import annotations

import shlex
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from ipy_envmagic.checks.consistency import of_conda, problem
from ipy_envmagic.checks.fixes import conda_package
from ipy_envmagic.checks.report import Finding, Fix
from ipy_envmagic.environments.distributions import normalise
from ipy_envmagic.environments.requires import needs_of, wanted_by

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ipy_envmagic.checks.subject import Subject
    from ipy_envmagic.environments.distributions import Distribution

__all__ = ["dependency_conflict", "dependency_far_conflict", "dependency_missing"]


def dependency_missing(subject: Subject) -> Finding | None:
    """See a requirement of the distribution, or of one that it needs, that is not installed."""
    found = next((one for one in _problems(subject) if one[0].code == "dependency-missing"), None)
    return _told(found[0], found[1], subject) if found else None


def dependency_conflict(subject: Subject) -> Finding | None:
    """See a requirement of the distribution itself that is installed in a version which does not serve."""
    found = next((one for one in _problems(subject) if one[0].code == "dependency-conflict" and len(one[1]) == 1), None)
    return _told(found[0], found[1], subject) if found else None


def dependency_far_conflict(subject: Subject) -> Finding | None:
    """Warn of such a version deeper among what it needs: many notebooks live with it."""
    found = next((one for one in _problems(subject) if one[0].code == "dependency-conflict" and len(one[1]) > 1), None)
    return replace(_told(found[0], found[1], subject), severity="warning") if found else None


def _problems(subject: Subject) -> list[tuple[Finding, tuple[str, ...]]]:
    """Return what is wrong, each with the chain of names that leads to it; found once for all rules."""
    return subject.remembered("dependencies", lambda: list(_walk(subject)))


def _walk(subject: Subject) -> Iterator[tuple[Finding, tuple[str, ...]]]:
    if subject.distribution is None or subject.place.is_standard:
        return
    conda = of_conda(subject.environment)
    version, platform = subject.environment.version, subject.environment.platform
    extras = tuple(map(normalise, subject.asked.extras))
    waiting: list[tuple[Distribution, tuple[str, ...], tuple[str, ...]]] = [(subject.distribution, extras, ())]
    seen: set[tuple[str, tuple[str, ...]]] = set()
    while waiting and time.perf_counter() < subject.deadline:
        distribution, extras, chain = waiting.pop(0)
        if (distribution.key, extras) in seen:
            continue
        seen.add((distribution.key, extras))
        chain = (*chain, distribution.name)
        for needed in wanted_by(needs_of(distribution), extras, version, platform):
            finding = problem(distribution, needed, subject.index, conda)
            if finding is not None:
                yield finding, chain
            elif needed.key in subject.index:
                waiting.append((subject.index[needed.key], needed.extras, chain))


def _told(finding: Finding, chain: tuple[str, ...], subject: Subject) -> Finding:
    """Add the chain that leads to it, and let conda bring what conda brings here."""
    way = [*chain, str(finding.evidence["requirement"])]
    message = finding.message
    if len(chain) > 1:
        message = f"{message[:-1]} ({' needs '.join(way)})."
    fix = finding.fix
    requirement = str(finding.evidence["requirement"])
    if fix is not None and conda_package(subject.environment, str(finding.evidence["needs"])) is not None:
        fix = Fix((f"%conda install {shlex.quote(requirement)}",), fix.restart, fix.steps)
    if fix is not None and finding.code == "dependency-missing" and subject.is_loaded:
        fix = replace(fix, restart=True)
    return replace(finding, message=message, evidence={**finding.evidence, "chain": way}, fix=fix)
