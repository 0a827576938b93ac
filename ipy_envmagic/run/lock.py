"""One installer at a time in one prefix, across kernels and users.

The lock is the operating system's, on a file in the prefix, so it is released when its holder dies, however it dies.
Beside it stands who holds it, for the one who waits.
"""

from __future__ import annotations

import contextlib
import getpass
import hashlib
import json
import os
import socket
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from filelock import BaseFileLock

__all__ = ["hold"]

_FOLDER = ".ipy_envmagic"
_RETRY = 0.2  # seconds


@contextlib.contextmanager
def hold(prefix: str, what: str, say: Callable[[str], None]) -> Iterator[None]:
    """Hold the lock of a prefix while the body runs.

    Parameters
    ----------
    prefix : str
        The environment's.
    what : str
        The command, without secrets: what another one that waits is told.
    say : callable
        Takes the line that says for whom this one waits.

    Notes
    -----
    Where the prefix cannot be written, the lock is in the user's state directory: it then holds among this user's
    kernels.
    An interrupt ends the waiting with a KeyboardInterrupt.
    """
    from filelock import FileLock, Timeout  # noqa: PLC0415 imported at the first change

    folder = _folder(prefix)
    path = os.path.join(folder, "lock")
    mine = FileLock(path, mode=0o666)
    said = False
    while True:
        try:
            mine.acquire(timeout=0)
            break
        except Timeout:
            if not said:
                say(f"Waiting for {_holder(path)}, which changes this environment now.")
                said = True
            time.sleep(_RETRY)
    try:
        _sign(path, what)
        yield
    finally:
        _release(mine, path)


def _release(mine: BaseFileLock, path: str) -> None:
    with contextlib.suppress(OSError):
        os.unlink(f"{path}.json")
    mine.release()


def _folder(prefix: str) -> str:
    """Give the folder of the lock: in the prefix, else the user's own for this prefix."""
    folder = os.path.join(prefix, _FOLDER)
    with contextlib.suppress(OSError):
        os.makedirs(folder, exist_ok=True)
        if os.access(folder, os.W_OK):
            return folder
    import platformdirs  # noqa: PLC0415 only where the prefix is read-only

    digest = hashlib.sha256(os.path.realpath(prefix).encode("utf-8", "surrogateescape")).hexdigest()[:16]
    folder = os.path.join(platformdirs.user_state_dir("ipy_envmagic", appauthor=False), digest)
    os.makedirs(folder, mode=0o700, exist_ok=True)
    return folder


def _sign(path: str, what: str) -> None:
    """Write down who holds the lock; that it cannot be written hinders nobody."""
    with contextlib.suppress(OSError, KeyError, ImportError):
        mine = {
            "pid": os.getpid(),
            "host": socket.gethostname(),
            "user": getpass.getuser(),
            "command": what,
            "since": time.strftime("%H:%M:%S"),
        }
        with open(f"{path}.json", "w", encoding="utf-8") as file:
            json.dump(mine, file)


def _holder(path: str) -> str:
    try:
        with open(f"{path}.json", encoding="utf-8") as file:
            holder = json.load(file)
        where = "" if holder["host"] == socket.gethostname() else f" on {holder['host']}"
        who = "" if holder["user"] == getpass.getuser() else f" of {holder['user']}"
        return f"'{holder['command']}' (process {holder['pid']}{who}{where}, since {holder['since']})"
    except (OSError, ValueError, KeyError, TypeError, ImportError):
        return "another installer"
