"""Rules for what was left behind: by an interrupted installer, by another Python, by a compiler."""

from __future__ import annotations

import os
import sys
from importlib.util import MAGIC_NUMBER, cache_from_source, source_hash
from typing import TYPE_CHECKING

from ipy_envmagic.checks.fixes import install, reinstall
from ipy_envmagic.checks.report import Finding, Fix
from ipy_envmagic.environments.distributions import leftovers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ipy_envmagic.checks.subject import Subject
    from ipy_envmagic.checks.whole import Whole

__all__ = [
    "findings",
    "foreign_bytecode",
    "left_in_old_python",
    "leftover_dist",
    "leftover_folder",
    "stale_bytecode",
    "zipped_extension",
]

_UNCHECKED_HASH = 1  # the flags of a .pyc whose source is never looked at again (PEP 552)
_HEAD = 16


def leftover_dist(subject: Subject) -> Finding | None:
    """See what an interrupted pip left of a package that is not importable: its folder, renamed to begin with "~"."""
    root = subject.root
    names = {f"~{name[1:]}".lower() for name in (root, subject.wanted, subject.wanted.replace("-", "_")) if name}
    found = [
        path
        for path in leftovers(dict.fromkeys((*subject.environment.site_directories, *subject.session.path)))
        if os.path.basename(path).partition("-")[0].partition(".")[0].lower() in names
    ]
    if not found:
        return None
    fix = reinstall(subject) if subject.distribution else install(subject)
    return Finding(
        "leftover-dist",
        "error",
        f"{subject.wanted} is half removed: an installer was interrupted and left {found[0]}.",
        {"left": found},
        Fix((*map(_removal, found), *fix.magic), fix.restart, f"Take away what was left. {fix.steps}"),
    )


def leftover_folder(subject: Subject) -> Finding | None:
    """Warn of what an interrupted pip left beside a package that is whole again."""
    distribution = subject.distribution
    if distribution is None:
        return None
    path = os.path.join(distribution.site_directory, f"~{subject.root[1:]}")
    if not os.path.lexists(path):
        return None
    return Finding(
        "leftover-dist",
        "warning",
        f"{path} is what an interrupted installer left; nothing needs it.",
        {"left": [path]},
        Fix((_removal(path),), restart=False, steps="Take it away."),
    )


def findings(whole: Whole) -> Iterator[Finding]:
    """Yield a warning for all that interrupted installers left.

    Parameters
    ----------
    whole : Whole
        The environment.
    """
    found = leftovers(whole.environment.site_directories)
    if found:
        yield Finding(
            "leftover-dist",
            "warning",
            f"{found[0]}{f' and {len(found) - 1} more' if len(found) > 1 else ''}: left by an interrupted installer.",
            {"left": found},
            Fix(tuple(map(_removal, found)), restart=False, steps="Take away what was left; nothing needs it."),
        )


def left_in_old_python(subject: Subject) -> Finding | None:
    """See a package that is there for another minor version of Python, below the same prefix."""
    environment = subject.environment
    if environment.platform == "win32" or not subject.place.is_empty:
        return None
    library = os.path.join(environment.prefix, "lib")
    mine = f"python{environment.version[0]}.{environment.version[1]}"
    try:
        others = sorted(name for name in os.listdir(library) if name.startswith("python") and name != mine)
    except (OSError, ValueError):
        return None
    for name in others:
        site = os.path.join(library, name, "site-packages")
        for file in (os.path.join(site, subject.root), os.path.join(site, f"{subject.root}.py")):
            if name[6:7].isdigit() and "." in name and os.path.exists(file):
                return Finding(
                    "left-in-old-python",
                    "error",
                    f"{subject.title} is in {site}: this environment had {name} before, and has {mine} now.",
                    {"location": file, "python": mine},
                    install(subject),
                )
    return None


def foreign_bytecode(subject: Subject) -> Finding | None:
    """See a module that is there as compiled code alone, compiled by another Python (PEP 3147, "legacy pyc files")."""
    module = subject.place.module
    if module is None or module.kind != "bytecode" or module.origin is None:
        return None
    head = _head(module.origin)
    if head[:4] == MAGIC_NUMBER:
        return None
    version = ".".join(map(str, sys.version_info[:2]))
    message = f"{module.origin} was compiled by another Python than {version}, and its source is not there."
    evidence = {"location": module.origin, "magic": head[:4].hex()}
    if subject.distribution is not None:
        return Finding("foreign-bytecode", "error", message, evidence, reinstall(subject))
    steps = f"Take {module.origin} away, or put its source, {module.origin[:-1]}, beside it."
    return Finding("foreign-bytecode", "error", message, evidence, Fix((), restart=False, steps=steps))


def stale_bytecode(subject: Subject) -> Finding | None:
    """See compiled code that is taken for the source's without a look, and is not (PEP 552, unchecked hashes)."""
    module = subject.place.module
    if module is None or module.kind not in {"source", "editable"} or module.origin is None:
        return None
    try:
        cached = cache_from_source(module.origin)
    except NotImplementedError:
        return None
    head = _head(cached)
    if len(head) < _HEAD or head[:4] != MAGIC_NUMBER or int.from_bytes(head[4:8], "little") != _UNCHECKED_HASH:
        return None
    try:
        with open(module.origin, "rb") as file:
            source = file.read()
    except (OSError, ValueError):
        return None
    if source_hash(source) == head[8:_HEAD]:
        return None
    return Finding(
        "stale-bytecode",
        "error",
        f"Python runs {cached}, which was compiled from another text than {module.origin} has now.",
        {"compiled": cached, "source": module.origin},
        Fix((f"import os; os.remove({cached!r})",), subject.is_loaded, "Take the compiled file away."),
    )


def zipped_extension(subject: Subject) -> Finding | None:
    """See an extension module inside a zip file or egg, from where none can be loaded (PEP 273)."""
    for entry in subject.session.path:
        if not entry.endswith((".egg", ".zip")) or not os.path.isfile(entry):
            continue
        inside = next((name for name in _names_in(entry) if _is_extension_of(name, subject.root)), None)
        if inside is not None:
            return Finding(
                "zipped-extension",
                "error",
                f"{subject.title} is compiled and lies inside {entry}, from where nothing compiled can be loaded.",
                {"archive": entry, "inside": inside},
                install(subject),
            )
    return None


def _removal(path: str) -> str:
    if os.path.isdir(path) and not os.path.islink(path):
        return f"import shutil; shutil.rmtree({path!r})"
    return f"import os; os.remove({path!r})"


def _head(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read(_HEAD)
    except (OSError, ValueError):
        return b""


def _names_in(archive: str) -> list[str]:
    import zipfile  # noqa: PLC0415 (archives on the path are rare)

    try:
        with zipfile.ZipFile(archive) as file:
            return file.namelist()
    except Exception:  # noqa: BLE001 (a damaged zip file raises whatever its damage leads to)
        return []


def _is_extension_of(name: str, root: str) -> bool:
    top, _, _ = name.partition("/")
    return name.endswith((".so", ".pyd")) and root in {top, top.partition(".")[0]}
