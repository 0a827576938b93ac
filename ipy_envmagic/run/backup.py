"""What a command may replace, kept as hard links, and the way back to it.

A hard link costs no space and no time that counts, and installers replace files rather than write into them, so the old
content stays for as long as the link does. What is written in place is copied.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import shutil
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from ipy_envmagic.run.state import FOLDER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ipy_envmagic.environments.environment import Environment

__all__ = ["Differences", "NotKeptError", "Root", "differences", "keep", "outside", "restore", "roots_of"]

_PASSED_OVER = frozenset({"__pycache__", FOLDER})
_OF_CONDA = frozenset({"pkgs", "envs", "conda-bld", "locks", "var", "tmp"})  # at the top of a prefix of conda's
_BESIDE = ("bin", "Scripts", "include", "share", "etc")  # of a virtual environment
_WRITTEN_IN_PLACE = (".pth", ".egg-link", "conda-meta/history")
_HALF_COMPILED = re.compile(r"\.pyc\.\d+$")  # what importlib renames once it is whole
_COPIES = 256 << 20  # bytes that are copied, where links cannot be
_NO_LINKS = {errno.EXDEV, errno.EPERM, errno.EACCES, errno.EMLINK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS}


class NotKeptError(Exception):
    """What is there cannot be kept: neither by links nor, for its size, by copies."""


class Root(NamedTuple):
    """A folder that is kept.

    Parameters
    ----------
    path : str
        Where it is.
    alone : bool
        Whether all in it is the environment's, so that what is new there may be taken away.
    passed_over : tuple of str
        The names at its top that are not kept; with some of them, what is new at its top is left alone as well.
    """

    path: str
    alone: bool = True
    passed_over: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Differences:
    """What is otherwise than it was kept.

    Parameters
    ----------
    new : tuple of str
        Paths that were not there.
    lost : tuple of (str, str)
        What is gone or another: its path, and where it is kept.
    """

    new: tuple[str, ...] = ()
    lost: tuple[tuple[str, str], ...] = ()

    def __bool__(self) -> bool:
        return bool(self.new or self.lost)


def roots_of(environment: Environment) -> tuple[Root, ...]:
    """Return the folders in which an installer changes things.

    Parameters
    ----------
    environment : Environment
        Any. Of one that conda made it is the prefix without its caches and other environments; of a virtual environment
        the site directories, the scripts and the data; of another the site directories that pip installs into, and the
        scripts beside them. What this user may not write to is left out.
    """
    return tuple(root for root in _roots_of(environment) if os.access(root.path, os.W_OK))


def _roots_of(environment: Environment) -> tuple[Root, ...]:
    prefix = environment.prefix
    if environment.is_conda:
        return (Root(prefix, passed_over=tuple(_OF_CONDA)),)
    inside = os.path.join(prefix, "")
    sites = [path for path in environment.site_directories if os.path.isdir(path)]
    if prefix != environment.base_prefix:
        base = os.path.join(environment.base_prefix, "")
        sites = [path for path in sites if path.startswith(inside) or not path.startswith(base)]
        beside = [os.path.join(prefix, name) for name in _BESIDE]
        own = [Root(path) for path in beside if os.path.isdir(path)]
    else:
        sites = [path for path in sites if not _is_shared(path)]
        scripts = dict.fromkeys(_scripts_of(path) for path in sites)
        own = [Root(path, alone=False) for path in scripts if path and os.path.isdir(path)]
    unlinked = dict.fromkeys(os.path.realpath(path) for path in sites)
    return (*(Root(path) for path in unlinked), *own)


def outside(roots: tuple[Root, ...], environment: Environment) -> str:
    """Return the first folder that is not an environment's, "" where all are: others may have written down which.

    Parameters
    ----------
    roots : tuple of Root
        As they were read from a file.
    environment : Environment
        Whose they are to be.
    """
    own = {root.path for root in roots_of(environment)}
    prefixes = {os.path.normpath(environment.prefix), os.path.realpath(environment.prefix)}
    for root in roots:
        path = os.path.normpath(root.path)
        inside = any(path == prefix or path.startswith(os.path.join(prefix, "")) for prefix in prefixes)
        if root.path not in own and not inside:
            return root.path
    return ""


def keep(roots: tuple[Root, ...], target: str) -> None:
    """Keep what is in some folders.

    Parameters
    ----------
    roots : tuple of Root
        The folders.
    target : str
        A folder that is not there yet: it gets one for each of them, "0", "1", ...

    Raises
    ------
    NotKeptError
        Where links cannot be made and there is too much to copy.
    OSError
        E.g. no space left on the device.
    """
    os.mkdir(target, 0o700)
    budget = [_COPIES]
    for number, root in enumerate(roots):
        stack = [(root.path, os.path.join(target, str(number)), frozenset((*_PASSED_OVER, *root.passed_over)))]
        while stack:
            live, kept, passed_over = stack.pop()
            os.mkdir(kept, 0o700)
            for entry in _entries(live):
                if entry.name in passed_over:
                    continue
                beside = f"{kept}/{entry.name}"
                if entry.is_dir(follow_symlinks=False):
                    stack.append((entry.path, beside, _PASSED_OVER))
                else:
                    _keep_file(entry, beside, budget)


def differences(roots: tuple[Root, ...], target: str, until: float | None = None) -> Differences:
    """Compare what is there with what was kept.

    Parameters
    ----------
    roots : tuple of Root
        As they were kept.
    target : str
        Where.
    until : float, optional
        Seconds since the epoch: what was made or changed later is somebody else's and no difference.

    Returns
    -------
    Differences
    """
    new: list[str] = []
    lost: list[tuple[str, str]] = []
    for number, root in enumerate(roots):
        stack = [(root.path, os.path.join(target, str(number)), frozenset((*_PASSED_OVER, *root.passed_over)))]
        while stack:
            live, kept, passed_over = stack.pop()
            now = {entry.name: entry for entry in _entries(live)}
            if root.alone and "__pycache__" in now:
                half_written = (one for one in _entries(f"{live}/__pycache__") if _HALF_COMPILED.search(one.name))
                new += [path for entry in half_written for path in _older(entry, until)]
            now = {name: entry for name, entry in now.items() if name not in passed_over}
            for was in _entries(kept):
                entry = now.pop(was.name, None)
                path = f"{live}/{was.name}"
                is_folder = was.is_dir(follow_symlinks=False)
                if entry is not None and is_folder and entry.is_dir(follow_symlinks=False):
                    stack.append((path, was.path, _PASSED_OVER))
                elif entry is not None and not is_folder and _is_same(entry, was):
                    continue
                elif entry is None or _is_older(entry, until):
                    lost += _whole(path, was.path)
            if root.alone and not (root.passed_over and live == root.path):
                new += [path for entry in now.values() for path in _older(entry, until)]
    return Differences(tuple(new), tuple(lost))


def restore(found: Differences, say: Callable[[str, OSError], None]) -> int:
    """Take away what is new, and put back what is lost; it can be done again after a crash in the middle.

    Parameters
    ----------
    found : Differences
        What `differences` found.
    say : callable
        Takes the path and the error of what cannot be done; the rest is done all the same.

    Returns
    -------
    int
        How many files and folders were taken away or put back.
    """
    count = 0
    for path in found.new:  # first, so that a full disk has room again
        try:
            _remove(path)
            count += 1
        except OSError as error:
            say(path, error)
        if path.endswith(".py"):
            _forget_compiled(path)
    hindered: list[str] = []
    for path, kept in found.lost:  # a folder before what is in it
        if path.startswith(tuple(hindered)):
            continue
        try:
            _put_back(path, kept)
            count += 1
        except OSError as error:
            say(path, error)
            hindered.append(f"{path}/")
    return count


def _keep_file(entry: os.DirEntry[str], target: str, budget: list[int]) -> None:
    if entry.is_symlink():
        os.symlink(os.readlink(entry.path), target)
        return
    if not entry.name.endswith(_WRITTEN_IN_PLACE[:2]) and not entry.path.endswith(_WRITTEN_IN_PLACE[2]):
        try:
            os.link(entry.path, target)
        except FileNotFoundError:  # somebody took it away meanwhile
            return
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
        else:
            return
    with contextlib.suppress(FileNotFoundError):
        budget[0] -= entry.stat(follow_symlinks=False).st_size
        if budget[0] < 0:
            raise NotKeptError(entry.path)
        try:
            shutil.copy2(entry.path, target)
        except (PermissionError, shutil.SpecialFileError):  # what cannot be read, nobody here imports
            return


def _is_same(entry: os.DirEntry[str], was: os.DirEntry[str]) -> bool:
    """Whether a file is the kept one: another link to it or, where it was copied, not written since."""
    try:
        if was.is_symlink() or entry.is_symlink():
            return was.is_symlink() and entry.is_symlink() and os.readlink(entry.path) == os.readlink(was.path)
        if entry.inode() == was.inode():
            return True
        one, other = entry.stat(follow_symlinks=False), was.stat(follow_symlinks=False)
    except OSError:
        return False
    same_file = (one.st_ino, one.st_dev) == (other.st_ino, other.st_dev)
    return same_file or (other.st_nlink == 1 and (one.st_size, one.st_mtime_ns) == (other.st_size, other.st_mtime_ns))


def _whole(path: str, kept: str) -> list[tuple[str, str]]:
    """Pair a path, and of a folder all in it, with what is kept of it."""
    pairs = [(path, kept)]
    for above, beside in pairs:  # which grows
        if os.path.isdir(beside) and not os.path.islink(beside):
            pairs += [(f"{above}/{entry.name}", entry.path) for entry in _entries(beside)]
    return pairs


def _older(entry: os.DirEntry[str], until: float | None) -> Iterator[str]:
    """Yield what may be taken away of something new: itself, or of a folder what is in it."""
    if until is None:
        yield entry.path
    elif not entry.is_dir(follow_symlinks=False):
        if _is_older(entry, until):
            yield entry.path
    else:
        inside = list(_entries(entry.path))
        mine = [list(_older(one, until)) for one in inside]
        if all(paths == [one.path] for paths, one in zip(mine, inside, strict=True)):
            yield entry.path  # nothing in it is anybody else's
        else:
            for paths in mine:
                yield from paths


def _is_older(entry: os.DirEntry[str], until: float | None) -> bool:
    """Whether it was made or changed before a time; the inode's own time counts, which no program can set."""
    if until is None:
        return True
    try:
        return entry.stat(follow_symlinks=False).st_ctime <= until
    except OSError:
        return False


