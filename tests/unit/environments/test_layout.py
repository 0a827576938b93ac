"""Where prefixes keep what they have, on each platform, laid as files."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ipy_envmagic.environments import layout

posix_only = pytest.mark.skipif(os.name == "nt", reason="needs links and POSIX paths")


def lay(root: Path, *files: str, text: str = "") -> Path:
    for name in files:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def python(root: Path, version: str = "3.12", library: str = "lib") -> Path:
    """Lay a POSIX installation: a library and an interpreter with its links."""
    lay(root, f"{library}/python{version}/os.py", f"bin/python{version}")
    for name in ("python3", "python"):
        (root / "bin" / name).symlink_to(f"python{version}")
    return root


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("home = /a b/bin\nuv = 0.5\n", {"home": "/a b/bin", "uv": "0.5"}),
        ("HOME=/x\r\nPrompt = 'a = b'\r\n", {"home": "/x", "prompt": "'a = b'"}),
        ("\ufeffhome = /x\n", {"home": "/x"}),
        ("# nothing\n\nno equals\n", {}),
    ],
)
def test_pyvenv_cfg(tmp_path, text, expected):
    (tmp_path / "pyvenv.cfg").write_text(text, encoding="utf-8")
    assert layout.read_settings(str(tmp_path)) == expected


def test_no_pyvenv_cfg(tmp_path):
    assert layout.read_settings(str(tmp_path)) == {}
    (tmp_path / "pyvenv.cfg").mkdir()
    assert layout.read_settings(str(tmp_path)) == {}


@pytest.mark.parametrize(
    ("files", "platform", "plain", "found"),
    [
        (["bin/python", "bin/python3", "bin/python3.12"], "linux", True, "bin/python"),
        (["bin/python", "bin/python3", "bin/python3.12"], "linux", False, "bin/python3.12"),
        (["bin/python2", "bin/python3"], "linux", True, "bin/python3"),
        (["bin/pypy3.12"], "linux", True, "bin/pypy3.12"),
        (["Scripts/python.exe", "python.exe"], "win32", True, "Scripts/python.exe"),
        (["python.exe"], "win32", True, "python.exe"),
        (["bin/python.exe"], "win32", True, "bin/python.exe"),
        (["bin/python"], "win32", True, None),
        ([], "linux", True, None),
    ],
)
def test_the_interpreter_of_a_prefix(tmp_path, files, platform, plain, found):
    lay(tmp_path, *files)
    expected = os.path.join(tmp_path, *found.split("/")) if found else ""
    assert layout.interpreter(str(tmp_path), (3, 12, 1), platform, plain=plain) == expected


@pytest.mark.parametrize(
    ("executable", "platform", "found"),
    [
        ("bin/python3", "linux", "bin/python3"),
        ("elsewhere/my python/python3.12", "linux", "elsewhere/my python/python3.12"),
        ("bin/blender", "linux", "bin/python3.12"),
        ("bin/gone", "linux", "bin/python3.12"),
        ("Versions/3.12/Resources/Python.app/Contents/MacOS/Python", "darwin", "bin/python3.12"),
        ("Scripts/pythonw.exe", "win32", "Scripts/python.exe"),
        ("pythonw.exe", "win32", "pythonw.exe"),
        ("QGIS.exe", "win32", "Scripts/python.exe"),
    ],
)
def test_the_interpreter_to_start(tmp_path, executable, platform, found):
    own = ["Scripts/python.exe"] if platform == "win32" else ["bin/python3.12"]
    lay(tmp_path, *own, *([] if executable.endswith("gone") else [executable]))
    given = os.path.join(tmp_path, *executable.split("/"))
    wanted = os.path.join(tmp_path, *found.split("/"))
    assert layout.resolve_executable(given, str(tmp_path), (3, 12, 1), platform) == wanted


def test_a_stub_in_a_virtual_environment_gives_the_environments_own(tmp_path):
    stub = "Python.framework/Versions/3.12/Resources/Python.app/Contents/MacOS/Python"
    lay(tmp_path, stub, "venv/pyvenv.cfg", "venv/bin/python", "venv/bin/python3.12")
    found = layout.resolve_executable(str(tmp_path / stub), str(tmp_path / "venv"), (3, 12, 1), "darwin")
    assert found == str(tmp_path / "venv" / "bin" / "python")


def test_an_embedding_program_with_no_python_beside_it_is_none(tmp_path):
    lay(tmp_path, "bin/blender")
    assert layout.resolve_executable(str(tmp_path / "bin" / "blender"), str(tmp_path), (3, 12, 1), "linux") == ""


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (["lib/python3.12/os.py"], ["lib/python3.12/site-packages"]),
        (["lib64/python3.12/os.py"], ["lib64/python3.12/site-packages", "lib/python3.12/site-packages"]),
        (["lib/python3.12t/os.py"], ["lib/python3.12t/site-packages"]),
        (["lib/pypy3.12/os.py"], ["lib/pypy3.12/site-packages"]),
        ([], ["lib/python3.12/site-packages"]),
        (
            ["lib/python3.12/os.py", "lib/python3/dist-packages/x"],
            ["local/lib/python3.12/dist-packages", "lib/python3/dist-packages"],
        ),
    ],
)
def test_site_directories(tmp_path, files, expected):
    lay(tmp_path, *files)
    found = layout.site_packages(str(tmp_path), str(tmp_path), (3, 12, 1), "linux")
    assert found == [os.path.join(tmp_path, *one.split("/")) for one in expected]


def test_the_site_directory_of_a_virtual_environment_takes_after_its_base(tmp_path):
    lay(tmp_path / "base", "lib64/python3.12/os.py", "lib/python3/dist-packages/x")
    found = layout.site_packages(str(tmp_path / "v"), str(tmp_path / "base"), (3, 12, 1), "linux")
    assert found == [os.path.join(tmp_path, "v", one, "python3.12", "site-packages") for one in ("lib64", "lib")]


def test_the_site_directory_on_windows(tmp_path):
    found = layout.site_packages(str(tmp_path), str(tmp_path), (3, 12, 1), "win32")
    assert found == [os.path.join(tmp_path, "Lib", "site-packages")]


@pytest.mark.parametrize(
    ("base", "platform", "environ", "expected"),
    [
        ("/usr", "linux", {}, "/home/me/.local/lib/python3.12/site-packages"),
        ("/usr", "linux", {"PYTHONUSERBASE": "/u"}, "/u/lib/python3.12/site-packages"),
        ("/usr", "linux", {"PYTHONNOUSERSITE": "1"}, None),
        ("/usr", "linux", {"PYTHONNOUSERSITE": ""}, "/home/me/.local/lib/python3.12/site-packages"),
        (
            "/Library/Frameworks/Python.framework/Versions/3.12",
            "darwin",
            {},
            "/home/me/Library/Python/3.12/lib/python/site-packages",
        ),
        ("/opt/conda", "darwin", {}, "/home/me/.local/lib/python3.12/site-packages"),
        ("C:/Python312", "win32", {"APPDATA": "/roaming"}, "/roaming/Python/Python312/site-packages"),
        ("C:/Python312", "win32", {}, "/home/me/Python/Python312/site-packages"),
    ],
)
def test_the_user_site(base, platform, environ, expected):
    found = layout.user_site(base, (3, 12, 1), platform, environ, "/home/me")
    assert (found and found.replace("\\", "/")) == expected


def test_the_user_site_is_the_one_that_site_tells(home):
    code = "import site; print(site.getusersitepackages())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    found = layout.user_site(sys.base_prefix, sys.version_info[:3], sys.platform, os.environ, str(home))
    assert found == done.stdout.strip()


@posix_only
def test_the_base_of_a_virtual_environment(tmp_path):
    base = python(tmp_path / "opt" / "py")
    home = str(base / "bin")
    assert layout.base_prefix_of("/v", {}, "linux") == "/v"
    assert layout.base_prefix_of("/v", {"home": home}, "linux") == str(base)
    assert layout.base_prefix_of("/v", {"home": home + "/"}, "linux") == str(base)
    assert layout.base_prefix_of("/v", {"home": "C:\\Python312"}, "win32") == "C:\\Python312"


@posix_only
def test_the_base_behind_a_link(tmp_path):
    base = python(tmp_path / "python" / "cpython-3.12.5-linux-x86_64-gnu")
    links = tmp_path / ".local" / "bin"
    links.mkdir(parents=True)
    (links / "python3.12").symlink_to(base / "bin" / "python3.12")
    settings = {"home": str(links), "version_info": "3.12.5"}
    assert layout.base_prefix_of(str(tmp_path / "v"), settings, "linux") == str(base)


def test_the_base_that_is_gone(tmp_path):
    settings = {"home": str(tmp_path / "gone" / "bin"), "version": "3.12.4"}
    assert layout.base_prefix_of(str(tmp_path), settings, "linux") == str(tmp_path / "gone")
    lay(tmp_path, "lib/python3.12/site-packages/x.py")
    assert layout.version_of(str(tmp_path), str(tmp_path / "gone"), settings, "linux") == (3, 12, 4)
    assert layout.version_of(str(tmp_path), str(tmp_path / "gone"), {}, "linux") == (3, 12, 0)


@posix_only
def test_the_prefix_of_an_interpreter(tmp_path):
    base = python(tmp_path / "opt")
    venv = tmp_path / "venv"
    (venv / "bin").mkdir(parents=True)
    (venv / "pyvenv.cfg").write_text(f"home = {base}/bin\n")
    (venv / "bin" / "python").symlink_to(base / "bin" / "python3.12")
    (tmp_path / "link").symlink_to(base / "bin" / "python")
    assert layout.prefix_of(str(venv / "bin" / "python"), "linux") == str(venv)
    assert layout.prefix_of(str(base / "bin" / "python"), "linux") == str(base)
    assert layout.prefix_of(str(tmp_path / "link"), "linux") == str(base)
    assert layout.prefix_of(str(tmp_path / "nothing" / "python"), "linux") is None
    assert layout.prefix_of("a\0b", "linux") is None


@posix_only
def test_no_interpreter_has_no_prefix_wherever_we_are(tmp_path, monkeypatch):
    python(tmp_path)
    monkeypatch.chdir(tmp_path / "bin")
    assert layout.prefix_of("", "linux") is None
    assert layout.prefix_of("python3", "linux") == str(tmp_path)


def test_the_prefix_of_an_interpreter_on_windows(tmp_path):
    lay(tmp_path, "v/pyvenv.cfg", "v/Scripts/python.exe", "base/python.exe", "base/Lib/os.py", "x/python.exe")
    assert layout.prefix_of(str(tmp_path / "v" / "Scripts" / "python.exe"), "win32") == str(tmp_path / "v")
    assert layout.prefix_of(str(tmp_path / "base" / "python.exe"), "win32") == str(tmp_path / "base")
    assert layout.prefix_of(str(tmp_path / "x" / "python.exe"), "win32") is None


@posix_only
def test_the_version_in_a_prefix_with_several(tmp_path):
    python(tmp_path, "3.11")
    lay(tmp_path, "lib/python3.9/os.py", "lib/python3.13/dist-packages/x.py")
    assert layout.installed_versions(str(tmp_path)) == [(3, 13), (3, 11), (3, 9)]
    assert layout.version_of(str(tmp_path), str(tmp_path), {}, "linux") == (3, 11, 0)
    assert layout.version_of(str(tmp_path), str(tmp_path), {"version": "3.9.4"}, "linux") == (3, 9, 4)
    assert layout.version_of(str(tmp_path), str(tmp_path), {"version": "3.8.4"}, "linux") == (3, 11, 0)


@pytest.mark.parametrize(
    ("files", "version"),
    [
        ({"include/python3.12/patchlevel.h": '#define PY_VERSION      "3.12.7"\n'}, (3, 12, 7)),
        ({"include/python3.12/patchlevel.h": '#define PY_VERSION "3.12.0rc2+"\n'}, (3, 12, 0)),
        ({"conda-meta/python-3.12.8-h1_0_cpython.json": "{}"}, (3, 12, 8)),
        ({"conda-meta/python-dateutil-2.9.0-pyhd_1.json": "{}", "bin/python3.12": "x\0003.12.9\0y"}, (3, 12, 9)),
        ({"bin/python3.12": "\0003.12.9+\0"}, (3, 12, 9)),
        ({"bin/python3.12": "\0003.11.9\0"}, (3, 12, 0)),
        ({}, (3, 12, 0)),
    ],
)
def test_what_tells_the_version(tmp_path, files, version):
    lay(tmp_path, "lib/python3.12/os.py")
    for name, text in files.items():
        lay(tmp_path, name, text=text)
    assert layout.version_of(str(tmp_path), str(tmp_path), {}, "linux") == version


@pytest.mark.parametrize(
    ("files", "settings", "version"),
    [
        ({"python312.dll": "", "include/patchlevel.h": '#define PY_VERSION "3.12.2"\n'}, {}, (3, 12, 2)),
        ({"python3.dll": "", "python313.dll": ""}, {}, (3, 13, 0)),
        ({"conda-meta/python-3.11.5-h1_0.json": ""}, {}, (3, 11, 5)),
        ({"Lib/os.py": ""}, {"version_info": "3.10.13.final.0"}, (3, 10, 13)),
        ({"Lib/os.py": ""}, {}, None),
    ],
)
def test_what_tells_the_version_on_windows(tmp_path, files, settings, version):
    for name, text in files.items():
        lay(tmp_path, name, text=text)
    assert layout.version_of(str(tmp_path), str(tmp_path), settings, "win32") == version


def test_the_bases_word_counts_more_than_pyvenv_cfg(tmp_path):
    lay(tmp_path, "v/lib/python3.12/site-packages/x", "base/lib/python3.12/os.py")
    lay(tmp_path, "base/include/python3.12/patchlevel.h", text='#define PY_VERSION "3.12.7"\n')
    found = layout.version_of(str(tmp_path / "v"), str(tmp_path / "base"), {"version": "3.12.1"}, "linux")
    assert found == (3, 12, 7)
