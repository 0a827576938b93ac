"""Measure beside the peers, in one run, and write benchmarks/README.md.

    python benchmarks/run.py

Every figure is the median of several runs in real kernels that were started for it.
"""

from __future__ import annotations

import datetime as dt
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import Any

from changing import changing
from checks import checks
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import KernelManager
from neighbours import neighbours

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
RUNS = 9
LINES = "for number in range(20_000):\n    print('line', number)\n"
MEGABYTES = "for _ in range(200_000):\n    print('x' * 104)\n"
SHORT = "import sys\nfor _ in range(320):\n    sys.stdout.buffer.write(b'y\\n' * 32_768)\n"
# IPython loads storemagic by default; here it is to be loaded as the others are
FORGET = (
    "import sys\nsys.modules.pop('IPython.extensions.storemagic', None)\n"
    "get_ipython().extension_manager.loaded -= {'storemagic', 'IPython.extensions.storemagic'}"
)
STAMPS = "import time\nfor _ in range(40):\n    print('@', time.time(), flush=True)\n    time.sleep(0.05)\n"


class Kernel:
    """A kernel that runs cells one after the other."""

    def __init__(self, python: str, home: Path, **variables: str) -> None:
        self.manager = KernelManager(transport="ipc", connection_file=str(home / f"k{time.monotonic_ns()}.json"))
        argv = [python, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        self.manager._kernel_spec = KernelSpec(argv=argv, display_name="measured", language="python")  # noqa: SLF001
        own = {"IPYTHONDIR": str(home / "ipython"), "PYTHONPATH": str(ROOT)}
        self.manager.start_kernel(env={**os.environ, **own, **variables})
        self.client = self.manager.blocking_client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=60)

    def run(self, code: str) -> tuple[float, list[tuple[float, str]]]:
        """Run a cell; give its seconds and each piece of text with the time when it came."""
        pieces: list[tuple[float, str]] = []

        def hear(message: dict[str, Any]) -> None:
            if message["msg_type"] == "stream":
                pieces.append((time.time(), message["content"]["text"]))

        began = time.perf_counter()
        reply = self.client.execute_interactive(code, allow_stdin=True, output_hook=hear, timeout=300)
        seconds = time.perf_counter() - began
        if reply["content"]["status"] != "ok":
            raise RuntimeError(f"{code}: {reply['content']}")
        return seconds, pieces

    def value(self, code: str) -> str:
        return "".join(text for _, text in self.run(code)[1]).strip()

    def close(self) -> None:
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)


@contextmanager
def kernel(python: str, home: Path) -> Iterator[Kernel]:
    started = Kernel(python, home)
    try:
        yield started
    finally:
        started.close()


def milliseconds(seconds: float) -> str:
    return f"{seconds * 1e3:.1f} ms" if seconds < 0.1 else f"{seconds * 1e3:.0f} ms"


def loading(home: Path) -> list[str]:
    """Time `%load_ext` in fresh kernels, and count what it imports."""
    code = (
        "import sys, time\nbefore = set(sys.modules)\nbegan = time.perf_counter()\n%load_ext {}\n"
        "taken = time.perf_counter() - began\nnew = set(sys.modules) - before\nprint('took', taken, len(new))"
    )
    found: dict[str, list[tuple[float, int]]] = {}
    for _ in range(RUNS):
        for name in ("ipy_envmagic", "storemagic", "autotime", "watermark"):
            with kernel(sys.executable, home) as started:
                started.run(FORGET)
                started.run("%unload_ext nothing")  # what the first use of such a magic costs is not the extension's
                seconds, modules = started.value(code.format(name)).partition("took ")[2].split()[:2]
                found.setdefault(name, []).append((float(seconds), int(modules)))
    rows = ["| `%load_ext` | beside ours | time | modules newly imported |", "| --- | --- | --- | --- |"]
    ours = statistics.median(seconds for seconds, _ in found["ipy_envmagic"])
    for name, runs in found.items():
        median = statistics.median(seconds for seconds, _ in runs)
        modules = int(statistics.median(count for _, count in runs))
        rows.append(f"| {name} | {median / ours:.1f} | {milliseconds(median)} | {modules} |")
    return rows


def always_on(home: Path) -> list[str]:
    """Time what an extension that is always on costs: at the start, in a healthy cell, after an import that failed."""
    enable = [sys.executable, "-m", "ipy_envmagic", "enable"]
    on = {"IPYTHONDIR": str(home / "ipython-on"), "PYTHONPATH": str(ROOT)}
    subprocess.run(enable, check=True, env={**os.environ, **on}, stdout=subprocess.DEVNULL)
    starts: dict[str, list[float]] = {"off": [], "on": []}
    for _ in range(RUNS):
        for which, folder in (("off", "ipython"), ("on", "ipython-on")):
            began = time.perf_counter()
            started = Kernel(sys.executable, home, IPYTHONDIR=str(home / folder))
            starts[which].append(time.perf_counter() - began)
            started.close()
    hook = (
        "import time\nmagics = get_ipython().magics_manager.registry['EnvMagics']\n"
        "class Result:\n    error_in_exec = None\n"
        "    class info:\n        raw_cell = 'x = [1, 2, 3]\\nsum(x)\\n' * 20\n"
        "began = time.perf_counter()\nfor _ in range(10_000): magics._after_cell(Result)\n"
        "print('took', (time.perf_counter() - began) / 10_000)"
    )
    hint = (
        "import time\nfrom ipy_envmagic import hints\ntry:\n    import envmagic_nowhere\nexcept ImportError as error:\n"
        "    times = []\n    for _ in range(8):\n        began = time.perf_counter()\n"
        "        hints.after_import_error(error, get_ipython().user_ns)\n"
        "        times.append(time.perf_counter() - began)\nprint('took', times[0], sorted(times[1:])[3])"
    )
    with kernel(sys.executable, home) as loaded:
        loaded.run("%load_ext ipy_envmagic")
        time.sleep(1)
        cell = float(loaded.value(hook).partition("took ")[2])
        first, later = map(float, loaded.value(hint).partition("took ")[2].split())
    off, enabled = statistics.median(starts["off"]), statistics.median(starts["on"])
    return [
        "| always on | time |",
        "| --- | --- |",
        f"| a kernel's start, without the extension | {milliseconds(off)} |",
        f"| with it | {milliseconds(enabled)} ({(enabled - off) * 1e3:+.1f} ms) |",
        f"| what a healthy cell pays | {cell * 1e3:.4f} ms |",
        f"| the hint after an import that failed, first and later | {milliseconds(first)}, {milliseconds(later)} |",
    ]


