"""Importing a module for trial, in a process of its own: whatever happens there, the kernel does not suffer."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import tempfile
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any, Literal

from ipy_envmagic.run import importer, tree

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

__all__ = ["Trial", "try_imports"]

_KEPT = 16 * 1024  # bytes of what the import prints: its end
_CHUNK = 1 << 16
_OPTIONS = {
    "isolated": "-I",
    "ignore_environment": "-E",
    "no_site": "-S",
    "no_user_site": "-s",
    "safe_path": "-P",
}


@dataclass(frozen=True, slots=True)
class Trial:
    """How importing one module ended.

    Parameters
    ----------
    module : str
        What was imported.
    ended : str
        "imported", "raised" (an exception), "crashed" (a signal, or the process ended itself), "late" (not in its
        time), or "not started".
    exception, message : str
        The exception's class and text; of a crash and of what could not be started, what is known in words.
    missing : str
        Of a ModuleNotFoundError, the module that was not found.
    where : str
        The file and line that raised it.
    status : int
        The exit status; negative for a signal.
    output : str
        The end of what it printed.
    seconds : float
        How long it took.
    """

    module: str
    ended: Literal["imported", "raised", "crashed", "late", "not started"]
    exception: str = ""
    message: str = ""
    missing: str = ""
    where: str = ""
    status: int = 0
    output: str = ""
    seconds: float = 0.0


def try_imports(
    modules: Iterable[str],
    *,
    executable: str,
    path: Sequence[str],
    cwd: str,
    flags: Iterable[str] = (),
    environ: Mapping[str, str],
    timeout: float = 30.0,
) -> dict[str, Trial]:
    """Import each module in a process of its own, a few at a time.

    Parameters
    ----------
    modules : iterable of str
        Dotted names.
    executable : str
        The interpreter.
    path : sequence of str
        The `sys.path` to import with.
    cwd : str
        The working directory.
    flags : iterable of str
        Names of `sys.flags` that are set: "isolated", "no_user_site", ...
    environ : mapping of str to str
        The variables.
    timeout : float
        Seconds for each; then it is ended with everything it started.

    Returns
    -------
    dict of str to Trial
        By module. An interrupt ends all of them and is passed on.
    """
    names = list(dict.fromkeys(modules))
    options = [_OPTIONS[name] for name in flags if name in _OPTIONS]
    command = [executable, "-X", "faulthandler", *options, importer.__file__]
    stop = threading.Event()
    with ThreadPoolExecutor(max_workers=min(4, os.cpu_count() or 1)) as pool:
        futures = [pool.submit(_try, name, command, list(path), cwd, environ, timeout, stop) for name in names]
        try:
            trials = [future.result() for future in futures]
        except BaseException:
            stop.set()
            for future in futures:
                future.cancel()
            raise
    return {trial.module: trial for trial in trials}


def _try(
    module: str,
    command: list[str],
    path: list[str],
    cwd: str,
    environ: Mapping[str, str],
    timeout: float,
    stop: threading.Event,
) -> Trial:
    mark = uuid.uuid4().hex
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="ipy-envmagic-", ignore_cleanup_errors=True) as folder:
        answer = os.path.join(folder, "answer.json")
        asked = {"module": module, "path": path, "answer": answer, "seconds": timeout}
        try:
            process = subprocess.Popen(
                command,
                cwd=cwd or None,
                env={**environ, tree.MARK: mark},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=os.name != "nt",
            )
        except (OSError, ValueError) as error:
            return Trial(module, "not started", type(error).__name__, str(error))
        tail = bytearray()
        reader = threading.Thread(target=_keep_end, args=(process.stdout, tail), daemon=True)
        reader.start()
        with contextlib.suppress(OSError):
            process.stdin.write(json.dumps(asked).encode())  # type: ignore[union-attr] # it is a pipe
            process.stdin.close()  # type: ignore[union-attr]
        in_time = _wait(process, begun + timeout, stop)
        _end(process, mark)
        reader.join(1.0)
        said = bytes(tail).decode("utf-8", "replace")
        seconds = time.monotonic() - begun
        if not in_time:
            return Trial(module, "late", status=process.returncode, output=said, seconds=seconds)
        return _read(module, answer, process.returncode, said, seconds)


def _wait(process: subprocess.Popen[bytes], until: float, stop: threading.Event) -> bool:
    """Wait for the end; False where the time is up, or where nobody wants the answer any more."""
    pause = 0.002
    while process.poll() is None:
        if time.monotonic() > until or stop.wait(pause):
            return False
        pause = min(pause * 1.5, 0.05)
    return True


def _end(process: subprocess.Popen[bytes], mark: str) -> None:
    """End what is left of the process and of all that it started."""
    if os.name == "nt":
        process.kill()
    elif process.poll() is None or tree.members(process.pid, mark):
        tree.end_all(process.pid, mark)
    process.wait()


def _keep_end(stream: IO[bytes], tail: bytearray) -> None:
    """Read to the end and keep the last of it: however much an import prints, it neither waits nor fills anything."""
    with stream, contextlib.suppress(OSError, ValueError):
        while chunk := os.read(stream.fileno(), _CHUNK):
            tail += chunk
            del tail[:-_KEPT]


def _read(module: str, answer: str, status: int, said: str, seconds: float) -> Trial:
    try:
        with open(answer, encoding="utf-8") as file:
            told: dict[str, Any] = json.load(file)
    except (OSError, ValueError):
        return Trial(module, "crashed", status=status, output=said, seconds=seconds)
    if not told["raised"]:
        return Trial(module, "imported", output=said, seconds=seconds)
    return Trial(
        module,
        "raised",
        told["raised"],
        told["message"],
        told["missing"],
        told["where"],
        status,
        said,
        seconds,
    )
