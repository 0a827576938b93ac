"""Rules for another module of the name that comes first, or a folder that stands in for one."""

from __future__ import annotations

import os
import shlex
import sys
from typing import TYPE_CHECKING

from ipy_envmagic.checks.fixes import install
from ipy_envmagic.checks.known import is_well_known
from ipy_envmagic.checks.place import owner_of
from ipy_envmagic.checks.report import Finding, Fix
from ipy_envmagic.checks.subject import names_agree
from ipy_envmagic.environments.candidates import candidates, same_file
from ipy_envmagic.environments.distributions import installed
from ipy_envmagic.environments.layout import user_site
from ipy_envmagic.environments.names import distribution_for
from ipy_envmagic.environments.resolve import Module, is_standard_library, resolve

if TYPE_CHECKING:
    from ipy_envmagic.checks.report import Severity
    from ipy_envmagic.checks.subject import Subject
    from ipy_envmagic.environments.distributions import Distribution

__all__ = [
    "hidden_copy",
    "hidden_distribution",
    "hidden_portion",
    "namespace_by_pkg_resources",
    "namespace_stands_in",
    "shadowed_by_earlier_path",
    "shadowed_by_local_file",
]

_SHORT = 2048  # bytes of a file that declares a namespace and does nothing else
_CODE = (".py", ".pyc", ".so", ".pyd")


def shadowed_by_local_file(subject: Subject) -> Finding | None:
    """See a file or folder of the person's own, in the working directory, that has the name of a package.

    In a kernel the working directory comes after the standard library and before the site directories: ``./random.py``
    does no harm there, ``./numpy.py`` does.
    """
    module = _first(subject)
    if module is None or not _is_local(module, subject):
        return None
    hidden = _hidden(subject, module)
    if hidden is None:
        return _named_like_a_package(subject, module)
    severity: Severity = "warning" if _is_loaded_from(subject, hidden) else "error"
    what = "the standard library's own" if is_standard_library(subject.root, hidden) else hidden.place
    return Finding(
        "shadowed-by-local-file",
        severity,
        f"{module.place} is imported as {subject.root}, and hides {what}.",
        {"imported": module.place, "hidden": hidden.place},
        _rename(module.place or "", subject, install_too=False),
    )


def shadowed_by_earlier_path(subject: Subject) -> Finding | None:
    """See another copy of the module that comes first: on PYTHONPATH, in the user site, in an egg, by a ``.pth``."""
    module = _first(subject)
    if module is None or _is_local(module, subject):
        return None
    hidden = _hidden(subject, module)
    if hidden is None:
        return None
    severity: Severity = "warning" if _is_loaded_from(subject, hidden) else "error"
    kind = _kind_of(module.entry or "", subject)
    return Finding(
        "shadowed-by-earlier-path",
        severity,
        f"{module.place} is imported as {subject.root}, and hides {hidden.place}: {kind} comes first.",
        {"imported": module.place, "hidden": hidden.place, "entry": module.entry},
        Fix((), restart=True, steps=_way_out(kind, module.entry or "")),
    )


def hidden_distribution(subject: Subject) -> Finding | None:
    """See two installs of the distribution in two directories of the path, where the first is not what is wanted."""
    found = _two_installs(subject)
    return found if found is not None and found.severity == "error" else None


def hidden_copy(subject: Subject) -> Finding | None:
    """Warn of two installs of the distribution in two directories of the path, where the first serves as well."""
    found = _two_installs(subject)
    return found if found is not None and found.severity == "warning" else None


def _two_installs(subject: Subject) -> Finding | None:
    distribution = subject.distribution
    if distribution is None or subject.is_editable:
        return None
    first = _user_site(subject)
    if distribution.site_directory != first and distribution.site_directory not in _python_path(subject):
        return None  # the environment's own comes first
    others = [entry for entry in subject.environment.site_directories if entry != distribution.site_directory]
    hidden = installed(others).get(distribution.key)
    if hidden is None or not hidden.version or hidden.version == distribution.version:
        return None
    is_wrong = not subject.asked.allows(distribution.version or "0")
    kind = _kind_of(distribution.site_directory, subject)
    lines = (f"%pip uninstall {shlex.quote(distribution.name)}",) if distribution.site_directory == first else ()
    return Finding(
        "shadowed-by-earlier-path",
        "error" if is_wrong else "warning",
        f"{distribution.name} {distribution.version} in {distribution.site_directory} hides {hidden.version} in "
        f"{hidden.site_directory}: {kind} comes first.",
        {"first": distribution.path, "hidden": hidden.path},
        Fix(lines, subject.is_loaded, f"Remove the first, or keep it off the path. {_way_out(kind, first or '')}"),
    )


