"""Rules for a module that lies where this kernel does not look: a parent folder, a src folder, a user site."""

from __future__ import annotations

import os
import re
import shlex
from typing import TYPE_CHECKING

from ipy_envmagic.checks.fixes import install
from ipy_envmagic.checks.report import Finding, Fix
from ipy_envmagic.environments.layout import user_site
from ipy_envmagic.environments.resolve import Module, resolve

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ipy_envmagic.checks.subject import Subject

__all__ = ["not_on_path", "other_user_site", "user_site_disabled"]

_PROJECT = ("pyproject.toml", "setup.py", "setup.cfg")
_LEVELS = 5  # parents of the working directory


def user_site_disabled(subject: Subject) -> Finding | None:
    """See that the user site has it, which this kernel does not look into ("site", library reference; PEP 370)."""
    environment, session = subject.environment, subject.session
    if session.user_site:
        return None  # it is looked into
    directory = user_site(
        environment.base_prefix, environment.version, environment.platform, session.environ, session.home
    )
    if directory is None or directory in session.path or not _regular(subject.root, directory):
        return None
    if environment.prefix != environment.base_prefix:
        why = "a virtual environment does not look there"
    elif session.environ.get("PYTHONNOUSERSITE"):
        why = "PYTHONNOUSERSITE is set"
    elif "no_user_site" in session.flags or "isolated" in session.flags:
        why = "this kernel was started with -s or -I"
    else:
        return None  # it came after the kernel started, or somebody took it off the path: that is another cause
    return Finding(
        "user-site-disabled",
        "error",
        f"{subject.title} is in the user site, {directory}, but {why}.",
        {"location": directory},
        install(subject),
    )


def other_user_site(subject: Subject) -> Finding | None:
    """See that the user site of another minor version of Python has it."""
    environment, session = subject.environment, subject.session
    if environment.platform in {"win32", "darwin"}:
        return None
    library = os.path.join(session.home, ".local", "lib")
    mine = f"python{environment.version[0]}.{environment.version[1]}"
    try:
        names = sorted(name for name in os.listdir(library) if re.fullmatch(r"python\d\.\d+", name) and name != mine)
    except (OSError, ValueError):
        return None
    for name in names:
        directory = os.path.join(library, name, "site-packages")
        if _regular(subject.root, directory):
            return Finding(
                "other-environment",
                "error",
                f"{subject.title} is in the user site of {name}, {directory}; this kernel runs {mine}.",
                {"location": directory, "python": name},
                install(subject),
            )
    return None


def not_on_path(subject: Subject) -> Finding | None:
    """See a module in a folder of the person's own that is not on the path: beside the notebook, above it, in src."""
    session = subject.session
    on_path = {os.path.realpath(entry) for entry in session.path if entry}
    for folder, project in _folders(subject):
        module = None if os.path.realpath(folder) in on_path else _regular(subject.root, folder)
        if module is None:
            continue
        why = "which is not on this kernel's sys.path"
        if folder == session.cwd and {"safe_path", "isolated"} & session.flags:
            why = "the working directory, which -P, -I or PYTHONSAFEPATH keep off sys.path"
        line = f"import sys; sys.path.append({folder!r})"
        steps = "For this session; a package of your own is best installed."
        if project is not None:
            line = f"%pip install -e {shlex.quote(project)}"
            steps = f"Install the project in {project} as it is being worked on."
        return Finding(
            "not-on-path",
            "error",
            f"{subject.root} is in {folder}, {why}.",
            {"location": module.place, "project": project},
            Fix((line,), restart=False, steps=steps),
        )
    return None


def _folders(subject: Subject) -> Iterator[tuple[str, str | None]]:
    """Yield where a person's own module may be, each with the project that it is the source of."""
    session = subject.session
    starts = [session.cwd, *_notebook_folders(subject)]
    for start in dict.fromkeys(filter(None, starts)):
        yield start, None
        folder = start
        for _ in range(_LEVELS):
            project = folder if any(os.path.isfile(os.path.join(folder, name)) for name in _PROJECT) else None
            if project:
                yield os.path.join(folder, "src"), project
                yield folder, None if folder == start else project
            parent = os.path.dirname(folder)
            if folder in (parent, session.home):
                break
            if not project:
                yield parent, None
            folder = parent


def _notebook_folders(subject: Subject) -> list[str]:
    """Return the folder of the notebook: Jupyter names it in JPY_SESSION_NAME, VS Code in a variable."""
    session = subject.session
    named = [session.environ.get("JPY_SESSION_NAME"), session.variables.get("__vsc_ipynb_file__")]
    return [
        os.path.dirname(os.path.join(session.cwd, name)) for name in named if isinstance(name, str) and name.strip()
    ]


def _regular(root: str, directory: str) -> Module | None:
    """Return what a directory has under the name, where that is a module or a package with its own ``__init__``."""
    module = resolve(root, (directory,)) if os.path.isdir(directory) else None
    return module if module is not None and module.entry == directory and module.kind != "namespace" else None
