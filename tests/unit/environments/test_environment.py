"""The environment model, beside what the interpreters themselves say."""

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ipy_envmagic.environments import environment as environment_module
from ipy_envmagic.environments import layout
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


# -- the running interpreter, asked from inside

PACKAGE = Path(environment_module.__file__).parents[2]
OTHERS = {"sys.executable": sys.executable, "the system's": "/usr/bin/python3"}


def own_word(python, **variables):
    """Return what `Environment.current` says inside another interpreter, and what that has on its path."""
    code = (
        "import json, sys, dataclasses; path = list(sys.path); "
        f"sys.path.append({str(PACKAGE)!r}); "
        "from ipy_envmagic.environments.environment import Environment; "
        "print(json.dumps([dataclasses.asdict(Environment.current()), path]))"
    )
    done = subprocess.run(
        [python, "-c", code], capture_output=True, text=True, check=True, env={**os.environ, **variables}
    )
    told, path = json.loads(done.stdout)
    return told, [entry for entry in path if entry.endswith(("site-packages", "dist-packages"))]


@pytest.mark.skipif(os.name == "nt", reason="POSIX layout")
@pytest.mark.parametrize("python", OTHERS)
@pytest.mark.parametrize("options", [(), ("--system-site-packages",)], ids=["alone", "with its base"])
@pytest.mark.parametrize("has_user_site", [False, True])
def test_from_inside_and_from_its_files_alike(python, options, has_user_site, tmp_path, home):
    base = OTHERS[python]
    if not os.path.exists(base):
        pytest.skip("no system Python here")
    version = said_by(base)["version"]
    if version < [3, 10]:
        pytest.skip("the system's Python is older than the package")
    if has_user_site:
        (home / f".local/lib/python{version[0]}.{version[1]}/site-packages").mkdir(parents=True)
    folder = tmp_path / "a project" / "venv"
    subprocess.run([base, "-m", "venv", "--without-pip", *options, folder], check=True)
    read = Environment.from_prefix(folder)
    told, path = own_word(read.executable)
    told["site_directories"] = [one for one in told["site_directories"] if os.path.isdir(one)]
    assert told["site_directories"] == path
    files = {key: value for key, value in dataclasses.asdict(read).items() if key != "site_directories"}
    assert {key: value for key, value in told.items() if key != "site_directories"} == {
        **files,
        "version": list(read.version),
    }
    assert [one for one in read.site_directories if os.path.isdir(one)] == path


@pytest.mark.skipif(not os.path.exists("/usr/bin/python3"), reason="no system Python here")
@pytest.mark.parametrize("has_user_site", [False, True])
def test_the_system_python_from_inside_and_from_its_files_alike(has_user_site, home):
    said = said_by("/usr/bin/python3")
    if said["prefix"] != "/usr" or said["version"] < [3, 10]:
        pytest.skip("/usr/bin/python3 is not the system's own, or older than the package")
    user = home / f".local/lib/python{said['version'][0]}.{said['version'][1]}/site-packages"
    if has_user_site:
        user.mkdir(parents=True)
    read = Environment.from_prefix("/usr")
    told, path = own_word("/usr/bin/python3")
    assert [one for one in told["site_directories"] if os.path.isdir(one)] == path
    assert [one for one in read.site_directories if os.path.isdir(one)] == path
    assert str(user) in told["site_directories"]
    assert told["version"] == list(read.version)
    for key in ("kind", "manager", "name", "writable", "externally_managed", "base_prefix"):
        assert told[key] == getattr(read, key)
    assert os.path.samefile(told["executable"], read.executable)


def test_the_user_site_is_told_before_it_is_there(new_venv, home):
    made = new_venv("v", pip=False, system_site_packages=True)
    short = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    user = str(home / ".local" / "lib" / short / "site-packages")
    told, path = own_word(made.python)
    assert user not in path
    assert user in told["site_directories"]
    assert user not in own_word(made.python, PYTHONNOUSERSITE="1")[0]["site_directories"]
    read = Environment.from_prefix(made.path, environ={}, home=str(home))
    assert user in read.site_directories
    read = Environment.from_prefix(made.path, environ={"PYTHONNOUSERSITE": "1"}, home=str(home))
    assert user not in read.site_directories


def test_a_site_directory_on_the_path_counts_wherever_it_lies(tmp_path):
    extra = tmp_path / "vendor" / "site-packages"
    extra.mkdir(parents=True)
    told, path = own_word(sys.executable, PYTHONPATH=str(extra))
    assert path[0] == str(extra)
    assert told["site_directories"][0] == str(extra)


def test_a_virtual_environment_whose_base_is_gone(tmp_path):
    make_venv(str(tmp_path / "v"))
    settings = tmp_path / "v" / "pyvenv.cfg"
    version = "{}.{}.{}".format(*sys.version_info[:3])
    settings.write_text(f"home = {tmp_path}/gone/bin\nversion = {version}\n")
    environment = Environment.from_prefix(tmp_path / "v")
    assert environment.version == sys.version_info[:3]
    assert environment.base_prefix == str(tmp_path / "gone")
    assert environment.kind == "venv"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("[externally-managed]\nError=Use apt.\n", "Use apt."),
        ("[externally-managed]\nError=Ask 100% of them\nError-de=Nein\n", "Ask 100% of them"),
        ("[externally-managed]\n", "managed by something else"),
        ("", "managed by something else"),
        ("no section\n", "managed by something else"),
        ("[externally-managed]\nError=one\nError=two\n", "two"),
    ],
)
@pytest.mark.parametrize("platform", ["linux", "win32"])
def test_an_externally_managed_file_in_any_state(tmp_path, content, expected, platform):
    library = tmp_path / ("Lib" if platform == "win32" else "lib/python3.12")
    touch(library / "os.py", tmp_path / "python312.dll", tmp_path / "conda-meta/history")
    (library / "EXTERNALLY-MANAGED").write_text(content)
    told = Environment.from_prefix(tmp_path, platform=platform, environ={}).externally_managed
    assert told is not None
    assert expected in told


def test_a_virtual_environment_is_not_externally_managed(tmp_path):
    touch(tmp_path / "base/lib/python3.12/os.py", tmp_path / "v/lib/python3.12/site-packages/x.py")
    (tmp_path / "base/lib/python3.12/EXTERNALLY-MANAGED").write_text("[externally-managed]\nError=No.\n")
    (tmp_path / "v/pyvenv.cfg").write_text(f"home = {tmp_path}/base/bin\n")
    assert Environment.from_prefix(tmp_path / "base", platform="linux").externally_managed == "No."
    assert Environment.from_prefix(tmp_path / "v", platform="linux").externally_managed is None


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="an administrator may write everywhere")
def test_what_may_not_be_written(tmp_path):
    make_venv(str(tmp_path / "v"))
    site = Path(Environment.from_prefix(tmp_path / "v").site_directories[0])
    site.chmod(0o555)
    try:
        assert not Environment.from_prefix(tmp_path / "v").writable
    finally:
        site.chmod(0o755)


def test_a_site_directory_that_an_install_would_make_is_writable(tmp_path):
    touch(tmp_path / "lib/python3.12/os.py")
    assert Environment.from_prefix(tmp_path, platform="linux").writable


def test_an_install_directory_that_is_a_file_is_not_writable(tmp_path):
    touch(tmp_path / "lib/python3.12/os.py", tmp_path / "lib/python3.12/site-packages")
    assert not Environment.from_prefix(tmp_path, platform="linux").writable
