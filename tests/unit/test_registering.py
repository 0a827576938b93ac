import json
import os
import subprocess
import sys

import pytest
from wheels import make_wheel

from ipy_envmagic import registering
from ipy_envmagic.commands.activation import activation
from ipy_envmagic.environments.environment import Environment
from ipy_envmagic.errors import EnvMagicError


@pytest.fixture
def venv(new_venv):
    venv = new_venv("analysis")
    info = venv.site_packages / "ipykernel-7.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Name: ipykernel\nVersion: 7.0\n")
    return venv


@pytest.fixture
def environment(venv):
    return Environment.from_prefix(str(venv.path))


def kernels(home):
    return home / ".local/share/jupyter/kernels"


def test_a_kernel_with_its_shell_activated(environment, venv, home):
    added = registering.add(environment)
    assert (added.name, added.directory) == ("analysis", str(kernels(home) / "analysis"))
    written = json.loads((kernels(home) / "analysis/kernel.json").read_text())
    assert written["argv"] == [venv.python, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    assert written["env"] == {"PATH": f"{venv.bin}:${{PATH}}", "VIRTUAL_ENV": str(venv.path)}
    assert written["display_name"] == f"Python {sys.version_info[0]}.{sys.version_info[1]} (analysis)"
    assert written["language"] == "python"


def test_a_name_that_is_taken(environment, home):
    first = registering.add(environment, name="work", display_name="One")
    with pytest.raises(EnvMagicError, match="A kernel is called WORK already") as caught:
        registering.add(environment, name="WORK")
    assert "--force" in caught.value.remedy
    assert registering.add(environment, name="work", display_name="Two", force=True).directory == first.directory
    assert json.loads((kernels(home) / "work/kernel.json").read_text())["display_name"] == "Two"


@pytest.mark.parametrize("name", ["a b", "../up", "/", "ä", "a/b", "<b>"])
def test_a_name_that_jupyter_does_not_take(environment, home, name):
    with pytest.raises(EnvMagicError, match="is no name for a kernel"):
        registering.add(environment, name=name)
    assert not kernels(home).exists()


def test_an_environment_without_ipykernel(new_venv, home):
    bare = Environment.from_prefix(str(new_venv("bare").path))
    with pytest.raises(EnvMagicError, match="has no ipykernel") as caught:
        registering.add(bare)
    assert "--install-ipykernel" in caught.value.remedy
    assert not kernels(home).exists()
    asked = []
    registering.add(bare, install=asked.append)
    assert asked == [bare]


def test_beside_an_environment(environment, tmp_path):
    added = registering.add(environment, prefix=str(tmp_path / "other"))
    assert added.directory == str(tmp_path / "other/share/jupyter/kernels/analysis")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="an administrator may write everywhere")
def test_a_folder_that_may_not_be_written(environment, tmp_path):
    (tmp_path / "other").mkdir(mode=0o555)
    with pytest.raises(EnvMagicError, match="cannot be written"):
        registering.add(environment, prefix=str(tmp_path / "other"))


def test_a_file_in_the_way(environment, tmp_path):
    (tmp_path / "other").mkdir()
    (tmp_path / "other/share").write_text("")
    with pytest.raises(EnvMagicError, match="cannot be written"):
        registering.add(environment, prefix=str(tmp_path / "other"))


def test_taking_a_kernel_away(environment, home):
    added = registering.add(environment)
    assert registering.remove("analysis") == added.directory
    assert not os.path.exists(added.directory)
    with pytest.raises(EnvMagicError, match="No kernel is called analysis"):
        registering.remove("analysis")


@pytest.mark.parametrize(
    ("project", "name"), [("My Project", "my-project"), ("x_1.2", "x_1.2"), ("äöü", "python"), ("a  b", "a-b")]
)
def test_a_name_made_of_the_environment_s(new_venv, project, name):
    environment = Environment.from_prefix(str(new_venv(f"{project}/.venv").path))
    assert registering.kernel_name(environment) == name


