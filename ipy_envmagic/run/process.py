"""Running a command: start it, stream what it writes, interrupt it, and say how it ended.

In a notebook the program has a session and, on POSIX, a pseudo-terminal of its own, so that it shows its progress and
hears of an interrupt only from us; `screen` makes its output fit for a cell. In a terminal it has the terminal itself.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import select
import signal
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ipy_envmagic.errors import EnvMagicError
from ipy_envmagic.run import tree
from ipy_envmagic.run.screen import Screen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from types import FrameType

    from ipy_envmagic.commands.command import Command

__all__ = ["KEPT", "Face", "Interrupts", "Outcome", "run_in_cell", "run_in_terminal"]

KEPT = 1 << 16
"""Characters of a program's output that are kept: the last ones."""

_CHUNK = 65536  # bytes asked of one read
_BATCH = 1 << 18  # bytes gathered before the cell gets them, when they come faster than it can show them
_BATCH_SECONDS = 0.05
_FRAME_SECONDS = 0.1  # a progress line is renewed ten times a second at most
_GUARD_AFTER = 0.0, 1.0  # seconds after which a program that changes files, or none, is guarded against our death
_ROWS = 1  # of the program's terminal: with more, uv and tqdm draw several bars at once, which a cell cannot renew
_BROKEN_PIPE = (120, 141)  # of CPython, whose last flush failed, and of a program that SIGPIPE ended


