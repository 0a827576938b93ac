"""pip's configuration files: the places on each platform, and the same answer as pip's own."""

import os
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from ipy_envmagic.environments.environment import Environment
from ipy_envmagic.environments.pip_configuration import configuration_files, pip_configuration

REDIRECTING = {"target", "prefix", "root", "user", "no-user", "python"}


def platform(name, prefix="/env"):
    return replace(Environment.current(), platform=name, prefix=str(prefix))


def listed(name, environ, home="/home/me"):
    return [path.replace("\\", "/") for path in configuration_files(platform(name), environ, str(home))]


def test_the_places_on_linux():
    usual = ["/etc/xdg/pip/pip.conf", "/etc/pip.conf", "/home/me/.pip/pip.conf", "/home/me/.config/pip/pip.conf"]
    assert listed("linux", {}) == [*usual, "/env/pip.conf"]
    moved = {"XDG_CONFIG_HOME": "/xdg", "XDG_CONFIG_DIRS": "/a:/b"}
    expected = ["/a/pip/pip.conf", "/b/pip/pip.conf", "/etc/pip.conf", "/home/me/.pip/pip.conf", "/xdg/pip/pip.conf"]
    assert listed("linux", moved) == [*expected, "/env/pip.conf"]


def test_the_places_on_macos(tmp_path):
    system = "/Library/Application Support/pip/pip.conf"
    user = [f"{tmp_path}/.pip/pip.conf", f"{tmp_path}/.config/pip/pip.conf"]
    assert listed("darwin", {}, tmp_path) == [system, *user, "/env/pip.conf"]
    (tmp_path / "Library" / "Application Support" / "pip").mkdir(parents=True)
    assert listed("darwin", {}, tmp_path)[2] == f"{tmp_path}/Library/Application Support/pip/pip.conf"


def test_the_places_on_windows():
    environ = {"ALLUSERSPROFILE": "/all", "APPDATA": "/roaming"}
    expected = ["/all/pip/pip.ini", "/home/me/pip/pip.ini", "/roaming/pip/pip.ini", "/env/pip.ini"]
    assert listed("win32", environ) == expected


def test_a_file_that_is_named(tmp_path):
    (tmp_path / "my.conf").touch()
    there, gone = str(tmp_path / "my.conf"), str(tmp_path / "gone.conf")
    assert listed("linux", {"PIP_CONFIG_FILE": there})[-2:] == ["/env/pip.conf", there]
    assert not [path for path in listed("linux", {"PIP_CONFIG_FILE": there}) if path.startswith("/home")]
    assert [path for path in listed("linux", {"PIP_CONFIG_FILE": gone}) if path.startswith("/home")]
    assert listed("linux", {"PIP_CONFIG_FILE": os.devnull}) == []


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


@pytest.mark.skipif(os.name == "nt", reason="the places of Linux and macOS")
@pytest.mark.parametrize("named", [None, "there", "gone", os.devnull])
def test_the_same_answer_as_pips_own(venv, home, tmp_path, named):
    write(home / ".pip" / "pip.conf", "[global]\ntarget = /legacy\nprefix = /legacy\n[install]\nuser = yes\n")
    write(home / ".config" / "pip" / "pip.conf", "[global]\ntarget = /modern\n[install]\nroot = /modern\nuser = no\n")
    write(
        venv.path / "pip.conf", "[install]\nROOT = /site%(x)s\n--no_user = true\n[DEFAULT]\npython = /p\n[list]\na=b\n"
    )
    write(tmp_path / "named.conf", "[install]\ntarget = /named\n")
    environ = {key: value for key, value in os.environ.items() if not key.startswith("PIP_")}
    if named:
        paths = {"there": str(tmp_path / "named.conf"), "gone": str(tmp_path / "gone.conf")}
        environ["PIP_CONFIG_FILE"] = paths.get(named, named)
    done = subprocess.run(
        [venv.python, "-m", "pip", "config", "list"], env=environ, capture_output=True, text=True, check=True
    )
    told = dict(line.split("=", 1) for line in done.stdout.splitlines() if not line.startswith(":env:"))
    # The machine's own files may say more; what redirects is looked at, in pip's own words.
    wanted = {key: value.strip("'") for key, value in told.items() if key.partition(".")[2] in REDIRECTING}
    found = pip_configuration(Environment.from_prefix(venv.path), environ, str(home))
    assert found == wanted
    assert bool(found) == (named != os.devnull)


@pytest.mark.parametrize(
    "content",
    [b"target = /x\n", b"[install\ntarget = /x", b"[a]\nb\n", b"[a]\nx=1\n[a]\nx=2\n", b"\xff\xfe\0", b"[a]\ntarget\n"],
)
def test_a_damaged_file_tells_nothing(home, tmp_path, content):
    (tmp_path / "pip.conf").write_bytes(content)
    environ = {"PIP_CONFIG_FILE": str(tmp_path / "none"), "XDG_CONFIG_DIRS": str(tmp_path)}
    found = pip_configuration(platform("linux", tmp_path), environ, str(home))
    assert not [value for value in found.values() if "/x" in value]


def test_what_does_not_redirect_is_left_out(home, tmp_path):
    (tmp_path / "pip.conf").write_text("[global]\nindex-url = https://user:secret@host/\ntimeout = 60\n")
    assert pip_configuration(platform("linux", tmp_path), {"XDG_CONFIG_DIRS": str(tmp_path)}, str(home)) == {}
