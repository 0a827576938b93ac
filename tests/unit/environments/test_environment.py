"""The environment model, beside what the interpreters themselves say."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ipy_envmagic.environments import layout, tools
from ipy_envmagic.environments.environment import Environment
from ipy_envmagic.errors import EnvMagicError

ASK = """
import json, sys
site = [path for path in sys.path if path.endswith(("site-packages", "dist-packages"))]
print(json.dumps({"prefix": sys.prefix, "base": sys.base_prefix, "version": sys.version_info[:3], "site": site}))
"""


def said_by(python):
    done = subprocess.run([python, "-c", ASK], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def make_venv(path):
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", path], check=True)


def make_uv(path):
    uv = pytest.importorskip("uv").find_uv_bin()
    subprocess.run([uv, "venv", "--quiet", "--offline", "--python", sys.executable, path], check=True)


def make_virtualenv(path):
    pytest.importorskip("virtualenv")
    subprocess.run([sys.executable, "-m", "virtualenv", "--quiet", "--no-seed", path], check=True)


MAKERS = {"venv": make_venv, "uv": make_uv, "virtualenv": make_virtualenv}


@pytest.mark.skipif(os.name == "nt", reason="POSIX layout")
@pytest.mark.parametrize("kind", MAKERS)
def test_a_real_environment_is_read_as_it_is(kind, tmp_path):
    folder = tmp_path / "my project" / ".venv"
    folder.parent.mkdir()
    MAKERS[kind](str(folder))
    environment = Environment.from_prefix(folder)
    said = said_by(environment.executable)
    assert environment.prefix == said["prefix"] == str(folder)
    assert environment.base_prefix == said["base"]
    assert list(environment.version) == said["version"]
    assert [path for path in environment.site_directories if os.path.isdir(path)] == said["site"]
    assert (environment.kind, environment.name) == (kind, "my project")
    assert environment.manager == ("uv" if kind == "uv" else "pip")
    assert environment.writable
    assert environment.externally_managed is None
    assert not environment.is_conda
    assert environment.executable == str(folder / "bin" / "python")


def test_this_process_is_read_as_it_is():
    environment = Environment.current()
    said = said_by(sys.executable)
    assert (environment.prefix, environment.base_prefix) == (said["prefix"], said["base"])
    assert environment.version == sys.version_info[:3]
    assert os.path.realpath(environment.executable) == os.path.realpath(sys.executable)
    assert set(said["site"]) <= set(environment.site_directories)


@pytest.mark.skipif(not os.path.exists("/usr/bin/python3"), reason="no system Python here")
def test_the_system_python():
    said = said_by("/usr/bin/python3")
    if said["prefix"] != "/usr" or said["version"] < [3, 8]:
        pytest.skip("/usr/bin/python3 is not the system's own")
    environment = Environment.from_prefix("/usr")
    assert environment.kind == "system"
    assert list(environment.version)[:2] == said["version"][:2]
    short = ".".join(map(str, said["version"][:2]))
    marked = Path(f"/usr/lib/python{short}/EXTERNALLY-MANAGED").exists()
    assert (environment.externally_managed is not None) == marked


def test_what_a_venv_sees_of_its_base(tmp_path):
    subprocess.run(
        [sys.executable, "-m", "venv", "--without-pip", "--system-site-packages", tmp_path / "v"], check=True
    )
    environment = Environment.from_prefix(tmp_path / "v")
    said = said_by(environment.executable)
    assert [path for path in environment.site_directories if os.path.isdir(path)] == said["site"]


def touch(*paths):
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


@pytest.mark.parametrize(
    ("where", "also", "kind", "manager", "name"),
    [
        (
            "miniforge3",
            ["conda-meta/history", "condabin/conda", "envs/.keep", "pkgs/.keep"],
            "conda-base",
            "conda",
            "base",
        ),
        ("miniforge3/envs/nb", ["conda-meta/history"], "conda", "conda", "nb"),
        ("project/.pixi/envs/default", ["conda-meta/history", "conda-meta/pixi"], "pixi", "pixi", "project"),
        (".pyenv/versions/3.12.1", [], "pyenv", "pip", None),
        ("opt/python", [], "user-built", "pip", None),
    ],
)
def test_kinds_by_their_layout(tmp_path, where, also, kind, manager, name):
    prefix = tmp_path / where
    touch(prefix / "bin/python3.12", prefix / "lib/python3.12/os.py", *(prefix / path for path in also))
    (prefix / "lib/python3.12/site-packages").mkdir()
    environment = Environment.from_prefix(prefix, platform="linux")
    assert (environment.kind, environment.manager) == (kind, manager)
    assert environment.version[:2] == (3, 12)
    assert str(prefix / "lib/python3.12/site-packages") in environment.site_directories
    assert name is None or environment.name == name


def test_windows_by_its_layout(tmp_path):
    touch(tmp_path / "Scripts/python.exe")
    (tmp_path / "Lib/site-packages").mkdir(parents=True)
    (tmp_path / "pyvenv.cfg").write_text("home = C:\\Python312\nversion = 3.12.4\n")
    environment = Environment.from_prefix(tmp_path, platform="win32", environ={})
    assert environment.kind == "venv"
    assert environment.version == (3, 12, 4)
    assert environment.executable.endswith("python.exe")
    assert any(path.replace("\\", "/").endswith("Lib/site-packages") for path in environment.site_directories)


def test_an_externally_managed_python_says_what_its_file_says(tmp_path):
    touch(tmp_path / "bin/python3.12", tmp_path / "lib/python3.12/os.py")
    text = "[externally-managed]\nError=Ask your\n administrator.\n"
    (tmp_path / "lib/python3.12/EXTERNALLY-MANAGED").write_text(text)
    told = Environment.from_prefix(tmp_path, platform="linux").externally_managed
    assert told is not None
    assert "Ask your" in told
    assert "administrator" in told


@pytest.mark.parametrize("made", ["nothing", "empty", "file", "loop"])
def test_what_is_no_environment_is_one_line(tmp_path, made):
    path = tmp_path / "x"
    if made == "empty":
        path.mkdir()
    elif made == "file":
        path.touch()
    elif made == "loop":
        path.symlink_to(path)
    with pytest.raises(EnvMagicError) as caught:
        Environment.from_prefix(path)
    assert "\n" not in caught.value.message
    assert str(path) in caught.value.message


@pytest.mark.parametrize("damage", [b"\xff\xfe\0", b"home", b"= = =\n\n[x]\n", b""])
def test_a_damaged_pyvenv_cfg_does_no_harm(tmp_path, damage):
    make_venv(str(tmp_path / "v"))
    (tmp_path / "v/pyvenv.cfg").write_bytes(damage)
    assert Environment.from_prefix(tmp_path / "v").version[:2] == sys.version_info[:2]


def test_the_interpreter_behind_a_stub_and_behind_nothing(tmp_path):
    touch(tmp_path / "bin/python3.12")
    os.chmod(tmp_path / "bin/python3.12", 0o755)
    wanted = str(tmp_path / "bin/python3.12")
    stub = str(tmp_path / "Resources/Python.app/Contents/MacOS/Python")
    for executable in ("", None, stub):
        assert layout.resolve_executable(executable, str(tmp_path), (3, 12, 1), "darwin") == wanted
    assert layout.resolve_executable("", str(tmp_path / "nowhere"), (3, 12, 1), "linux") == ""
    link = tmp_path / "a folder" / "python3"
    link.parent.mkdir()
    link.symlink_to(wanted)
    assert layout.resolve_executable(str(link), str(tmp_path), (3, 12, 1), "linux") == str(link)


# -- what can install into it


def test_what_serves_is_found(venv, tmp_path):
    environment = Environment.from_prefix(venv.path)
    assert tools.pip_module(environment)
    venv.run("-m", "pip", "uninstall", "-q", "-y", "pip")
    assert not tools.pip_module(environment)
    bundled = tools.bundled_pip(environment)
    assert bundled is None or os.path.isfile(bundled)
    uv = venv.bin / "uv"
    uv.write_text("#!/bin/sh\n")
    uv.chmod(0o755)
    assert tools.find_uv(environment, {"PATH": ""}, str(tmp_path)) == str(uv)


def test_environments_that_name_each_other_end(tmp_path):
    for name, other in (("a", "b"), ("b", "a")):
        touch(tmp_path / name / "bin/python3.12", tmp_path / name / "lib/python3.12/site-packages/x")
        (tmp_path / name / "pyvenv.cfg").write_text(f"home = {tmp_path / other / 'bin'}\nversion = 3.12.1\n")
    assert Environment.from_prefix(tmp_path / "a", platform="linux").kind == "venv"
