"""Run the tests on every Python and IPython that matter and can be had here, and add up what they said.

    python tools/lanes.py [LANE ...] [-- PYTEST ARGUMENTS]

Started by ``make test`` with the Python of ``.venv``, which is the first lane. Each other lane has an environment
under ``.lanes``, made by uv and kept for the next run. A lane whose Python is not on this machine, or whose packages
cannot be installed, counts as skipped, with the reason. The last line of the summary, which is also written to
``.lanes/summary.txt``, reads ``N passed, N failed, N skipped``; the exit status is 0 only where nothing failed.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / ".lanes"
LOADING = ("tests/kernel/test_loading.py",)
CHECKING = tuple(f"tests/unit/checks/test_{name}.py" for name in ("check",))
TALKING = ("loading", "pip", "envcheck")
LIMIT = 45 * 60
"""Seconds after which a lane is ended: its tests have shorter limits of their own."""


@dataclass(frozen=True)
class Lane:
    """One run of the tests.

    Parameters
    ----------
    python : str
        The version, "3.10"; "" for the Python that runs this.
    requirements : tuple of str
        What to install beside the project and its test requirements; pins here hold for the whole environment.
    arguments : tuple of str
        What pytest is asked to run.
    wheel : bool
        Test the built wheel, from a folder where the package's source is not.
    needs : str
        A program that must be on this machine.
    """

    name: str
    python: str = ""
    requirements: tuple[str, ...] = ()
    arguments: tuple[str, ...] = ("tests",)
    wheel: bool = False
    needs: str = ""


LANES = (
    Lane("main"),
    # The lowest versions of what pyproject.toml names that work together on Python 3.10. ipykernel 6.0 to 6.4 cannot be
    # installed (their metadata is not valid), and 6.5 needs a jupyter_client before 8.
    Lane(
        "oldest",
        "3.10",
        (
            *("ipython==8.12.0", "ipykernel==6.5.1", "jupyter_client==7.4.9", "traitlets==5.4.0"),
            *("packaging==23.0", "filelock==3.12.0", "platformdirs==2.5.0"),
        ),
        # What interrupts and ends processes is the same whatever the versions: the first lane does that.
        (
            *("tests/unit", *(f"tests/kernel/test_{name}.py" for name in TALKING)),
            *("-m", "not conda and not patient", "-W", "ignore::pytest.PytestUnraisableExceptionWarning"),
            *(f"--ignore=tests/unit/{name}.py" for name in ("test_fuzz", "test_docs", "run/test_backup")),
        ),
    ),
    # IPython declares its own magics in different ways over these versions.
    Lane("ipython-8.37", "3.10", ("ipython==8.37.*",), LOADING),
    Lane("ipython-9.0", "3.11", ("ipython==9.0.*",), (*LOADING, *CHECKING)),
    Lane("ipython-9.17.0", "3.12", ("ipython==9.17.0",), LOADING),
    Lane(
        "browser",
        requirements=("jupyterlab>=4.4", "playwright>=1.45", "nbconvert"),
        arguments=("tests/browser",),
        needs="chromium",
    ),
    Lane("wheel", arguments=("tests", "-m", "wheel"), wheel=True),
)


@dataclass
class Outcome:
    """What a lane said."""

    lane: Lane
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    seconds: float = 0.0
    note: str = ""


class UnavailableError(Exception):
    """A lane that cannot run on this machine; the text says why."""


def run(command: list[str], **keywords: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, check=False, stdin=subprocess.DEVNULL, text=True, **keywords)  # type: ignore[call-overload]


def clean_variables() -> dict[str, str]:
    """Return the variables without what would point a lane at another environment."""
    return {key: value for key, value in os.environ.items() if key not in ("VIRTUAL_ENV", "PYTHONPATH", "PYTHONHOME")}


def environment_python(folder: Path) -> Path:
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def uv(*arguments: str) -> None:
    """Run uv; a download of a Python of its own is never wanted."""
    program = shutil.which("uv", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]))
    if program is None:
        raise UnavailableError("uv is not installed")
    variables = clean_variables() | {"UV_PYTHON_DOWNLOADS": "never"}
    done = run([program, *arguments], capture_output=True, env=variables, cwd=ROOT)
    if done.returncode:
        lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
        said = f"uv {' '.join(arguments[:2])} failed: {' '.join(lines)[:400]}"
        # That pins do not go together is a mistake of ours, not this machine's lack.
        raise RuntimeError(said) if "No solution found" in done.stderr else UnavailableError(said)


def find_python(version: str) -> str:
    if not version:
        return sys.executable
    found = run(["sh", str(ROOT / "tools/find-python"), version], capture_output=True).stdout.strip()
    if not found:
        raise UnavailableError(f"Python {version} is not on this machine")
    return found


def build_wheel() -> Path:
    folder = FOLDER / "wheel"
    shutil.rmtree(folder, ignore_errors=True)
    done = run(
        [sys.executable, "-m", "build", "--wheel", "--outdir", str(folder), str(ROOT)], capture_output=True, cwd=ROOT
    )
    wheels = list(folder.glob("*.whl"))
    if done.returncode or not wheels:
        raise RuntimeError(f"the wheel cannot be built:\n{done.stdout}{done.stderr}")
    return wheels[0]


def prepare(lane: Lane) -> Path:
    """Make the lane's environment, or take the one of the last run where nothing it is made from has changed."""
    if lane.needs and not shutil.which(lane.needs):
        raise UnavailableError(f"{lane.needs} is not on this machine")
    python = find_python(lane.python)
    folder = FOLDER / f"env-{lane.name}"
    project = str(build_wheel()) if lane.wheel else ""
    made_from = "\n".join([python, *lane.requirements, (ROOT / "pyproject.toml").read_text(encoding="utf-8")])
    stamp = folder / "made-from"
    digest = hashlib.sha256(made_from.encode()).hexdigest()
    interpreter = environment_python(folder)
    if not (interpreter.exists() and stamp.exists() and stamp.read_text() == digest):
        shutil.rmtree(folder, ignore_errors=True)
        uv("venv", "--quiet", "--seed", "--python", python, str(folder))
        wanted = [f"{project}[test]"] if lane.wheel else ["-e", ".[test]"]
        uv("pip", "install", "--quiet", "--python", str(interpreter), *wanted, *lane.requirements)
        stamp.write_text(digest)
    elif lane.wheel:
        uv("pip", "install", "--quiet", "--python", str(interpreter), "--no-deps", "--reinstall", project)
    return interpreter