def _put_back(path: str, kept: str) -> None:
    found = os.lstat(kept)
    if stat.S_ISDIR(found.st_mode):
        _remove_unless(path, stat.S_ISDIR)
        with contextlib.suppress(FileExistsError):
            os.mkdir(path)
            shutil.copymode(os.path.dirname(path), path)
        return
    with contextlib.suppress(FileNotFoundError):
        if stat.S_ISDIR(os.lstat(path).st_mode):
            shutil.rmtree(path)
    beside = f"{path}.{os.getpid()}.back"
    try:
        if stat.S_ISLNK(found.st_mode):
            os.symlink(os.readlink(kept), beside)
        else:
            _link_or_copy(kept, beside, copied=kept.endswith(_WRITTEN_IN_PLACE))
        os.replace(beside, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(beside)
        raise
    if path.endswith(".py"):
        _forget_compiled(path)


def _link_or_copy(kept: str, target: str, *, copied: bool) -> None:
    if not copied:
        try:
            os.link(kept, target)
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
        else:
            return
    shutil.copy2(kept, target)


def _forget_compiled(path: str) -> None:
    """Take away what was compiled from a source that is gone, or from another version of it.

    The one keeps an uninstaller from removing the folder; of the other sometimes only the time tells.
    """
    folder, name = os.path.split(path)
    cache = os.path.join(folder, "__pycache__")
    stem = name[: -len("py")]
    for entry in _entries(cache):
        if entry.name.startswith(stem) and entry.name.endswith(".pyc"):
            with contextlib.suppress(OSError):
                os.unlink(entry.path)


def _remove_unless(path: str, is_right: Callable[[int], bool]) -> None:
    with contextlib.suppress(FileNotFoundError):
        if not is_right(os.lstat(path).st_mode):
            _remove(path)


def _remove(path: str) -> None:
    try:
        if stat.S_ISDIR(os.lstat(path).st_mode):
            shutil.rmtree(path, ignore_errors=True)  # as much of it as can go
            os.lstat(path)
            shutil.rmtree(path)
        else:
            os.unlink(path)
    except FileNotFoundError:
        return


def _entries(folder: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as found:
            return list(found)
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return []


def _is_shared(path: str) -> bool:
    """Whether a folder is not for pip to write to: a distribution's own (``/usr/lib/python3/dist-packages``)."""
    return path.replace("\\", "/").startswith("/usr/lib/")


def _scripts_of(site: str) -> str | None:
    """Return the folder of the scripts of a site directory ``BASE/lib/pythonX.Y/site-packages``; not ``/usr/bin``."""
    library = os.path.dirname(os.path.dirname(site))
    base = os.path.dirname(library)
    return os.path.join(base, "bin") if os.path.basename(library).startswith("lib") and base != "/usr" else None