@dataclass(frozen=True, slots=True)
class Face:
    """How a run shows itself.

    Parameters
    ----------
    write : callable
        Takes text for the cell.
    say : callable
        Takes a line of our own.
    mask : callable
        Takes text and gives it back without its secrets.
    progress : bool
        Whether somebody watches: a progress line is renewed in place.
    width : int
        Columns of the program's terminal.
    hold : float
        Seconds for which text may be gathered before it is written: where each write is kept as an output of its own.
    """

    write: Callable[[str], None]
    say: Callable[[str], None]
    mask: Callable[[str], str]
    progress: bool = True
    width: int = 100
    hold: float = 0.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended.

    Parameters
    ----------
    returncode : int
        The exit status; negative for a signal, as in `subprocess`.
    interrupts : int
        How often the kernel was interrupted meanwhile.
    deferred : bool
        Whether the interrupt waited until the program had finished changing files.
    tail : str
        The end of the output, at most 64 KiB, "" where the program had the terminal.
    seconds : float
        Wall time.
    own_returncode : int or None
        The program's own, where a shell tail has one as well; None where that is `returncode`.
    """

    returncode: int
    interrupts: int = 0
    deferred: bool = False
    tail: str = ""
    seconds: float = 0.0
    own_returncode: int | None = None

    @property
    def succeeded(self) -> bool:
        """Whether the program itself, not its shell tail, did what it was to do."""
        return not (self.returncode if self.own_returncode is None else self.own_returncode)


def run_in_cell(
    command: Command, face: Face, *, busy: Callable[[str], bool], grace: float = 5.0, mark: str | None = None
) -> Outcome:
    """Run a command and stream its output.

    Parameters
    ----------
    command : Command
        What to run.
    face : Face
        Where its output goes.
    busy : callable
        Takes the end of the output; tells whether the program is changing files now, so that an interrupt would leave
        the environment half done.
    grace : float
        Seconds that an interrupted program has to clean up.
    mark : str, optional
        The value of `tree.MARK` by which its processes are known; by default a new one.

    Returns
    -------
    Outcome

    Raises
    ------
    EnvMagicError
        When the program cannot be started.
    """
    with _status_file(command) as status, Interrupts() as interrupts:
        run = _Run(command, face, status, mark or secrets.token_hex(8))
        try:
            return run.follow(interrupts, busy, grace)
        finally:
            run.close()


def run_in_terminal(command: Command, *, mark: str | None = None) -> Outcome:
    """Run a command that has the terminal to itself, and wait for it; see `run_in_cell`."""
    started = time.monotonic()
    with _status_file(command) as status, Interrupts() as interrupts:
        argv = _with_shell(command, status)
        environ = _environ(command) | ({tree.MARK: mark} if mark else {})
        with _explained(command), subprocess.Popen(argv, env=environ) as process:
            guard = _Guard(process.pid, mark) if mark else None
            process.wait()
            if guard is not None:
                guard.close()
        returncode = _status(command, process.returncode, status)
        seconds = time.monotonic() - started
        return Outcome(returncode, interrupts.count, seconds=seconds, own_returncode=_own_status(status))


class _Run:
    """A program that is running, with its output's end in our hands."""

    def __init__(self, command: Command, face: Face, status: str | None, mark: str) -> None:
        self.command = command
        self.face = face
        self.status = status
        self.mark = mark
        self.started = time.monotonic()
        self.screen = Screen(progress=face.progress, width=face.width)
        self.tail = ""
        self.pending: list[str] = []
        self.written_at = self.framed_at = self.started
        self.guard: _Guard | None = None
        self.process, self.output = _start(command, face, status, self.mark)

    def follow(self, interrupts: Interrupts, busy: Callable[[str], bool], grace: float) -> Outcome:
        """Stream until the program ends."""
        seen = 0
        deferred = False
        deadline: float | None = None
        while self._read_once(interrupts):
            if interrupts.count > seen:
                seen = interrupts.count
                if seen > 1:
                    deferred = False
                    self._kill()
                elif self._interrupt_unless(busy):
                    deadline = time.monotonic() + grace
                else:
                    deferred = True
                    self._say_deferred()
            if deadline is not None and time.monotonic() > deadline:
                self._kill()
                deadline = None
        self.process.wait()
        if deadline is not None or seen > 1:
            self._kill()  # the program is gone; what it started is ended with it
        self._write(self.screen.finish())
        self._flush()
        returncode = _status(self.command, self.process.returncode, self.status, self.tail)
        seconds = time.monotonic() - self.started
        return Outcome(returncode, seen, deferred, self.tail, seconds, _own_status(self.status))

    def close(self) -> None:
        """Let go of everything; a program that still runs (an error of ours) is ended."""
        if self.process.poll() is None:
            self._kill()
            self.process.wait()
        self.output.close()
        if self.guard is not None:
            self.guard.close()

    # -- output

    def _read_once(self, interrupts: Interrupts) -> bool:
        """Take what is there, or wait a moment; False when the program has ended and all is read."""
        now = time.monotonic()
        if self.guard is None and now - self.started > _GUARD_AFTER[not self.command.mutates]:
            self.guard = _Guard(self.process.pid, self.mark)
        data = self._gather(interrupts)
        if data:
            self._write(self.screen.feed(data))
        now = time.monotonic()
        if self.face.progress and now - self.framed_at >= _FRAME_SECONDS:
            self.framed_at = now
            self._write(self.screen.frame(), final=False)
        if now - self.written_at >= self.face.hold:
            self._flush()
        return data is not None

    def _gather(self, interrupts: Interrupts) -> bytes | None:
        """Read for as long as more comes at once; None at the end."""
        parts: list[bytes] = []
        size, until = 0, time.monotonic() + _BATCH_SECONDS
        wait = _FRAME_SECONDS
        while size < _BATCH and time.monotonic() < until + wait:
            data = self.output.read(wait, interrupts.wakeup)
            if data is None:
                return b"".join(parts) if parts else None
            if not data:
                ended = self.process.poll() is not None and not self.output.read_more()
                return b"".join(parts) if parts else None if ended else b""
            parts.append(data)
            size += len(data)
            wait = 0.0
        return b"".join(parts)

    def _write(self, text: str, *, final: bool = True) -> None:
        if not text:
            return
        text = self.face.mask(text)
        self.pending.append(text)
        if final:
            self.tail = (self.tail + text)[-KEPT:]

    def _flush(self) -> None:
        if self.pending:
            self.face.write("".join(self.pending))
            self.pending.clear()
        self.written_at = time.monotonic()

    # -- interrupts

    def _interrupt_unless(self, busy: Callable[[str], bool]) -> bool:
        """Pass the interrupt on, unless the program is changing files; it is held still while we look."""
        if not hasattr(os, "killpg"):
            if busy(self.tail):
                return False
            self.process.send_signal(getattr(signal, "CTRL_BREAK_EVENT", signal.SIGTERM))
            return True
        tree.signal_all(self.process.pid, self.mark, signal.SIGSTOP)
        try:
            if busy(self.tail):
                return False
            tree.signal_all(self.process.pid, self.mark, signal.SIGINT)
            return True
        finally:
            tree.signal_all(self.process.pid, self.mark, signal.SIGCONT)

    def _say_deferred(self) -> None:
        self._flush()
        self.face.say(
            f"{self.command.program} is replacing files of this environment: the interrupt takes effect when that is "
            "done. Interrupt again to end it now, which may leave the environment half changed."
        )

    def _kill(self) -> None:
        if hasattr(os, "killpg"):
            tree.end_all(self.process.pid, self.mark)
        elif self.process.poll() is None:
            subprocess.run(["taskkill", "/T", "/F", "/PID", str(self.process.pid)], capture_output=True, check=False)


