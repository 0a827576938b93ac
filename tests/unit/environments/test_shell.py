import os
import subprocess
import sys
from pathlib import Path

import pytest

from ipy_envmagic.environments.host import host_of
from ipy_envmagic.environments.shell import Shell, programs


def by_name(environ, tmp_path, cwd=None):
    shell = Shell(environ, str(tmp_path / "home"), str(cwd or tmp_path), "linux")
    return {program.name: program for program in programs(shell)}


def executable(path, text="#!/bin/sh\n"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return str(path)


def test_an_empty_path_has_nothing(tmp_path):
    for program in by_name({"PATH": str(tmp_path / "nowhere")}, tmp_path).values():
        assert (program.path, program.prefix) == (None, None)


def test_python_and_pip_of_a_virtual_environment(new_venv, tmp_path):
    venv = new_venv(pip=True)
    found = by_name({"PATH": f"{venv.bin}{os.pathsep}/usr/bin"}, tmp_path)
    assert (found["python"].path, found["python"].prefix) == (venv.python, str(venv.path))
    assert (found["pip"].path, found["pip"].prefix) == (str(venv.bin / "pip"), str(venv.path))
    assert found["pip"].why == "PATH"


def test_pip_may_be_another_python_s_than_python(new_venv, tmp_path):
    one, other = new_venv("one", pip=True), new_venv("other", pip=True)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/pip").symlink_to(other.bin / "pip")
    found = by_name({"PATH": f"{tmp_path}/bin{os.pathsep}{one.bin}"}, tmp_path)
    assert found["python"].prefix == str(one.path)
    assert found["pip"].prefix == str(other.path)


def test_a_pip_that_nothing_is_known_of(tmp_path):
    executable(tmp_path / "bin/pip", "#!/bin/sh\nssh elsewhere pip\n")
    found = by_name({"PATH": str(tmp_path / "bin")}, tmp_path)
    assert found["pip"].path
    assert found["pip"].prefix is None


def test_what_the_shell_says_is_what_we_say(new_venv, tmp_path):
    venv = new_venv(pip=True)
    environ = {"PATH": f"{venv.bin}{os.pathsep}{os.defpath}", "HOME": str(tmp_path)}
    said = subprocess.run(
        ["sh", "-c", "python -c 'import sys; print(sys.prefix)'; pip --version"],
        env=environ,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    found = by_name(environ, tmp_path)
    assert found["python"].prefix == said[0]
    assert f"from {found['pip'].prefix}/" in said[1]


def test_conda_acts_on_the_activated_environment_or_its_own(tmp_path):
    for prefix in ("conda", "conda/envs/x"):
        (tmp_path / prefix / "conda-meta").mkdir(parents=True)
    executable(tmp_path / "conda/condabin/conda")
    environ = {"PATH": f"{tmp_path}/conda/condabin"}
    assert by_name(environ, tmp_path)["conda"].prefix == str(tmp_path / "conda")
    active = by_name({**environ, "CONDA_PREFIX": f"{tmp_path}/conda/envs/x"}, tmp_path)["conda"]
    assert (active.prefix, active.why) == (f"{tmp_path}/conda/envs/x", "CONDA_PREFIX")


@pytest.mark.parametrize(
    ("variables", "prefix", "why"),
    [
        ({"VIRTUAL_ENV": "/v", "CONDA_PREFIX": "/c"}, "/v", "VIRTUAL_ENV"),
        ({"CONDA_PREFIX": "/c"}, "/c", "CONDA_PREFIX"),
        ({"CONDA_PREFIX": "/c", "CONDA_DEFAULT_ENV": "base"}, "{project}/.venv", ".venv"),
        ({}, "{project}/.venv", ".venv"),
    ],
)
def test_which_environment_uv_takes(tmp_path, variables, prefix, why):
    executable(tmp_path / "bin/uv")
    project = tmp_path / "project"
    (project / ".venv").mkdir(parents=True)
    (project / ".venv/pyvenv.cfg").write_text("home = /usr/bin\n")
    (project / "deep/er").mkdir(parents=True)
    found = by_name({"PATH": f"{tmp_path}/bin", **variables}, tmp_path, project / "deep/er")["uv"]
    assert (found.prefix, found.why) == (prefix.format(project=project), why)


def test_uv_itself_agrees(new_venv, tmp_path):
    uv = Path(sys.executable).with_name("uv")
    if not uv.exists():
        pytest.skip("uv is not installed beside this Python")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/uv").symlink_to(uv)
    venv = new_venv("project/.venv")
    environ = {"PATH": f"{tmp_path}/bin", "HOME": str(tmp_path), "UV_OFFLINE": "1", "UV_PYTHON_DOWNLOADS": "never"}
    found = by_name(environ, tmp_path, tmp_path / "project")["uv"]
    said = subprocess.run(
        [str(tmp_path / "bin/uv"), "pip", "list", "-v"],
        cwd=tmp_path / "project",
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.prefix == str(venv.path)
    assert str(venv.path) in said.stderr


def test_uv_without_any_environment_acts_nowhere(tmp_path):
    executable(tmp_path / "bin/uv")
    assert by_name({"PATH": f"{tmp_path}/bin"}, tmp_path)["uv"].prefix is None


@pytest.mark.parametrize(
    ("files", "environ", "host"),
    [
        ({}, {}, ""),
        ({".dockerenv": ""}, {}, "container"),
        ({"run/.containerenv": ""}, {}, "container"),
        ({}, {"KUBERNETES_SERVICE_HOST": "10.0.0.1"}, "container"),
        ({"proc/version": "Linux version 5.15 (Microsoft@Microsoft.com)"}, {}, "WSL"),
        ({"proc/version": "Linux version 6.1 (Debian)"}, {}, ""),
    ],
)
def test_where_a_kernel_runs(tmp_path, files, environ, host):
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    assert host_of(environ, str(tmp_path)) == host
