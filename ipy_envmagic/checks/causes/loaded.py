"""Rules for what the kernel has loaded: it may be another one than the disk has now."""

from __future__ import annotations

import os
import re
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING

from ipy_envmagic.checks.fixes import install, restart
from ipy_envmagic.checks.place import is_editable
from ipy_envmagic.checks.report import Finding, Fix
from ipy_envmagic.environments.distributions import fingerprint
from ipy_envmagic.environments.resolve import Module, resolve

if TYPE_CHECKING:
    from ipy_envmagic.checks.subject import Subject
    from ipy_envmagic.environments.distributions import Distribution

__all__ = ["mixed_import", "removed_since_import", "stale_import"]

_VERSION_LINE = re.compile(
    rb"""^[ \t]*["']?_*version_*["']?[ \t]*(?::[^=\n"']*)?[=:][ \t]*(?:\w+[ \t]*=[ \t]*)*"""
    rb"""["'](v?\d[^"'\n]*)["'][ \t]*(?:[,;#)}].*)?\r?$""",
    re.MULTILINE | re.IGNORECASE,
)
_NUMBERED = re.compile(r"v?\d", re.IGNORECASE)
_HEAD = 1 << 18
_CLOCK = 2.0  # seconds that a file's time may lie before the process's start by rounding alone


def mixed_import(subject: Subject) -> Finding | None:
    """See a package of which some modules were loaded before it was changed in this session, and others after."""
    distribution, session = subject.distribution, subject.session
    memory = session.changed.get(distribution.key) if distribution else None
    if (
        distribution is None
        or memory is None
        or subject.root not in memory[1]
        or fingerprint(distribution) != memory[0]
    ):
        return None
    start = f"{subject.root}."
    newer = sorted(
        name
        for name, module in tuple(session.modules.items())
        if name.startswith(start) and name not in memory[1] and isinstance(module, ModuleType) and _file_of(module)
    )
    if not newer:
        return None
    return Finding(
        "mixed-import",
        "error",
        f"{subject.root} is loaded in parts of two versions: {subject.root} as it was before {distribution.name} "
        f"{distribution.version} came, and {newer[0]} as it is now.",
        {"before": sorted(memory[1]), "after": newer, "on_disk": distribution.version},
        restart(f"Then all of {distribution.name} {distribution.version} is imported."),
    )


def removed_since_import(subject: Subject) -> Finding | None:
    """Warn of a module that works in this kernel and whose files are gone: after the restart it does not."""
    loaded = subject.session.modules.get(subject.root)
    file = _file_of(loaded) if isinstance(loaded, ModuleType) else None
    if not subject.place.is_empty or file is None or os.path.exists(file):
        return None
    again = install(subject)
    return Finding(
        "removed-since-import",
        "warning",
        f"{subject.root} is loaded in this kernel and works until its end, but its files are gone from the disk.",
        {"loaded_from": file},
        Fix(again.magic, restart=False, steps=again.steps),
    )


def stale_import(subject: Subject) -> Finding | None:
    """See that the module which the kernel has loaded is not the one on the disk: only a restart brings that one."""
    place, session = subject.place, subject.session
    if place.module is None or place.module_name is None or place.is_standard:
        return None
    root = place.module_name.partition(".")[0]
    names = dict.fromkeys((place.module_name, root))
    for name in names:
        loaded = session.modules.get(name)
        if not isinstance(loaded, ModuleType):
            continue
        module = place.module if name == place.module_name else resolve(name, session.path, session.modules)
        if module is None or module.name != name or _is_another(loaded, name, module):
            continue
        elsewhere = _loaded_from_elsewhere(loaded, module)
        if elsewhere is not None:
            return Finding(
                "stale-import",
                "error",
                f"{name} is loaded from {elsewhere}; an import now would load {module.place}.",
                {"module": name, "loaded_from": elsewhere, "on_disk": module.place},
                restart(f"Then {name} is imported from {module.place}."),
            )
        if place.distribution is not None:
            finding = _other_version(name, loaded, module, place.distribution, session.started)
            if finding is not None:
                return finding
    return None


def _file_of(module: ModuleType) -> str | None:
    file = vars(module).get("__file__")
    return file if isinstance(file, str) else None


def _is_another(loaded: ModuleType, name: str, module: Module) -> bool:
    """Whether a package has put another module in the place of its own, or given its own another file's name."""
    spec = vars(loaded).get("__spec__")
    origin = getattr(spec, "origin", None)
    return getattr(spec, "name", name) != name or (origin is not None and origin == module.origin != _file_of(loaded))


