"""Rules for what a distribution says of itself: nothing, nonsense, or two things at once."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ipy_envmagic.checks.fixes import conda_package, install, reinstall
from ipy_envmagic.checks.index import duplicates_in, duplicates_of
from ipy_envmagic.checks.report import Finding, Fix
from ipy_envmagic.environments.distributions import installer
from ipy_envmagic.environments.requires import needs_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from ipy_envmagic.checks.subject import Subject
    from ipy_envmagic.checks.whole import Whole
    from ipy_envmagic.environments.distributions import Distribution

__all__ = [
    "conda_pip_clash",
    "duplicate_metadata",
    "empty_distribution",
    "findings",
    "metadata_corrupt",
    "metadata_missing",
]


def metadata_missing(subject: Subject) -> Finding | None:
    """Say that a version was asked for and that nothing tells which version is here."""
    if not subject.asked.specifier or subject.place.is_empty or subject.place.is_standard:
        return None
    distribution = subject.place.distribution
    if distribution is not None and distribution.version:
        return None
    return Finding(
        "metadata-missing",
        "warning",
        f"{subject.title} is here, but nothing tells its version: {subject.asked.specifier} is not checked.",
        {"location": subject.place.path},
        install(subject),
    )


def metadata_corrupt(subject: Subject) -> Finding | None:
    """Warn of a METADATA that is empty, damaged or not there: pip can neither update nor remove such a distribution."""
    distribution = subject.distribution
    if distribution is None or not distribution.path.endswith(".dist-info") or subject.headers.get("name"):
        return None
    file = os.path.join(distribution.path, "METADATA")
    if os.path.islink(file):
        return None  # a link to nothing, as the other files are: that is told already
    what = "has no name in it" if os.path.isfile(file) and os.path.getsize(file) else "is empty or not there"
    again = reinstall(subject)
    lines = again.magic
    if conda_package(subject.environment, distribution.name) is None:  # pip takes such a distribution for none at all
        lines = (f"import shutil; shutil.rmtree({distribution.path!r})", *lines)
    return Finding(
        "metadata-corrupt",
        "warning",
        f"{file} {what}: pip can neither update nor remove {distribution.name}.",
        {"location": distribution.path},
        Fix(lines, again.restart, again.steps),
    )


def duplicate_metadata(subject: Subject) -> Finding | None:
    """Warn of two versions that are recorded for one distribution: which of them the files are, nothing tells."""
    distribution = subject.distribution
    if distribution is None:
        return None
    found = duplicates_of(distribution)
    if not _differ(found):
        return None
    versions = [one.version or os.path.basename(one.path) for one in found]
    newest = max(found, key=lambda one: (_modified(one.path), one.path))
    removal = [f"import shutil; shutil.rmtree({one.path!r})" for one in found if os.path.isdir(one.path)]
    again = reinstall(subject, newest.version)
    return Finding(
        "duplicate-metadata",
        "warning",
        f"{distribution.name} is recorded {len(found)} times in {distribution.site_directory}, as "
        f"{' and '.join(versions)}; Python's own tools take the first that they come to.",
        {"locations": [one.path for one in found], "versions": versions},
        Fix((*removal, *again.magic), again.restart, f"Take the records away. {again.steps}"),
    )


def findings(whole: Whole) -> Iterator[Finding]:
    """Yield a warning for each distribution that one site directory records more than once.

    Parameters
    ----------
    whole : Whole
        The environment.
    """
    for directory in whole.environment.site_directories:
        for found in filter(_differ, duplicates_in(directory)):
            versions = [one.version or os.path.basename(one.path) for one in found]
            yield Finding(
                "duplicate-metadata",
                "warning",
                f"{found[0].name} is recorded {len(found)} times in {directory}, as {' and '.join(versions)}.",
                {"locations": [one.path for one in found], "versions": versions},
                Fix((), steps=f"%envcheck {found[0].name} says what mends it."),
            )


def empty_distribution(subject: Subject) -> Finding | None:
    """See a distribution that was built without any code: it has its metadata and nothing else, nor needs anything."""
    distribution = subject.distribution
    if distribution is None or subject.place.module is not None or subject.is_editable or not subject.record:
        return None
    if not subject.asked.is_importable_name:
        return None  # by a name that cannot be imported nothing is asked but whether it is installed
    own = f"{os.path.basename(distribution.path)}/"
    if any(not entry.startswith(own) for entry in subject.record) or subject.headers.get("requires-dist"):
        return None
    if any(one.key == distribution.key for other in subject.index.values() for one in needs_of(other).always):
        return None  # a project that was merged into another is kept empty by those that need it
    return Finding(
        "empty-distribution",
        "warning",
        f"{distribution.name} {distribution.version or ''}".rstrip() + " is installed and brings no file to import.",
        {"location": distribution.path},
        Fix(
            (),
            steps=f"It was built without its code. Look for another version or another name of {distribution.name}, "
            "and tell its authors.",
        ),
    )


def conda_pip_clash(subject: Subject) -> Finding | None:
    """Warn of a distribution that conda and another installer both put here, in two versions."""
    distribution = subject.distribution
    if distribution is None or not subject.environment.is_conda or not distribution.version:
        return None
    from ipy_envmagic.environments.conda import installed  # noqa: PLC0415 (only a conda environment needs it)

    if installer(distribution) in {None, "conda"} or conda_package(subject.environment, distribution.name) is None:
        return None
    recorded = installed(subject.environment.prefix).get(distribution.key, "").partition(" ")[0]
    if not recorded or recorded == distribution.version or recorded.replace("_", "-") == distribution.version:
        return None
    lines = (
        ()
        if subject.environment.kind == "pixi"
        else (
            f"%pip uninstall {distribution.name}",
            f"%conda install --force-reinstall {distribution.key}={recorded}",
        )
    )
    return Finding(
        "conda-pip-clash",
        "warning",
        f"conda recorded {distribution.key} {recorded}, and another installer put {distribution.version} over it.",
        {"conda": recorded, "installed": distribution.version, "location": distribution.path},
        Fix(lines, subject.is_loaded, f"Let conda bring its own {distribution.key} back, or remove conda's."),
    )


def _differ(found: Collection[Distribution]) -> bool:
    """Whether records of one name tell different versions; Debian's packages bring two of one version, for instance."""
    return len({one.version or one.path for one in found}) > 1


def _modified(path: str) -> int:
    try:
        return os.stat(path).st_mtime_ns
    except (OSError, ValueError):
        return 0
