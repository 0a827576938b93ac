"""Rules for what this session itself puts in the way of an import, whatever the disk has."""

from __future__ import annotations

from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

from ipy_envmagic.checks.fixes import restart
from ipy_envmagic.checks.report import Finding, Fix

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ipy_envmagic.checks.subject import Subject

__all__ = ["blocked_by_hook", "blocked_by_none", "half_initialised", "half_loaded", "name_hidden"]

# The finders of Python itself, and those that build or change something when they are asked.
_KNOWN = frozenset({"BuiltinImporter", "FrozenImporter", "PathFinder", "WindowsRegistryFinder"})
_NEVER_ASKED = frozenset(
    {"AssertionRewritingHook", "DistutilsMetaFinder", "MesonpyMetaFinder", "ScikitBuildRedirectingFinder"}
)


def blocked_by_none(subject: Subject) -> Finding | None:
    """See a None in `sys.modules`, which makes an import fail whatever the disk has ("The module cache", reference)."""
    modules = subject.session.modules
    for name in _with_parents(subject.place.module_name or subject.title):
        if name in modules and modules[name] is None:
            return Finding(
                "import-blocked",
                "error",
                f"{name} is blocked in this kernel: sys.modules[{name!r}] is None.",
                {"module": name},
                Fix((f"import sys; del sys.modules[{name!r}]",), steps="Whoever put it there may put it back."),
            )
    return None


def blocked_by_hook(subject: Subject) -> Finding | None:
    """See a finder that comes before the search of the path and refuses the name.

    Such a finder is asked at every import, so asking it once more changes nothing; those behind the search of the path
    are never asked, for some of them install what they are asked for.
    """
    name = subject.place.module_name or subject.title
    if subject.root in subject.session.modules:
        return None
    for finder in subject.session.meta_path:
        called = _name_of(finder)
        if called == "PathFinder":
            return None
        if called in _KNOWN or called in _NEVER_ASKED:
            continue
        error = _refusal(finder, subject.root)
        if error is not None:
            where = _module_of(finder)
            return Finding(
                "import-blocked",
                "error",
                f"{name} is blocked in this kernel: the import hook {called} of {where} refuses it ({error}).",
                {"hook": f"{where}.{called}", "error": error},
                Fix((_without(called),), steps=f"Take the hook away, or change what {where} refuses."),
            )
    return None


def half_initialised(subject: Subject) -> Finding | None:
    """See a module whose import has begun and not ended: in another thread, or in a circle of imports."""
    for name in _with_parents(subject.place.module_name or subject.title):
        loaded = subject.session.modules.get(name)
        spec = vars(loaded).get("__spec__") if isinstance(loaded, ModuleType) else None
        if getattr(spec, "_initializing", False) is True:
            return Finding(
                "half-initialised",
                "error",
                f"{name} is half loaded: its import began in this kernel and has not ended.",
                {"module": name, "location": vars(loaded).get("__file__") if loaded else None},
                restart("If another thread is importing it, waiting is enough."),
            )
    return None


def half_loaded(subject: Subject) -> Finding | None:
    """Warn of a package that is not loaded while parts of it are: an import of it failed half-way."""
    root, modules = subject.root, subject.session.modules
    module = subject.place.module
    if root in modules or module is None or not module.locations or subject.place.is_standard:
        return None
    start = f"{root}."
    parts = [name for name, part in tuple(modules.items()) if name.startswith(start) and part is not None]
    if not parts:
        return None
    return Finding(
        "half-initialised",
        "warning",
        f"{root} is not loaded, but {parts[0]} is: an import of it failed half-way, and another may fail for that.",
        {"loaded": parts},
        restart(f"Then {root} is loaded as a whole."),
    )


def name_hidden(subject: Subject) -> Finding | None:
    """Say that a variable of the notebook has the module's name: ``numpy.array`` then means the variable."""
    root = subject.root
    if root not in subject.session.variables or subject.place.is_empty:
        return None
    value = subject.session.variables[root]
    if isinstance(value, ModuleType) or _comes_from(value, root):
        return None
    return Finding(
        "name-hidden",
        "info",
        f"{root} is a variable of this notebook, of type {type(value).__name__}: it hides the module.",
        {"type": type(value).__name__},
        Fix((f"del {root}",), steps=f"Or name the variable otherwise, and write import {root} again."),
    )


def _with_parents(name: str) -> Iterator[str]:
    parts = name.split(".")
    return (".".join(parts[:end]) for end in range(1, len(parts) + 1))


def _comes_from(value: Any, root: str) -> bool:
    """Whether it is what ``from tqdm import tqdm`` brings: then the name is as it is meant."""
    if not isinstance(value, (type, FunctionType, BuiltinFunctionType)):
        return False
    module = getattr(value, "__module__", None)
    return isinstance(module, str) and module.lstrip("_").partition(".")[0] == root.lstrip("_")


def _name_of(finder: Any) -> str:
    return str(finder.__name__) if isinstance(finder, type) else type(finder).__name__


def _module_of(finder: Any) -> str:
    return str((finder if isinstance(finder, type) else type(finder)).__module__)


def _without(called: str) -> str:
    named = "getattr(f, '__name__', type(f).__name__)"
    return f"import sys; sys.meta_path[:] = [f for f in sys.meta_path if {named} != {called!r}]"


def _refusal(finder: Any, name: str) -> str | None:
    """Return how a finder refuses a name; None where it finds it, or leaves it to others."""
    try:
        find_spec = finder.find_spec
    except Exception:  # noqa: BLE001 (a foreign object)
        return None
    try:
        find_spec(name, None, None)
    except Exception as error:  # noqa: BLE001 (whatever it raises, the import raises too)
        return f"{type(error).__name__}: {error}".partition("\n")[0]
    return None
