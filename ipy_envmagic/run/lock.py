"""One installer at a time in one prefix, across kernels and users.

The lock is the operating system's, on a file in the prefix, so it is released when its holder dies, however it dies.
Beside it stands who holds it, for the one who waits.
"""

from __future__ import annotations

import contextlib
import getpass
import json
import os
import socket
import stat
import time
from typing import TYPE_CHECKING

from ipy_envmagic.errors import CommandInterrupted, EnvMagicError
from ipy_envmagic.run import pending, state

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from filelock import BaseFileLock

__all__ = ["hold"]

_RETRY = 0.2  # seconds
_ORPHANS = 10.0  # seconds to wait for the program of a kernel that died: its guard ends it within two


@contextlib.contextmanager
def hold(prefix: str, what: str, say: Callable[[str], None]) -> Iterator[str]:
    """Hold the lock of a prefix while the body runs.

    Parameters
    ----------
    prefix : str
        The environment's.
    what : str
        The command, without secrets: what another one that waits is told.
    say : callable
        Takes the line that says for whom this one waits.

    Yields
    ------
    str
        The prefix's folder of `state`.

    Raises
    ------
    CommandInterrupted
        When the waiting is interrupted; nothing has been done.
    EnvMagicError
        There is no place for the lock.

    Notes
    -----
    Where the prefix cannot be written, the lock is in the user's state directory: it then holds among this user's
    kernels. On a network file system it holds across hosts where that carries ``flock`` (NFS since Linux 2.6.12).
    """
    from filelock import FileLock  # noqa: PLC0415 imported at the first change

    try:
        folder = state.folder(prefix)
    except OSError as error:
        raise _no_lock(prefix, error) from None
    path = os.path.join(folder, "lock")
    with contextlib.suppress(OSError):
        if not stat.S_ISREG(os.lstat(path).st_mode):
            os.unlink(path)  # a link that somebody put there: what it points to is none of ours
    mine = FileLock(path, mode=0o600 | os.stat(folder).st_mode & 0o066)
    try:
        _acquire(mine, path, say)
    except KeyboardInterrupt:
        raise CommandInterrupted(f"Interrupted while it waited: {what} was not run") from None
    except OSError as error:
        raise _no_lock(prefix, error) from None
    try:
        _sign(path, what)
        _wait_for_orphans(folder, say)
        yield folder
    finally:
        _release(mine, path)


def _no_lock(prefix: str, error: OSError) -> EnvMagicError:
    where = f" ({error.filename})" if error.filename else ""
    return EnvMagicError(f"{prefix} cannot be locked against other installers: {error.strerror or error}{where}")


def _acquire(mine: BaseFileLock, path: str, say: Callable[[str], None]) -> None:
    from filelock import Timeout  # noqa: PLC0415 as above

    said = False
    while True:
        try:
            mine.acquire(timeout=0)
        except Timeout:
            if not said:
                say(f"Waiting for {_holder(path)}, which changes this environment now.")
                said = True
            time.sleep(_RETRY)
        else:
            return


def _wait_for_orphans(folder: str, say: Callable[[str], None]) -> None:
    """Wait until the program of a kernel that was killed has ended: the lock went with the kernel, not with it."""
    until = time.monotonic() + _ORPHANS
    said = False
    while time.monotonic() < until and any(map(pending.still_running, pending.left_open(folder))):
        if not said:
            say("Waiting for the installer of a kernel that was ended.")
            said = True
        time.sleep(_RETRY / 4)


def _release(mine: BaseFileLock, path: str) -> None:
    with contextlib.suppress(OSError):
        os.unlink(f"{path}.json")
    mine.release()


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
        state.write(f"{path}.json", json.dumps(mine))


def _holder(path: str) -> str:
    try:
        holder = json.loads(state.read(f"{path}.json"))
        where = "" if holder["host"] == socket.gethostname() else f" on {holder['host']}"
        who = "" if holder["user"] == getpass.getuser() else f" of {holder['user']}"
        return f"'{holder['command']}' (process {holder['pid']}{who}{where}, since {holder['since']})"
    except (OSError, ValueError, KeyError, TypeError, ImportError):
        return "another installer"
