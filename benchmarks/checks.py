"""Measure %envcheck beside what people use instead, in an environment of 430 distributions and in a real one.

The synthetic environment is made here: a virtual environment with pip and 430 distributions with realistic metadata,
each of which needs up to three others; ten of them have 500 files. Every figure is of new processes on a warm disk.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
COUNT, LARGE, FILES = 430, 10, 500
RUNS = 7
DESCRIPTION = "A paragraph of a description, as long as they are.\n" * 40
# What a session of IPython does, in the environment's own Python; IPython itself comes from the benchmark's.
SESSION = """
import json, sys, time
sys.path.append({more!r})
sys.path.insert(0, {root!r})
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
shell.run_line_magic("load_ext", "ipy_envmagic")
import contextlib, io
time.sleep({wait})
taken = []
for _ in range(8):
    with contextlib.redirect_stdout(io.StringIO()):
        began = time.perf_counter()
        report = shell.run_line_magic("envcheck", {line!r})
        taken.append(time.perf_counter() - began)
print(json.dumps([taken[0], sorted(taken[1:])[3], report.ok]))
"""
METADATA = """
import json, sys, time
began = time.perf_counter()
import importlib.metadata, importlib.util
version, spec = importlib.metadata.version({name!r}), importlib.util.find_spec({module!r})
first = time.perf_counter() - began
began = time.perf_counter()
importlib.metadata.packages_distributions()
print(json.dumps([first, time.perf_counter() - began]))
"""
MEMORY = """
import sys, tracemalloc
sys.path.insert(0, {root!r})
from ipy_envmagic.checks import index
from ipy_envmagic.checks.check import check, distribution_directories
from ipy_envmagic.checks.session import Session
from ipy_envmagic.environments.environment import Environment
check((), Environment.current(), Session.current())
index.forget()
tracemalloc.start()
index.index_of(distribution_directories(Session.current()))
print([tracemalloc.get_traced_memory()[0]])
"""


def write_distribution(site: Path, number: int) -> None:
    """Write an installed distribution as pip leaves it."""
    name, version = f"bench-project-{number:03}", f"1.{number % 20}.{number % 7}"
    stem = name.replace("-", "_")
    modules = {f"{stem}/part{part:03}.py": f"x = {part}\n" for part in range(FILES if number < LARGE else 12)}
    modules[f"{stem}/__init__.py"] = f'__version__ = "{version}"\n'
    below = dict.fromkeys(number // step for step in (2, 3, 5)) if number else {}
    needs = [f"Requires-Dist: bench-project-{other:03}>=1.0,<2" for other in below]
    needs += ['Requires-Dist: tomli>=2; python_version < "3.0"', 'Requires-Dist: pytest>=7; extra == "test"'] * 3
    header = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nRequires-Python: >=3.8\nProvides-Extra: test\n"
    info = f"{stem}-{version}.dist-info"
    files = {f"{info}/METADATA": header + "\n".join(needs) + "\n\n" + DESCRIPTION, f"{info}/INSTALLER": "pip\n"}
    rows = []
    for path, text in {**modules, **files}.items():
        (site / path).parent.mkdir(parents=True, exist_ok=True)
        (site / path).write_text(text)
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
        rows.append(f"{path},sha256={digest},{len(text)}")
    (site / info / "RECORD").write_text("\n".join([*rows, f"{info}/RECORD,,"]) + "\n")


def make(folder: Path) -> str:
    """Make the environment; return its Python."""
    venv.create(folder, with_pip=True)
    site = next(folder.glob("lib/python*/site-packages"))
    for number in range(COUNT):
        write_distribution(site, number)
    python = str(folder / "bin" / "python")
    subprocess.run([python, "-m", "compileall", "-q", str(site)], check=False, stdout=subprocess.DEVNULL)
    time.sleep(2.5)  # a directory that has just changed is not remembered
    return python


def told(python: str, code: str, runs: int = RUNS) -> list[float]:
    """Run code in new processes; return the median of each of its figures."""
    found = []
    for _ in range(runs):
        done = subprocess.run([python, "-c", code], check=True, capture_output=True, text=True, cwd="/")
        found.append(json.loads(done.stdout.splitlines()[-1]))
    return [statistics.median(column) for column in zip(*found, strict=True)]


def process(command: list[str]) -> float:
    """Return the median time of a whole process."""
    times = []
    for _ in range(RUNS):
        began = time.perf_counter()
        subprocess.run(command, check=False, capture_output=True, cwd="/")
        times.append(time.perf_counter() - began)
    return statistics.median(times)


def session(python: str, line: str, wait: float = 1.0) -> list[float]:
    more = next(entry for entry in sys.path if entry.endswith("site-packages"))
    return told(python, SESSION.format(more=more, root=str(ROOT), wait=wait, line=line))


def milliseconds(seconds: float) -> str:
    return f"{seconds * 1e3:.1f} ms" if seconds < 0.1 else f"{seconds * 1e3:.0f} ms"


def checks(home: Path) -> list[str]:
    """Write the tables about %envcheck."""
    python = make(home / "many")
    name = "bench-project-200"
    installed, absent = session(python, name), session(python, "bench-project-nowhere")
    large, at_once = session(python, "bench-project-003"), session(python, name, 0.0)
    values = told(python, METADATA.format(name=name, module="bench_project_200"))
    shown = process([python, "-m", "pip", "show", name])
    first, later = installed[0], installed[1]
    rows = [
        f"| one name, {COUNT} distributions | beside ours, later | first | later |",
        "| --- | --- | --- | --- |",
        f"| `%envcheck {name}` | 1.0 | {milliseconds(first)} | {milliseconds(later)} |",
        f"| the same, in the cell that loads us | | {milliseconds(at_once[0])} | {milliseconds(at_once[1])} |",
        f"| one with {FILES} files | {large[1] / later:.1f} | {milliseconds(large[0])} | {milliseconds(large[1])} |",
        f"| one that is not here | {absent[1] / later:.1f} | {milliseconds(absent[0])} | {milliseconds(absent[1])} |",
        f"| `importlib.metadata.version` and `find_spec` | {values[0] / later:.1f} | {milliseconds(values[0])} | |",
        f"| `importlib.metadata.packages_distributions()` | {values[1] / later:.0f} | {milliseconds(values[1])} | |",
        f"| `pip show`, a process | {shown / later:.0f} | {milliseconds(shown)} | |",
    ]
    real = session(sys.executable, "ipython")
    real_shown = process([sys.executable, "-m", "pip", "show", "ipython"])
    whole = session(python, "")
    pip_check = process([python, "-m", "pip", "check"])
    uv = shutil.which("uv", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]))
    uv_check = process([uv, "pip", "check", "--python", python]) if uv else None
    rows += [
        "",
        "| one name, a real environment | beside ours, later | first | later |",
        "| --- | --- | --- | --- |",
        f"| `%envcheck ipython` | 1.0 | {milliseconds(real[0])} | {milliseconds(real[1])} |",
        f"| `pip show`, a process | {real_shown / real[1]:.0f} | {milliseconds(real_shown)} | |",
        "",
        f"| the whole environment, {COUNT} distributions | beside ours, first | first | later |",
        "| --- | --- | --- | --- |",
        f"| `%envcheck` | 1.0 | {milliseconds(whole[0])} | {milliseconds(whole[1])} |",
        f"| `pip check`, a process | {pip_check / whole[0]:.1f} | {milliseconds(pip_check)} | |",
    ]
    if uv_check is not None:
        rows.append(f"| `uv pip check`, a process | {uv_check / whole[0]:.1f} | {milliseconds(uv_check)} | |")
    held = told(python, MEMORY.format(root=str(ROOT)))[0]
    return [*rows, "", f"What is remembered of {COUNT} distributions takes {held / 1024:.0f} KiB."]