def count(report: Path, outcome: Outcome) -> None:
    suites = ET.parse(report).getroot().iter("testsuite")
    for suite in suites:
        numbers = {key: int(suite.get(key, "0")) for key in ("tests", "failures", "errors", "skipped")}
        failed = numbers["failures"] + numbers["errors"]
        outcome.failed += failed
        outcome.skipped += numbers["skipped"]
        outcome.passed += numbers["tests"] - failed - numbers["skipped"]


@contextlib.contextmanager
def folder_of_a_lane() -> Iterator[str]:
    """Give a new folder; its hundreds of thousands of files go while the next lane runs."""
    folder = tempfile.mkdtemp(prefix="lane-")
    try:
        yield folder
    finally:
        removal = threading.Thread(target=shutil.rmtree, args=(folder,), kwargs={"ignore_errors": True})
        removal.start()  # at its end Python waits for it


def test(lane: Lane, python: Path, extra: list[str]) -> Outcome:
    """Run pytest in the lane's environment."""
    outcome = Outcome(lane)
    report = FOLDER / f"{lane.name}.xml"
    report.unlink(missing_ok=True)
    missing = [name for name in lane.arguments if name.startswith("tests") and not (ROOT / name).exists()]
    if missing:
        raise UnavailableError(f"{missing[0]} is not there")
    # One Lab and one browser serve them all; of the others many wait for a kernel to start, or an installer to end.
    workers = "0" if lane.needs else str(max(2, (os.cpu_count() or 1) * 3 // 2))
    command = [str(python), "-m", "pytest", "-q", "-n", workers, "--dist", "worksteal"]
    command += [f"--junitxml={report}", "-o", "junit_family=xunit1"]
    with folder_of_a_lane() as elsewhere:
        where = ROOT
        if lane.wheel:
            where = Path(elsewhere, "work")
            where.mkdir()
            for name in ("tests", "examples"):
                shutil.copytree(ROOT / name, where / name, ignore=shutil.ignore_patterns("__pycache__"))
            shutil.copy(ROOT / "pyproject.toml", where)
        try:
            variables = clean_variables() | {"PYTEST_DEBUG_TEMPROOT": elsewhere}
            done = run([*command, *lane.arguments, *extra], cwd=where, env=variables, timeout=LIMIT)
            status = done.returncode
        except subprocess.TimeoutExpired:
            status, outcome.note = 1, f"ended after {LIMIT // 60} minutes"
    if report.exists():
        count(report, outcome)
    if status and not outcome.failed:
        outcome.failed += 1
        outcome.note = outcome.note or f"pytest ended with status {status}"
    return outcome


def run_lane(lane: Lane, extra: list[str]) -> Outcome:
    print(f"\n=== lane {lane.name} ===", flush=True)
    started = time.monotonic()
    try:
        python = Path(sys.executable) if lane.name == "main" else prepare(lane)
        outcome = test(lane, python, extra)
    except UnavailableError as reason:
        outcome = Outcome(lane, skipped=1, note=f"SKIPPED: {reason}")
        print(outcome.note, flush=True)
    except RuntimeError as problem:
        outcome = Outcome(lane, failed=1, note=str(problem).splitlines()[0])
        print(problem, flush=True)
    outcome.seconds = time.monotonic() - started
    return outcome


def versions(lane: Lane) -> str:
    python = Path(sys.executable) if lane.name == "main" else environment_python(FOLDER / f"env-{lane.name}")
    code = "import platform as p, IPython as i, ipykernel as k; print(p.python_version(), i.__version__, k.__version__)"
    try:
        found = run([str(python), "-c", code], capture_output=True).stdout.split()
    except OSError:
        found = []
    return "Python {}, IPython {}, ipykernel {}".format(*found) if len(found) == 3 else "not made"  # noqa: PLR2004


def main(arguments: list[str]) -> int:
    at = arguments.index("--") if "--" in arguments else len(arguments)
    names, extra = arguments[:at], arguments[at + 1 :]
    unknown = set(names) - {lane.name for lane in LANES}
    if unknown:
        print(f"no such lane: {', '.join(sorted(unknown))}; there are {', '.join(lane.name for lane in LANES)}")
        return 2
    FOLDER.mkdir(exist_ok=True)
    outcomes = [run_lane(lane, extra) for lane in LANES if not names or lane.name in names]
    print("\n=== summary ===")
    for o in outcomes:
        numbers = f"{o.passed} passed, {o.failed} failed, {o.skipped} skipped"
        print(f"{o.lane.name:15} {numbers:40} {o.seconds:5.0f} s  {versions(o.lane)}{'; ' if o.note else ''}{o.note}")
    passed, failed, skipped = (sum(getattr(o, key) for o in outcomes) for key in ("passed", "failed", "skipped"))
    line = f"{passed} passed, {failed} failed, {skipped} skipped"
    (FOLDER / "summary.txt").write_text(line + "\n")
    print(line, flush=True)
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