def version(home: Path) -> list[str]:
    """Time `%pip --version`, ours and IPython's own, beside plain pip."""
    plain, theirs, ours = [], [], []
    command = [sys.executable, "-m", "pip", "--version"]
    with kernel(sys.executable, home) as builtin, kernel(sys.executable, home) as loaded:
        loaded.run("%load_ext ipy_envmagic")
        for _ in range(RUNS + 1):
            began = time.perf_counter()
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            plain.append(time.perf_counter() - began)
            theirs.append(builtin.run("%pip --version")[0])
            ours.append(loaded.run("%pip --version")[0])
    floor, built_in, mine = (statistics.median(times[1:]) for times in (plain, theirs, ours))
    return [
        "| `pip --version` | beside plain pip | beyond plain pip | time |",
        "| --- | --- | --- | --- |",
        f"| `python -m pip` | 1.00 | | {milliseconds(floor)} |",
        f"| our `%pip` | {mine / floor:.2f} | {milliseconds(mine - floor)} | {milliseconds(mine)} |",
        f"| IPython's `%pip` | {built_in / floor:.2f} | {milliseconds(built_in - floor)} | {milliseconds(built_in)} |",
    ]


def output(home: Path) -> list[str]:
    """Time much output and the way of one line into the cell, with a program in pip's place that only writes."""
    folder = home / "writes"
    venv.EnvBuilder(symlinks=os.name != "nt", system_site_packages=True).create(folder)
    (next(folder.glob("lib/python*/site-packages")) / "own.pth").write_text(
        "\n".join(path for path in sys.path if path)
    )
    program = next(folder.glob("lib/python*/site-packages")) / "pip"
    program.mkdir()
    (program / "__init__.py").touch()
    python = str(folder / "bin" / "python")
    rows = ["| output | IPython's beside ours | ours | IPython's |", "| --- | --- | --- | --- |"]
    with kernel(python, home) as builtin, kernel(python, home) as loaded:
        loaded.run("%load_ext ipy_envmagic")
        for label, body, runs in (
            ("20,000 lines", LINES, 5),
            ("20 MB in lines of 104 characters", MEGABYTES, 3),
            ("20 MB in lines of 1 character", SHORT, 1),
        ):
            (program / "__main__.py").write_text(body)
            ours = statistics.median(loaded.run("%pip list")[0] for _ in range(max(runs, 3)))
            theirs = statistics.median(builtin.run("%pip list")[0] for _ in range(runs))
            rows.append(f"| {label} | {theirs / ours:.1f} | {milliseconds(ours)} | {milliseconds(theirs)} |")
        (program / "__main__.py").write_text(STAMPS)
        ours, theirs = latency(loaded), latency(builtin)
        label = "from a program's write to the cell"
        rows.append(f"| {label} | {theirs / ours:.1f} | {milliseconds(ours)} | {milliseconds(theirs)} |")
    return rows


def latency(started: Kernel) -> float:
    """Give the median seconds from the program's write of a line to its arrival."""
    found = []
    for arrived, text in started.run("%pip list")[1]:
        found += [arrived - float(stamp) for stamp in re.findall(r"@ (\d+\.\d+)", text)]
    if not found:
        raise RuntimeError("no stamp came")
    return statistics.median(found)


def machine() -> str:
    name = platform.processor() or platform.machine()
    with Path("/proc/cpuinfo").open() if Path("/proc/cpuinfo").exists() else tempfile.TemporaryFile("w+") as file:
        models = [line.partition(":")[2].strip() for line in file if line.startswith("model name")]
    versions = ", ".join(f"{dist} {metadata.version(dist)}" for dist in ("ipython", "ipykernel", "pip"))
    return (
        f"{(models or [name])[0]}, {os.cpu_count()} cores, {platform.system()}; Python {platform.python_version()}, "
        f"{versions}; {dt.datetime.now(dt.timezone.utc).date().isoformat()}."
    )


def main() -> None:
    home = Path(tempfile.mkdtemp(prefix="envmagic-bench-"))
    try:
        parts = []
        for part in (checks, changing, neighbours, loading, always_on, version, output):
            parts.append("\n".join(part(home)))
            print(parts[-1], end="\n\n", flush=True)
    finally:
        shutil.rmtree(home, ignore_errors=True)
    lines = [
        "# Benchmarks",
        "",
        "`make bench` measures beside the peers in one run and writes this page. All figures are medians, taken in",
        "real kernels through the protocol that a front end uses. A ratio of another to ours above 1: ours is faster.",
        "",
        machine(),
    ]
    text = "\n".join(lines) + "\n\n" + "\n\n".join(parts) + "\n"
    (HERE / "README.md").write_text(text)


if __name__ == "__main__":
    main()
