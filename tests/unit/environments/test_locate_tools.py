"""The locators against the tools themselves: each makes an environment where it likes, and it is found there.

The tools are looked for in ``tools/bin`` of the environment that runs the tests (``make test`` puts them there); each
works in a home of its own and without a network.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ipy_envmagic.environments.locate import Surroundings, locate

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the tools lay their environments out otherwise on Windows")
TOOLS = Path(sys.prefix) / "tools" / "bin"
NAME = "envmagic-located"
PROJECT = f'[project]\nname = "{NAME}"\nversion = "1.0"\nrequires-python = ">=3.9"\ndependencies = []\n'
BACKEND = '[build-system]\nrequires = ["flit_core>=3"]\nbuild-backend = "flit_core.buildapi"\n'


@pytest.fixture
def project(tmp_path):
    folder = tmp_path / "work"
    folder.mkdir()
    (folder / "pyproject.toml").write_text(f"{BACKEND}\n{PROJECT}")
    return folder


@pytest.fixture
def run(project, home):
    """A function that runs a tool in the project's folder; it skips the test where the tool is not there."""

    def run(tool, *arguments, script=None, **variables):
        beside = Path(sys.executable).with_name(tool)
        path = TOOLS / tool if (TOOLS / tool).exists() else beside
        if not path.exists():
            pytest.skip(f"{tool} is not installed in {TOOLS} (make test installs it)")
        environ = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.defpath}", **variables}
        environ |= {"PIP_NO_INDEX": "1", "UV_OFFLINE": "1", "UV_PYTHON_DOWNLOADS": "never", "PDM_CHECK_UPDATE": "0"}
        command = ["bash", "-c", script.format(tool=path)] if script else [str(path), *arguments]
        done = subprocess.run(
            command, cwd=project, env=environ, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        return done.stdout.strip()

    return run


@pytest.fixture
def located(project, home):
    """A function that gives where each environment was found by, by prefix; the machine's own are not looked at."""

    def located(**variables):
        environ = {**os.environ, "PATH": "", **variables}
        around = Surroundings(environ, str(home), str(project), sys.platform, (), str(project / "no system"))
        return {os.path.realpath(one.prefix): one.how for one in locate(around, seconds=5).environments}

    return located


def test_venv_and_virtualenv_in_a_project(run, located, project):
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", project / "venv"], check=True)
    run("virtualenv", "--no-pip", "--no-download", str(project / ".venv"))
    assert located() == {str(project / ".venv"): "project folder", str(project / "venv"): "project folder"}


def test_uv(run, located, project):
    run("uv", "venv", "--python", sys.executable)
    assert located() == {str(project / ".venv"): "project folder"}


def test_uv_tool(run, located, home, wheelhouse):
    places = ("--no-index", "--find-links", str(wheelhouse))
    run("uv", "tool", "install", *places, "--python", sys.executable, "envmagic-demo-script")
    assert located() == {str(home / ".local/share/uv/tools/envmagic-demo-script"): "uv tool"}


def test_pipx(run, located, home, wheelhouse):
    places = {"PIP_FIND_LINKS": str(wheelhouse), "UV_FIND_LINKS": str(wheelhouse), "UV_NO_INDEX": "1"}
    run("pipx", "install", "--python", sys.executable, "envmagic-demo-script", **places)
    assert located()[str(home / ".local/share/pipx/venvs/envmagic-demo-script")] == "pipx"


def test_poetry(run, located):
    run("poetry", "env", "use", sys.executable)
    prefix = run("poetry", "env", "info", "--path")
    assert located() == {os.path.realpath(prefix): "poetry"}


def test_poetry_elsewhere(run, located, tmp_path):
    variables = {"POETRY_VIRTUALENVS_PATH": str(tmp_path / "else where")}
    run("poetry", "env", "use", sys.executable, **variables)
    prefix = run("poetry", "env", "info", "--path", **variables)
    assert prefix.startswith(str(tmp_path / "else where"))
    assert located(**variables) == {os.path.realpath(prefix): "poetry"}


def test_pipenv(run, located, project):
    (project / "Pipfile").write_text("[packages]\n")
    run("pipenv", "--python", sys.executable, PIPENV_IGNORE_VIRTUALENVS="1")
    prefix = run("pipenv", "--venv", PIPENV_IGNORE_VIRTUALENVS="1")
    assert located() == {os.path.realpath(prefix): "pipenv"}


def test_hatch(run, located, project):
    with (project / "pyproject.toml").open("a") as file:
        file.write("[tool.hatch.envs.default]\nskip-install = true\n")
    run("hatch", "-e", "default", "env", "create")
    prefix = run("hatch", "env", "find", "default")
    assert located()[os.path.realpath(prefix)] == "hatch"


def test_pdm(run, located, project):
    (project / "pdm.toml").write_text("[venv]\nin_project = false\n[strategy]\n")
    run("pdm", "venv", "create", "--name", "mine", sys.executable)
    prefix = run("pdm", "venv", "--path", "mine")
    assert located()[os.path.realpath(prefix)] == "pdm"
    run("pdm", "use", "--venv", "mine")
    assert str(prefix) in (project / ".pdm-python").read_text()


def test_virtualenvwrapper(run, located, home, project):
    wrapper = TOOLS / "virtualenvwrapper.sh"
    if not wrapper.exists():
        pytest.skip(f"virtualenvwrapper is not installed in {TOOLS} (make test installs it)")
    python = wrapper.resolve().parent / "python"
    virtualenv = project.parent / "virtualenv"  # it takes no path with a space
    virtualenv.symlink_to(Path(sys.executable).with_name("virtualenv"))
    run(
        "virtualenvwrapper.sh",
        script="source '{tool}' && mkvirtualenv --no-pip --no-download mine >&2 && deactivate",
        VIRTUALENVWRAPPER_PYTHON=str(python),
        VIRTUALENVWRAPPER_VIRTUALENV=str(virtualenv),
        WORKON_HOME=str(home / ".virtualenvs"),
    )
    assert located() == {str(home / ".virtualenvs/mine"): "virtualenvwrapper"}
