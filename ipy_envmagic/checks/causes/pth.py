"""Rules for path configuration files (``.pth``) that do not do what they are there for."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from ipy_envmagic.checks.causes import editable
from ipy_envmagic.checks.report import Finding, Fix
from ipy_envmagic.environments import pth
from ipy_envmagic.environments.distributions import normalise
from ipy_envmagic.environments.resolve import resolve

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from ipy_envmagic.checks.subject import Subject
    from ipy_envmagic.checks.whole import Whole
    from ipy_envmagic.environments.pth import Pth

__all__ = ["broken_pth", "dead_pth", "findings", "hidden_pth", "unprocessed_pth"]

_IMPORTED = re.compile(r"import\s+([A-Za-z_]\w*)")


def hidden_pth(subject: Subject) -> Finding | None:
    """See a hidden ``.pth`` that would bring the module: Python passes over it (from 3.11.8, 3.12.2 and 3.13 on)."""
    for one, folder in _bringing(subject):
        if one.hidden:
            site, name = os.path.split(one.path)
            lines = [f"import sys; sys.path.append({folder!r})"]
            if name.startswith("."):
                lines.insert(0, f"import os; os.rename({one.path!r}, {os.path.join(site, name.lstrip('.'))!r})")
            return Finding(
                "hidden-pth",
                "error",
                f"{one.path} brings {subject.root}, but it is hidden, and Python passes over hidden .pth files.",
                {"location": one.path, "folder": folder},
                Fix(tuple(lines), steps="Make it a file that is not hidden (on macOS: chflags nohidden)."),
            )
    return None


def broken_pth(subject: Subject) -> Finding | None:
    """See a ``.pth`` that would bring the module, of which a line fails: the rest of that file is passed over."""
    for one, folder in _bringing(subject):
        line = None if one.hidden else _failing(one, subject.session.path, subject.session.modules)
        if line is not None:
            return Finding(
                "broken-pth",
                "error",
                f"{one.path} brings {subject.root}, but its line {line!r} fails, and Python passes over the rest.",
                {"location": one.path, "line": line, "folder": folder},
                Fix(
                    (f"import sys; sys.path.append({folder!r})",),
                    steps=f"That is for this session; mend or remove the line in {one.path}.",
                ),
            )
    return None


def dead_pth(subject: Subject) -> Finding | None:
    """See a ``.pth`` that names a folder which is not there any more, and which would have had the module."""
    root = normalise(subject.root)
    for one in pth.read(subject.environment.site_directories):
        name = normalise(os.path.basename(one.path)[: -len(".pth")])
        for folder in one.folders:
            if os.path.exists(folder) or root not in {name, normalise(os.path.basename(folder)), _project_of(folder)}:
                continue
            return Finding(
                "dead-pth",
                "error",
                f"{one.path} names {folder}, which is not there any more.",
                {"location": one.path, "folder": folder},
                Fix(
                    (),
                    restart=True,
                    steps=f"Where the project is now, run %pip install -e there; or remove {one.path}.",
                ),
            )
    return None


def unprocessed_pth(subject: Subject) -> Finding | None:
    """See a ``.pth`` in a folder of the path that is no site directory: `site` never reads it there."""
    site = set(subject.environment.site_directories)
    others = [entry for entry in subject.session.path if entry and entry not in site and entry != subject.session.cwd]
    for one in pth.read(others):
        folder = _folder_with(one, subject)
        if folder is not None:
            directory = os.path.dirname(one.path)
            return Finding(
                "unprocessed-pth",
                "error",
                f"{one.path} brings {subject.root}, but Python reads no .pth file in {directory}: it is no site "
                "directory.",
                {"location": one.path, "folder": folder},
                Fix((f"import site; site.addsitedir({directory!r})",), steps="For this session; better install it."),
            )
    return None


def findings(whole: Whole) -> Iterator[Finding]:
    """Yield a warning for each ``.pth`` of the site directories that does not do what it is there for.

    Parameters
    ----------
    whole : Whole
        The environment.
    """
    entries, modules = whole.session.path, whole.session.modules
    sources = [finding.evidence["source"] for finding in editable.findings(whole)]
    for one in pth.read(whole.environment.site_directories):
        if one.hidden:
            yield Finding(
                "hidden-pth",
                "warning",
                f"{one.path} is hidden: Python passes over it.",
                {"location": one.path},
                Fix((), restart=True, steps="Give it a name without a dot, or remove it."),
            )
            continue
        dead = [folder for folder in one.folders if not os.path.exists(folder)]
        if dead and not any(f"{dead[0]}{os.sep}".startswith(f"{source}{os.sep}") for source in sources):
            yield Finding(
                "dead-pth",
                "warning",
                f"{one.path} names {dead[0]}, which is not there.",
                {"location": one.path, "folders": dead},
                Fix((), restart=True, steps=f"Install what was there again, or remove the line from {one.path}."),
            )
        line = _failing(one, entries, modules)
        if line is not None:
            yield Finding(
                "broken-pth",
                "warning",
                f"{one.path}: the line {line!r} fails, and Python passes over the rest of that file.",
                {"location": one.path, "line": line},
                Fix((), restart=True, steps=f"Mend or remove the line in {one.path}."),
            )


def _bringing(subject: Subject) -> Iterator[tuple[Pth, str]]:
    """Yield the files of the site directories that name a folder which has the module and is not on the path."""
    for one in pth.read(subject.environment.site_directories):
        folder = _folder_with(one, subject)
        if folder is not None:
            yield one, folder


def _folder_with(one: Pth, subject: Subject) -> str | None:
    on_path = set(subject.session.path)
    for folder in one.folders:
        module = resolve(subject.root, (folder,)) if folder not in on_path and os.path.isdir(folder) else None
        if module is not None and module.entry == folder:
            return folder
    return None


def _failing(one: Pth, path: Iterable[str], modules: Mapping[str, object]) -> str | None:
    """Return the first executed line that cannot be compiled, or that imports what is not there."""
    entries = (*path, os.path.dirname(one.path))
    for line in one.imports:
        try:
            compile(line, one.path, "exec", dont_inherit=True)
        except (SyntaxError, ValueError):
            return line
        imported = _IMPORTED.match(line)
        if imported and imported[1] not in modules and resolve(imported[1], entries) is None:
            return line
    return None


def _project_of(folder: str) -> str:
    """Return the name of the project that a ``src`` folder is of."""
    return normalise(os.path.basename(os.path.dirname(folder))) if os.path.basename(folder) == "src" else ""
