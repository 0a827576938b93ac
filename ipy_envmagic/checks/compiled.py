"""The compiled modules of a requirement, and what their heads say; what was found healthy is not looked at again."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ipy_envmagic.environments import elf, integrity
from ipy_envmagic.environments.integrity import Stamp, stamp

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ipy_envmagic.checks.subject import Subject
    from ipy_envmagic.environments.elf import Elf

__all__ = ["extensions", "forget", "head", "is_known", "machine", "remember", "unknown"]

_MACHINES = {"i686": "x86", "i386": "x86", "amd64": "x86_64", "armv7l": "arm", "ppc64le": "ppc64", "arm64": "aarch64"}
_MOST = 100  # extension modules of a distribution, the shallowest
_HEADS = 1000  # heads that are remembered, of a few hundred bytes each
_healthy: dict[str, Stamp] = {}
_heads: dict[str, tuple[Stamp, Elf | None]] = {}


def extensions(subject: Subject) -> Sequence[str]:
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


def unknown(subject: Subject) -> list[str]:
    """Return the extension modules that are not known to be healthy, as many as there is time for."""
    first = extensions(subject)[:_MOST]
    return subject.remembered("unknown extensions", lambda: [one for one in first if not is_known(one)])


def head(path: str) -> Elf | None:
    """Read the head of a file; None where it is no ELF file.

    Parameters
    ----------
    path : str
        Its path.
    """
    found = stamp(path)
    known = _heads.get(path)
    if known is None or known[0] != found:
        if len(_heads) > _HEADS:
            _heads.clear()
        known = _heads[path] = (found, elf.read(path))
    return known[1]


def is_known(path: str) -> bool:
    """Whether a file was found to lack nothing, and is as it was then.

    Parameters
    ----------
    path : str
        Its path.
    """
    known = _healthy.get(path)
    return known is not None and known == stamp(path)


def remember(path: str) -> None:
    """Keep that a file lacks nothing, until it changes."""
    _healthy[path] = stamp(path)


def forget() -> None:
    """Forget what was found."""
    _healthy.clear()
    _heads.clear()


def machine() -> str:
    """Return this machine's processor, by the names of `ipy_envmagic.environments.elf.MACHINES`; "" on Windows."""
    name = os.uname().machine.lower() if hasattr(os, "uname") else ""
    return _MACHINES.get(name, name)
