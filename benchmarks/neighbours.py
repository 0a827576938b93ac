"""Measure what looks at other environments: %envcheck with ten of them, one name across a hundred, beside their pips.

The environments are made here: real virtual environments below one home, each with pip (linked from one copy) and 40
distributions, so that a search cannot stop at an empty folder.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import time
import venv
from pathlib import Path

from checks import RUNS, SESSION, make, milliseconds, write_distribution

ROOT = Path(__file__).resolve().parent.parent
NAME = "bench-project-007"


def link_tree(source: Path, target: Path) -> None:
    shutil.copytree(source, target, copy_function=os.link, dirs_exist_ok=True)


def make_neighbours(home: Path, count: int) -> list[str]:
    """Make environments as virtualenvwrapper keeps them; return their Pythons."""
    first = home / ".virtualenvs" / "env000"
    venv.create(first, with_pip=True)
    site = next(first.glob("lib/python*/site-packages"))
    for number in range(10, 50):
        write_distribution(site, number)
    write_distribution(site, int(NAME[-3:]))
    pythons = [str(first / "bin" / "python")]
    for index in range(1, count):
        folder = home / ".virtualenvs" / f"env{index:03}"
        venv.create(folder, with_pip=False)
        link_tree(site, next(folder.glob("lib/python*/site-packages")))
        pythons.append(str(folder / "bin" / "python"))
    return pythons


def session(python: str, line: str, home: Path, wait: float = 1.0) -> list[float]:
    """Run a line in new sessions whose home is `home`; return the medians of the first time and of later ones."""
    more = next(entry for entry in sys.path if entry.endswith("site-packages"))
    code = SESSION.format(more=more, root=str(ROOT), wait=wait, line=line)
    environ = {"PATH": f"{Path(python).parent}{os.pathsep}{os.defpath}", "HOME": str(home), "LANG": "C.UTF-8"}
    runs = []
    for _ in range(RUNS):
        done = subprocess.run([python, "-c", code], check=True, capture_output=True, text=True, cwd=home, env=environ)
        runs.append(json.loads(done.stdout.splitlines()[-1]))
    return [statistics.median(column) for column in zip(*runs, strict=True)]


def seconds_of(commands: list[list[str]]) -> float:
    began = time.perf_counter()
    for command in commands:
        subprocess.run(command, check=False, capture_output=True, cwd="/")
    return time.perf_counter() - began


def neighbours(home: Path) -> list[str]:
    """Write the tables about other environments."""
    ten, hundred = home / "ten", home / "hundred"
    pythons = {folder: make_neighbours(folder, count) for folder, count in ((ten, 10), (hundred, 100))}
    python = make(home / "kernel")
    whole = session(python, "", ten)
    absent = session(python, "bench-project-nowhere", ten)
    few, many = session(python, f"--everywhere {NAME}", ten), session(python, f"--everywhere {NAME}", hundred)
    shows = {folder: seconds_of([[one, "-m", "pip", "show", NAME] for one in pythons[folder]]) for folder in pythons}
    uv = shutil.which("uv", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]))
    listed = seconds_of([[uv, "python", "list", "--only-installed", "--offline"]]) if uv else None
    rows = [
        "| 430 distributions, ten other environments | first | later |",
        "| --- | --- | --- |",
        f"| `%envcheck` | {milliseconds(whole[0])} | {milliseconds(whole[1])} |",
        f"| `%envcheck` of a name that is nowhere | {milliseconds(absent[0])} | {milliseconds(absent[1])} |",
        "",
        "| every copy of one name | beside ours, first | first | later |",
        "| --- | --- | --- | --- |",
        f"| `%envcheck --everywhere`, 10 environments | 1.0 | {milliseconds(few[0])} | {milliseconds(few[1])} |",
        f"| `pip show` in each of them | {shows[ten] / few[0]:.0f} | {milliseconds(shows[ten])} | |",
        f"| `%envcheck --everywhere`, 100 environments | 1.0 | {milliseconds(many[0])} | {milliseconds(many[1])} |",
        f"| `pip show` in each of them | {shows[hundred] / many[0]:.0f} | {milliseconds(shows[hundred])} | |",
    ]
    if listed is not None:
        rows.append(
            f"| `uv python list`, which finds interpreters and no packages | {listed / many[0]:.1f} "
            f"| {milliseconds(listed)} | |"
        )
    return rows
