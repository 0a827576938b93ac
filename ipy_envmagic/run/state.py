"""Where what we keep of a prefix lies: ``<prefix>/.ipy_envmagic``, or the user's state directory where that cannot be.

Whoever may change the prefix may use the folder; nobody else may read it, and no link is followed into or out of it.
"""

from __future__ import annotations

import contextlib
import os
import stat

__all__ = ["FOLDER", "append", "existing", "folder", "read", "write"]

FOLDER = ".ipy_envmagic"
_SHARED = ((stat.S_IWGRP, stat.S_IRWXG), (stat.S_IWOTH, stat.S_IRWXO | stat.S_ISVTX))
_NO_LINK = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
_PRIVATE = 0o700
_MOST = 64 << 20  # bytes of a file of ours that are read


def folder(prefix: str) -> str:
    """Return the folder, which is made where it is not there.

    Parameters
    ----------
    prefix : str
        The environment's.

    Returns
    -------
    str
        In the prefix with the prefix's own write permissions (0700 where nobody else may write there); where the prefix
        cannot be written, or somebody put something else in its place, this user's own for the prefix (XDG Base
        Directory Specification: state).

    Raises
    ------
    OSError
        When neither can be made.
    """
    path = os.path.join(prefix, FOLDER)
    with contextlib.suppress(OSError):
        if not os.path.lexists(path):
            _make(path, _mode_for(prefix))
        if _is_ours(path, prefix) and os.access(path, os.W_OK | os.X_OK):
            return path
    path = _of_user(prefix)
    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
    if not os.path.lexists(path):
        _make(path, 0o700)
    if not _is_ours(path, None):
        raise PermissionError(f"{path} is not a folder of this user's")
    return path


def existing(prefix: str) -> tuple[str, ...]:
    """Return the folders of a prefix that are there; nothing is made.

    Parameters
    ----------
    prefix : str
        The environment's.
    """
    path = os.path.join(prefix, FOLDER)
    is_there = os.path.lexists(path)
    found = [path] if is_there and _is_ours(path, prefix) else []
    if os.access(path if found else prefix, os.W_OK) and (found or not is_there):
        return tuple(found)  # mostly: what decides otherwise is slow to load
    with contextlib.suppress(OSError, ImportError):
        own = _of_user(prefix)
        found += [own] if _is_ours(own, None) else []
    return tuple(found)


def read(path: str) -> str:
    """Return the text of a file of ours; "" where there is none, or it is a link.

    Parameters
    ----------
    path : str
        The file's.
    """
    with contextlib.suppress(OSError, ValueError), open(os.open(path, os.O_RDONLY | _NO_LINK), "rb") as file:
        return file.read(_MOST).decode("utf-8", "replace")
    return ""


def write(path: str, text: str) -> None:
    """Write a file as a whole: who reads meanwhile gets the old text or the new one.

    Parameters
    ----------
    path, text : str
        The file, in one of our folders, and what it is to hold.
    """
    beside = f"{path}.{os.urandom(6).hex()}"
    try:
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NO_LINK, 0o600)
        with open(descriptor, "wb") as file:
            file.write(text.encode("utf-8", "replace"))
            file.flush()
            os.fsync(file.fileno())
        _share(beside)
        os.replace(beside, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(beside)
        raise


def append(path: str, text: str) -> None:
    """Add to a file in one write, so that a crash leaves whole lines.

    Parameters
    ----------
    path, text : str
        The file, in one of our folders, and what comes to its end.
    """
    is_new = not os.path.lexists(path)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | _NO_LINK, 0o600)
    try:
        os.write(descriptor, text.encode("utf-8", "replace"))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    if is_new:
        _share(path)


def _make(path: str, mode: int) -> None:
    os.mkdir(path, _PRIVATE)
    if mode != _PRIVATE:
        os.chmod(path, mode)


def _mode_for(prefix: str) -> int:
    """Return the folder's permissions: for whom the prefix is writable, and nobody else."""
    of_prefix = os.stat(prefix).st_mode
    return 0o700 | sum(given for asked, given in _SHARED if of_prefix & asked)


def _share(path: str) -> None:
    """Let those read and write a file who may do so in its folder."""
    mode = os.stat(os.path.dirname(path)).st_mode & 0o666
    if mode & 0o066:
        os.chmod(path, mode)


def _is_ours(path: str, prefix: str | None) -> bool:
    """Whether a path is a real folder that this user, the prefix's owner or an administrator made.

    In a prefix that others may write to, one of them may have made it.
    """
    try:
        found = os.lstat(path)
        if not stat.S_ISDIR(found.st_mode):
            return False
        if not hasattr(os, "getuid") or found.st_uid in {os.getuid(), 0}:
            return True
        of_prefix = os.stat(prefix) if prefix else None
    except (OSError, ValueError):
        return False
    return of_prefix is not None and (found.st_uid == of_prefix.st_uid or bool(of_prefix.st_mode & 0o022))


def _of_user(prefix: str) -> str:
    import hashlib  # noqa: PLC0415 only where the prefix is read-only

    import platformdirs  # noqa: PLC0415 as above

    digest = hashlib.sha256(os.path.realpath(prefix).encode("utf-8", "surrogateescape")).hexdigest()[:16]
    return os.path.join(platformdirs.user_state_dir("ipy_envmagic", appauthor=False), digest)
