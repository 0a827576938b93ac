"""What ``python`` means on a PATH, with pyenv's layout laid as files."""

import os
import sys
from pathlib import Path

import pytest

from ipy_envmagic.environments.shims import is_executable, on_path, python_on_path

pytestmark = pytest.mark.skipif(os.name == "nt", reason="links and modes of POSIX")

SHIM = '#!/usr/bin/env bash\nset -e\nexport PYENV_ROOT="{root}"\nexec "{root}/libexec/pyenv" exec "$program" "$@"\n'
BARE_SHIM = "#!/usr/bin/env bash\nexec pyenv exec python\n"


def program(path: Path, text: str = "\x7fELF") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


def pyenv(root: Path, *versions: str, shim: str = SHIM) -> Path:
    for version in versions:
        program(root / "versions" / version / "bin" / "python")
    program(root / "shims" / "python", shim.format(root=root))
    return root


@pytest.fixture
def places(tmp_path):
    """A pyenv, a system Python behind it, and a project to work in."""
    root = pyenv(
        tmp_path / "pyenv", "3.9.18", "3.11.7", "3.12.1", "3.12.10", "3.12.11-dev", "3.13.0", "3.13.1t", "pypy3.10-7.3"
    )
    program(tmp_path / "usr" / "python3.10")
    (tmp_path / "usr" / "python").symlink_to("python3.10")
    (tmp_path / "project" / "sub").mkdir(parents=True)
    return tmp_path, {"PATH": f"{root}/shims{os.pathsep}{tmp_path}/usr"}


def meant(tmp_path, environ, cwd="project/sub"):
    found = python_on_path(environ, str(tmp_path), str(tmp_path / cwd))
    return found and os.path.relpath(found, tmp_path)


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ("3.11.7", "pyenv/versions/3.11.7/bin/python"),
        ("3.12", "pyenv/versions/3.12.10/bin/python"),
        ("3", "pyenv/versions/3.13.0/bin/python"),
        ("3.13t", "pyenv/versions/3.13.1t/bin/python"),
        ("python-3.9", "pyenv/versions/3.9.18/bin/python"),
        ("pypy3.10", "pyenv/versions/pypy3.10-7.3/bin/python"),
        ("3.12.11-dev", "pyenv/versions/3.12.11-dev/bin/python"),
        ("2.7:3.11.7:3.12.1", "pyenv/versions/3.11.7/bin/python"),
        ("system", "usr/python"),
        ("system:3.11.7", "usr/python"),
        ("2.7", "usr/python"),
        ("", "usr/python"),
    ],
)
def test_a_shim_follows_the_variable(places, version, expected):
    tmp_path, environ = places
    assert meant(tmp_path, {**environ, "PYENV_VERSION": version}) == expected


def test_a_shim_follows_the_files_the_nearest_first(places):
    tmp_path, environ = places
    assert meant(tmp_path, environ) == "usr/python"
    (tmp_path / "pyenv" / "version").write_text("3.9.18\n")
    assert meant(tmp_path, environ) == "pyenv/versions/3.9.18/bin/python"
    (tmp_path / ".python-version").write_text("# ours\n\n3.11.7 and words\n3.12.1\n")
    assert meant(tmp_path, environ) == "pyenv/versions/3.11.7/bin/python"
    (tmp_path / "project" / ".python-version").write_text("2.7\r\n3.12.1\r\n")
    assert meant(tmp_path, environ) == "pyenv/versions/3.12.1/bin/python"
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / ".python-version").write_text("3.13.0")
    assert meant(tmp_path, {**environ, "PYENV_DIR": str(tmp_path / "elsewhere")}) == "pyenv/versions/3.13.0/bin/python"
    assert meant(tmp_path, {**environ, "PYENV_VERSION": "3.9"}) == "pyenv/versions/3.9.18/bin/python"


@pytest.mark.parametrize("content", [b"", b"\xff\0\xfe", b"../../usr\n", b"#\n", b"x" * 100_000])
def test_a_damaged_version_file_leaves_the_system(places, content):
    tmp_path, environ = places
    (tmp_path / "project" / ".python-version").write_bytes(content)
    assert meant(tmp_path, environ) == "usr/python"


def test_a_shim_that_does_not_name_its_root(tmp_path):
    root = pyenv(tmp_path / ".pyenv", "3.12.1", shim=BARE_SHIM)
    (root / "version").write_text("3.12.1")
    expected = ".pyenv/versions/3.12.1/bin/python"
    assert meant(tmp_path, {"PATH": str(root / "shims")}, ".") == expected
    moved = tmp_path / "moved" / "shims"
    program(moved / "python", BARE_SHIM)
    assert meant(tmp_path, {"PATH": str(moved)}, ".") == expected
    assert meant(tmp_path, {"PATH": str(moved), "PYENV_ROOT": str(root)}, ".") == expected


