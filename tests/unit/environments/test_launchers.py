import os
import stat
import struct

import pytest

from ipy_envmagic.environments.launchers import Launched, behind, interpreter_of


def program(path, text="", *, binary=False):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"\x7fELF" + bytes(60) if binary else text.encode())
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


@pytest.fixture
def conda(tmp_path):
    """An installation with one environment, laid out as conda does."""
    root = tmp_path / "conda"
    for prefix in (root, root / "envs/science"):
        (prefix / "conda-meta").mkdir(parents=True)
        (prefix / "conda-meta/history").write_text("")
        program(prefix / "bin/python", binary=True)
        (prefix / "lib/python3.12/site-packages").mkdir(parents=True)
    program(root / "bin/conda", f"#!{root}/bin/python\n")
    return root


@pytest.fixture
def venv(tmp_path):
    prefix = tmp_path / "my project/.venv"
    program(prefix / "bin/python", binary=True)
    (prefix / "pyvenv.cfg").write_text("home = /usr/bin\nversion = 3.12.1\n")
    return prefix


def test_an_interpreter_is_itself(venv):
    python = str(venv / "bin/python")
    assert interpreter_of(python, {}, "", "linux") == python
    assert behind([python, "-m", "ipykernel_launcher"], {}, "", "linux") == Launched(python, str(venv))


@pytest.mark.parametrize(
    "first",
    [
        "#!{bin}/python\n",
        "#! {bin}/python3.12 -E\n",
        "#!/bin/sh\n'''exec' \"{bin}/python\" \"$0\" \"$@\"\n' '''\n",
        "#!/bin/sh\n'''exec' {bin}/python \"$0\" \"$@\"\n' '''\n",
    ],
)
def test_the_shebang_of_a_script(venv, first):
    pip = program(venv / "bin/pip", first.format(bin=venv / "bin") + "import sys\n")
    assert interpreter_of(pip, {}, "", "linux").startswith(str(venv / "bin/python"))


def test_a_shebang_through_env_is_looked_up_on_path(venv):
    pip = program(venv / "elsewhere/pip", "#!/usr/bin/env python\n")
    assert interpreter_of(pip, {"PATH": str(venv / "bin")}, "", "linux") == str(venv / "bin/python")
    assert interpreter_of(pip, {"PATH": "/nowhere"}, "", "linux") is None


@pytest.mark.parametrize("text", ["", "#!", "#!/bin/sh\necho hello\n", "\x00\x01", "#!/usr/bin/perl\n"])
def test_what_no_python_runs(tmp_path, text):
    path = program(tmp_path / "pip", text)
    assert interpreter_of(path, {}, "", "linux") is None
    assert interpreter_of(str(tmp_path / "not there"), {}, "", "linux") is None


def test_launchers_of_windows(tmp_path):
    distlib = tmp_path / "pip.exe"
    distlib.write_bytes(b"MZ" + bytes(200) + b"#!C:\\Users\\Ada B\\env\\Scripts\\python.exe\r\nPK\x03\x04" + bytes(500))
    assert interpreter_of(str(distlib), {}, "", "win32") == "C:\\Users\\Ada B\\env\\Scripts\\python.exe"
    path = b"C:\\env\\Scripts\\python.exe"
    uv = tmp_path / "uv-pip.exe"
    uv.write_bytes(b"MZ" + bytes(200) + path + struct.pack("<I", len(path)) + b"UVSC")
    assert interpreter_of(str(uv), {}, "", "win32") == path.decode()
    cut = tmp_path / "cut.exe"
    cut.write_bytes(b"MZ" + struct.pack("<I", 1 << 30) + b"UVSC")
    assert interpreter_of(str(cut), {}, "", "win32") is None


def test_a_shim_of_pyenv(tmp_path):
    root = tmp_path / ".pyenv"
    shim = program(root / "shims/pip", f'#!/usr/bin/env bash\nexport PYENV_ROOT="{root}"\nexec pyenv exec pip "$@"\n')
    (root / "versions/3.12.1/lib/python3.12").mkdir(parents=True)
    python = program(root / "versions/3.12.1/bin/python3.12", binary=True)
    program(root / "versions/3.12.1/bin/pip", f"#!{python}\n")
    (root / "version").write_text("3.12.1\n")
    assert interpreter_of(shim, {"PATH": str(root / "shims")}, "", "linux") == python
    assert interpreter_of(shim, {"PYENV_VERSION": "3.9", "PATH": str(root / "shims")}, "", "linux") is None


