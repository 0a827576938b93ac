"""Rules for what comes beside a package: its extras, its type stubs."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ipy_envmagic.checks.fixes import install
from ipy_envmagic.checks.report import Finding
from ipy_envmagic.environments.distributions import normalise

if TYPE_CHECKING:
    from ipy_envmagic.checks.subject import Subject

__all__ = ["extra_missing", "extra_unknown", "stub_only"]


def extra_missing(subject: Subject) -> Finding | None:
    """See an extra that was asked for, of which a requirement is not here, or in another version."""
    distribution = subject.distribution
    if not subject.asked.extras or distribution is None:
        return None
    from packaging.requirements import InvalidRequirement, Requirement  # noqa: PLC0415 (only extras need it)

    for line in subject.headers.get("requires-dist", ()):
        if "extra" not in line:
            continue
        try:
            requirement = Requirement(line)
        except InvalidRequirement:
            continue
        extra = next((one for one in subject.asked.extras if _is_for(requirement, one, subject)), None)
        if extra is None:
            continue
        here = subject.index.get(normalise(requirement.name))
        fits = here is not None and (not here.version or requirement.specifier.contains(here.version, prereleases=True))
        if not fits:
            what = f"and {here.version} is installed" if here else "which is not installed"
            return Finding(
                "extra-missing",
                "error",
                f"{distribution.name}[{extra}] needs {requirement.name}{requirement.specifier}, {what}.",
                {"extra": extra, "requirement": line, "installed": here.version if here else None},
                install(subject),
            )
    return None


def extra_unknown(subject: Subject) -> Finding | None:
    """Warn of an extra that the installed version does not have: pip passes over it without a failure."""
    distribution = subject.distribution
    if not subject.asked.extras or distribution is None:
        return None
    provided = {normalise(name) for name in subject.headers.get("provides-extra", ())}
    unknown = [name for name in subject.asked.extras if normalise(name) not in provided]
    if not unknown or not subject.headers:
        return None
    return Finding(
        "extra-missing",
        "warning",
        f"{distribution.name} {distribution.version or ''}".rstrip()
        + f" has no extra {unknown[0]}"
        + (f"; it has {', '.join(sorted(provided))}." if provided else "."),
        {"asked": unknown, "provided": sorted(provided)},
    )


def stub_only(subject: Subject) -> Finding | None:
    """See that only the type stubs of a package are installed (PEP 561), which are for type checkers."""
    if not subject.place.is_empty or subject.place.parents:
        return None
    names = {normalise(subject.root), normalise(subject.wanted)}
    keys = (key for name in names for key in (f"types-{name}", f"{name}-stubs"))
    stubs = next((subject.index[key] for key in keys if key in subject.index), None)
    if stubs is not None:
        what = f"{stubs.name} {stubs.version or ''}".rstrip()
    else:
        folders = (os.path.join(entry, f"{subject.root}-stubs") for entry in subject.environment.site_directories)
        what = next((folder for folder in folders if os.path.isdir(folder)), "")
    if not what:
        return None
    return Finding(
        "stub-only",
        "error",
        f"Of {subject.title} only the type stubs are installed, {what}: they cannot be imported.",
        {"stubs": stubs.path if stubs else what},
        install(subject),
    )


def _is_for(requirement: object, extra: str, subject: Subject) -> bool:
    """Whether a requirement is there for the extra, and not without it."""
    marker = getattr(requirement, "marker", None)
    if marker is None:
        return False
    version = subject.environment.version
    where = {"python_version": f"{version[0]}.{version[1]}", "python_full_version": ".".join(map(str, version))}
    return bool(
        (marker.evaluate({**where, "extra": extra}) or marker.evaluate({**where, "extra": normalise(extra)}))
        and not marker.evaluate({**where, "extra": ""})
    )
