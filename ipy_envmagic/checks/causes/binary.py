"""Rules for compiled modules: built for another Python, another machine, another numpy, or without their libraries."""

from __future__ import annotations

import mmap
import os
import re
import shlex
import sys
import time
from importlib.machinery import EXTENSION_SUFFIXES
from typing import TYPE_CHECKING

from ipy_envmagic.checks.fixes import install, reinstall
from ipy_envmagic.checks.report import Finding, Fix
from ipy_envmagic.environments import elf, integrity, libraries
from ipy_envmagic.environments.requires import needs_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from ipy_envmagic.checks.subject import Subject
    from ipy_envmagic.environments.distributions import Distribution
    from ipy_envmagic.environments.elf import Elf

__all__ = [
    "abi_mismatch",
    "cpu_too_old",
    "forget",
    "library_fix",
    "library_too_old",
    "not_executable",
    "numpy_abi",
    "path_too_long",
    "platform_mismatch",
    "shared_library_missing",
]

_TAG = re.compile(
    r"\.(cpython-\d+[a-z]*|cp\d+[a-z]*|pypy\d+-pp\d+|graalpy\d+-\d+-native|abi3)(?:-([\w.-]+))?\.(?:so|pyd)"
)
_MACHINES = {"i686": "x86", "i386": "x86", "amd64": "x86_64", "armv7l": "arm", "ppc64le": "ppc64", "arm64": "aarch64"}
_NUMPY_1, _NUMPY_2 = b"numpy.core._multiarray_umath", b"numpy._core._multiarray_umath"
_SEARCHED = 12  # files of a distribution that are searched for numpy's name
_LARGEST = 1 << 24  # bytes of one of them
_MOST = 100  # extension modules of a distribution, the shallowest
_LONGEST = 259  # characters of a path on Windows, unless long paths are turned on
# Instructions that wheels need from their first line on. As of 2026-11.
_CPU = {"tensorflow": "avx", "tensorflow-cpu": "avx", "jaxlib": "avx", "polars": "avx2"}

_Stamp = tuple[int, int]
_healthy: dict[str, _Stamp] = {}
_fits_numpy: dict[str, tuple[_Stamp, str]] = {}


def abi_mismatch(subject: Subject) -> Finding | None:
    """See extension modules that carry the tag of another Python (PEP 3149), with none for this one beside them."""
    for path, python, _ in _foreign(subject):
        if python is not None:
            return Finding(
                "abi-mismatch",
                "error",
                f"{path} was built for {python}, and this kernel runs {_this_python()}.",
                {"location": path, "built_for": python, "suffixes": EXTENSION_SUFFIXES},
                _again(subject),
            )
    return None


def platform_mismatch(subject: Subject) -> Finding | None:
    """See extension modules for another system or another processor, by their tag or by their own head."""
    for path, _, platform in _foreign(subject):
        if platform is not None:
            return _for_platform(subject, path, platform)
    if subject.environment.platform != "linux":
        return None
    mine = _machine()
    for path in _unknown(subject):
        if time.perf_counter() > subject.deadline:
            return None
        found = _head(path)
        if found is None:
            other = _other_system(path)
            if other is not None:
                return _for_platform(subject, path, other)
        elif found.machine != mine and mine in elf.MACHINES.values():
            return _for_platform(subject, path, found.machine)
    return None


def shared_library_missing(subject: Subject) -> Finding | None:
    """See an extension module that needs a shared library which the dynamic linker would not find."""
    found = list(_linked(subject))
    lacking = {path for path, _ in found}
    for path, library in found:
        depth = path.count("/") - (subject.distribution.site_directory.count("/") + 1 if subject.distribution else 99)
        if depth > 1 and len(lacking) * 4 < len(_extensions(subject)):
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
    where = _linker(subject) if _unknown(subject) else None
    for path in _unknown(subject):
        if time.perf_counter() > subject.deadline:
            return None
        found = _head(path)
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


def numpy_abi(subject: Subject) -> Finding | None:
    """See extension modules that were built for numpy 1 while numpy 2 is installed ("NumPy 2.0 migration guide")."""
    numpy, distribution = subject.index.get("numpy"), subject.distribution
    if numpy is None or distribution is None or distribution is numpy or not numpy.version:
        return None
    if int(numpy.version.partition(".")[0]) < 2 or "numpy" not in {one.key for one in needs_of(distribution).always}:  # noqa: PLR2004
        return None
    for path in _extensions(subject)[:_SEARCHED]:
        if time.perf_counter() > subject.deadline:
            return None
        seen = (_stamp(path), numpy.version)
        if _fits_numpy.get(path) == seen:
            continue
        if not _is_for_numpy_1(path):
            _fits_numpy[path] = seen
        else:
            return _for_numpy_1(subject, distribution, numpy, path)
    return None


