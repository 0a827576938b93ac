"""Rules for a project that is installed from its own folder (PEP 660): the folder may move, or grow."""

from __future__ import annotations

import os
import re
import shlex
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from ipy_envmagic.checks.report import Finding, Fix
from ipy_envmagic.environments import pth
from ipy_envmagic.environments.distributions import direct_url, normalise
from ipy_envmagic.environments.resolve import resolve

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ipy_envmagic.checks.subject import Subject
    from ipy_envmagic.checks.whole import Whole
    from ipy_envmagic.environments.distributions import Distribution

__all__ = ["editable_out_of_date", "editable_source_gone", "findings", "source_of"]

_NAME = re.compile(r"""^\s*name\s*=\s*["']([^"']+)["']""", re.MULTILINE)
_PROJECT = ("pyproject.toml", "setup.cfg", "setup.py")
_MOST = 200  # folders that are looked through for one that moved
_HEAD = 1 << 16


def editable_source_gone(subject: Subject) -> Finding | None:
    """See an editable install whose folder is not there any more, or was moved."""
    distribution = subject.distribution
    if distribution is None or not subject.is_editable or subject.place.module is not None:
        return None
    source = source_of(distribution)
    gone = source if source is not None and not os.path.isdir(source) else _dead_target(subject, distribution)
    if gone is None:
        return None
    new = _moved_to(distribution, source or gone, subject.session.cwd)
    lines = (f"%pip install -e {shlex.quote(new)}",) if new else ()
    found = f"It may be in {new} now." if new else f"Go to where {distribution.name} is now, and install it from there."
    return Finding(
        "editable-source-gone",
        "error",
        f"{distribution.name} is installed from its folder {gone}, which is not there any more.",
        {"location": distribution.path, "source": gone, "moved_to": new},
        Fix(lines, subject.is_loaded, f"{found} %pip install -e FOLDER installs it anew."),
    )


def editable_out_of_date(subject: Subject) -> Finding | None:
    """See a new module of a project whose editable install lists the modules it had when it was installed."""
    if not subject.place.is_empty:
        return None
    for distribution in _editables(subject):
        source = source_of(distribution)
        for folder in (source, os.path.join(source, "src")) if source else ():
            module = resolve(subject.root, (folder,)) if os.path.isdir(folder) else None
            if module is None or module.entry != folder or module.kind == "namespace":
                continue
            return Finding(
                "editable-out-of-date",
                "error",
                f"{subject.root} is in {folder}, from where {distribution.name} is installed, but came later than "
                "that install, which does not list it.",
                {"location": module.place, "distribution": distribution.name},
                Fix(
                    (f"%pip install -e {shlex.quote(source or folder)}",),
                    restart=True,
                    steps="Install it once more, then restart the kernel.",
                ),
            )
    return None


def findings(whole: Whole) -> Iterator[Finding]:
    """Yield an error for each editable install whose folder is not there any more.

    Parameters
    ----------
    whole : Whole
        The environment.
    """
    for distribution in whole.index.values():
        source = source_of(distribution)
        if source is None or os.path.isdir(source):
            continue
        new = _moved_to(distribution, source, whole.session.cwd)
        lines = (f"%pip install -e {shlex.quote(new)}",) if new else ()
        yield Finding(
            "editable-source-gone",
            "error",
            f"{distribution.name} is installed from its folder {source}, which is not there any more.",
            {"location": distribution.path, "source": source, "moved_to": new},
            Fix(lines, restart=bool(lines), steps="%pip install -e FOLDER installs it anew, from where it is now."),
        )


def source_of(distribution: Distribution) -> str | None:
    """Return the folder that an editable install stands for (PEP 610), None where it is none.

    Parameters
    ----------
    distribution : Distribution
        Any.
    """
    if distribution.path.endswith(".egg-link"):
        try:
            with open(distribution.path, encoding="utf-8", errors="surrogateescape") as file:
                return file.readline().strip() or None
        except (OSError, ValueError):
            return None
    url = direct_url(distribution) or {}
    information = url.get("dir_info")
    if not isinstance(information, dict) or information.get("editable") is not True:
        return None
    address = url.get("url")
    if not isinstance(address, str) or not address.startswith("file://"):
        return None
    path = unquote(urlsplit(address).path)
    return path[1:] if re.match(r"/[A-Za-z]:", path) else path


def _editables(subject: Subject) -> Iterator[Distribution]:
    """Yield the distributions whose install maps names one by one: those with a finder of setuptools' or alike."""
    for site in subject.environment.site_directories:
        try:
            names = os.listdir(site)
        except (OSError, ValueError):
            continue
        keys = [name for name in names if name.startswith(("__editable__", "_editable_impl_", "__editables_"))]
        for name in keys:
            for key, distribution in subject.index.items():
                if distribution.site_directory == site and key.replace("-", "_") in name.lower().replace("-", "_"):
                    yield distribution


def _dead_target(subject: Subject, distribution: Distribution) -> str | None:
    """Return a folder that a path file of the distribution's own names, and that is not there."""
    own = {os.path.basename(entry) for entry in subject.record if entry.endswith(".pth")}
    for one in pth.read((distribution.site_directory,)):
        if os.path.basename(one.path) in own:
            gone = next((folder for folder in one.folders if not os.path.exists(folder)), None)
            if gone is not None:
                return gone
    return None


def _moved_to(distribution: Distribution, source: str, cwd: str) -> str | None:
    """Look for the project in the working directory, above it, and where it was: beside its old place."""
    for folder in _near(source, cwd):
        for name in _PROJECT:
            try:
                with open(os.path.join(folder, name), encoding="utf-8", errors="replace") as file:
                    found = _NAME.search(file.read(_HEAD))
            except (OSError, ValueError):
                continue
            if found and normalise(found[1]) == distribution.key:
                return folder
    return None


def _near(source: str, cwd: str) -> Iterator[str]:
    folder = cwd
    while folder:
        yield folder
        parent = os.path.dirname(folder)
        folder = parent if parent != folder else ""
    for place in dict.fromkeys(filter(None, (os.path.dirname(source), os.path.dirname(os.path.dirname(source)), cwd))):
        try:
            with os.scandir(place) as entries:
                for _, entry in zip(range(_MOST), entries, strict=False):
                    if entry.is_dir():
                        yield entry.path
        except (OSError, ValueError):
            continue