# -- the command line


@pytest.fixture
def run(home, tmp_path):
    def run(*words, cwd=None):
        command = [sys.executable, "-m", "ipy_envmagic", *map(str, words)]
        return subprocess.run(command, cwd=cwd or tmp_path, capture_output=True, text=True, check=False)

    return run


def test_check_ends_with_0_1_or_2(run):
    assert run("check", "traitlets", "packaging>=20").returncode == 0
    missing = run("check", "traitlets", "surely_not_there")
    assert missing.returncode == 1
    assert "surely_not_there is not installed" in missing.stdout
    for wrong in (("check", "-r", "not there.txt"), ("check", "--python", "nowhere", "x"), ("check", "--what"), ()):
        done = run(*wrong)
        assert done.returncode == 2, wrong
        assert "Traceback" not in done.stderr
        assert done.stderr


def test_check_prints_json(run):
    report = json.loads(run("check", "--json", "traitlets", "surely_not_there").stdout)
    assert (report["schema"], report["ok"]) == (1, False)
    assert [check["status"] for check in report["checks"]] == ["ok", "error"]
    assert report["kernel"]["executable"] == sys.executable


def test_check_reads_a_file(run, tmp_path):
    (tmp_path / "requirements.txt").write_text("traitlets\nsurely_not_there>=2\n")
    done = run("check", "-r", "requirements.txt")
    assert done.returncode == 1
    assert "1 of 2 cannot be used here" in done.stdout


def test_check_reads_projects_and_notebooks(run, tmp_path):
    (tmp_path / "pyproject.toml").write_text(
        '[project]\nname="x"\nrequires-python="<3"\ndependencies=["traitlets"]\n[project.optional-dependencies]\nmore=["surely-nowhere"]\n'
    )
    done = run("check", "-r", "pyproject.toml")
    assert done.returncode == 1
    assert "is for Python <3" in done.stdout
    assert "surely-nowhere" in run("check", "-r", "pyproject.toml", "--extra", "more").stdout
    cells = [
        {"cell_type": "code", "source": "%time import traitlets\nimport surely_nowhere", "metadata": {}, "outputs": []}
    ]
    (tmp_path / "nb.ipynb").write_text(json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}))
    report = json.loads(run("check", "--notebook", "nb.ipynb", "--json").stdout)
    assert {one["requirement"]: one["status"] for one in report["checks"]}["surely_nowhere"] == "error"


def test_strict_takes_a_warning_for_a_problem(run, new_venv):
    venv = new_venv("other")
    (venv.site_packages / "~umpy").mkdir()
    assert run("check", "--python", venv.path).returncode == 0
    assert run("check", "--python", venv.path, "--strict").returncode == 1


def test_another_interpreter_speaks_for_itself(run, new_venv, wheelhouse):
    venv = new_venv("other", pip=True)
    venv.install(wheelhouse / "envmagic_demo_a-1.0-py3-none-any.whl")
    for named in (venv.path, venv.python, "other"):
        done = run(
            "check", "--python", named, "--json", "envmagic-demo-a", "traitlets", "packaging", cwd=venv.path.parent
        )
        report = json.loads(done.stdout)
        assert report["kernel"]["prefix"] == str(venv.path)
        by_name = {check["requirement"]: check for check in report["checks"]}
        assert by_name["envmagic-demo-a"]["installed"] == "1.0"
        assert by_name["traitlets"]["status"] == by_name["packaging"]["status"] == "error"
        assert by_name["traitlets"]["installed"] is None
    assert run("check", "--python", venv.path, "envmagic-demo-a<1").returncode == 1


def test_a_python_that_is_too_old(run):
    from pathlib import Path

    old = next(iter(sorted(Path(sys.base_prefix).parent.glob("3.[6789].*/bin/python"))), None)
    if old is None:
        pytest.skip("no Python before 3.10 here")
    done = run("check", "--python", old, "numpy")
    assert done.returncode == 2
    assert "a check needs 3.10 or later" in done.stderr