def _for_numpy_1(subject: Subject, distribution: Distribution, numpy: Distribution, path: str) -> Finding:
    is_new = subject.environment.version >= (3, 13, 0)  # for which there is no numpy 1
    upgrade = f"%pip install --upgrade {shlex.quote(distribution.name)}"
    return Finding(
        "numpy-abi",
        "error",
        f"{distribution.name} {distribution.version or ''}".rstrip()
        + f" was built for numpy 1, and numpy {numpy.version} is installed.",
        {"location": path, "numpy": numpy.version},
        Fix(
            (upgrade if is_new else "%pip install 'numpy<2'",),
            restart=True,
            steps=f"Or {upgrade}, where a later version is built for numpy 2.",
        ),
    )


def not_executable(subject: Subject) -> Finding | None:
    """See compiled modules on a file system from which nothing may be executed (mount option noexec)."""
    path = next(iter(_extensions(subject)), None)
    flag = getattr(os, "ST_NOEXEC", 0)
    if path is None or not flag:
        return None
    try:
        is_closed = bool(os.statvfs(path).f_flag & flag)
    except OSError:
        return None
    if not is_closed:
        return None
    return Finding(
        "not-executable",
        "error",
        f"{path} is compiled and lies on a file system that is mounted noexec: it cannot be loaded from there.",
        {"location": path},
        Fix((), restart=True, steps="Move the environment to another file system, or have this one mounted with exec."),
    )


def cpu_too_old(subject: Subject) -> Finding | None:
    """Warn of a package whose wheels need instructions that this processor has not: importing it ends the kernel."""
    distribution = subject.distribution
    wanted = _CPU.get(distribution.key) if distribution else None
    if distribution is None or wanted is None or _machine() != "x86_64":
        return None
    flags = _cpu_flags()
    if not flags or wanted in flags:
        return None
    return Finding(
        "cpu-too-old",
        "warning",
        f"{distribution.name} needs a processor with {wanted.upper()}, which this one has not.",
        {"instruction": wanted},
        Fix((), steps=f"Use a build of {distribution.name} for older processors, where there is one."),
    )


