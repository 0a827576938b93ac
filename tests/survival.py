"""An environment in which installers are killed, and what must be true of it afterwards."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from wheels import make_wheel

__all__ = ["WAYS", "Survivor", "attempt", "make_wheels", "of_mark", "put_back"]

FILES = 80
DRIVER = """
import json, sys
from ipy_envmagic import actions
from ipy_envmagic.errors import EnvMagicError
from ipy_envmagic.run.process import Face

def write(text):
    sys.stdout.write(text)
    sys.stdout.flush()

print("begun", flush=True)
try:
    print(actions.run(sys.argv[1], sys.argv[2:], Face(write, lambda line: write(line + "\\n"), str, progress=False),
                      actions.Options(), terminal=False))
except EnvMagicError as error:
    print("ERROR", type(error).__name__, str(error), flush=True)
"""
# Each module of a package knows its version: a mixture, or a module that is not there, raises.
LOOK = """
import importlib, json, pkgutil, sys
found = {}
for name in sys.argv[1:]:
    try:
        package = importlib.import_module(name)
    except ModuleNotFoundError as error:
        found[name] = None if error.name == name else repr(error)
        continue
    try:
        versions = {package.__version__}
        parts = [importlib.import_module(f"{name}.part{number}") for number in range(package.COUNT)]
        versions |= {part.VERSION for part in parts}
    except (AttributeError, ImportError) as error:
        found[name] = f"broken: {error!r}; {list(package.__path__)}"
        continue
    there = {one.name for one in pkgutil.iter_modules(package.__path__)}
    extra = there - {f"part{number}" for number in range(package.COUNT)}
    found[name] = sorted(versions)[0] if len(versions) == 1 and not extra else f"mixture {versions} {sorted(extra)[:3]}"
