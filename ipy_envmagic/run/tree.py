"""The processes that a program started, found and ended.

Also the guard that outlives a kernel: run as a script it waits for the kernel's end of a pipe to close and then ends
what the kernel had started. It imports nothing but small modules of the standard library, to start in milliseconds.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time

__all__ = ["MARK", "end_all", "members", "signal_all"]

MARK = "IPY_ENVMAGIC_RUN"
"""The environment variable by which a run's processes are known, whatever session they moved to."""

_GUARD_PATIENCE = 2.0  # seconds between asking and killing, once the kernel is dead


def members(leader: int, mark: str) -> list[int]:
    """List the processes of a run that are alive.

    Parameters
    ----------
    leader : int
        Process id of the program, which leads its own session.
    mark : str
        The run's value of `MARK`.

    Returns
    -------
    list of int
        Process ids: the session's, and those that carry the mark; zombies are left out.
    """
    if os.path.isdir("/proc/self"):
        return _members_in_proc(leader, mark)
    return _members_by_ps(leader)


def signal_all(leader: int, mark: str, number: int) -> None:
    """Send a signal to every process of a run; one that has gone meanwhile is no error."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, number)
    for pid in members(leader, mark):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if os.getpgid(pid) != leader:
                os.kill(pid, number)


def end_all(leader: int, mark: str) -> None:
    """Kill every process of a run, also those that ignore all that can be ignored, and those born meanwhile."""
    for _ in range(20):
        signal_all(leader, mark, signal.SIGKILL)
        time.sleep(0.005)
        if not members(leader, mark):
            return


def _members_in_proc(leader: int, mark: str) -> list[int]:
    needle = f"{MARK}={mark}".encode()
    found = []
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/stat", "rb") as file:
                state, _, _, session = file.read().rpartition(b")")[2].split()[:4]
            if state in (b"Z", b"X"):
                continue
            if int(session) == leader or _carries(name, needle):
                found.append(int(name))
        except (OSError, ValueError):
            continue
    return found


def _carries(pid: str, needle: bytes) -> bool:
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            return needle in file.read().split(b"\0")
    except OSError:
        return False


def _members_by_ps(leader: int) -> list[int]:
    """Follow parents and process groups where there is no /proc (macOS, BSD)."""
    listing = subprocess.run(
        ["/bin/ps", "-axo", "pid=,ppid=,pgid=,stat="], capture_output=True, text=True, check=False
    ).stdout
    rows = [line.split() for line in listing.splitlines()]
    alive = {int(pid): (int(ppid), int(pgid)) for pid, ppid, pgid, stat in rows if not stat.startswith("Z")}
    found = {pid for pid, (_, pgid) in alive.items() if leader in (pid, pgid)}
    while more := {pid for pid, (ppid, _) in alive.items() if ppid in found} - found:
        found |= more
    return sorted(found)


def _guard(pipe: int, leader: int, mark: str) -> None:
    """Wait for the kernel to die, and then end its program; a kernel that lives on ends this guard itself."""
    os.read(pipe, 1)
    signal_all(leader, mark, signal.SIGINT)
    until = time.monotonic() + _GUARD_PATIENCE
    while time.monotonic() < until and members(leader, mark):
        time.sleep(0.05)
    end_all(leader, mark)


if __name__ == "__main__":
    _guard(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
