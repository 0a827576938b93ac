"""Fixtures for all tests: wheels, kernels and environments that are real, in a home that is not the person's own.

Nothing here reaches an index, and at the end of the run no process and no file in the real home may be left behind.
"""

from __future__ import annotations

import importlib.util
import itertools
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from isolation import MARKER, home_files, isolated, leftover_processes, new_mark
from kernels import Kernel
from venvs import Venv, make_venv
from wheels import make_wheel

if importlib.util.find_spec("conda_fixtures"):
    pytest_plugins = ["conda_fixtures"]

REAL_HOME = Path("~").expanduser()
COUNTER = itertools.count()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what takes a whole environment and several sessions, so that a lane can leave it to another."""
    for item in items:
        if "new_patient" in getattr(item, "fixturenames", ()):
            item.add_marker("patient")


def replace_environ(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]) -> None:
    for key in set(os.environ) - set(variables) - {"PYTEST_CURRENT_TEST", "PYTEST_VERSION"}:
        monkeypatch.delenv(key)
    for key, value in variables.items():
        monkeypatch.setenv(key, value)


@pytest.fixture(scope="session", autouse=True)
def isolated_session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Hide the person's configuration from every test, and look for what the tests leave behind."""
    mark = new_mark()
    before = home_files(REAL_HOME)
    home = tmp_path_factory.mktemp("session-home")
    with pytest.MonkeyPatch.context() as monkeypatch:
        replace_environ(monkeypatch, {**isolated(home), MARKER: mark})
        yield
        end = time.monotonic() + 5
        while (left := leftover_processes(mark)) and time.monotonic() < end:
            time.sleep(0.1)
        for pid in left:
            os.kill(pid, 9)
    assert not left, f"processes that tests left running: {left}"
    new = home_files(REAL_HOME) - before
    assert not new, f"files that tests made in the real home: {sorted(new)}"


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of its own for each test; HOME and all that derives from it point there."""
    folder = tmp_path_factory.getbasetemp() / f"home{next(COUNTER)}"
    folder.mkdir()
    replace_environ(monkeypatch, isolated(folder) | {MARKER: os.environ[MARKER]})
    return folder


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that the parallel processes of one run share."""
    base = tmp_path_factory.getbasetemp()
    folder = (base if "PYTEST_XDIST_WORKER" not in os.environ else base.parent) / "shared"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def wheelhouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of small real wheels, for ``--no-index --find-links``; add to a copy, not to this one.

    - envmagic-demo-a 1.0 and 2.0: a module `envmagic_demo_a` with `__version__`
    - envmagic-demo-b 1.0: requires envmagic-demo-a >= 1; its module imports it
    - envmagic-demo-old 1.0: requires envmagic-demo-a < 2
    - envmagic-demo-new 1.0: requires envmagic-demo-a >= 2 (conflicts with envmagic-demo-old)
    - envmagic-demo-extra 1.0: with the extra [more], which requires envmagic-demo-b
    - envmagic-demo-script 1.0: a console script `envmagic-demo`, which prints its arguments
    - envmagic-demo-renamed 1.0: its import package is `renamed_demo`
    - envmagic-demo-future 1.0: requires Python >= 99
    - envmagic-demo-broken 1.0: requires envmagic-demo-nowhere, which is in no index
    - envmagic-demo-package 1.0 and 2.0: a package with a submodule and a data file
    """
    folder = tmp_path_factory.mktemp("wheelhouse")

    def add(name: str, version: str = "1.0", **keywords: Any) -> None:
        make_wheel(folder, f"envmagic-demo-{name}", version, **keywords)

    add("a", "1.0")
    add("a", "2.0")
    add(
        "b",
        requires=["envmagic-demo-a>=1"],
        modules={"envmagic_demo_b.py": "import envmagic_demo_a\n__version__ = '1.0'\n"},
    )
    add("old", requires=["envmagic-demo-a<2"])
    add("new", requires=["envmagic-demo-a>=2"])
    add("extra", extras={"more": ["envmagic-demo-b"]})
    script = "import sys\ndef main():\n    print('demo', *sys.argv[1:])\n"
    add(
        "script",
        modules={"envmagic_demo_script.py": script},
        entry_points={"envmagic-demo": "envmagic_demo_script:main"},
    )
    add("renamed", import_name="renamed_demo")
    add("future", requires_python=">=99")
    add("broken", requires=["envmagic-demo-nowhere"])
    for version in ("1.0", "2.0"):
        package = {
            "__init__.py": f"__version__ = {version!r}\n",
            "part.py": f"value = {version!r}\n",
            "data.txt": version,
        }
        add("package", version, modules={f"envmagic_demo_package/{path}": text for path, text in package.items()})
    return folder


@pytest.fixture(scope="session")
def offline(wheelhouse: Path) -> dict[str, str]:
    """Variables with which pip and uv see the wheelhouse and nothing else."""
    return {
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(wheelhouse),
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "UV_NO_INDEX": "1",
        "UV_OFFLINE": "1",
        "UV_FIND_LINKS": str(wheelhouse),
        "UV_PYTHON_DOWNLOADS": "never",
    }


@pytest.fixture
def new_venv(tmp_path: Path, shared_folder: Path) -> Callable[..., Venv]:
    """A function that makes virtual environments: ``new_venv("name", pip=True, kernel=False, ...)``, as `make_venv`."""

    def make(name: str = "venv", **keywords: bool) -> Venv:
        return make_venv(tmp_path / name, shared_folder, **keywords)

    return make


@pytest.fixture
def venv(new_venv: Callable[..., Venv]) -> Venv:
    """A virtual environment with pip and nothing else, for this test alone."""
    return new_venv()


@pytest.fixture
def new_kernel(home: Path, offline: dict[str, str]) -> Iterator[Callable[..., Kernel]]:
    """A function that starts kernels, with the arguments of `Kernel`; shut down after the test.

    pip and uv see the wheelhouse only, unless `env` takes those variables away.
    """
    kernels: list[Kernel] = []

    def start(*arguments: Any, env: dict[str, str | None] | None = None, **keywords: Any) -> Kernel:
        keywords.setdefault("home", home)
        kernels.append(Kernel(*arguments, env={**offline, **(env or {})}, **keywords))
        return kernels[-1]

    yield start
    for kernel in kernels:
        kernel.shutdown(now=True)


@pytest.fixture(scope="session")
def warm_kernel(
    tmp_path_factory: pytest.TempPathFactory, offline: dict[str, str], isolated_session: None
) -> Iterator[Kernel]:
    with Kernel(env=offline, home=tmp_path_factory.mktemp("kernel-home"), load=True) as kernel:
        yield kernel


@pytest.fixture
def kernel(warm_kernel: Kernel) -> Kernel:
    """The kernel that tests share, in their own interpreter, with the extension loaded; change nothing in it."""
    assert warm_kernel.alive, "a test before this one ended the shared kernel"
    return warm_kernel


@pytest.fixture
def fresh_venv(new_venv: Callable[..., Venv]) -> Venv:
    """A virtual environment with pip, ipykernel and ipy_envmagic, for this test alone."""
    return new_venv("kernel-venv", kernel=True)


@pytest.fixture
def fresh_kernel(fresh_venv: Venv, new_kernel: Callable[..., Kernel], tmp_path: Path) -> Kernel:
    """A kernel in `fresh_venv`, with the extension loaded, in an empty working directory; change what you like."""
    work = tmp_path / "work"
    work.mkdir()
    return new_kernel(fresh_venv.python, cwd=work, load=True)
