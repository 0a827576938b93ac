"""Real kernels for tests: started through jupyter_client as a notebook server does, in a home of their own.

kernel = Kernel(home=tmp_path / "home", cwd=tmp_path)
cell = kernel.run("%load_ext ipy_envmagic")
assert cell.status == "ok", cell.error

running = kernel.start("%pip install slow-package")      # does not wait
running.wait_for("Building")
kernel.interrupt()
cell = running.result()
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from queue import Empty
from typing import Any

from isolation import isolated
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import KernelManager
from screen_of_lab import as_lab_shows

__all__ = ["Cell", "Kernel", "KernelError", "Running", "import_root"]

ESCAPE = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[@-Z\\-_]")


class KernelError(AssertionError):
    """A kernel that did not start, or a cell that did not end in its time."""


@dataclass(frozen=True)
class Error:
    """The `error` message of a cell."""

    ename: str
    evalue: str
    traceback: list[str]

    @property
    def text(self) -> str:
        """The traceback as it is read, without colours."""
        return ESCAPE.sub("", "\n".join(self.traceback))


@dataclass(frozen=True)
class Message:
    """One message of the kernel, with the seconds from the request to its arrival."""

    seconds: float
    kind: str
    content: dict[str, Any]


@dataclass(repr=False)
class Cell:
    """What a cell did and showed."""

    code: str
    status: str = "running"  # then "ok", "error", "aborted", or "dead": the kernel ended under it
    outputs: list[dict[str, Any]] = field(default_factory=list)  # as in a notebook: streams joined, displays renewed
    messages: list[Message] = field(default_factory=list)  # every message as it came
    prompts: list[str] = field(default_factory=list)  # what it asked of the person
    execution_count: int | None = None
    seconds: float = 0.0

    @property
    def raw(self) -> str:
        """All stream text, as it was sent."""
        return "".join(m.content["text"] for m in self.messages if m.kind == "stream")

    @property
    def text(self) -> str:
        """All stream text, as JupyterLab shows it in the end (colours left in)."""
        return as_lab_shows("".join(o["text"] for o in self.outputs if o["output_type"] == "stream"))

    @property
    def plain(self) -> str:
        """`text` without colours."""
        return ESCAPE.sub("", self.text)

    @property
    def stdout(self) -> str:
        return "".join(o["text"] for o in self.outputs if o.get("name") == "stdout")

    @property
    def stderr(self) -> str:
        return "".join(o["text"] for o in self.outputs if o.get("name") == "stderr")

    @property
    def error(self) -> Error | None:
        found = [o for o in self.outputs if o["output_type"] == "error"]
        return Error(found[0]["ename"], found[0]["evalue"], found[0]["traceback"]) if found else None

    @property
    def data(self) -> dict[str, Any] | None:
        """The MIME bundle of Out[n]."""
        found = [o for o in self.outputs if o["output_type"] == "execute_result"]
        return found[-1]["data"] if found else None

    @property
    def result(self) -> str | None:
        """The text of Out[n]."""
        return None if self.data is None else self.data.get("text/plain")

    @property
    def displays(self) -> list[dict[str, Any]]:
        """The MIME bundles of what was displayed, each as it was last renewed."""
        return [o["data"] for o in self.outputs if o["output_type"] == "display_data"]

    @property
    def shown(self) -> str:
        """All that a reader of the cell sees, in order, as plain text."""
        parts = []
        for output in self.outputs:
            if output["output_type"] == "stream":
                parts.append(as_lab_shows(output["text"]))
            elif output["output_type"] == "error":
                parts.append("\n".join(output["traceback"]))
            else:
                parts.append(output["data"].get("text/plain", ""))
        return ESCAPE.sub("", "\n".join(part.rstrip("\n") for part in parts))

    def __repr__(self) -> str:
        return f"[{self.status}] {self.code}\n{self.shown}"


class Running:
    """A cell that has been sent; `result` waits for its end."""

    def __init__(self, kernel: Kernel, code: str, *, stdin: bool, answers: Iterable[str]) -> None:
        self.kernel = kernel
        self.cell = Cell(code)
        self.answers = list(answers)
        self.displays: dict[str, list[dict[str, Any]]] = {}
        self.clear_next = False
        self.reply: dict[str, Any] | None = None
        self.idle = False
        self.triggers: list[tuple[str, Callable[[], None]]] = []
        self.started = time.monotonic()
        self.identity = kernel.client.execute(code, allow_stdin=stdin, stop_on_error=False)

    def add_trigger(self, text: str, act: Callable[[], None]) -> None:
        """Call `act` once, when the cell has shown `text`."""
        self.triggers.append((text, act))

    def wait_for(self, text: str, timeout: float = 30) -> Running:
        """Wait until the cell has shown `text`, in a stream or in a display, also one that is replaced later."""
        self._until(lambda: text in self._everything(), timeout, f"the text {text!r}")
        return self

    def wait(self, until: Callable[[Cell], object], timeout: float = 30) -> Running:
        """Wait until `until(cell)` is true."""
        self._until(lambda: bool(until(self.cell)), timeout, "the condition")
        return self

    def result(self, timeout: float = 60) -> Cell:
        """Wait for the end of the cell and return it."""
        self._until(lambda: self.ended, timeout, "the end of the cell")
        return self.cell

    @property
    def ended(self) -> bool:
        return (self.reply is not None and self.idle) or self.cell.status == "dead"

    def _everything(self) -> str:
        texts = (m.content.get("text") or m.content.get("data", {}).get("text/plain", "") for m in self.cell.messages)
        return "".join(texts)

    def _until(self, done: Callable[[], bool], timeout: float, what: str) -> None:
        end = time.monotonic() + timeout
        while not done():
            if self.ended:
                raise KernelError(f"the cell ended before {what} came:\n{self.cell}")
            if time.monotonic() > end:
                raise KernelError(f"{what} did not come in {timeout} s:\n{self.cell}")
            self._take(min(0.1, max(0.001, end - time.monotonic())))

    def _take(self, wait: float) -> None:
        client = self.kernel.client
        try:
            message = client.get_iopub_msg(timeout=wait)
        except Empty:
            self._take_others()
            if not self.kernel.manager.is_alive():
                self._drain()
                self.cell.status = "dead" if not (self.reply and self.idle) else self.cell.status
            return
        self._hear(message)
        if self.idle:
            self._take_others()

    def _drain(self) -> None:
        with contextlib.suppress(Empty):
            while True:
                self._hear(self.kernel.client.get_iopub_msg(timeout=0.05))
        self._take_others()

    def _take_others(self) -> None:
        client = self.kernel.client
        with contextlib.suppress(Empty):
            while self.reply is None:
                reply = client.get_shell_msg(timeout=0.2 if self.idle else 0)
                if reply["parent_header"].get("msg_id") == self.identity:
                    self.reply = reply["content"]
                    self.cell.status = self.reply["status"]
                    self.cell.execution_count = self.reply.get("execution_count")
                    self.cell.seconds = time.monotonic() - self.started
        with contextlib.suppress(Empty):
            while True:
                request = client.get_stdin_msg(timeout=0)
                self.cell.prompts.append(request["content"]["prompt"])
                client.input(self.answers.pop(0) if self.answers else "")

    def _hear(self, message: dict[str, Any]) -> None:
        kind, content = message["msg_type"], message["content"]
        if message["parent_header"].get("msg_id") != self.identity:
            return
        if kind == "status":
            self.idle = self.idle or content["execution_state"] == "idle"
            return
        self.cell.messages.append(Message(time.monotonic() - self.started, kind, content))
        self._show(kind, content)
        for trigger in list(self.triggers):
            if trigger[0] in self._everything():
                self.triggers.remove(trigger)
                trigger[1]()

    def _show(self, kind: str, content: dict[str, Any]) -> None:
        """Change the cell's outputs as a front end does."""
        outputs = self.cell.outputs
        if kind == "clear_output":
            self.clear_next = bool(content.get("wait"))
            if not self.clear_next:
                outputs.clear()
            return
        if kind == "update_display_data":
            for output in self.displays.get(content["transient"]["display_id"], ()):
                output["data"] = content["data"]
            return
        if kind not in ("stream", "display_data", "execute_result", "error"):
            return
        if self.clear_next:
            outputs.clear()
            self.clear_next = False
        if kind == "stream" and outputs and outputs[-1].get("name") == content["name"]:
            outputs[-1]["text"] += content["text"]
            return
        output = {"output_type": kind, **content}
        identity = content.get("transient", {}).get("display_id")
        if identity:
            self.displays.setdefault(identity, []).append(output)
        outputs.append(output)


