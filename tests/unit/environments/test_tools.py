"""Which installers can serve an environment: real pips and uvs, and stand-ins where a place must be tried."""

import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from wheels import make_wheel

from ipy_envmagic.environments import tools
from ipy_envmagic.environments.environment import Environment

pytestmark = pytest.mark.skipif(os.name == "nt", reason="stand-ins are scripts of POSIX")

SYSTEM_WIDE = ("/usr/local/bin/uv", "/opt/homebrew/bin/uv", "/home/linuxbrew/.linuxbrew/bin/uv")


def program(path: Path, text: str = "\x7fELF") -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return str(path)


@pytest.fixture
def bare(tmp_path):
    """An environment without anything, of a base without anything."""
    prefix = tmp_path / "env"
    (prefix / "bin").mkdir(parents=True)
    site = str(prefix / "lib" / "python3.12" / "site-packages")
    return replace(
        Environment.current(),
        prefix=str(prefix),
        base_prefix=str(tmp_path / "base"),
        site_directories=(site,),
        version=(3, 12, 1),
        platform="linux",
    )


# -- uv


def test_the_places_of_uv_in_order(bare, tmp_path):
    home = tmp_path / "home"
    environ = {
        "UV": str(tmp_path / "variable" / "uv"),
        "PATH": os.pathsep.join([str(tmp_path / "nothing"), str(tmp_path / "path")]),
        "XDG_BIN_HOME": str(tmp_path / "xdg"),
    }
    for place in reversed(
        [
            Path(bare.prefix) / "bin",
            tmp_path / "variable",
            tmp_path / "path",
            tmp_path / "xdg",
            home / ".local" / "bin",
            home / ".cargo" / "bin",
            tmp_path / "base" / "bin",
        ]
    ):
        wanted = program(place / "uv")
        assert tools.find_uv(bare, environ, str(home)) == wanted


@pytest.mark.skipif(any(map(os.path.exists, SYSTEM_WIDE)), reason="a uv is installed for the whole machine")
def test_no_uv(bare, tmp_path):
    assert tools.find_uv(bare, {"PATH": "", "UV": ""}, str(tmp_path)) is None
    assert tools.find_uv(bare, {"PATH": str(tmp_path), "UV": str(tmp_path)}, str(tmp_path)) is None


def test_a_uv_that_cannot_be_run_is_passed_over(bare, tmp_path):
    wanted = program(tmp_path / "path" / "uv")
    own = Path(bare.prefix) / "bin" / "uv"
    own.write_text("no mode")
    variable = tmp_path / "gone"
    variable.symlink_to(tmp_path / "nowhere")
    program(tmp_path / "pyenv" / "shims" / "uv", "#!/usr/bin/env bash\nexec pyenv exec uv\n")
    path = f"{tmp_path}/pyenv/shims{os.pathsep}{tmp_path}/path"
    assert tools.find_uv(bare, {"UV": str(variable), "PATH": path}, str(tmp_path)) == wanted


def test_uv_on_windows(bare, tmp_path):
    windows = replace(bare, platform="win32")
    wanted = program(tmp_path / ".local" / "bin" / "uv.exe")
    assert tools.find_uv(windows, {"PATH": ""}, str(tmp_path)) == wanted
    wanted = program(Path(bare.prefix) / "Scripts" / "uv.exe")
    assert tools.find_uv(windows, {"PATH": ""}, str(tmp_path)) == wanted


def test_a_uv_that_was_installed_into_a_site_directory(venv, tmp_path):
    wheel = make_wheel(tmp_path, "uv", "9.0", modules={"uv/__init__.py": ""}, data={"scripts/uv": "#!/bin/sh\n"})
    user = tmp_path / "user"
    venv.pip("install", "--quiet", "--prefix", str(user), str(wheel))
    (user / "bin" / "uv").chmod(0o755)
    site = next(user.glob("lib/*/site-packages"))
    environment = Environment.from_prefix(venv.path)
    environment = replace(environment, site_directories=(*environment.site_directories, str(site)))
    assert tools.find_uv(environment, {"PATH": ""}, str(tmp_path)) == str(user / "bin" / "uv")


def test_the_uv_of_the_tests(home):
    wanted = pytest.importorskip("uv").find_uv_bin()
    found = tools.find_uv(Environment.current(), {"PATH": ""}, str(home))
    assert found is not None
    assert os.path.samefile(found, wanted)


# -- pip


def test_pip_in_the_environment(venv, new_venv):
    assert tools.pip_module(Environment.from_prefix(venv.path))
    assert not tools.pip_module(Environment.from_prefix(new_venv("bare", pip=False).path))


def test_a_folder_called_pip_is_no_pip(bare):
    os.makedirs(os.path.join(bare.site_directories[0], "pip"))
    assert not tools.pip_module(bare)


def test_the_pip_that_python_carries_can_be_run(new_venv):
    environment = Environment.from_prefix(new_venv("bare", pip=False).path)
    wheel = tools.bundled_pip(environment)
    if wheel is None:
        pytest.skip("this Python carries no pip")
    done = subprocess.run(
        [environment.executable, f"{wheel}/pip", "--version"], capture_output=True, text=True, check=True, timeout=60
    )
    assert os.path.basename(wheel).split("-")[1] in done.stdout


