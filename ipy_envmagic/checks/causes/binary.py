"""Rules for compiled modules that were built for another Python, another machine or another numpy."""

from __future__ import annotations

import mmap
import os
import re
import shlex
import sys
import time
from importlib.machinery import EXTENSION_SUFFIXES
from typing import TYPE_CHECKING

from ipy_envmagic.checks.compiled import extensions, head, machine, unknown
from ipy_envmagic.checks.fixes import install, reinstall
from ipy_envmagic.checks.report import Finding, Fix
from ipy_envmagic.environments import elf
from ipy_envmagic.environments.integrity import Stamp, stamp
from ipy_envmagic.environments.requires import needs_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ipy_envmagic.checks.subject import Subject
    from ipy_envmagic.environments.distributions import Distribution

__all__ = [
    "abi_mismatch",
    "cpu_too_old",
    "not_executable",
    "numpy_abi",
    "path_too_long",
    "platform_mismatch",
]

_TAG = re.compile(
    r"\.(cpython-\d+[a-z]*|cp\d+[a-z]*|pypy\d+-pp\d+|graalpy\d+-\d+-native|abi3)(?:-([\w.-]+))?\.(?:so|pyd)"
)
_NUMPY_1, _NUMPY_2 = b"numpy.core._multiarray_umath", b"numpy._core._multiarray_umath"
_SEARCHED = 12  # files of a distribution that are searched for numpy's name
_LARGEST = 1 << 24  # bytes of one of them
_LONGEST = 259  # characters of a path on Windows, unless long paths are turned on
# Instructions that wheels need from their first line on. As of 2026-11.
_CPU = {"tensorflow": "avx", "tensorflow-cpu": "avx", "jaxlib": "avx", "polars": "avx2"}

_fits_numpy: dict[str, tuple[Stamp, str]] = {}


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
    mine = machine()
    for path in unknown(subject):
        if time.perf_counter() > subject.deadline:
            return None
        found = head(path)
        if found is None:
            other = _other_system(path)
            if other is not None:
                return _for_platform(subject, path, other)
        elif found.machine != mine and mine in elf.MACHINES.values():
            return _for_platform(subject, path, found.machine)
    return None


def numpy_abi(subject: Subject) -> Finding | None:
    """See extension modules that were built for numpy 1 while numpy 2 is installed ("NumPy 2.0 migration guide")."""
    numpy, distribution = subject.index.get("numpy"), subject.distribution
    if numpy is None or distribution is None or distribution is numpy or not numpy.version:
        return None
    if int(numpy.version.partition(".")[0]) < 2 or "numpy" not in {one.key for one in needs_of(distribution).always}:  # noqa: PLR2004
        return None
    for path in extensions(subject)[:_SEARCHED]:
        if time.perf_counter() > subject.deadline:
            return None
        seen = (stamp(path), numpy.version)
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
    path = next(iter(extensions(subject)), None)
    flag = getattr(os, "ST_NOEXEC", 0)
    if path is None or not flag:
        return None
    try:
        is_closed = bool(os.statvfs(path).f_flag & flag)
    except (OSError, ValueError):
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
    if distribution is None or wanted is None or machine() != "x86_64":
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


def _again(subject: Subject) -> Fix:
    return reinstall(subject) if subject.distribution is not None else install(subject)


def _foreign(subject: Subject) -> list[tuple[str, str | None, str | None]]:
    return subject.remembered("foreign extensions", lambda: list(_find_foreign(subject)))


def _find_foreign(subject: Subject) -> Iterator[tuple[str, str | None, str | None]]:
    """Yield extension modules with none for this Python beside them: the path, and the Python or platform it is for."""
    stems: dict[str, list[str]] = {}
    for path in extensions(subject):
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


def _for_platform(subject: Subject, path: str, platform: str) -> Finding:
    mine = f"{sys.platform} on {machine()}"
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
    except (OSError, ValueError):
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


def _cpu_flags() -> frozenset[str]:
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
            line = next((line for line in file if line.startswith("flags")), "")
    except (OSError, ValueError):
        return frozenset()
    return frozenset(line.partition(":")[2].split())