def import_root() -> str | None:
    """Return the folder that must be on the path for `ipy_envmagic`; None where it is installed."""
    try:
        metadata.distribution("ipy-envmagic")
    except metadata.PackageNotFoundError:
        return str(Path(__file__).resolve().parent.parent)
    return None


class Kernel:
    """A real IPython kernel, in a process of its own.

    Parameters
    ----------
    python : str, optional
        The interpreter; this test's own where none is given.
    home : path, optional
        Its home, made if it is not there; a new temporary one where none is given.
    cwd : path, optional
        The working directory; the home where none is given.
    env : mapping, optional
        Changes to the isolated environment variables; None takes one away.
    arguments : iterable of str
        Arguments for the kernel, such as ``--InteractiveShellApp.extensions=x``.
    load : bool
        Load the extension first.
    spec : str, optional
        The name of a kernelspec that Jupyter finds, to be started as it stands; `python` and `arguments` do not count.
    """

    def __init__(
        self,
        python: str | os.PathLike[str] = sys.executable,
        *,
        home: str | os.PathLike[str] | None = None,
        cwd: str | os.PathLike[str] | None = None,
        env: Mapping[str, str | None] | None = None,
        arguments: Iterable[str] = (),
        load: bool = False,
        timeout: float = 60,
        spec: str | None = None,
    ) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="kernel-"))
        self.home = Path(home) if home is not None else self.folder / "home"
        self.home.mkdir(parents=True, exist_ok=True)
        self.cwd = Path(cwd) if cwd is not None else self.home
        self.python = str(python)
        self.env = isolated(self.home)
        root = import_root()
        if root and self.python == sys.executable:
            self.env["PYTHONPATH"] = root
        for key, value in (env or {}).items():
            if value is None:
                self.env.pop(key, None)
            else:
                self.env[key] = value
        own = self.folder / "kernels/tested"
        own.mkdir(parents=True)
        argv = [self.python, "-m", "ipykernel_launcher", "-f", "{connection_file}", *arguments]
        (own / "kernel.json").write_text(json.dumps({"argv": argv, "display_name": "tested", "language": "python"}))
        self.timeout = timeout
        self.load = load
        self._pending_trigger: list[tuple[str, int, float]] = []
        self.log = self.folder / "log"
        specs = KernelSpecManager(ensure_native_kernel=False)
        if spec is None:
            specs.kernel_dirs = [str(own.parent)]
        # A socket file has no port that another test's kernel could take first.
        transport = "ipc" if os.name == "posix" else "tcp"
        self.manager = KernelManager(
            kernel_name=spec or "tested",
            kernel_spec_manager=specs,
            connection_file=str(self.folder / "k.json"),
            transport=transport,
        )
        self._launch()

    def _launch(self) -> None:
        # The launcher keeps the file for restarts.
        self.log_file = self.log.open("ab")
        self.manager.start_kernel(env=self.env, cwd=str(self.cwd), stdout=self.log_file, stderr=self.log_file)
        self._connect()

    def _connect(self) -> None:
        self.client = self.manager.blocking_client()
        self.client.start_channels()
        try:
            self.client.wait_for_ready(timeout=self.timeout)
        except RuntimeError as problem:
            text = self.log.read_text(errors="replace")
            self.shutdown()
            raise KernelError(f"the kernel of {self.python} did not start: {problem}\n{text}") from problem
        if self.load:
            cell = self.run("%load_ext ipy_envmagic")
            if cell.status != "ok":
                raise KernelError(f"the extension did not load:\n{cell}")

    @property
    def pid(self) -> int:
        return int(self.manager.provisioner.pid)

    @property
    def alive(self) -> bool:
        return bool(self.manager.is_alive())

    def start(self, code: str, *, stdin: bool = False, answers: Iterable[str] = ()) -> Running:
        """Send a cell and return at once.

        Parameters
        ----------
        stdin : bool
            Whether the front end can ask the person: true in JupyterLab, false under nbclient.
        answers : iterable of str
            What the person answers, in order; then empty lines.
        """
        running = Running(self, code, stdin=stdin, answers=answers)
        for text, times, pause in self._pending_trigger:

            def act(times: int = times, pause: float = pause) -> None:
                for number in range(times):
                    time.sleep(pause if number else 0)
                    self.interrupt()

            running.add_trigger(text, act)
        self._pending_trigger.clear()
        return running

    def run(self, code: str, timeout: float = 60, *, stdin: bool = False, answers: Iterable[str] = ()) -> Cell:
        """Run a cell to its end. A cell that outlives `timeout` seconds is interrupted, and the test fails."""
        running = self.start(code, stdin=stdin, answers=answers)
        try:
            return running.result(timeout)
        except KernelError:
            with contextlib.suppress(KernelError, RuntimeError):
                self.interrupt()
                running.result(10)
            raise

    def check(self, code: str, timeout: float = 60, **keywords: Any) -> Cell:
        """Run a cell that must succeed."""
        cell = self.run(code, timeout, **keywords)
        if cell.status != "ok":
            raise KernelError(str(cell))
        return cell

    def value(self, expression: str) -> Any:
        """Return the value of an expression of the kernel, through JSON."""
        cell = self.check(f"import json as _j; print('<<' + _j.dumps({expression}) + '>>')")
        return json.loads(cell.stdout.split("<<", 1)[1].rsplit(">>", 1)[0])

    def interrupt(self) -> None:
        """Interrupt as a notebook server does: SIGINT to the kernel's process group."""
        self.manager.interrupt_kernel()

    def interrupt_when(self, text: str, times: int = 1, pause: float = 0.5) -> None:
        """Interrupt the next cell when it has shown `text`; `times` times, `pause` seconds apart."""
        self._pending_trigger.append((text, times, pause))

    def restart(self, *, now: bool = False) -> None:
        """Restart as a notebook server does; `now` kills without asking first."""
        self.client.stop_channels()
        self.manager.restart_kernel(now=now)
        self._connect()

    def kill(self) -> None:
        """End the kernel's own process at once and nothing else, as a crash does."""
        os.kill(self.pid, signal.SIGKILL)
        end = time.monotonic() + 10
        while self.alive and time.monotonic() < end:
            time.sleep(0.01)

    def shutdown(self, *, now: bool = False) -> None:
        """Shut down as a notebook server does, and take the temporary files away; a second call does nothing."""
        if not self.folder.exists():
            return
        with contextlib.suppress(Exception):
            self.client.stop_channels()
        if self.manager.has_kernel:
            self.manager.shutdown_kernel(now=now or not self.alive)
        self.manager.cleanup_resources()
        self.log_file.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> Kernel:  # noqa: PYI034 -- typing.Self is not in Python 3.10
        return self

    def __exit__(self, *unused: object) -> None:
        self.shutdown()