def namespace_stands_in(subject: Subject) -> Finding | None:
    """See a folder without any code that an import takes for the package (PEP 420, namespace packages)."""
    if subject.distribution is not None or not subject.place.is_importable or "." in subject.title:
        return None
    module = subject.place.module or resolve(subject.root, subject.session.path)
    if module is None or module.kind != "namespace":
        return None
    folder = module.locations[0]
    is_known = is_well_known(subject.title)
    if not is_known and not (_in_site(folder, subject) and not _has_code(folder)):
        return None  # a folder of the person's own, or a package whose record is not there
    again = install(subject)
    return Finding(
        "namespace-shadow",
        "error",
        f"{subject.root} is not installed: import {subject.root} takes the folder {folder} for it, which has no "
        "__init__.py.",
        {"folders": list(module.locations)},
        Fix(again.magic, again.restart, f"{again.steps} The folder does no harm then."),
    )


def hidden_portion(subject: Subject) -> Finding | None:
    """See a namespace package of which one directory has an ``__init__``, and so hides what the others have."""
    parents = subject.place.parents
    if not parents or parents[-1].kind == "namespace" or parents[-1].origin is None:
        return None
    parent = parents[-1]
    relative = os.path.join(*subject.title.split(".")[: len(parents) + 1])
    for entry in subject.session.path:
        path = os.path.join(entry, relative)
        if any(same_file(os.path.dirname(path), location) for location in parent.locations):
            continue
        if os.path.isdir(path) or os.path.isfile(f"{path}.py"):
            return Finding(
                "namespace-shadow",
                "error",
                f"{parent.origin} makes {parent.name} an ordinary package, which hides {path}.",
                {"package": parent.origin, "hidden": path},
                _without_init(parent, subject),
            )
    return None


def namespace_by_pkg_resources(subject: Subject) -> Finding | None:
    """See a namespace that is declared by ``pkg_resources``, where that is not here: setuptools 82 has it no more."""
    if subject.place.is_standard or (subject.place.module is None and not subject.place.parents):
        return None
    found = (*subject.place.parents, subject.place.module)
    module = next((one for one in found if one is not None and one.name == subject.root), None)
    module = module or resolve(subject.root, subject.session.path)
    if module is None or module.origin is None or not module.locations:
        return None
    init = module.origin
    try:
        if not 0 < os.stat(init).st_size < _SHORT:
            return None
        with open(init, "rb") as file:
            text = file.read()
    except (OSError, ValueError):
        return None
    declares = b"declare_namespace" in text and b"pkg_resources" in text and b"except" not in text
    if not declares or resolve("pkg_resources", subject.session.path) is not None:
        return None
    return Finding(
        "module-removed",
        "error",
        f"{init} declares its namespace by pkg_resources, which is not here: setuptools 82 has it no more.",
        {"location": init},
        Fix(("%pip install 'setuptools<82'",), subject.is_loaded, "Or update what it belongs to."),
    )


def _first(subject: Subject) -> Module | None:
    """Return what an import of the root would load, where that is worth a look."""
    place = subject.place
    if (
        place.module is None
        or place.is_standard
        or place.module.kind in {"namespace", "editable", "built-in", "frozen"}
    ):
        return None
    if subject.is_editable:
        return None
    is_root = place.module_name == subject.root
    module = place.module if is_root else resolve(subject.root, subject.session.path)
    return None if module is None or is_standard_library(subject.root, module) else module


def _hidden(subject: Subject, first: Module) -> Module | None:
    """Return the module that is meant and comes later: the installed distribution's, or the standard library's."""
    distribution = subject.distribution
    if distribution is not None and first.entry == distribution.site_directory:
        return None
    is_standard_name = subject.root in sys.stdlib_module_names
    if distribution is None and not is_standard_name and not _is_installed_by_name(subject):
        return None
    for module in candidates(subject.root, subject.session.path):
        if module.entry == first.entry or module.kind == "namespace" or same_file(module.place, first.place):
            continue
        if is_standard_library(subject.root, module):
            return module
        owner = distribution if distribution and module.entry == distribution.site_directory else None
        owner = owner or owner_of(subject.root, module, subject.index)
        if owner is not None and _is_meant(subject, owner):
            return module
    return None