@pytest.mark.parametrize(
    ("platform", "files", "expected"),
    [
        ("linux", ["lib/python3.12/ensurepip/_bundled/pip-23.0-py3-none-any.whl"], 0),
        (
            "linux",
            [
                "lib/python3.12/ensurepip/_bundled/pip-9.0-py3-none-any.whl",
                "lib/python3.12/ensurepip/_bundled/pip-23.10-py3-none-any.whl",
                "lib/python3.12/ensurepip/_bundled/pip-23.9-py3-none-any.whl",
                "share/python-wheels/pip-99.0-py3-none-any.whl",
            ],
            1,
        ),
        ("linux", ["share/python-wheels/pip-23.0.1-py3-none-any.whl"], 0),
        ("win32", ["Lib/ensurepip/_bundled/pip-24.2-py3-none-any.whl"], 0),
        ("linux", ["lib/python3.12/ensurepip/_bundled/setuptools-65.0-py3-none-any.whl"], None),
        ("linux", ["lib/python3.11/ensurepip/_bundled/pip-23.0-py3-none-any.whl"], None),
        ("linux", [], None),
    ],
)
def test_where_a_python_carries_its_pip(bare, platform, files, expected):
    paths = [os.path.join(bare.base_prefix, *file.split("/")) for file in files]
    for path in paths:
        program(Path(path))
    program(Path(bare.base_prefix) / "lib" / "python3.12" / "os.py")
    found = tools.bundled_pip(replace(bare, platform=platform))
    assert found == (None if expected is None else paths[expected])


def other_python(root: Path, pip: "str | None", requires: str = ">=3.7", *, runner: bool = True) -> str:
    """Lay a Python that has this version of pip."""
    site = root / "lib" / "python3.12" / "site-packages"
    program(root / "lib" / "python3.12" / "os.py")
    if pip:
        program(site / f"pip-{pip}.dist-info" / "METADATA", f"Name: pip\nVersion: {pip}\nRequires-Python: {requires}\n")
        program(site / "pip" / "__main__.py")
        if runner:
            program(site / "pip" / "__pip-runner__.py")
    return program(root / "bin" / "python3")


@pytest.mark.parametrize(
    ("pip", "options", "serves"),
    [
        ("22.3", {}, True),
        ("26.0", {}, True),
        ("100.1", {}, True),
        ("22.2.2", {}, False),
        ("9.0.3", {}, False),
        ("23.0", {"runner": False}, False),
        ("26.0", {"requires": ">=3.13"}, False),
        ("26.0", {"requires": "nonsense"}, True),
        (None, {}, False),
    ],
)
def test_which_pip_of_another_python_serves(bare, tmp_path, pip, options, serves):
    interpreter = other_python(tmp_path / "other", pip, **options)
    found = tools.other_pip(bare, {"PATH": os.path.dirname(interpreter)})
    assert found == (interpreter if serves else None)


def test_the_base_comes_first_and_the_environment_itself_is_none(bare, tmp_path):
    other = other_python(tmp_path / "other", "25.0")
    own = other_python(Path(bare.prefix), "25.0")
    path = f"{os.path.dirname(own)}{os.pathsep}{os.path.dirname(other)}"
    assert tools.other_pip(bare, {"PATH": path}) == other
    base = other_python(Path(bare.base_prefix), "25.0")
    assert tools.other_pip(bare, {"PATH": path}) == base


def test_a_pip_behind_a_shim_of_pyenv(bare, tmp_path):
    root = tmp_path / "pyenv"
    real = other_python(root / "versions" / "3.12.1", "25.0")
    program(root / "shims" / "python3", f'#!/usr/bin/env bash\nexport PYENV_ROOT="{root}"\nexec pyenv\n')
    (root / "version").write_text("3.12.1\n")
    assert tools.other_pip(bare, {"PATH": str(root / "shims")}) == real


def test_the_pip_of_another_python_does_install(new_venv, venv, tmp_path):
    target = new_venv("bare", pip=False)
    environment = replace(Environment.from_prefix(target.path), base_prefix=str(tmp_path / "gone"))
    interpreter = tools.other_pip(environment, {"PATH": str(venv.bin)})
    assert interpreter is not None
    assert os.path.dirname(interpreter) == str(venv.bin)
    wheel = make_wheel(tmp_path, "demo-other", "1.0")
    command = [interpreter, "-m", "pip", "--python", target.python, "install", "--quiet", "--no-index", str(wheel)]
    subprocess.run(command, check=True, timeout=120, stdin=subprocess.DEVNULL)
    assert (target.site_packages / "demo_other.py").exists()


def test_the_system_python_is_looked_at_without_harm(bare):
    if shutil.which("python3", path="/usr/bin") is None:
        pytest.skip("no system Python here")
    found = tools.other_pip(bare, {"PATH": "/usr/bin"})
    assert found in {None, "/usr/bin/python3", "/usr/bin/python"}


def test_the_prefix_of_this_interpreter():
    assert tools.prefix_of(sys.executable, sys.platform) == sys.prefix