class _Guard:
    """The process that ends a program should this kernel be killed, which can do nothing itself then."""

    def __init__(self, leader: int, mark: str) -> None:
        self.process: subprocess.Popen[bytes] | None = None
        if not hasattr(os, "killpg") or not sys.executable:
            return
        read, self.pipe = os.pipe()
        argv = [sys.executable, "-I", "-S", tree.__file__, str(read), str(leader), mark]
        environ = {name: value for name, value in os.environ.items() if name != tree.MARK}
        self.process = subprocess.Popen(
            argv,
            env=environ,
            pass_fds=(read,),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        os.close(read)

    def close(self) -> None:
        """Send it away."""
        if self.process is not None:
            self.process.kill()  # quicker than telling it: it may not even have begun to listen
            self.process.wait()
            os.close(self.pipe)


class Interrupts:
    """Count interrupts for as long as it is entered, in place of a KeyboardInterrupt at any line."""

    def __init__(self) -> None:
        self.count = 0
        self.wakeup: int | None = None

    def __enter__(self) -> Interrupts:  # noqa: PYI034 typing.Self is not in Python 3.10
        if threading.current_thread() is threading.main_thread():
            self.wakeup, self._wake = os.pipe()
            self._previous = signal.signal(signal.SIGINT, self._on_interrupt)
        return self

    def __exit__(self, *_: object) -> None:
        if self.wakeup is not None:
            signal.signal(signal.SIGINT, self._previous or signal.default_int_handler)
            os.close(self._wake)
            os.close(self.wakeup)

    def _on_interrupt(self, _number: int, _frame: FrameType | None) -> None:
        self.count += 1
        os.write(self._wake, b".")


class _Descriptor:
    """The output's end on POSIX: a pseudo-terminal or a pipe."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor

    def read(self, wait: float, wakeup: int | None) -> bytes | None:
        """Give what has come within `wait` seconds, b"" for nothing, None at the end."""
        watched = [self.descriptor] if wakeup is None else [self.descriptor, wakeup]
        ready, _, _ = select.select(watched, [], [], wait)
        if wakeup in ready:
            os.read(wakeup or 0, _CHUNK)
        if self.descriptor not in ready:
            return b""
        try:
            return os.read(self.descriptor, _CHUNK) or None
        except OSError:  # EIO: nobody has the terminal's other end any more
            return None

    def read_more(self) -> bool:
        """Whether something can be read now."""
        return bool(select.select([self.descriptor], [], [], 0)[0])

    def close(self) -> None:
        os.close(self.descriptor)


class _Queue:
    """The output's end where pipes cannot be waited for (Windows): a thread reads and hands over."""

    def __init__(self, descriptor: int) -> None:
        import queue  # noqa: PLC0415 POSIX never needs it

        self.queue: queue.Queue[bytes | None] = queue.Queue(maxsize=64)
        self._empty = queue.Empty
        self.descriptor = descriptor
        threading.Thread(target=self._pump, daemon=True).start()

    def _pump(self) -> None:
        data: bytes | None = b""
        while data is not None:
            try:
                data = os.read(self.descriptor, _CHUNK) or None
            except OSError:
                data = None
            self.queue.put(data)

    def read(self, wait: float, _wakeup: int | None) -> bytes | None:
        """See `_Descriptor.read`."""
        try:
            return self.queue.get(timeout=wait) if wait else self.queue.get_nowait()
        except self._empty:
            return b""

    def read_more(self) -> bool:
        """See `_Descriptor.read_more`."""
        return not self.queue.empty()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            os.close(self.descriptor)


def _start(
    command: Command, face: Face, status: str | None, mark: str
) -> tuple[subprocess.Popen[bytes], _Descriptor | _Queue]:
    """Start the program in a session of its own; its output goes to a pseudo-terminal, as data to a pipe."""
    environ = _environ(command) | {tree.MARK: mark} | _terminal_variables(face)
    argv = _with_shell(command, status)
    if sys.platform == "win32":
        read, write = os.pipe()
        flags = getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)
        session: dict[str, int] = {"creationflags": flags}
    elif command.machine_output and command.shell_tail is None:
        read, write = os.pipe()
        session = {"start_new_session": True}
    else:
        read, write = _pseudo_terminal(face.width)
        session = {"start_new_session": True}
    try:
        with _explained(command):
            process = subprocess.Popen(
                argv, env=environ, stdin=subprocess.DEVNULL, stdout=write, stderr=write, **session
            )  # type: ignore[call-overload]
    except BaseException:
        os.close(read)
        raise
    finally:
        os.close(write)
    return process, _Queue(read) if sys.platform == "win32" else _Descriptor(read)


