"""Rules for a version that does not serve."""

from __future__ import annotations

import os
import re
import shlex
from dataclasses import replace
from typing import TYPE_CHECKING

from ipy_envmagic.checks.fixes import install
from ipy_envmagic.checks.report import Finding, Fix
from ipy_envmagic.environments.distributions import normalise
from ipy_envmagic.environments.pip_configuration import constraint_files
from ipy_envmagic.environments.requires import needs_of, satisfies

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ipy_envmagic.checks.subject import Subject

__all__ = ["requires_python", "wrong_version"]

_NAME = re.compile(r"\s*(?:[\w.-]+::)?([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)")
_PRE = re.compile(r"\d(?:a|b|rc|\.dev|alpha|beta|c)\d", re.IGNORECASE)
_LARGEST = 1 << 18


def wrong_version(subject: Subject) -> Finding | None:
    """See that the installed version does not satisfy the specifier."""
    distribution = subject.place.distribution
    if distribution is None or not distribution.version or subject.asked.allows(distribution.version):
        return None
    what = f"{distribution.name} {distribution.version} is installed, and {subject.asked.text} asks for another version"
    if _PRE.search(distribution.version):
        what = f"{what}: a pre-release comes before the release"
    pin = next(_pins(subject), None)
    fix = install(subject)
    python = ".".join(map(str, subject.environment.version[:2]))
    if ">" in subject.asked.specifier and fix.magic and fix.magic[0].startswith("%pip"):
        fix = replace(fix, steps=f"{fix.steps} If that changes nothing, no later one is for Python {python}.")
    if pin is not None:
        fix = replace(fix, steps=f"{fix.steps} {pin[0]} holds it back by the line {pin[1]!r}: change that first.")
    return Finding(
        "wrong-version",
        "error",
        f"{what}.",
        {
            "installed": distribution.version,
            "specifier": subject.asked.specifier,
            "location": distribution.path,
            **({"pinned_by": f"{pin[0]}: {pin[1]}"} if pin else {}),
        },
        fix,
    )


def requires_python(subject: Subject) -> Finding | None:
    """See a distribution that says it is not for this Python (Requires-Python, core metadata)."""
    distribution = subject.distribution
    if distribution is None:
        return None
    wanted = needs_of(distribution).python
    python = ".".join(map(str, subject.environment.version))
    if not wanted or satisfies(python, wanted):
        return None
    return Finding(
        "requires-python",
        "error",
        f"{distribution.name} {distribution.version or ''}".rstrip()
        + f" is for Python {wanted}, and this is {python}.",
        {"requires_python": wanted, "location": distribution.path},
        Fix(
            (f"%pip install --force-reinstall {shlex.quote(distribution.name + subject.asked.specifier)}",),
            subject.is_loaded,
            f"Bring a version of {distribution.name} that is for this Python, or use a kernel with another one.",
        ),
    )


def _pins(subject: Subject) -> Iterator[tuple[str, str]]:
    """Yield the lines that hold the distribution's version: of pip's constraint files, of conda's ``pinned``."""
    environment, session = subject.environment, subject.session
    files = constraint_files(environment, session.environ, session.home)
    if environment.is_conda:
        files = [*files, os.path.join(environment.prefix, "conda-meta", "pinned")]
    for path in files:
        try:
            with open(os.path.join(session.cwd, path), encoding="utf-8", errors="replace") as file:
                text = file.read(_LARGEST)
        except (OSError, ValueError):
            continue
        for line in text.splitlines():
            name = _NAME.match(line.partition("#")[0])
            if name and subject.distribution and normalise(name[1]) == subject.distribution.key:
                yield path, line.strip()
