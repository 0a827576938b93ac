"""Rules for a search path that is not what the disk and `site` would make of it now."""

from __future__ import annotations

import os
from importlib.machinery import BYTECODE_SUFFIXES, EXTENSION_SUFFIXES, SOURCE_SUFFIXES, FileFinder
from typing import TYPE_CHECKING

from ipy_envmagic.checks.report import Finding, Fix
from ipy_envmagic.environments.resolve import resolve

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ipy_envmagic.checks.subject import Subject
    from ipy_envmagic.environments.pth import Pth

__all__ = ["needs_restart", "stale_finder", "sys_path_edited"]

_INVALIDATE = "import importlib; importlib.invalidate_caches()"
_SUFFIXES = (*EXTENSION_SUFFIXES, *SOURCE_SUFFIXES, *BYTECODE_SUFFIXES)
_CLOCK = 2.0  # seconds that a file's time may lie before the process's start by rounding alone


def stale_finder(subject: Subject) -> Finding | None:
    """See a module that is on the disk, in a directory of which the kernel has an older listing.

    The listing is made anew when the directory's time changes ("importlib.invalidate_caches", library reference): a
    change within one step of the clock, or a directory that was not there at first, goes unseen.
    """
    module, session = subject.place.module, subject.session
    if module is None or module.entry is None or subject.root in session.modules or module.kind in {"zip", "editable"}:
        return None
    if module.entry not in session.importers:
        return None
    finder = session.importers[module.entry]
    root = module.name
    if finder is None:
        why = f"{module.entry} was not there when this kernel first looked"
    elif isinstance(finder, FileFinder) and not _lists(finder, root.rpartition(".")[2]):
        why = f"this kernel has an older listing of {module.entry}"
    else:
        return None
    return Finding(
        "stale-finder",
        "error",
        f"{root} is in {module.entry}, but an import would not see it: {why}.",
        {"location": module.place, "entry": module.entry},
        Fix((_INVALIDATE,), steps="Python then lists its directories anew."),
    )


def needs_restart(subject: Subject) -> Finding | None:
    """See what came after the kernel started and that only a new start, or `site` once more, puts on the path."""
    return _new_pth(subject) or _new_directory(subject)


def sys_path_edited(subject: Subject) -> Finding | None:
    """See that the directory which has it was taken off `sys.path` in this session."""
    for directory in _off_the_path(subject):
        if _has(subject, directory):
            return Finding(
                "sys-path-edited",
                "error",
                f"{subject.title} is in {directory}, which is not on this kernel's sys.path any more.",
                {"location": directory, "entries": len(subject.session.path)},
                Fix((f"import sys; sys.path.append({directory!r})",), steps="Or restart the kernel."),
            )
    return None


def _new_pth(subject: Subject) -> Finding | None:
    from ipy_envmagic.environments import pth  # noqa: PLC0415 (only a missing module needs it)

    session = subject.session
    for one in pth.read(subject.environment.site_directories):
        if one.hidden or not _is_new(one.changed, session.started) or not _brings(one, subject):
            continue
        site = os.path.dirname(one.path)
        return Finding(
            "needs-restart",
            "error",
            f"{one.path} brings {subject.title} and came after this kernel started, which has not read it.",
            {"location": one.path, "folders": list(one.folders)},
            Fix((f"import site; site.addsitedir({site!r})",), steps="This reads it now; so does a restart."),
        )
    return None


def _new_directory(subject: Subject) -> Finding | None:
    for directory in _off_the_path(subject):
        try:
            made = max(os.stat(directory).st_mtime, os.stat(directory).st_ctime)
        except (OSError, ValueError):
            continue
        is_users = not directory.startswith(os.path.join(subject.environment.prefix, ""))
        if is_users and _is_new(made, subject.session.started) and _has(subject, directory):
            return Finding(
                "needs-restart",
                "error",
                f"{subject.title} is in {directory}, which came after this kernel started.",
                {"location": directory},
                Fix((f"import site; site.addsitedir({directory!r})",), steps="This takes it up; so does a restart."),
            )
    return None


def _off_the_path(subject: Subject) -> Iterator[str]:
    """Yield the environment's own site directories that are there and not on the path."""
    on_path = set(map(os.path.realpath, filter(None, subject.session.path)))
    for directory in subject.environment.site_directories:
        if os.path.isdir(directory) and os.path.realpath(directory) not in on_path:
            yield directory


def _has(subject: Subject, directory: str) -> bool:
    module = resolve(subject.root, [directory])
    return module is not None and (module.kind != "namespace" or subject.place.distribution is not None)


def _brings(one: Pth, subject: Subject) -> bool:
    """Whether a file's folders have the module, or its executed lines are an editable install of it."""
    on_path = set(subject.session.path)
    if any(folder not in on_path and resolve(subject.root, [folder]) is not None for folder in one.folders):
        return True
    distribution = subject.distribution
    return bool(one.imports) and distribution is not None and os.path.basename(one.path) in subject.record


def _is_new(changed: float, started: float | None) -> bool:
    return started is None or changed > started - _CLOCK


def _lists(finder: FileFinder, root: str) -> bool:
    """Whether an import through the finder would come upon the name: its listing has it, or is to be made anew."""
    listing = getattr(finder, "_path_cache", None)
    listed_at = getattr(finder, "_path_mtime", None)
    try:
        now = os.stat(finder.path or ".").st_mtime
    except (OSError, ValueError):
        return True
    if not isinstance(listing, set) or listed_at != now:
        return True
    return root in listing or any(root + suffix in listing for suffix in _SUFFIXES)
