"""Rules for the shared libraries that compiled modules need: not here, or older than they were built against."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from ipy_envmagic.checks.compiled import extensions, head, remember, unknown
from ipy_envmagic.checks.report import Finding, Fix
from ipy_envmagic.environments import elf, libraries

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ipy_envmagic.checks.subject import Subject

__all__ = ["library_fix", "library_too_old", "runtime_missing", "shared_library_missing"]

_RUNTIME = "vcruntime140_1.dll"
_defined: dict[str, frozenset[str]] = {}


def shared_library_missing(subject: Subject) -> Finding | None:
    """See an extension module that needs a shared library which the dynamic linker would not find."""
    found = list(_linked(subject))
    lacking = {path for path, _ in found}
    for path, library in found:
        depth = path.count("/") - (subject.distribution.site_directory.count("/") + 1 if subject.distribution else 99)
        if depth > 1 and len(lacking) * 4 < len(extensions(subject)):
            continue  # one of many, far down: often an optional part (numba's OpenMP threads)
        source = libraries.what_brings(library)
        return Finding(
            "shared-library-missing",
            "error",
            f"{subject.title} needs the shared library {library}, which is not on this system.",
            {"library": library, "needed_by": path, "debian_package": source.debian if source else None},
            library_fix(library, subject),
        )
    return None


def library_too_old(subject: Subject) -> Finding | None:
    """See an extension module that was built against a later C or C++ library than the one that is here."""
    if subject.environment.platform != "linux":
        return None
    glibc = libraries.glibc_version()
    where = _linker(subject) if unknown(subject) else None
    for path in unknown(subject):
        if time.perf_counter() > subject.deadline:
            return None
        found = head(path)
        if found is None or glibc is None or where is None:
            continue
        newest = max((libraries.version_key(one) for _, one in found.versions if _is_glibc(one)), default=())
        if newest > glibc:
            return _too_old(subject, path, "glibc", newest, glibc)
        wanted = {one for _, one in found.versions if one.startswith("GLIBCXX_")}
        library = libraries.find("libstdc++.so.6", os.path.dirname(path), found.search, where) if wanted else None
        defined = _defines(library) if library and os.path.isabs(library) else frozenset()
        if defined and not wanted <= defined:
            newest = max(map(libraries.version_key, wanted))
            here = max(libraries.version_key(one) for one in defined if one.startswith("GLIBCXX_"))
            return _too_old(subject, path, f"{library} (GLIBCXX)", newest, here)
    return None


def runtime_missing(subject: Subject) -> Finding | None:
    """See compiled modules on a Windows without the C++ runtime that Visual Studio's later compilers need."""
    environment = subject.environment
    if environment.platform != "win32" or not extensions(subject):
        return None
    system = os.path.join(subject.session.environ.get("SystemRoot", "C:\\Windows"), "System32")
    folders = [os.path.dirname(environment.executable), environment.prefix, environment.base_prefix, system]
    if any(os.path.isfile(os.path.join(folder, _RUNTIME)) for folder in folders):
        return None
    return Finding(
        "shared-library-missing",
        "error",
        f"{subject.title} is compiled and needs {_RUNTIME}, which is not on this system.",
        {"library": _RUNTIME},
        Fix((), restart=True, steps="Install Microsoft's Visual C++ Redistributable (x64), then restart the kernel."),
    )


def library_fix(library: str, subject: Subject) -> Fix:
    """Return what brings a shared library.

    Parameters
    ----------
    library : str
        As it is asked for.
    subject : Subject
        What needs it.
    """
    key = subject.distribution.key if subject.distribution else ""
    if key in {"opencv-python", "opencv-contrib-python"} and not subject.environment.is_conda:
        lines = (f"%pip uninstall {key}", f"%pip install {key}-headless")
        return Fix(lines, restart=True, steps=f"The headless build needs no {library}. Then restart the kernel.")
    source = libraries.what_brings(library)
    if source is None:
        return Fix((), restart=True, steps=f"Install the system's package that has {library}, then restart.")
    if subject.environment.is_conda and source.conda and subject.environment.kind != "pixi":
        return Fix((f"%conda install -c conda-forge {source.conda}",), restart=True, steps="Then restart the kernel.")
    if source.distribution:
        return Fix((f"%pip install {source.distribution}",), restart=True, steps="Then restart the kernel.")
    line = f"sudo apt install {source.debian}"
    return Fix((), restart=True, steps=f"On Debian and Ubuntu: `{line}` in a terminal, then restart the kernel.")


def _linked(subject: Subject) -> Iterator[tuple[str, str]]:
    """Yield the libraries that are not found, each with the file that needs it; remember the files that lack none."""
    if subject.environment.platform != "linux" or not unknown(subject):
        return
    where = _linker(subject)
    if where is None:
        return
    own = {os.path.basename(entry) for entry in subject.record if ".so" in entry}
    for path in unknown(subject):
        if time.perf_counter() > subject.deadline:
            return
        found = head(path)
        if found is None:
            continue
        missing = [
            library
            for library in found.needed
            if library not in own and libraries.find(library, os.path.dirname(path), found.search, where) is None
        ]
        for library in missing:
            if not _is_elsewhere_here(library, subject):
                yield path, library
        if not missing:
            remember(path)


def _is_elsewhere_here(library: str, subject: Subject) -> bool:
    """Whether another distribution of this environment brings it, which the package then loads first."""
    for site in subject.environment.site_directories:
        try:
            names = os.listdir(site)
        except (OSError, ValueError):
            continue
        folders = [os.path.join(site, name) for name in names if name.endswith(".libs")]
        nvidia = os.path.join(site, "nvidia")
        folders += [os.path.join(nvidia, name, "lib") for name in _listed(nvidia)]
        folders += [os.path.join(site, name, "lib") for name in ("torch", "pyarrow", "tensorflow") if name in names]
        if "pyarrow" in names:
            folders.append(os.path.join(site, "pyarrow"))
        if any(os.path.exists(os.path.join(folder, library)) for folder in folders):
            return True
    return False


def _listed(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except (OSError, ValueError):
        return []


def _linker(subject: Subject) -> libraries.Linker | None:
    environment, environ = subject.environment, subject.session.environ
    prefixes = (environment.prefix, environment.base_prefix)
    return subject.remembered("linker", lambda: libraries.linker(environ, prefixes))


def _defines(library: str) -> frozenset[str]:
    if library not in _defined:
        found = elf.read(library)
        _defined[library] = frozenset(found.defines) if found else frozenset()
    return _defined[library]


def _too_old(subject: Subject, path: str, what: str, wanted: tuple[int, ...], here: tuple[int, ...]) -> Finding:
    need, have = ".".join(map(str, wanted)), ".".join(map(str, here))
    lines: tuple[str, ...] = ()
    if subject.environment.is_conda and "GLIBCXX" in what and subject.environment.kind != "pixi":
        lines = ("%conda install -c conda-forge libstdcxx",)
    name = subject.distribution.name if subject.distribution else subject.title
    return Finding(
        "library-too-old",
        "error",
        f"{path} needs {what} {need}, and this system has {have}.",
        {"location": path, "needs": need, "has": have},
        Fix(lines, restart=True, steps=f"Install an earlier version of {name}, or use a newer system."),
    )


def _is_glibc(version: str) -> bool:
    return version.startswith("GLIBC_") and version[6:7].isdigit()