def _is_installed_by_name(subject: Subject) -> bool:
    known = distribution_for(subject.root)
    return any(
        key and key in subject.index for key in (known and known.lower(), subject.root.lower().replace("_", "-"))
    )


def _is_meant(subject: Subject, owner: Distribution) -> bool:
    """Whether the name is the distribution's: a folder ``tests`` that somebody installs is not what is looked for."""
    if owner is subject.distribution or names_agree(subject.root, owner.key):
        return True
    known = distribution_for(subject.root)
    return known is not None and names_agree(known, owner.key)


def _named_like_a_package(subject: Subject, module: Module) -> Finding | None:
    """Warn of a person's own file that has the name of a well-known package which is not installed."""
    if subject.distribution is not None or not is_well_known(subject.title):
        return None
    wants_distribution = bool(subject.asked.specifier or subject.asked.extras or subject.asked.url)
    return Finding(
        "shadowed-by-local-file",
        "error" if wants_distribution else "warning",
        f"{module.place} is imported as {subject.root}; the package {subject.wanted} is not installed here.",
        {"imported": module.place},
        _rename(module.place or "", subject, install_too=True),
    )


def _rename(path: str, subject: Subject, *, install_too: bool) -> Fix:
    then = f" Then {'; '.join(install(subject).magic)}." if install_too else ""
    again = " Then restart the kernel." if subject.is_loaded else ""
    return Fix((), subject.is_loaded, f"If it is not what you mean, give {path} another name.{then}{again}")


def _is_local(module: Module, subject: Subject) -> bool:
    return bool(subject.session.cwd) and module.entry in {"", subject.session.cwd}


def _is_loaded_from(subject: Subject, module: Module) -> bool:
    """Whether the kernel has loaded the hidden one already: then only new processes meet the other."""
    loaded = subject.session.modules.get(subject.root)
    return loaded is not None and same_file(getattr(loaded, "__file__", None), module.origin)


def _python_path(subject: Subject) -> list[str]:
    return [entry for entry in subject.session.environ.get("PYTHONPATH", "").split(os.pathsep) if entry]


def _user_site(subject: Subject) -> str | None:
    environment, session = subject.environment, subject.session
    return user_site(environment.base_prefix, environment.version, environment.platform, session.environ, session.home)


def _kind_of(entry: str, subject: Subject) -> str:
    if any(same_file(entry, one) for one in _python_path(subject)):
        return "a folder of PYTHONPATH"
    if entry == _user_site(subject):
        return "the user site"
    if entry.endswith(".egg"):
        return "an egg"
    if entry in subject.environment.site_directories:
        return "another site directory"
    return "another entry of sys.path"


def _way_out(kind: str, entry: str) -> str:
    if kind == "a folder of PYTHONPATH":
        return f"Take {entry} out of PYTHONPATH, where the kernel is started, and restart the kernel."
    if kind == "the user site":
        return "Or set PYTHONNOUSERSITE=1 where the kernel is started, and restart it."
    if kind == "an egg":
        return f"Remove {entry} and its line in easy-install.pth, then restart the kernel."
    return f"Take {entry} off the path, a .pth file or a cell may have put it there, and restart the kernel."


def _in_site(path: str, subject: Subject) -> bool:
    return os.path.dirname(path) in subject.environment.site_directories


def _has_code(folder: str) -> bool:
    """Whether there is anything to import, two folders deep."""
    for _, (root, folders, files) in zip(range(50), os.walk(folder), strict=False):
        if any(name.endswith(_CODE) for name in files) and os.path.basename(root) != "__pycache__":
            return True
        folders[:] = [name for name in folders if name != "__pycache__"]
    return False


def _without_init(parent: Module, subject: Subject) -> Fix:
    init = parent.origin or ""
    owner = owner_of(parent.name, parent, subject.index)
    if owner is not None:
        return Fix((), restart=True, steps=f"It belongs to {owner.name}: update that, or remove it. Then restart.")
    if _in_site(os.path.dirname(init), subject):
        line = f"import os; os.remove({init!r})"
        return Fix((line,), subject.is_loaded, "No distribution owns that file: take it away.")
    return Fix(
        (), restart=True, steps=f"Give the folder {os.path.dirname(init)} another name, then restart the kernel."
    )