def test_a_virtual_environment_that_pyenv_keeps(places):
    tmp_path, environ = places
    folder = tmp_path / "pyenv" / "versions" / "shop"
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "python").symlink_to(tmp_path / "pyenv" / "versions" / "3.12.1" / "bin" / "python")
    found = meant(tmp_path, {**environ, "PYENV_VERSION": "shop"})
    assert found == "pyenv/versions/shop/bin/python"


def test_no_version_and_no_system_is_none(tmp_path):
    root = pyenv(tmp_path / "pyenv", "3.12.1")
    assert meant(tmp_path, {"PATH": str(root / "shims"), "PYENV_VERSION": "2.7"}, ".") is None


def test_the_first_on_path_with_its_links_left(tmp_path):
    real = program(tmp_path / "opt" / "python3.12")
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "python").symlink_to(real)
    path = os.pathsep.join([str(tmp_path / "none"), str(tmp_path / "one"), str(tmp_path / "two")])
    assert meant(tmp_path, {"PATH": path}, ".") == "one/python"


def test_python3_counts_where_there_is_no_python(tmp_path):
    program(tmp_path / "bin" / "python3")
    assert meant(tmp_path, {"PATH": str(tmp_path / "bin")}, ".") == "bin/python3"


@pytest.mark.parametrize("text", ["#!/bin/sh\nexec asdf exec python\n", "#!/bin/sh\nexec pyenv exec python\n"])
def test_a_wrapper_of_another_kind_is_not_guessed_at(tmp_path, text):
    program(tmp_path / "first" / "python", text)
    program(tmp_path / "second" / "python")
    assert meant(tmp_path, {"PATH": f"{tmp_path}/first{os.pathsep}{tmp_path}/second"}, ".") is None


def test_a_manager_that_stands_there_under_the_name_is_not_a_python(tmp_path):
    program(tmp_path / "mise")
    (tmp_path / "shims").mkdir()
    (tmp_path / "shims" / "python").symlink_to(tmp_path / "mise")
    assert meant(tmp_path, {"PATH": str(tmp_path / "shims")}, ".") is None


def test_relative_and_empty_entries_are_the_working_directory(tmp_path):
    program(tmp_path / "work" / "bin" / "python")
    work = str(tmp_path / "work")
    assert python_on_path({"PATH": "bin"}, "", work) == os.path.join(work, "bin", "python")
    assert python_on_path({"PATH": ""}, "", os.path.join(work, "bin")) == os.path.join(work, "bin", "python")
    assert python_on_path({"PATH": "bin"}, "", None) is None


@pytest.mark.parametrize("what", ["folder", "not executable", "empty", "dead link", "loop", "nul"])
def test_what_cannot_be_run_is_passed_over(tmp_path, what):
    bad = tmp_path / "one" / "python"
    bad.parent.mkdir()
    if what == "folder":
        bad.mkdir()
    elif what == "not executable":
        bad.write_text("x")
    elif what == "empty":
        program(bad, "")
    elif what in {"dead link", "loop"}:
        bad.symlink_to(bad if what == "loop" else tmp_path / "nowhere")
    program(tmp_path / "two" / "python")
    assert not is_executable(str(bad) + ("\0" if what == "nul" else ""))
    assert meant(tmp_path, {"PATH": f"{tmp_path}/one{os.pathsep}{tmp_path}/two"}, ".") == "two/python"


def test_windows(tmp_path):
    root = tmp_path / "pyenv-win"
    program(root / "shims" / "python.bat", "@echo off\r\ncall pyenv exec %~n0 %*\r\n")
    wanted = program(root / "versions" / "3.12.1" / "python.exe")
    (root / "version").write_text("3.12.1\r\n")
    program(tmp_path / "other" / "python.exe")
    alias = program(tmp_path / "WindowsApps" / "python.exe", "")
    path = os.pathsep.join([str(alias.parent), str(root / "shims"), str(tmp_path / "other")])
    assert python_on_path({"PATH": path}, str(tmp_path), str(tmp_path), platform="win32") == str(wanted)
    plain = os.pathsep.join([str(alias.parent), f'"{tmp_path}/other"'])
    found = python_on_path({"PATH": plain}, str(tmp_path), str(tmp_path), platform="win32")
    assert found == os.path.join(tmp_path, "other", "python.exe")
    assert list(on_path("python3", {"PATH": plain}, None, platform="win32")) == []


def test_this_interpreter(home):
    folder = os.path.dirname(sys.executable)
    found = python_on_path({"PATH": folder}, str(home), str(home))
    assert found is not None
    assert os.path.samefile(found, sys.executable)
