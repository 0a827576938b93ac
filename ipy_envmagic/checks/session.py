"""What a kernel's process knows and no file tells: handed to the checks as a value."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import ModuleType

__all__ = ["Session"]

_FLAGS = ("isolated", "ignore_environment", "no_site", "no_user_site", "safe_path")
_NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True)  # without slots: the path is made once
class Session:
    """The state of the process that a check is about.

    Parameters
    ----------
    sys_path : tuple of str
        As `sys.path`.
    modules : mapping of str to module
        As `sys.modules`: what is loaded. Only looked at.
    kernelspec : str or None
        The name of the kernelspec that started the kernel, where known.
    environ : mapping of str to str
        As `os.environ`.
    home : str
        The user's home directory, absolute.
    cwd : str
        The working directory, absolute: what an empty entry of `sys_path` means.
    started : float or None
        When the process started, in seconds since the epoch; None where that is not known.
    meta_path : tuple
        As `sys.meta_path`.
    importers : mapping of str to finder
        As `sys.path_importer_cache`.
    variables : mapping of str to object
        The user's namespace. Only looked at.
    flags : frozenset of str
        Those of "isolated", "ignore_environment", "no_site", "no_user_site" and "safe_path" that `sys.flags` has set.
    user_site : bool or None
        As `site.ENABLE_USER_SITE`: False where the user or an option has turned it off, None where it must not be used.
    changed : mapping of str to (fingerprint, set of str)
        By normalised name, the distributions that this session has changed: the `fingerprint` they have since, and the
        modules of theirs that were loaded then.
    root : str
        Where the system's files are.
    """

    sys_path: tuple[str, ...]
    modules: Mapping[str, ModuleType]
    kernelspec: str | None
    environ: Mapping[str, str]
    home: str
    cwd: str
    started: float | None = None
    meta_path: tuple[Any, ...] = ()
    importers: Mapping[str, Any] = field(default_factory=dict)
    variables: Mapping[str, Any] = field(default_factory=dict)
    flags: frozenset[str] = frozenset()
    user_site: bool | None = True
    changed: Mapping[str, tuple[tuple[int, int], frozenset[str]]] = field(default_factory=dict)
    root: str = "/"

    @classmethod
    def current(cls, kernelspec: str | None = None, variables: Mapping[str, Any] = _NOTHING) -> Session:
        """Return the state of this process.

        Parameters
        ----------
        kernelspec : str, optional
            The kernelspec's name, where the caller knows it.
        variables : mapping of str to object, optional
            The user's namespace.
        """
        try:
            cwd = os.getcwd()
        except OSError:  # the directory was removed under the kernel
            cwd = ""
        path = tuple(entry for entry in sys.path if isinstance(entry, str))
        return cls(
            path,
            sys.modules,
            kernelspec,
            os.environ,
            os.path.expanduser("~"),
            cwd,
            _started(),
            tuple(sys.meta_path),
            sys.path_importer_cache,
            variables,
            frozenset(name for name in _FLAGS if getattr(sys.flags, name, False)),
            getattr(sys.modules.get("site"), "ENABLE_USER_SITE", None),
            getattr(sys.modules.get("ipy_envmagic.run.changes"), "loaded_before", _NOTHING),
        )

    @cached_property
    def path(self) -> tuple[str, ...]:
        """`sys_path` with absolute entries, without those that can be no path."""
        entries = (os.path.join(self.cwd, entry) if entry else self.cwd for entry in self.sys_path)
        return tuple(entry for entry in entries if _can_be_a_path(entry))


def _can_be_a_path(entry: str) -> bool:
    try:
        return b"\0" not in os.fsencode(entry)
    except UnicodeEncodeError:
        return False


def _started() -> float | None:
    """Return when this process started: from Linux's /proc, else from psutil where ipykernel has loaded it."""
    try:
        with open("/proc/self/stat", "rb") as file:
            ticks = int(file.read().rpartition(b")")[2].split()[19])
        with open("/proc/stat", "rb") as file:
            boot = next(int(line.split()[1]) for line in file if line.startswith(b"btime"))
        return boot + ticks / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError, StopIteration, AttributeError):
        pass
    psutil = sys.modules.get("psutil")
    try:
        return float(psutil.Process().create_time()) if psutil else None
    except Exception:  # noqa: BLE001 (a foreign library's answer is a help, never a condition)
        return None
