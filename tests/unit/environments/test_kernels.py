import json
import os
import subprocess
import sys

import pytest

from ipy_envmagic.environments.kernels import Search, kernelspec_name, kernelspecs, search_path, server_of


def search(tmp_path, environ=None, *, prefix=None, base=None, platform="linux", server=None):
    prefix = str(prefix or tmp_path / "prefix")
    return Search(prefix, str(base or prefix), environ or {}, str(tmp_path / "home"), platform, server)


def put(folder, name, contents):
    (folder / name).mkdir(parents=True, exist_ok=True)
    text = contents if isinstance(contents, str) else json.dumps(contents)
    (folder / name / "kernel.json").write_text(text)
    return folder / name


def spec(python="/usr/bin/python3", name="A kernel", **more):
    argv = [python, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    return {"argv": argv, "display_name": name, "language": "python", **more}


@pytest.fixture
def user(tmp_path):
    return tmp_path / "home/.local/share/jupyter/kernels"


def test_what_a_kernelspec_starts(tmp_path, user, new_venv):
    venv = new_venv()
    put(user, "Mine", spec(venv.python, "My own", env={"A": "1"}))
    (found,) = kernelspecs(search(tmp_path))
    assert (found.name, found.display_name, found.language) == ("mine", "My own", "python")
    assert (found.executable, found.prefix) == (venv.python, str(venv.path))
    assert (found.problem, found.hidden_by, found.wrapper, dict(found.env)) == (None, None, None, {"A": "1"})
    assert found.is_python


@pytest.mark.parametrize(
    ("contents", "problem"),
    [
        ("", "is no JSON object"),
        ("{", "is no JSON object"),
        ("[]", "is no JSON object"),
        ("\x00\xff", "is no JSON object"),
        ("[" * 100000, "is no JSON object"),
        ({"argv": "python"}, 'has no list of words as "argv"'),
        ({"argv": []}, 'has no list of words as "argv"'),
        ({"argv": [1]}, 'has no list of words as "argv"'),
        (spec("/nowhere/bin/python"), "/nowhere/bin/python does not exist"),
    ],
)
def test_a_kernelspec_that_cannot_start_says_why(tmp_path, user, contents, problem):
    put(user, "broken", contents)
    (found,) = kernelspecs(search(tmp_path))
    assert problem in found.problem
    assert found.display_name


@pytest.mark.parametrize("display", [None, 3, "", []])
def test_a_kernelspec_without_a_title_is_called_by_its_name(tmp_path, user, display):
    put(user, "plain", {**spec(sys.executable), "display_name": display, "language": display, "env": display})
    (found,) = kernelspecs(search(tmp_path))
    assert (found.display_name, found.is_python, dict(found.env)) == ("plain", True, {})


def test_one_name_twice(tmp_path, user):
    shared = tmp_path / "prefix/share/jupyter/kernels"
    first, second = put(user, "python3", spec(sys.executable)), put(shared, "PYTHON3", spec(sys.executable))
    one, other = kernelspecs(search(tmp_path))
    assert (one.directory, one.hidden_by) == (str(first), None)
    assert (other.directory, other.hidden_by) == (str(second), str(first))
    turned = kernelspecs(search(tmp_path, {"JUPYTER_PREFER_ENV_PATH": "1"}))
    assert [found.directory for found in turned] == [str(second), str(first)]


def test_a_bare_python_is_the_server_s(tmp_path, user, new_venv):
    venv = new_venv()
    put(user, "python3", spec("python"))
    (found,) = kernelspecs(search(tmp_path, server=venv.python))
    assert found.is_bare
    assert (found.executable, found.prefix) == (venv.python, str(venv.path))
    (own,) = kernelspecs(search(tmp_path, prefix=venv.path))
    assert own.prefix == str(venv.path)


def test_the_resource_folder_stands_for_itself(tmp_path, user):
    folder = put(user, "wrapped", {**spec(), "argv": ["{resource_dir}/start.sh", "{connection_file}"]})
    python = sys.executable
    (folder / "start.sh").write_text(f"#!/bin/bash\nexec '{python}' -m ipykernel_launcher -f $1\n")
    (folder / "start.sh").chmod(0o755)
    (found,) = kernelspecs(search(tmp_path))
    assert (found.executable, found.wrapper) == (sys.executable, str(folder / "start.sh"))


def test_folders_that_are_none_or_odd(tmp_path, user):
    user.mkdir(parents=True)
    (user / "a file").write_text("")
    (user / "empty").mkdir()
    put(user, "bad name!", spec())
    (user / "loop").symlink_to("loop")
    assert kernelspecs(search(tmp_path)) == ()


CODE = """
import json
from jupyter_client.kernelspec import KernelSpecManager
manager = KernelSpecManager(ensure_native_kernel=False)
print(json.dumps([manager.kernel_dirs, manager.find_kernel_specs()]))
"""


@pytest.mark.parametrize(
    "variables",
    [
        {},
        {"JUPYTER_PLATFORM_DIRS": "0"},
        {"JUPYTER_PREFER_ENV_PATH": "1"},
        {"JUPYTER_PREFER_ENV_PATH": "0"},
        {"JUPYTER_PREFER_ENV_PATH": "off"},
        {"JUPYTER_PATH": "/one:/two/"},
        {"JUPYTER_DATA_DIR": ""},
        {"XDG_DATA_HOME": ""},
    ],
)
def test_jupyter_itself_agrees(tmp_path, home, variables):
    """Where it looks, in which order, and which of two of one name it takes."""
    shared = tmp_path / "shared"
    variables = {**variables, "JUPYTER_PATH": variables.get("JUPYTER_PATH", str(shared))}
    put(shared / "kernels", "python3", spec(sys.executable))
    put(home / ".local/share/jupyter/kernels", "python3", spec(sys.executable))
    put(home / ".local/share/jupyter/kernels", "own", spec(sys.executable))
    environ = {**os.environ, **variables}
    done = subprocess.run([sys.executable, "-c", CODE], env=environ, capture_output=True, text=True, check=True)
    folders, specs = json.loads(done.stdout)
    mine = Search(sys.prefix, sys.base_prefix, environ, str(home), sys.platform)
    assert search_path(mine) == list(dict.fromkeys(folders))
    assert {one.name: one.directory for one in kernelspecs(mine) if one.hidden_by is None} == specs


@pytest.mark.parametrize(
    ("platform", "environ", "folder"),
    [
        ("darwin", {}, "{home}/Library/Jupyter/kernels"),
        ("darwin", {"JUPYTER_PLATFORM_DIRS": "1"}, "{home}/Library/Application Support/Jupyter/kernels"),
        ("win32", {"APPDATA": "/roaming"}, "/roaming/jupyter/kernels"),
        ("win32", {}, "{home}/.jupyter/data/kernels"),
        ("win32", {"JUPYTER_PLATFORM_DIRS": "1", "LOCALAPPDATA": "/local"}, "/local/Jupyter/kernels"),
        ("win32", {"PROGRAMDATA": "/all", "JUPYTER_USE_PROGRAMDATA": "1"}, "/all/jupyter/kernels"),
        ("linux", {"XDG_DATA_HOME": "/data"}, "/data/jupyter/kernels"),
        ("linux", {"IPYTHONDIR": "/ipy"}, "/ipy/kernels"),
        ("linux", {"PYTHONUSERBASE": "/base"}, "/base/share/jupyter/kernels"),
    ],
)
def test_where_other_systems_keep_them(tmp_path, platform, environ, folder):
    assert folder.format(home=tmp_path / "home") in search_path(search(tmp_path, environ, platform=platform))


def test_the_connection_file_names_the_kernelspec(tmp_path):
    file = tmp_path / "kernel-1.json"
    for text, name in [('{"kernel_name": "mine"}', "mine"), ('{"kernel_name": ""}', None), ("{}", None), ("", None)]:
        file.write_text(text)
        assert kernelspec_name(str(file)) == name
    assert kernelspec_name(str(tmp_path / "gone.json")) is None


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="only Linux tells what a process was started as")
def test_the_server_is_the_process_that_jupyter_names(new_venv):
    venv = new_venv()
    code = "print(flush=True); input()"
    with subprocess.Popen([venv.python, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            process.stdout.readline()
            assert server_of({"JPY_PARENT_PID": str(process.pid)}) == venv.python
        finally:
            process.communicate(b"\n")
    for value in ("", "x", "999999999"):
        assert server_of({"JPY_PARENT_PID": value}) is None
