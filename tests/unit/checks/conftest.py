"""A real virtual environment for each test, into which real wheels are unpacked; and a session that sees it."""

import os
import types
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from patients import Patient
from venvs import Venv
from wheels import make_wheel

from ipy_envmagic.checks.check import check, distribution_directories
from ipy_envmagic.checks.index import index_of
from ipy_envmagic.checks.session import Session
from ipy_envmagic.checks.whole import Whole
from ipy_envmagic.environments.environment import Environment

LIBRARY = [os.path.dirname(os.__file__), os.path.join(os.path.dirname(os.__file__), "lib-dynload")]


@dataclass
class Place:
    """A virtual environment, and what a kernel that runs in it would know."""

    venv: Venv
    wheels: Path
    home: Path
    cwd: Path
    environ: dict = field(default_factory=dict)
    modules: dict = field(default_factory=dict)
    started: float | None = None
    on_path: bool = True
    extra: tuple = ()
    first: tuple = ()
    library: list = field(default_factory=lambda: LIBRARY)
    known: dict = field(default_factory=dict)

    @property
    def site(self):
        return self.venv.site_packages

    @property
    def environment(self):
        return Environment.from_prefix(str(self.venv.path))

    @property
    def session(self):
        path = (*self.first, *self.library, "", *([str(self.site)] if self.on_path else []), *self.extra)
        known = {"root": str(self.home.parent / "machine"), **self.known}
        return Session(path, self.modules, None, self.environ, str(self.home), str(self.cwd), self.started, **known)

    @property
    def whole(self):
        session = self.session
        return Whole(self.environment, session, index_of(distribution_directories(session)))

    def put(self, name, version="1.0", *, installer="pip", **keywords):
        """Unpack a wheel as an installer does."""
        wheel = make_wheel(self.wheels, name, version, **keywords)
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(self.site)
            info = next(name for name in archive.namelist() if name.endswith("/METADATA"))
        if installer:
            (self.site / info).with_name("INSTALLER").write_text(installer + "\n")
        return (self.site / info).parent

    def take(self, name):
        """Remove a distribution, as its RECORD lists it."""
        for info in self.site.glob(f"{name.replace('-', '_')}-*.dist-info"):
            for line in (info / "RECORD").read_text().splitlines():
                (self.site / line.split(",")[0]).unlink(missing_ok=True)
            (info / "INSTALLER").unlink(missing_ok=True)
            info.rmdir()

    def load(self, name):
        """Load a module from the site directory as an import does, into this session only."""
        file = self.site / f"{name}.py"
        if not file.exists():
            file = self.site / name / "__init__.py"
        module = types.ModuleType(name)
        module.__file__ = str(file)
        exec(compile(file.read_text(), str(file), "exec", dont_inherit=True), vars(module))
        self.modules[name] = module
        return module

    def check(self, *requirements):
        return check(requirements, self.environment, self.session)

    def one(self, requirement):
        (result,) = self.check(requirement).checks
        return result


@pytest.fixture
def new_place(new_venv, tmp_path, home):
    def make(name="here"):
        cwd = tmp_path / "work"
        cwd.mkdir(exist_ok=True)
        environ = {"PATH": os.fspath(tmp_path / "empty"), "HOME": os.fspath(home)}
        return Place(new_venv(name, pip=False), tmp_path / "wheels", home, cwd, environ)

    return make


@pytest.fixture
def here(new_place):
    """The environment of the kernel."""
    return new_place()


@pytest.fixture
def shell(new_place, here):
    """Another environment, whose Python the shell of the kernel finds first."""
    other = new_place("shell environment")
    here.environ["PATH"] = str(other.venv.bin)
    return other


@pytest.fixture
def new_patient(fresh_venv, wheelhouse, offline, home, tmp_path):
    """A function that makes a `Patient`: a real environment with pip, IPython and the extension, for this test alone.

    pip and uv see the wheelhouse and ``tmp_path / "wheels"``, and nothing else.
    """

    def make(*options, **variables):
        cwd = tmp_path / "work"
        cwd.mkdir(exist_ok=True)
        (tmp_path / "wheels").mkdir(exist_ok=True)
        folders = str(wheelhouse), str(tmp_path / "wheels")
        links = {"PIP_FIND_LINKS": " ".join(folders), "UV_FIND_LINKS": ",".join(folders)}
        return Patient(fresh_venv, cwd, {**os.environ, **offline, **links, **variables}, options)

    return make


@pytest.fixture
def patient(new_patient):
    return new_patient()
