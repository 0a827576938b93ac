"""Measure what it costs that a change is whole or not at all, beside the plain program."""

from __future__ import annotations

import statistics
from pathlib import Path

from checks import milliseconds, process, told

RUNS = 5
# In the environment's own Python; IPython itself comes from the benchmark's.
SESSION = """
import json, sys, time
sys.path.append({more!r})
sys.path.insert(0, {root!r})
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
shell.run_line_magic("load_ext", "ipy_envmagic")
import contextlib, io
found = []
for protect in (False, True):
    shell.run_line_magic("config", f"EnvMagics.protect = {{protect}}")
    taken = []
    for _ in range({runs}):
        with contextlib.redirect_stdout(io.StringIO()):
            began = time.perf_counter()
            shell.run_line_magic("pip", {line!r})
            taken.append(time.perf_counter() - began)
        time.sleep(1)
    found.append(sorted(taken)[{runs} // 2])
print(json.dumps(found))
"""


def changing(home: Path) -> list[str]:
    """Write the table of a change that changes nothing, in the environment of 430 distributions that `checks` made."""
    import sys  # noqa: PLC0415 (the path of this process)

    folder = home / "many"
    python = str(folder / "bin" / "python")
    files = sum(1 for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc")
    line = "install --no-index --quiet bench-project-200"
    more = next(entry for entry in sys.path if entry.endswith("site-packages"))
    root = str(Path(__file__).resolve().parent.parent)
    plain = statistics.median(process([python, "-m", "pip", *line.split()]) for _ in range(3))
    without, with_links = told(python, SESSION.format(more=more, root=root, line=line, runs=RUNS), runs=1)
    return [
        f"| an install that changes nothing, {files:,} files | beside plain pip | time |",
        "| --- | --- | --- |",
        f"| `python -m pip {line.replace('--no-index --quiet ', '')}` | 1.00 | {milliseconds(plain)} |",
        f"| our `%pip`, `protect = False` | {without / plain:.2f} | {milliseconds(without)} |",
        f"| our `%pip`, which keeps what is there | {with_links / plain:.2f} | {milliseconds(with_links)} |",
    ]
