"""Changes that have begun and not ended: what was there before is kept until they have.

An entry is a folder ``pending/ID`` with ``entry.json`` and what `backup` keeps. It is made before a program starts and
goes when all is well, or was put back. One that is found while nobody works on it tells of a kernel, or a machine, that
died.
"""

from __future__ import annotations

import contextlib
import getpass
import json
import os
import secrets
import shutil
import socket
import threading
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ipy_envmagic.environments import distributions
from ipy_envmagic.errors import EnvMagicError
from ipy_envmagic.run import backup, state, tree

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ipy_envmagic.environments.environment import Environment
    from ipy_envmagic.run.backup import Differences, Root

__all__ = [
    "Pending",
    "begin",
    "close",
    "differences",
    "leave",
    "left_open",
    "me",
    "roll_back",
    "still_running",
    "watched",
]

_BEAT = 1.0  # seconds between two signs of life
_AFTER = 5.0  # seconds for which a program may go on after the last of them: the guard ends it within two
_running: set[str] = set()


@dataclass(frozen=True, slots=True)
class Pending:
    """A change that has begun.

    Parameters
    ----------
    folder : str
        Its own, ``pending/ID``.
    command : str
        What runs, without secrets.
    since : str
        When it began (ISO 8601, UTC).
    by : dict
        Who runs it: "pid", "user", "host", "kind", "notebook".
    roots : tuple of Root
        The folders that are kept; empty where nothing is.
    """

    folder: str
    command: str
    since: str
    by: dict[str, Any]
    roots: tuple[Root, ...] = ()

    @property
    def id(self) -> str:
        """The folder's name, which is also the value of `tree.MARK` for its processes."""
        return os.path.basename(self.folder)

    @property
    def kept(self) -> str:
        """Where what was there before is."""
        return os.path.join(self.folder, "kept")


def begin(folder: str, environment: Environment, command: str, by: dict[str, Any], *, protect: bool = True) -> Pending:
    """Keep what is there, and write down that a change begins.

    Parameters
    ----------
    folder : str
        The prefix's folder of `state`, whose lock is held.
    environment : Environment
        What is about to change.
    command : str
        What runs, without secrets.
    by : dict
        As of `me`.
    protect : bool
        Whether what is there is to be kept.

    Raises
    ------
    EnvMagicError
        When there is no room to keep it; nothing has been done.
    """
    above = os.path.join(folder, "pending")
    with contextlib.suppress(FileExistsError):
        os.mkdir(above, os.stat(folder).st_mode & 0o777)
    _sweep(above)
    roots = backup.roots_of(environment) if protect else ()
    identity = secrets.token_hex(8)
    making = os.path.join(above, f"{identity}.making")
    os.mkdir(making, 0o700)
    try:
        try:
            backup.keep(roots, os.path.join(making, "kept"))
        except backup.NotKeptError:
            roots = ()
        made = Pending(os.path.join(above, identity), command, _now(), by, roots)
        text = json.dumps({"command": command, "since": made.since, "by": by, "roots": roots}, ensure_ascii=False)
        state.write(os.path.join(making, "entry.json"), text)
        os.rename(making, made.folder)
    except BaseException as error:
        shutil.rmtree(making, ignore_errors=True)
        if isinstance(error, OSError):
            raise EnvMagicError(
                f"Nothing was begun: what {environment.prefix} has now cannot be kept for the case that it fails "
                f"({error.strerror or error}).",
                "Make room there, or go without: %config EnvMagics.protect = False",
            ) from None
        raise
    _running.add(made.id)
    return made


@contextlib.contextmanager
def watched(entry: Pending) -> Iterator[None]:
    """Give a sign of life each second while the body runs: after a crash it tells how long the change went on."""
    ended = threading.Event()
    path = os.path.join(entry.folder, "entry.json")

    def beat() -> None:
        while not ended.wait(_BEAT):
            with contextlib.suppress(OSError):
                os.utime(path)

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()


def close(entry: Pending) -> None:
    """Take an entry away, for its change has ended; its many links go while nobody waits for that."""
    trash = f"{entry.folder}.trash"
    with contextlib.suppress(OSError):
        os.rename(entry.folder, trash)
    _running.discard(entry.id)
    # Not a daemon: a process that ends, ends when they are gone, for they hold the space of what was removed.
    threading.Thread(target=shutil.rmtree, args=(trash,), kwargs={"ignore_errors": True}).start()


def leave(entry: Pending) -> None:
    """Leave an entry for a repair: something of it could not be put back."""
    _running.discard(entry.id)


def left_open(folder: str) -> list[Pending]:
    """Return the entries that nobody works on any more, the oldest first.

    Parameters
    ----------
    folder : str
        A folder of `state`.
    """
    above = os.path.join(folder, "pending")
    try:
        names = os.listdir(above)
    except OSError:
        return []
    found = (_read(os.path.join(above, name)) for name in names if "." not in name)
    return sorted((one for one in found if one is not None and not _is_alive(one)), key=lambda one: one.since)