print(json.dumps(found))
"""


def make_wheels(folder):
    """Make two versions each of three packages that go together in pairs, and a single module with a script.

    The second version of a package has fewer and other modules than the first.
    """
    for version, other in (("1.0", "<2"), ("2.0", ">=2")):
        count = FILES if version == "1.0" else FILES * 2 // 3
        for name, requires in (
            ("envmagic-kill-a", [f"envmagic-kill-b{other}"]),
            ("envmagic-kill-b", []),
            ("envmagic-kill-c", []),
        ):
            module = name.replace("-", "_")
            files = {f"{module}/part{number}.py": f"VERSION = {version!r}\n" for number in range(count)}
            files[f"{module}/__init__.py"] = f"__version__ = {version!r}\nCOUNT = {count}\n"
            make_wheel(folder, name, version, modules=files, requires=requires)
        make_wheel(
            folder,
            "envmagic-kill-tool",
            version,
            modules={"envmagic_kill_tool.py": f"__version__ = {version!r}\nCOUNT = 0\n__path__ = []\n"},
            entry_points={"envmagic-kill": "envmagic_kill_tool:main"},
        )


class Survivor:
    """An environment and what was seen of it."""

    NAMES = ("envmagic_kill_a", "envmagic_kill_b", "envmagic_kill_c", "envmagic_kill_tool")

    def __init__(self, venv, wheels, home, program="pip"):
        self.venv, self.wheels, self.program = venv, wheels, program
        self.variables = {**os.environ, "HOME": str(home), "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(wheels)}
        self.variables |= {"PYTHONDONTWRITEBYTECODE": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
        self.variables |= {"UV": shutil.which("uv", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}") or ""}
        self.variables |= {"UV_OFFLINE": "1", "UV_NO_INDEX": "1", "UV_FIND_LINKS": str(wheels)}

    def words(self, *words):
        return [self.program, *(["pip"] if self.program == "uv" else []), *words]

    def start(self, *words, **keywords):
        """Start a change as a kernel would, in a session of its own."""
        process = subprocess.Popen(
            [self.venv.python, "-c", DRIVER, *words],
            env=self.variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            **keywords,
        )
        assert process.stdout.readline() == "begun\n"
        return process

    def run(self, *words):
        """Carry out a change, and return what was said."""
        process = self.start(*words)
        said, _ = process.communicate(timeout=120)
        return said

    def look(self):
        """Return the version of each package, whether pip finds all well, and what lies about."""
        told = json.loads(self.venv.run("-c", LOOK, *self.NAMES, env=self.variables).stdout)
        checked = self.venv.run("-m", "pip", "check", check=False, env=self.variables)
        strange = sorted(path.name for path in self.venv.site_packages.glob("~*"))
        strange += sorted(path.name for path in self.venv.site_packages.rglob("*.back"))
        compiled = self.venv.site_packages.glob("envmagic_kill_*/__pycache__/*")
        strange += sorted(
            path.name for path in compiled if not (path.parent.parent / f"{path.name.partition('.')[0]}.py").exists()
        )
        infos = sorted(path.name for path in self.venv.site_packages.glob("envmagic_kill_*.dist-info"))
        whole = all((self.venv.site_packages / name / "RECORD").exists() for name in infos)
        return told, checked.stdout, strange, infos, whole

    def kept(self):
        """Return the changes that are open; what a killed kernel had only begun to keep goes with the next change."""
        return [str(path) for path in (self.venv.path / ".ipy_envmagic/pending").glob("*") if not path.suffix]

    def repair(self):
        done = subprocess.run(
            [self.venv.python, "-m", "ipy_envmagic", "repair"],
            env=self.variables,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


def wait_for_the_swap(survivor, process, seconds, rng):
    """Wait until files are being replaced, or the time is up: then a moment more."""
    began = time.monotonic()
    site = survivor.venv.site_packages
    was = os.stat(site).st_mtime_ns
    while time.monotonic() - began < seconds and process.poll() is None:
        if os.stat(site).st_mtime_ns != was:
            time.sleep(rng.random() * (0.35 if survivor.program == "pip" else 0.02))
            return
        time.sleep(0.002 if survivor.program == "pip" else 0)


def of_mark(pid):
    """Return the processes that a driver has started, by the mark that each of them carries."""
    found = []
    for entry in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError, ValueError):
            with open(f"/proc/{entry}/stat", "rb") as file:
                parent = int(file.read().rpartition(b")")[2].split()[1])
            if parent == pid:
                found.append(int(entry))
    return found


def interrupt(process, rng):
    with contextlib.suppress(ProcessLookupError):
        os.kill(process.pid, signal.SIGINT)
    if rng.random() < 0.6:  # again: now it is ended, wherever it is
        time.sleep(rng.random() * 0.3)
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGINT)


def kill_installer(process, _rng):
    for pid in of_mark(process.pid):
        with contextlib.suppress(OSError):
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                is_installer = b"install" in file.read()
            if is_installer:
                os.kill(pid, signal.SIGKILL)


def kill_kernel(process, _rng):
    process.kill()


def kill_everything(process, _rng):
    """What a power cut does: nobody has time for anything."""
    everybody = [process.pid, *of_mark(process.pid)]
    for pid in everybody:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGSTOP)
    for pid in everybody:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


WAYS = {
    "interrupt": (interrupt, False),
    "installer": (kill_installer, False),
    "kernel": (kill_kernel, True),
    "power": (kill_everything, True),
}


def attempt(survivor, way, rng, before):
    """Begin a change, end it at a random moment; return what is wrong, whether it was quicker, and what is there."""
    end, dies = WAYS[way]
    is_one = before[0]["envmagic_kill_a"] == "1.0"
    target = "2.0" if is_one else "1.0"
    names = rng.sample(["envmagic-kill-a", "envmagic-kill-c", "envmagic-kill-tool"], k=rng.randint(1, 3))
    if "envmagic-kill-a" in names:
        names.append("envmagic-kill-b")
    if rng.random() < 0.2:
        flag = ["--yes"] if survivor.program == "pip" else []
        words = survivor.words("uninstall", *flag, *names)
    else:
        words = survivor.words("install", *(f"{name}=={target}" for name in names))
    process = survivor.start(*words)
    wait_for_the_swap(survivor, process, rng.uniform(0.1, 1.6), rng)
    end(process, rng)
    said, _ = process.communicate(timeout=60)
    told = f"{way}: {' '.join(words)}: {said}"
    if dies:
        told += survivor.repair()
    after = survivor.look()
    done = {name for name in survivor.NAMES if after[0][name] != before[0][name]}
    whole = after[2:] == ([], after[3], True) and all(
        version is None or version in {"1.0", "2.0"} for version in after[0].values()
    )
    changed = not done or {name.replace("_", "-") for name in done} <= set(names)
    wanted = None if words[-1 - len(names)] in {"uninstall", "--yes"} else target
    complete = not done or all(
        after[0][name.replace("-", "_")] == wanted or before[0][name.replace("-", "_")] == wanted for name in names
    )
    as_before = after[1] == before[1] or complete
    problems = [] if whole and changed and complete and as_before else [told, repr(before), repr(after)]
    if left := survivor.kept():
        problems += [told, f"kept: {left}"]
    return problems, bool(done), after


def put_back(survivor):
    """Install what was removed, so that the next attempt has something to break."""
    versions = {
        "envmagic-kill-a": "1.0",
        "envmagic-kill-b": "1.0",
        "envmagic-kill-c": "1.0",
        "envmagic-kill-tool": "1.0",
    }
    said = survivor.run(*survivor.words("install", *(f"{name}=={version}" for name, version in versions.items())))
    assert "ERROR" not in said, said