def test_kernels_come_and_go(run, venv, home):
    done = run("kernel", "add", venv.path, "--name", "mine", "--display-name", "My own <b>")
    assert (done.returncode, done.stderr) == (0, "")
    assert "The kernel 'My own <b>' (mine) is in" in done.stdout
    again = run("kernel", "add", venv.path, "--name", "mine")
    assert again.returncode == 2
    assert "Choose another with --name, or replace it with --force." in again.stderr
    listed = json.loads(run("kernel", "list", "--json").stdout)["kernelspecs"]
    (mine,) = [entry for entry in listed if entry["name"] == "mine"]
    assert (mine["prefix"], mine["display_name"], mine["ipykernel"]) == (str(venv.path), "My own <b>", "7.0")
    assert "mine" in run("kernel", "list").stdout
    assert run("kernel", "remove", "mine").returncode == 0
    gone = run("kernel", "remove", "mine")
    assert gone.returncode == 2
    assert "No kernel is called mine" in gone.stderr


def test_ipykernel_is_installed_where_it_is_asked_for(run, new_venv, tmp_path, monkeypatch, home):
    """Real pip, on a wheel of that name; nothing is registered where it cannot be installed."""
    venv = new_venv("bare", pip=True)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    (tmp_path / "wheels").mkdir()
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "wheels"))
    failed = run("kernel", "add", venv.path, "--install-ipykernel")
    assert failed.returncode == 1  # the line is right; what it started failed
    assert "pip install ipykernel failed" in failed.stderr
    assert not kernels(home).exists()
    make_wheel(tmp_path / "wheels", "ipykernel", "7.9")
    done = run("kernel", "add", venv.path, "--install-ipykernel")
    assert done.returncode == 0, done
    assert "Successfully installed ipykernel-7.9" in done.stdout
    listed = json.loads(run("kernel", "list", "--json").stdout)["kernelspecs"]
    assert [entry["ipykernel"] for entry in listed if entry["name"] == "bare"] == ["7.9"]


# -- activation


@pytest.mark.parametrize(
    ("platform", "kind", "expected"),
    [
        ("linux", "venv", {"PATH": "/env/bin:/usr/bin", "VIRTUAL_ENV": "/env", "CONDA_PREFIX": None}),
        ("darwin", "conda", {"PATH": "/env/bin:/usr/bin", "VIRTUAL_ENV": None, "CONDA_PREFIX": "/env"}),
        ("win32", "venv", {"PATH": "/env\\Scripts;C:\\Windows", "VIRTUAL_ENV": "/env", "CONDA_PREFIX": None}),
    ],
)
def test_what_an_activation_sets(environment, platform, kind, expected):
    from dataclasses import replace

    made = replace(environment, prefix="/env", base_prefix="/usr", kind=kind, platform=platform)
    path = "C:\\Windows" if platform == "win32" else "/usr/bin"
    assert activation(made, path) == expected
    assert activation(made, expected["PATH"])["PATH"] == expected["PATH"], "once is enough"


def test_the_folders_of_a_conda_environment_on_windows(environment):
    from dataclasses import replace

    made = replace(environment, prefix="C:\\env", base_prefix="C:\\env", kind="conda", platform="win32")
    path = activation(made, "${PATH}")["PATH"].split(";")
    assert path[0] == "C:\\env"
    assert "C:\\env\\Library\\bin" in path
    assert path[-1] == "${PATH}"


def test_a_base_python_has_nothing_to_name(environment):
    from dataclasses import replace

    made = replace(environment, prefix="/usr", base_prefix="/usr", kind="system")
    assert activation(made, "/bin") == {"PATH": "/usr/bin:/bin", "VIRTUAL_ENV": None, "CONDA_PREFIX": None}