def still_running(entry: Pending) -> bool:
    """Whether the program of an entry outlives the kernel that started it, on this machine."""
    return entry.by.get("host") == socket.gethostname() and bool(tree.members(-1, entry.id))


def differences(entry: Pending, *, late: bool, kept_for: frozenset[str] = frozenset()) -> Differences:
    """Compare what is there with what was kept.

    Parameters
    ----------
    entry : Pending
        The change.
    late : bool
        Whether others may have changed things since: what is younger than the entry's last sign of life stays.
    kept_for : frozenset of str
        Normalised names of distributions that others have changed since: what is theirs, or was, stays as it is.
    """
    until = None
    if late:
        with contextlib.suppress(OSError):
            until = os.stat(os.path.join(entry.folder, "entry.json")).st_mtime + _AFTER
    found = backup.differences(entry.roots, entry.kept, until)
    theirs = _files_of(kept_for, entry) if kept_for else frozenset()
    if not theirs:
        return found
    new = (path for path in found.new if path not in theirs)
    return replace(found, new=tuple(new), lost=tuple(pair for pair in found.lost if pair[0] not in theirs))


def roll_back(found: Differences) -> tuple[int, tuple[str, ...]]:
    """Put back what `differences` found.

    Returns
    -------
    (int, tuple of str)
        How many files and folders were put back or taken away, and a line for each that could not be.
    """
    failed: list[str] = []
    count = backup.restore(found, lambda path, error: failed.append(f"{path}: {error.strerror or error}"))
    return count, tuple(failed)


def me(kind: str) -> dict[str, Any]:
    """Say who runs a change.

    Parameters
    ----------
    kind : str
        "kernel", "terminal" or "command line".
    """
    try:
        user = getpass.getuser()
    except (KeyError, OSError, ImportError):
        user = str(getattr(os, "getuid", int)())
    return {
        "kind": kind,
        "notebook": os.environ.get("JPY_SESSION_NAME") if kind == "kernel" else None,
        "user": user,
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "began": _began(os.getpid()),
    }


def _files_of(names: frozenset[str], entry: Pending) -> frozenset[str]:
    """Return the paths that some distributions have, or had when they were kept, and the folders of these."""
    found: set[str] = set()
    for number, root in enumerate(entry.roots):
        for place in (os.path.join(entry.kept, str(number)), root.path):
            for one in distributions.listed(place):
                if distributions.normalise(one.name) in names:
                    paths = [f"{os.path.basename(one.path)}/METADATA", *distributions.record(one)]
                    found.update(os.path.normpath(os.path.join(root.path, path)) for path in paths)
    tops = {root.path for root in entry.roots}
    for path in tuple(found):
        above = os.path.dirname(path)
        while above not in found and above not in tops and len(above) > 1:
            found.add(above)
            above = os.path.dirname(above)
    return frozenset(found)


def _read(folder: str) -> Pending | None:
    try:
        told = json.loads(state.read(os.path.join(folder, "entry.json")))
        roots = tuple(backup.Root(str(path), bool(alone), tuple(over)) for path, alone, over in told["roots"])
        return Pending(folder, str(told["command"]), str(told["since"]), dict(told["by"]), roots)
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def _is_alive(entry: Pending) -> bool:
    """Whether the process that made an entry still works on it."""
    by = entry.by
    pid = by.get("pid")
    if by.get("host") != socket.gethostname() or not isinstance(pid, int):
        return _is_locked(os.path.dirname(os.path.dirname(entry.folder)))
    if pid == os.getpid() and by.get("began") == _began(pid):
        return entry.id in _running
    try:
        os.kill(pid, 0)
    except PermissionError:
        pass
    except (OSError, OverflowError):
        return False
    return by.get("began") == _began(pid)


def _is_locked(folder: str) -> bool:
    """Whether somebody holds the lock: what is known of another host."""
    from filelock import FileLock, Timeout  # noqa: PLC0415 rarely needed

    try:
        with FileLock(os.path.join(folder, "lock"), timeout=0):
            return False
    except Timeout:
        return True
    except OSError:
        return False


def _began(pid: int) -> str:
    """Return when a process was started, in the kernel's ticks; "" where nothing tells."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return file.read().rpartition(b")")[2].split()[19].decode()
    except (OSError, IndexError):
        return ""


def _sweep(above: str) -> None:
    """Take away what a crash left of entries that were being made or taken away; the lock is ours."""
    for name in os.listdir(above):
        if name.endswith((".making", ".trash")):
            shutil.rmtree(os.path.join(above, name), ignore_errors=True)


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