def path_too_long(subject: Subject) -> Finding | None:
    """See files with longer paths than Windows takes by default ("Maximum Path Length Limitation")."""
    distribution = subject.distribution
    if distribution is None or subject.environment.platform != "win32" or not subject.integrity.damage:
        return None
    site = distribution.site_directory
    longest = max((f"{site}\\{one.path}" for one in subject.integrity.damage), key=len)
    if len(longest) <= _LONGEST:
        return None
    return Finding(
        "path-too-long",
        "error",
        f"A file of {distribution.name} would have a path of {len(longest)} characters, and Windows takes {_LONGEST}.",
        {"path": longest},
        Fix((), restart=True, steps="Turn on LongPathsEnabled, or move the environment to a shorter path."),
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


def forget() -> None:
    """Forget which files were found to be healthy."""
    for memory in (_healthy, _fits_numpy, _heads, _defined):
        memory.clear()


def _again(subject: Subject) -> Fix:
    return reinstall(subject) if subject.distribution is not None else install(subject)


def _foreign(subject: Subject) -> list[tuple[str, str | None, str | None]]:
    return subject.remembered("foreign extensions", lambda: list(_find_foreign(subject)))


def _find_foreign(subject: Subject) -> Iterator[tuple[str, str | None, str | None]]:
    """Yield extension modules with none for this Python beside them: the path, and the Python or platform it is for."""
    stems: dict[str, list[str]] = {}
    for path in _extensions(subject):
        folder, name = os.path.split(path)
        stems.setdefault(os.path.join(folder, name.partition(".")[0]), []).append(name)
    for stem, names in stems.items():
        suffixes = [name[len(os.path.basename(stem)) :] for name in names]
        if any(suffix in EXTENSION_SUFFIXES or not _TAG.fullmatch(suffix) for suffix in suffixes):
            continue
        tag = _TAG.fullmatch(suffixes[0])
        if tag is None:
            continue
        path = os.path.join(os.path.dirname(stem), names[0])
        is_mine = tag[1] in {_own_tag(), "abi3"}
        yield path, None if is_mine else _said(tag[1]), tag[2] or "another system" if is_mine else None


def _extensions(subject: Subject) -> Sequence[str]:
    """Return the extension modules, the shallowest first: those of RECORD, else those in the package's folder."""
    return subject.remembered("extensions", lambda: _find_extensions(subject))


def _find_extensions(subject: Subject) -> Sequence[str]:
    distribution, module = subject.distribution, subject.place.module
    if distribution is not None and not subject.is_editable and distribution.path.endswith(".dist-info"):
        listed = integrity.extensions(distribution)
        if listed or subject.record:
            return listed
    if module is not None and module.kind == "extension" and module.origin:
        return [module.origin]
    folders = module.locations if module is not None and not subject.place.is_standard else ()
    folders = folders or tuple(os.path.join(entry, subject.root) for entry in subject.environment.site_directories)
    return [path for folder in folders for path in _in_folder(folder)]


def _in_folder(folder: str) -> Iterable[str]:
    try:
        return sorted(entry.path for entry in os.scandir(folder) if entry.name.endswith((".so", ".pyd")))
    except OSError:
        return ()


def _unknown(subject: Subject) -> list[str]:
    """Return the extension modules that are not known to be healthy, as many as there is time for."""
    first = _extensions(subject)[:_MOST]
    return subject.remembered("unknown extensions", lambda: [one for one in first if not _known(one)])


def _linked(subject: Subject) -> Iterator[tuple[str, str]]:
    """Yield the libraries that are not found, each with the file that needs it; remember the files that lack none."""
    if subject.environment.platform != "linux" or not _unknown(subject):
        return
    where = _linker(subject)
    if where is None:
        return
    own = {os.path.basename(entry) for entry in subject.record if ".so" in entry}
    for path in _unknown(subject):
        if time.perf_counter() > subject.deadline:
            return
        found = _head(path)
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
            _healthy[path] = _stamp(path)


def _is_elsewhere_here(library: str, subject: Subject) -> bool:
    """Whether another distribution of this environment brings it, which the package then loads first."""
    for site in subject.environment.site_directories:
        try:
            names = os.listdir(site)
        except OSError:
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
    except OSError:
        return []


def _linker(subject: Subject) -> libraries.Linker | None:
    environment, environ = subject.environment, subject.session.environ
    prefixes = (environment.prefix, environment.base_prefix)
    return subject.remembered("linker", lambda: libraries.linker(environ, prefixes))


_heads: dict[str, tuple[_Stamp, Elf | None]] = {}
_defined: dict[str, frozenset[str]] = {}


def _head(path: str) -> Elf | None:
    stamp = _stamp(path)
    known = _heads.get(path)
    if known is None or known[0] != stamp:
        if len(_heads) > 1000:  # noqa: PLR2004 (of a few hundred bytes each)
            _heads.clear()
        known = _heads[path] = (stamp, elf.read(path))
    return known[1]


def _known(path: str) -> bool:
    stamp = _healthy.get(path)
    return stamp is not None and stamp == _stamp(path)


def _stamp(path: str) -> _Stamp:
    try:
        status = os.stat(path)
    except OSError:
        return (-1, -1)
    return (status.st_mtime_ns, status.st_size)


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


def _for_platform(subject: Subject, path: str, platform: str) -> Finding:
    mine = f"{sys.platform} on {_machine()}"
    return Finding(
        "platform-mismatch",
        "error",
        f"{path} was built for {platform}, and this is {mine}.",
        {"location": path, "built_for": platform},
        _again(subject),
    )


def _other_system(path: str) -> str | None:
    try:
        with open(path, "rb") as file:
            start = file.read(4)
    except OSError:
        return None
    if start[:2] == b"MZ":
        return "Windows"
    macs = (b"\xcf\xfa\xed\xfe", b"\xce\xfa\xed\xfe", b"\xca\xfe\xba\xbe", b"\xfe\xed\xfa\xcf")
    return "macOS" if start in macs else None


def _is_for_numpy_1(path: str) -> bool:
    try:
        with open(path, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            if not 0 < size <= _LARGEST:
                return False
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
                return content.find(_NUMPY_1) >= 0 and content.find(_NUMPY_2) < 0
    except (OSError, ValueError):
        return False


def _machine() -> str:
    machine = os.uname().machine.lower() if hasattr(os, "uname") else ""
    return _MACHINES.get(machine, machine)


def _own_tag() -> str:
    tag = _TAG.fullmatch(EXTENSION_SUFFIXES[0])
    return tag[1] if tag else ""


def _this_python() -> str:
    return _said(_own_tag()) or f"Python {sys.version_info[0]}.{sys.version_info[1]}"


def _said(tag: str) -> str:
    """Write a tag as people speak of it: ``cpython-313t`` is "free-threaded Python 3.13"."""
    match = re.fullmatch(r"(?:cpython-|cp)(\d)(\d+)([a-z]*)", tag)
    if match is None:
        return tag
    kind = {"t": "free-threaded ", "d": "a debug build of "}.get(match[3], "")
    return f"{kind}Python {match[1]}.{match[2]}"


def _is_glibc(version: str) -> bool:
    return version.startswith("GLIBC_") and version[6:7].isdigit()


def _cpu_flags() -> frozenset[str]:
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
            line = next((line for line in file if line.startswith("flags")), "")
    except OSError:
        return frozenset()
    return frozenset(line.partition(":")[2].split())