def _loaded_from_elsewhere(loaded: ModuleType, module: Module) -> str | None:
    """Return the loaded module's file where it is not the resolved one, nor in its package's folder."""
    file = _file_of(loaded)
    if file is None or module.origin is None or module.kind == "zip":
        return None
    folders = os.path.dirname(file), os.path.dirname(module.origin)
    is_package = bool(module.locations)
    if _within(*folders, is_package=is_package) or _within(*map(os.path.realpath, folders), is_package=is_package):
        return None
    return file


def _within(folder: str, other: str, *, is_package: bool) -> bool:
    return folder == other or (is_package and folder.startswith(other + os.sep))


def _other_version(
    name: str, loaded: ModuleType, module: Module, distribution: Distribution, started: float | None
) -> Finding | None:
    """Compare the version that the loaded module names with what its files name now.

    Projects forget to change ``__version__``, shorten it or take it from the metadata; so it speaks only together with
    the disk, and only where the distribution came after the process.
    """
    new = distribution.version
    if not new or is_editable(distribution) or not _changed_since(distribution.path, started):
        return None
    old = vars(loaded).get("__version__")
    old = old if isinstance(old, str) and _NUMBERED.match(old) else None
    if old is not None and _same(old, new):
        stale = _functions_differ(loaded, module)
    elif old is not None:
        now = _versions_on_disk(module)
        stale = bool(now) and not any(_same(old, version) for version in now)
        stale = (
            stale or (not now and started is not None and not _shortened(old, new)) or _functions_differ(loaded, module)
        )
    else:
        stale = _functions_differ(loaded, module)
    if not stale:
        return None
    what = f"{name} {old} is loaded" if old and not _same(old, new) else f"an earlier {name} is loaded"
    return Finding(
        "stale-import",
        "error",
        f"{what} in this kernel, and {new} is on the disk.",
        {"module": name, "loaded": old, "on_disk": new, "location": distribution.path},
        restart(f"Then {name} {new} is imported."),
    )


def _changed_since(path: str, started: float | None) -> bool:
    """Whether something came to the path after the process started; True where that cannot be told."""
    if started is None:
        return True
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return True
    return max(status.st_mtime, status.st_ctime) > started - _CLOCK


def _versions_on_disk(module: Module) -> set[str]:
    """Return every version that the package's own version files name as a literal."""
    if module.origin is None:
        return set()
    files = [module.origin]
    if module.locations:
        try:
            names = os.listdir(module.locations[0])
        except (OSError, ValueError):
            names = []
        files += [
            os.path.join(module.locations[0], name)
            for name in names
            if name.endswith(".py") and ("version" in name.lower() or name == "__about__.py")
        ]
    return {version for file in files for version in _literals(file)}


def _literals(file: str) -> set[str]:
    try:
        with open(file, "rb") as stream:
            text = stream.read(_HEAD)
    except (OSError, ValueError):
        return set()
    return (
        {match.decode("utf-8", "replace") for match in _VERSION_LINE.findall(text)} if file.endswith(".py") else set()
    )


def _same(one: str, other: str) -> bool:
    """Whether two texts name one version (PEP 440); text that is none is compared as it stands."""
    if one == other:
        return True
    from packaging.version import InvalidVersion, Version  # noqa: PLC0415 (its import costs more than a check of bare names)

    try:
        return Version(one) == Version(other)
    except InvalidVersion:
        return False


def _shortened(one: str, other: str) -> bool:
    """Whether one is the beginning of the other, as 4.8.0 is of 4.8.0.74."""
    return (one + ".").startswith(other + ".") or (other + ".").startswith(one + ".")


def _functions_differ(loaded: ModuleType, module: Module) -> bool:
    """Whether a function of the loaded module is written differently, or elsewhere, in the file as it is now."""
    origin = module.origin
    if origin is None or not origin.endswith(".py") or vars(loaded).get("__file__") != origin:
        return False
    functions = {
        value.__code__
        for value in tuple(vars(loaded).values())
        if isinstance(value, FunctionType)
        and value.__module__ == loaded.__name__
        and value.__code__.co_filename == origin
    }
    if not functions:
        return False
    try:
        with open(origin, "rb") as file:
            compiled = compile(file.read(), origin, "exec", dont_inherit=True)
    except (OSError, SyntaxError, ValueError):
        return False
    now: dict[str, list[object]] = {}
    for constant in compiled.co_consts:
        if isinstance(constant, type(compiled)):
            now.setdefault(constant.co_name, []).append(constant)
    return any(code.co_name in now and code not in now[code.co_name] for code in functions)
