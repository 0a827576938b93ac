"""Is each requirement usable in this kernel? Files are read; nothing is imported, started or changed."""

from __future__ import annotations

import os
import re
import time
from typing import TYPE_CHECKING

from ipy_envmagic.checks import unfinished
from ipy_envmagic.checks.asked import Asked, BadRequirement, masked, parse
from ipy_envmagic.checks.fixes import conda_package
from ipy_envmagic.checks.index import index_of
from ipy_envmagic.checks.report import About, Check, Finding, Kernel, Report
from ipy_envmagic.checks.rules import apply
from ipy_envmagic.checks.subject import Subject, gather
from ipy_envmagic.environments.distributions import Distribution, installer
from ipy_envmagic.run import state

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ipy_envmagic.checks.session import Session
    from ipy_envmagic.environments.environment import Environment

__all__ = ["check", "distribution_directories"]

_PYTHONS_ZIP = re.compile(r"python\d+\.zip")  # of the standard library, if it is there at all
_LIBRARY = os.path.dirname(os.path.abspath(os.__file__))


def check(requirements: Sequence[str], environment: Environment, session: Session) -> Report:
    """Look whether each requirement is usable in the kernel.

    Parameters
    ----------
    requirements : sequence of str
        Import names, distribution names and requirements (PEP 508), one in each. What cannot be read becomes a finding.
        With none the environment as a whole is looked at.
    environment : Environment
        The kernel's environment.
    session : Session
        What the kernel's process knows.

    Returns
    -------
    Report
        With a `Check` for each requirement, in their order.
    """
    begun = time.perf_counter()
    index = index_of(distribution_directories(session))
    checks = tuple(_one(text, environment, session, index) for text in requirements)
    findings: tuple[Finding, ...]
    findings, about = ((), None) if requirements else _whole(environment, session, index)
    if state.existing(environment.prefix):
        findings = (*unfinished.change_cut_off(environment), *findings)
    seconds = round(time.perf_counter() - begun, 6)
    return Report(_kernel(environment, session), checks, findings, seconds, session.home, about)


def distribution_directories(session: Session) -> tuple[str, ...]:
    """Return the entries of the path that distributions are looked for in.

    That is where `importlib.metadata` looks, without the standard library, which has none, and without the working
    directory, which may hold anything.

    Parameters
    ----------
    session : Session
        What the kernel's process knows.
    """
    library = {_LIBRARY, os.path.join(_LIBRARY, "lib-dynload")}
    entries = (entry for entry in session.path if entry not in library and entry != session.cwd)
    return tuple(dict.fromkeys(entry for entry in entries if not _PYTHONS_ZIP.fullmatch(os.path.basename(entry))))


def _one(text: str, environment: Environment, session: Session, index: Mapping[str, Distribution]) -> Check:
    try:
        asked = parse(text, session.cwd)
    except BadRequirement as error:
        return Check(masked(text.strip()), findings=(Finding("bad-requirement", "error", error.message),))
    if not asked.applies(environment.version):
        return Check(asked.text, findings=(_not_needed(asked, environment),))
    subject = gather(asked, environment, session, index)
    return _describe(subject, apply(subject))


def _whole(
    environment: Environment, session: Session, index: Mapping[str, Distribution]
) -> tuple[tuple[Finding, ...], About]:
    """Return what is wrong with the environment as a whole, the worst first, and what it is."""
    from ipy_envmagic.checks.whole import Whole, about, findings_of  # noqa: PLC0415 (a name needs none of it)

    whole = Whole(environment, session, index)
    order = ("error", "warning", "info")
    return tuple(sorted(findings_of(whole), key=lambda finding: order.index(finding.severity))), about(whole)


def _not_needed(asked: Asked, environment: Environment) -> Finding:
    version, platform = ".".join(map(str, environment.version)), environment.platform
    return Finding(
        "not-needed",
        "info",
        f"{asked.name} is not needed here: its marker, {asked.marker}, is false for Python {version} on {platform}.",
        {"marker": asked.marker, "python_version": version, "sys_platform": platform},
    )


def _describe(subject: Subject, findings: tuple[Finding, ...]) -> Check:
    place, distribution = subject.place, subject.place.distribution
    named = distribution.name if distribution else None
    if distribution is None and subject.is_known and place.is_empty:
        named = subject.wanted
    return Check(
        subject.asked.text,
        place.module_name,
        named,
        distribution.version if distribution else None,
        place.path,
        _installer(subject),
        findings,
        subject.partial,
    )


def _installer(subject: Subject) -> str | None:
    """Who put it there: INSTALLER (PEP 376) tells, conda's record where that is missing, the path for the rest."""
    distribution = subject.place.distribution
    if subject.place.is_standard:
        return "standard library"
    if distribution is None:
        return None
    written = installer(distribution)
    if written:
        return written
    if conda_package(subject.environment, distribution.name) is not None:
        return "conda"
    from ipy_envmagic.checks.around import where_of  # noqa: PLC0415 (nearly everything has an INSTALLER)
    from ipy_envmagic.environments.installers import put_by_distribution  # noqa: PLC0415 (as above)

    environment, session = subject.environment, subject.session
    found = put_by_distribution(distribution, where_of(environment, session, environment.platform, environment.prefix))
    return str(found) if found else None


def _kernel(environment: Environment, session: Session) -> Kernel:
    return Kernel(
        environment.executable,
        environment.prefix,
        environment.base_prefix,
        ".".join(map(str, environment.version)),
        str(environment.kind),
        environment.name,
        environment.manager,
        session.kernelspec,
    )
