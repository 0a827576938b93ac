"""%uv: the pip of uv acts on the kernel, the rest as uv documents it, with a note where that is elsewhere."""

import os
import shutil
import subprocess
import sys

import pytest
from isolation import isolated

from ipy_envmagic.commands.arguments import parse_uv
from ipy_envmagic.commands.uv import build
from ipy_envmagic.environments.environment import Environment
from ipy_envmagic.errors import EnvMagicError, LineError

UV = "/opt/uv"


def environment(kind="venv", platform="linux", **changes):
    prefix = r"C:\env" if platform == "win32" else "/env"
    values = {
        "executable": prefix + (r"\Scripts\python.exe" if platform == "win32" else "/bin/python"),
        "prefix": prefix,
        "base_prefix": "/usr",
        "version": (3, 12, 1),
        "kind": kind,
        "name": "env",
        "site_directories": ("/env/lib/python3.12/site-packages",),
        "manager": "uv",
        "writable": True,
        "externally_managed": None,
        "platform": platform,
    }
    return Environment(**(values | changes))


def command(line, where=None, uv=UV, **options):
    return build(line.split(), where or environment(), uv, **({"interactive": False, "environ": {}} | options))


@pytest.mark.parametrize(
    ("line", "argv"),
    [
        ("pip install x", "pip install --python EXE x"),
        ("pip install -U x", "pip install --python EXE -U x"),
        ("-q pip list", "-q pip list --python EXE"),
        ("pip uninstall x", "pip uninstall --python EXE x"),
        ("pip sync r.txt", "pip sync --python EXE r.txt"),
        ("pip freeze", "pip freeze --python EXE"),
        ("pip show x", "pip show --python EXE x"),
        ("pip tree", "pip tree --python EXE"),
        ("pip check", "pip check --python EXE"),
        ("pip compile r.in", "pip compile --python EXE r.in"),
        ("pip install -p 3.11 x", "pip install -p 3.11 x"),
        ("pip install --python=/o x", "pip install --python=/o x"),
        ("pip install --system x", "pip install --system x"),
        ("pip install --help", "pip install --help"),
        ("pip uninstall --force-kernel x", "pip uninstall --python EXE x"),
        ("venv .venv", "venv .venv"),
        ("python list", "python list"),
        ("tool install ruff", "tool install ruff"),
        ("cache dir", "cache dir"),
        ("self version", "self version"),
        ("--version", "--version"),
        ("", ""),
        ("sync --active", "sync --active"),
        ("run python -p x", "run python -p x"),
    ],
)
@pytest.mark.parametrize("platform", ["linux", "darwin", "win32"])
def test_what_runs(line, argv, platform):
    where = environment(platform=platform)
    made = command(line, where)
    assert made.argv == (UV, *(where.executable if word == "EXE" else word for word in argv.split()))
    assert made.program == "uv"


@pytest.mark.parametrize(
    ("line", "project", "mutates"),
    [
        ("pip install x", None, True),
        ("pip install --dry-run x", None, False),
        ("pip uninstall x", None, True),
        ("pip sync r", None, True),
        ("pip list", None, False),
        ("pip compile r", None, False),
        ("venv", None, False),
        ("add x", "/project/.venv", False),
        ("add x", "/env", True),
        ("add --active x", "/project/.venv", True),
        ("sync", "/env/", True),
        ("sync --dry-run", "/env", False),
        ("run pytest", "/env", True),
        ("run --no-sync pytest", "/env", False),
        ("lock", "/env", False),
    ],
)
def test_what_changes_the_kernels_environment(line, project, mutates):
    assert command(line, project_environment=project).mutates == mutates


def test_a_project_elsewhere_is_told():
    made = command("add x", project_environment="/project/.venv")
    assert made.env["VIRTUAL_ENV"] == "/env"
    told = (
        "uv add acts on the project's environment (/project/.venv), not on this kernel's (/env); "
        "--active makes it act on this kernel's"
    )
    assert made.notes == (told,)
    assert command("add x").notes[0].startswith("uv add acts on a project's environment")
    assert command("add x", project_environment="/env").notes == ()
    assert command("add --active x", project_environment="/project/.venv").notes == ()
    assert command("lock", project_environment="/project/.venv").notes == ()


def test_outside_a_virtual_environment_active_does_not_help():
    made = command("add x", environment("conda"), project_environment="/project/.venv")
    assert "VIRTUAL_ENV" not in made.env
    assert made.notes[0].endswith("%uv pip installs into this kernel's")


def test_redirections_are_told():
    assert command("pip install --target /t x").notes[0].startswith("--target sends this to /t")


@pytest.mark.parametrize(
    ("line", "right"),
    [
        ("install x", "%uv pip install x"),
        ("uninstall x", "%uv pip uninstall x"),
        ("list", "%uv pip list"),
        ("freeze", "%uv pip freeze"),
        ("download x", "%pip download x"),
        ("pip download x", "%pip download"),
        ("pip config list", "%pip config"),
        ("pip install", "%uv pip install numpy"),
        ("pip install numpy=2", "numpy==2"),
        ("pip install requirements.txt", "%uv pip install -r requirements.txt"),
        ("run --with requirements.txt x", "requirements.txt is a file of requirements"),
    ],
)
def test_slips_are_mended(line, right):
    with pytest.raises(LineError) as caught:
        command(line)
    assert right in caught.value.message
    assert "\n" not in str(caught.value)


def test_no_uv():
    with pytest.raises(EnvMagicError) as caught:
        command("pip list", uv=None)
    assert caught.value.remedy == "%pip install uv brings one"


def test_no_executable():
    with pytest.raises(LineError, match=r"sys\.executable is empty"):
        command("pip list", environment(executable=""))
    command("cache dir", environment(executable=""))


@pytest.mark.parametrize(
    ("line", "machine"),
    [
        ("pip list --format json", True),
        ("pip list", False),
        ("python list --output-format=json", True),
        ("venv", True),  # it asks on a terminal whether to replace one, and nobody can answer
        ("publish", True),
        ("auth login https://h", True),
    ],
)
def test_pipes_where_uv_would_ask(line, machine):
    assert command(line).machine_output == machine


def test_at_a_terminal_uv_may_ask():
    assert not command("venv", interactive=True).machine_output
    assert command("pip list", interactive=True).env == {}


def test_arguments_of_uv():
    made = parse_uv(["--directory", "d", "pip", "-q", "install", "-r", "f", "--index", "i", "x"])
    assert (made.subcommand, made.split, made.requested) == ("pip install", 5, ("x",))
    assert made.requirement_files == ("f",)
    runs = parse_uv(["run", "--with", "rich", "python", "-c", "--active"])
    assert runs.positionals == ("python", "-c", "--active")
    assert not runs.has("--active")


@pytest.mark.skipif(
    not shutil.which("uv", path=os.path.dirname(sys.executable) + os.pathsep + os.environ["PATH"]), reason="no uv"
)
def test_real_uv_acts_on_this_python(tmp_path):
    uv = shutil.which("uv", path=os.path.dirname(sys.executable) + os.pathsep + os.environ["PATH"])
    where = environment(executable=sys.executable)
    for line in ("pip list", "pip check", "pip freeze", "pip tree", "pip show packaging"):
        made = command(line, where, uv)
        environ = isolated(tmp_path) | {key: value for key, value in made.env.items() if value is not None}
        done = subprocess.run(made.argv, cwd=tmp_path, env=environ, capture_output=True, text=True, check=False)
        assert "error: unexpected" not in done.stderr, done.stderr
        assert f"environment at: {sys.prefix}" in done.stderr