def _pseudo_terminal(width: int) -> tuple[int, int]:
    import fcntl  # noqa: PLC0415 POSIX only
    import pty  # noqa: PLC0415
    import struct  # noqa: PLC0415
    import termios  # noqa: PLC0415

    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", _ROWS, width, 0, 0))
    settings = termios.tcgetattr(theirs)
    settings[1] &= ~termios.OPOST  # a newline need not become two characters: that halves the speed, and `screen` knows
    termios.tcsetattr(theirs, termios.TCSANOW, settings)
    return ours, theirs


def _terminal_variables(face: Face) -> dict[str, str]:
    """Tell the program of its terminal, and whether somebody watches its progress."""
    variables = {"TERM": "xterm-256color", "COLUMNS": str(face.width)}
    if not face.progress:
        variables |= {"PIP_PROGRESS_BAR": "off", "UV_NO_PROGRESS": "1"}
    if sys.platform == "win32":
        variables |= {"PYTHONIOENCODING": "utf-8", "PYTHONUNBUFFERED": "1"}
    return variables


def _environ(command: Command) -> dict[str, str]:
    environ = dict(os.environ)
    changes: Mapping[str, str | None] = command.env
    for name, value in changes.items():
        if value is None:
            environ.pop(name, None)
        else:
            environ[name] = value
    if command.machine_output or command.shell_tail is not None:
        for name in ("FORCE_COLOR", "CLICOLOR_FORCE"):  # a kernel sets both, and they put colours into JSON
            environ.pop(name, None)
    return environ


def _with_shell(command: Command, status: str | None) -> list[str] | str:
    """Give what to start: the program itself, or ``/bin/sh`` where the user typed a shell tail.

    The program's words reach the shell as its arguments, so only the tail is read by it. The status is that of the last
    program; ours is the first, so the shell writes it down.
    """
    tail = command.shell_tail
    if tail is None:
        return list(command.argv)
    if sys.platform == "win32":
        return _for_cmd(command.argv, tail)
    told = '{ "$@"; ours=$?; echo $ours >"$IPY_ENVMAGIC_STATUS"; (exit $ours); }'
    first = told if status else '"$@"'
    script = f"{first} {tail}"
    if status:
        script = f"IPY_ENVMAGIC_STATUS={_sh_quote(status)}; {script}"
    return ["/bin/sh", "-c", script, "sh", *command.argv]


def _for_cmd(argv: tuple[str, ...], tail: str) -> str:
    """Write the program's words for ``cmd.exe``, which reads them again; what cannot be kept from it is refused."""
    for word in argv:
        if set(word) & set('%"\r\n!'):
            raise EnvMagicError(f"{word!r} cannot stand in a line with a pipe on Windows; run it without the pipe")
    quoted = " ".join(f'"{word}"' for word in argv)
    return f'cmd.exe /d /s /c "{quoted} {tail}"'


def _sh_quote(text: str) -> str:
    return "'" + text.replace("'", "'\"'\"'") + "'"


@contextlib.contextmanager
def _status_file(command: Command) -> Iterator[str | None]:
    """Give a private file for the program's own status; None where there is no shell tail."""
    if not command.shell_tail or sys.platform == "win32":
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="ipy-envmagic-") as folder:
        yield os.path.join(folder, "status")


def _own_status(status: str | None) -> int | None:
    """Read the program's own status; None where the shell has not written one."""
    if status is not None:
        with contextlib.suppress(OSError, ValueError), open(status, encoding="ascii") as file:
            return int(file.read())
    return None


def _status(command: Command, returncode: int, status: str | None, tail: str = "") -> int:
    """Tell the run's status: behind a pipe the program's own, then the tail's, whose 1 (grep: no line) is no failure.

    A program that ends because the tail has read enough (``| head``) has not failed either.
    """
    shell_tail = command.shell_tail or ""
    if status is None or not shell_tail.startswith("|") or shell_tail.startswith("||"):
        return returncode
    first = _own_status(status)
    if first and first not in _BROKEN_PIPE and not re.search(r"[Bb]roken pipe|Pipe to stdout was broken", tail):
        return first
    return 0 if returncode == 1 else returncode


@contextlib.contextmanager
def _explained(command: Command) -> Iterator[None]:
    """Say in one line why a program could not be started."""
    try:
        yield
    except OSError as error:
        raise EnvMagicError(
            f"{command.argv[0]} cannot be started: {error.strerror or error}", "Look whether that file is still there."
        ) from None