@pytest.mark.parametrize(
    "words",
    [
        ("{root}/bin/conda", "run", "-n", "science", "python", "-m", "ipykernel_launcher"),
        ("{root}/bin/conda", "run", "--name=science", "--no-capture-output", "python"),
        ("{root}/bin/conda", "run", "-p", "{root}/envs/science", "python"),
        ("conda", "run", "--name", "science", "python"),
        ("env", "A=1", "{root}/bin/conda", "run", "-n", "science", "python"),
        ("bash", "-c", "source {root}/bin/activate science && exec python -m ipykernel_launcher -f $1"),
        ("bash", "-lc", "source {root}/etc/profile.d/conda.sh; conda activate science; python -m ipykernel"),
        ("bash", "-c", "exec {root}/envs/science/bin/python -m ipykernel_launcher"),
        ("python", "-m", "nb_conda_kernels.runner", "{root}", "{root}/envs/science", "{root}/envs/science/bin/python"),
    ],
)
def test_commands_that_lead_into_a_conda_environment(conda, words):
    argv = [word.format(root=conda) for word in words]
    found = behind(argv, {"PATH": f"{conda}/bin"}, "", "linux")
    assert found.prefix == str(conda / "envs/science"), found
    assert found.wrapper


@pytest.mark.parametrize(
    "text",
    [
        "source {root}/etc/profile.d/conda.sh\nconda activate science\nexec python -m ipykernel_launcher $@\n",
        "# conda activate base\n. {root}/bin/activate science\npython -m ipykernel_launcher -f $1\n",
        'eval "$({root}/bin/conda shell.bash hook)"\nconda activate "{root}/envs/science"\nexec python "$@"\n',
        "exec {root}/bin/conda run -n science python -m ipykernel_launcher -f $1\n",
        "export X=1\nexec $HOME/conda/envs/science/bin/python -m ipykernel_launcher -f $1\n",
        "module load conda\n{root}/envs/science/bin/python3.12 -m ipykernel_launcher $*\n",
    ],
)
def test_a_script_that_activates(conda, text):
    program(conda / "envs/science/bin/python3.12", binary=True)
    script = program(conda.parent / "kernel-startup.sh", "#!/bin/bash\n" + text.format(root=conda))
    found = behind([script, "-f", "{connection_file}"], {}, str(conda.parent), "linux")
    assert (found.prefix, found.wrapper) == (str(conda / "envs/science"), script)
    assert behind(["bash", script], {}, str(conda.parent), "linux").prefix == str(conda / "envs/science")


def test_paths_with_spaces(tmp_path, venv):
    for text in (
        f"exec '{venv}/bin/python' -m ipykernel_launcher -f $1",
        f'source "{venv}/bin/activate"; exec python -m ipykernel_launcher',
    ):
        script = program(tmp_path / "start.sh", f"#!/bin/sh\n{text}\n")
        assert behind([script], {}, "", "linux").prefix == str(venv)


def test_a_script_that_activates_a_virtual_environment(tmp_path, venv):
    place = tmp_path / "v"
    place.symlink_to(venv)
    script = program(tmp_path / "start.sh", f"#!/bin/sh\n. {place}/bin/activate\nexec python -m ipykernel_launcher\n")
    assert behind([script], {}, "", "linux").prefix == str(place)


def test_a_name_that_no_installation_has_tells_nothing(conda):
    found = behind([f"{conda}/bin/conda", "run", "-n", "gone", "python"], {}, "", "linux")
    assert (found.executable, found.prefix, found.wrapper) == (None, None, "conda run")


def test_environments_txt_tells_where_a_name_is(conda, tmp_path):
    (tmp_path / ".conda").mkdir()
    (tmp_path / ".conda/environments.txt").write_text(f"{conda}/envs/science\n")
    found = behind(["conda", "run", "-n", "science", "python"], {"PATH": ""}, str(tmp_path), "linux")
    assert found.prefix == str(conda / "envs/science")


@pytest.mark.parametrize("argv", [[], [""], ["env"], ["bash"], ["conda", "run"], ["R", "--slave"], ["/nowhere/x"]])
def test_what_leads_to_no_python(argv):
    assert behind(argv, {"PATH": "/nowhere"}, "", "linux").executable is None


def test_what_is_gone_is_named_all_the_same(tmp_path):
    gone = str(tmp_path / "gone/bin/python")
    assert behind([gone, "-m", "ipykernel_launcher"], {}, "", "linux") == Launched(gone, None)


@pytest.mark.skipif(os.name == "nt", reason="pip of this platform is a launcher")
def test_the_pip_of_a_real_environment(new_venv):
    venv = new_venv(pip=True)
    found = interpreter_of(str(venv.bin / "pip"), {}, "", "linux")
    assert os.path.dirname(found) == str(venv.bin)
