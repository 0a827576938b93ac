"""%pip: what runs, on each platform, and what is refused before anything runs."""

import ensurepip
import glob
import json
import os
import shutil
import subprocess
import sys
import textwrap
import venv

import pytest
from isolation import isolated
from wheels import make_project, make_wheel

from ipy_envmagic.commands.arguments import parse
from ipy_envmagic.commands.pip import Tools, build, requested
from ipy_envmagic.commands.requested import check_requirements_text, check_word
from ipy_envmagic.environments.environment import Environment
from ipy_envmagic.errors import EnvMagicError, LineError

OWN = Tools(has_pip=True)
UV = Tools(has_pip=False, uv="/opt/uv", bundled_pip="/usr/lib/ensurepip/_bundled/pip-24.0-py3-none-any.whl")
UNATTENDED = {"GIT_TERMINAL_PROMPT": "0", "SSH_ASKPASS_REQUIRE": "force", "SSH_ASKPASS": "false"}


def environment(platform="linux", version=(3, 12, 1), **changes):
    windows = platform == "win32"
    prefix = r"C:\Users\A B\env" if windows else "/home/a b/env"
    values = {
        "executable": prefix + (r"\Scripts\python.exe" if windows else "/bin/python"),
        "prefix": prefix,
        "base_prefix": r"C:\Python312" if windows else "/usr",
        "version": version,
        "kind": "venv",
        "name": "env",
        "site_directories": (prefix + (r"\Lib\site-packages" if windows else "/lib/python3.12/site-packages"),),
        "manager": "pip",
        "writable": True,
        "externally_managed": None,
        "platform": platform,
    }
    return Environment(**(values | changes))


def command(line, tools=OWN, where=None, **options):
    keywords = {"interactive": False, "environ": {"HOME": "/home/a b"}} | options
    return build(line.split() if isinstance(line, str) else line, where or environment(), tools, **keywords)


@pytest.mark.parametrize("platform", ["linux", "darwin", "win32"])
def test_the_kernels_own_pip_runs_without_the_working_directory(platform):
    where = environment(platform)
    made = command(["install", "numpy>=2"], where=where)
    assert made.argv == (where.executable, "-P", "-m", "pip", "install", "numpy>=2")
    assert made.arguments == ("install", "numpy>=2")
    assert made.program == "pip"
    assert made.mutates
    assert not made.machine_output
    assert made.notes == ()
    assert made.env == UNATTENDED | {"PIP_NO_INPUT": "1"}


def test_before_python_311_a_program_cleans_the_path():
    made = command("install x", where=environment(version=(3, 10, 13)))
    assert made.argv[1] == "-c"
    assert made.argv[2].startswith("import sys; sys.path[:] =")
    assert made.argv[3:] == ("install", "x")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("uninstall x", "uninstall --yes x"),
        ("-v uninstall x", "-v uninstall --yes x"),
        ("uninstall -y x", "uninstall -y x"),
        ("uninstall -qy x", "uninstall -qy x"),
        ("uninstall --yes x", "uninstall --yes x"),
        ("uninstall -ry x", "uninstall --yes -ry x"),  # the file is called "y"
        ("uninstall --help", "uninstall --help"),
        ("--proxy uninstall install x", "--proxy uninstall install x"),
        ("uninstall --force-kernel x", "uninstall --yes x"),
        ("install --force-kernel x", "install x"),
    ],
)
def test_nothing_is_asked(line, words):
    assert " ".join(command(line).argv[4:]) == words


def test_a_person_at_a_terminal_is_asked():
    made = command("uninstall x", interactive=True)
    assert made.argv[4:] == ("uninstall", "x")
    assert made.env == {}


@pytest.mark.parametrize(
    ("platform", "before", "after"),
    [
        ("linux", ":/a", "/a"),
        ("linux", "/a::.:./:/b", "/a:/b"),
        ("linux", ":", None),
        ("win32", r".;C:\a;.\;", r"C:\a"),
        ("linux", "/a:/b", "unchanged"),
    ],
)
def test_pythonpath_never_means_the_working_directory(platform, before, after):
    env = command("list", where=environment(platform), environ={"PYTHONPATH": before}).env
    assert env.get("PYTHONPATH", "unchanged") == after


@pytest.mark.parametrize(
    ("line", "mutates", "machine"),
    [
        ("install x", True, False),
        ("install --target /t x", True, False),
        ("install --dry-run x", False, False),
        ("install --help", False, False),
        ("install --dry-run --report - x", False, True),
        ("install --report=- x", True, True),
        ("install --report out.json x", True, False),
        ("uninstall x", True, False),
        ("list", False, False),
        ("list --format json", False, True),
        ("list --format=json", False, True),
        ("list --form json", False, True),
        ("list --format freeze", False, False),
        ("freeze", False, False),
        ("inspect", False, True),
        ("index versions --json x", False, True),
        ("download x", False, False),
        ("cache purge", False, False),
        ("config set global.timeout 60", False, False),
        ("--version", False, False),
        ("", False, False),
    ],
)
def test_what_changes_and_what_is_for_a_program(line, mutates, machine):
    made = command(line)
    assert (made.mutates, made.machine_output) == (mutates, machine)
    assert ("FORCE_COLOR" in made.env and made.env["FORCE_COLOR"] is None and made.env["NO_COLOR"] == "1") == machine


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("install numpy", "install --python EXE numpy"),
        ("-v install numpy", "install --python EXE --verbose numpy"),
        ("install -Ur r.txt -e . x[a]>=2", "install --python EXE --upgrade --requirement r.txt --editable . x[a]>=2"),
        ("install --no-input --progress-bar off -q x", "install --python EXE --no-progress --quiet x"),
        ("uninstall -y x", "uninstall --python EXE x"),
        ("list -o --format=json", "list --python EXE --outdated --format json"),
        ("list -e", "list --python EXE --editable"),
        ("show -f x", "show --python EXE --files x"),
        ("freeze", "freeze --python EXE"),
        ("check", "check --python EXE"),
        ("install --pypi-url https://h/ x", "install --python EXE --index-url https://h/ x"),
        ("--python /other install x", "install --python /other x"),
    ],
)
def test_uv_serves_where_there_is_no_pip(line, words):
    made = command(line, UV)
    exe = environment().executable
    assert made.argv == ("/opt/uv", "pip", *(exe if word == "EXE" else word for word in words.split()))
    assert made.program == "uv"
    assert made.notes[0] == "This environment has no pip: uv serves (/opt/uv)"
    assert "PIP_NO_INPUT" not in made.env


@pytest.mark.parametrize(
    ("line", "lacks"),
    [
        ("download x", "download"),
        ("wheel x", "wheel"),
        ("config list", "config"),
        ("cache dir", "cache"),
        ("index versions x", "index"),
        ("hash f", "hash"),
        ("inspect", "inspect"),
        ("debug", "debug"),
        ("install --user x", "--user"),
        ("install --report - x", "--report"),
        ("install --upgrade-strategy eager x", "--upgrade-strategy"),
        ("install --proxy http://h x", "--proxy"),
        ("install -I x", "-I"),
        ("list --user", "--user"),
        ("freeze -r x", "-r"),
        ("--version", "--version"),
    ],
)
def test_what_uv_cannot_do_falls_to_a_real_pip(line, lacks):
    made = command(line, UV)
    assert made.argv[:3] == (environment().executable, "-P", f"{UV.bundled_pip}/pip")
    assert made.argv[3:] == tuple(line.split())
    assert made.notes[0].startswith(f"uv pip has no `{lacks}`: the one that Python carries serves (pip-24.0")
    own = command(line, Tools(has_pip=True, uv="/opt/uv"), backend="uv")
    assert own.argv[:4] == (environment().executable, "-P", "-m", "pip")
    assert own.notes[0] == f"uv pip has no `{lacks}`: the pip of this environment serves"


def test_the_wheel_that_python_carries_serves():
    made = command(
        "install x", Tools(has_pip=False, bundled_pip=r"C:\Py\pip-24.0-py3-none-any.whl"), environment("win32")
    )
    assert made.argv[:3] == (environment("win32").executable, "-P", r"C:\Py\pip-24.0-py3-none-any.whl\pip")
    assert made.notes == (
        "This environment has no pip: the one that Python carries serves (pip-24.0-py3-none-any.whl)",
    )


def test_another_pythons_pip_serves():
    made = command("install x", Tools(has_pip=False, other_python="/usr/bin/python3"))
    assert made.argv[0:2] == ("/usr/bin/python3", "-c")
    assert made.argv[3:] == ("--python", environment().executable, "install", "x")
    assert made.notes == ("This environment has no pip: that of /usr/bin/python3 serves",)


def test_backends():
    both = Tools(has_pip=True, uv="/opt/uv")
    assert command("list", both).program == "pip"
    assert command("list", both, backend="pip").program == "pip"
    assert command("list", both, backend="uv").argv[0] == "/opt/uv"
    assert command("list", both, backend="uv").notes == ()
    assert command("list", UV, backend="pip").argv[2].endswith(".whl/pip")


def test_uv_reads_the_index_that_pip_was_told():
    environ = {"PIP_INDEX_URL": "https://h/simple", "PIP_FIND_LINKS": "/a /b", "PIP_EXTRA_INDEX_URL": "https://e/"}
    env = command("install x", UV, environ=environ | {"UV_INDEX": "https://mine/"}).env
    assert env["UV_DEFAULT_INDEX"] == "https://h/simple"
    assert env["UV_FIND_LINKS"] == "/a,/b"
    assert "UV_EXTRA_INDEX_URL" not in env


@pytest.mark.parametrize(
    ("tools", "backend", "line", "says"),
    [
        (Tools(has_pip=False), "auto", "list", "ensurepip"),
        (Tools(has_pip=True), "uv", "list", "%pip install uv"),
        (Tools(has_pip=False, uv="/opt/uv"), "auto", "download x", "%pip install pip"),
    ],
)
def test_what_nothing_can_serve(tools, backend, line, says):
    with pytest.raises(EnvMagicError) as caught:
        command(line, tools, backend=backend)
    assert says in caught.value.remedy
    assert "\n" not in caught.value.message


def test_a_kernel_that_does_not_know_its_python():
    with pytest.raises(LineError, match=r"sys\.executable is empty"):
        command("install x", where=environment(executable=""))


@pytest.mark.parametrize(
    ("line", "environ", "configuration", "told"),
    [
        ("install --target /t x", {}, {}, "--target sends this to /t"),
        ("install -t/t x", {}, {}, "-t sends this to /t"),
        ("install --prefix=/p x", {}, {}, "--prefix sends this to /p"),
        ("install --root /r x", {}, {}, "--root sends this to /r"),
        ("install --user x", {}, {}, "--user sends this to the user site /h/.local/lib/python3.12/site-packages"),
        ("--python /other install x", {}, {}, "--python sends this to /other"),
        ("install x", {"PIP_TARGET": "/t"}, {}, "PIP_TARGET sends this to /t"),
        ("install x", {"PIP_PREFIX": "/p"}, {}, "run `%env PIP_PREFIX=` first"),
        ("install x", {"PIP_USER": "yes"}, {}, "PIP_USER sends this to the user site"),
        ("install x", {"PIP_USER": "0"}, {"install.user": "true"}, ""),
        ("install x", {}, {"global.target": "/t"}, "pip's configuration (global.target) sends this to /t"),
        ("install x", {}, {"install.target": "/t"}, "run `%pip config unset install.target` first"),
        ("install --no-user x", {"PIP_USER": "1"}, {}, ""),
        ("install --target /home/a\x00b/env/lib/python3.12/site-packages x", {}, {}, ""),
        ("install --prefix /home/a\x00b/env/ x", {}, {}, ""),
        ("uninstall x", {"PIP_TARGET": "/t"}, {}, ""),
        ("list --user", {}, {}, ""),
        ("install --dry-run --target /t x", {}, {}, ""),
    ],
)
def test_an_install_that_goes_elsewhere_is_told(line, environ, configuration, told):
    words = [word.replace("\x00", " ") for word in line.split()]
    made = command(words, environ={"HOME": "/h"} | environ, configuration=configuration)
    assert len(made.notes) == bool(told)
    assert told in "".join(made.notes)
    assert "\n" not in "".join(made.notes)


@pytest.mark.parametrize(
    ("platform", "environ", "directory"),
    [
        ("linux", {"HOME": "/h"}, "/h/.local/lib/python3.12/site-packages"),
        ("linux", {"PYTHONUSERBASE": "/u"}, "/u/lib/python3.12/site-packages"),
        ("win32", {"APPDATA": r"C:\Roaming"}, r"C:\Roaming\Python\Python312\site-packages"),
    ],
)
def test_a_user_site_that_this_kernel_imports_from_is_not_told(platform, environ, directory):
    seen = environment(platform, site_directories=(directory,))
    assert command("install --user x", where=seen, environ=environ).notes == ()
    assert directory in command("install --user x", where=environment(platform), environ=environ).notes[0]


def test_the_user_site_of_a_framework():
    where = environment("darwin", base_prefix="/Library/Frameworks/Python.framework/Versions/3.12")
    note = command("install --user x", where=where, environ={"HOME": "/h"}).notes[0]
    assert "/h/Library/Python/3.12/lib/python/site-packages" in note


def test_arguments():
    line = "--log f -vv install -rreq.txt -c con.txt --editable=. -Ue ../b --extra-ind u numpy>=2 -- -odd"
    made = parse(line.split())
    assert made.subcommand == "install"
    assert made.split == 4
    assert made.requirement_files == ("req.txt",)
    assert made.constraint_files == ("con.txt",)
    assert made.editables == (".", "../b")
    assert made.value("--extra-index-url") == "u"
    assert made.has("--upgrade")
    assert made.requested == ("numpy>=2", "-odd")
    assert not made.force_kernel
    assert parse(["uninstall", "--force-kernel", "x"]).force_kernel


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("install --index-url https://h -f links a b", ("a", "b")),
        ("install --no-binary :all: a", ("a",)),
        ("uninstall -y a -r f", ("a",)),
        ("download -d out a", ("a",)),
        ("list a", ()),
        ("config set a b", ()),
        ("install a --report", ("a",)),
    ],
)
def test_requested(line, names):
    assert requested(line.split()) == names


@pytest.mark.parametrize(
    ("word", "right"),
    [
        ("numpy=2", "numpy==2"),
        ("numpy=>2", "numpy>=2"),
        ("numpy=<2", "numpy<=2"),
        ("numpy>>2", "numpy>=2"),
        ("numpy>=2<3", "numpy>=2,<3"),
        ("numpy>=2 <3", "numpy>=2,<3"),
        ("numpy 2", "numpy==2"),
        ("numpy,", "numpy"),
        ("nump y!", "numpy>=2,<3"),
        ("numpy>=", "numpy>=2,<3"),
        ("numpy[extra", "numpy>=2,<3"),
        ("requirements.txt", "%pip install -r requirements.txt"),
        ("./sub/requirements.txt", "%pip install -r ./sub/requirements.txt"),
        ("pyproject.toml", "%pip install ."),
        ("sub/setup.py", "%pip install sub"),
        ("", "numpy>=2,<3"),
    ],
)
def test_what_is_no_requirement_is_named_and_mended(word, right):
    with pytest.raises(LineError) as caught:
        command(["install", word])
    assert word in caught.value.message
    assert right in caught.value.message
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "word",
    [
        *("numpy", "numpy>=2,<3", "numpy >= 2 , < 3", "numpy==1.*", "numpy (>=2)", "pkg[a,b]~=1.0", "torch==2.0+cu118"),
        *('pkg; python_version < "3.12"', "pkg @ https://host/x.whl#egg=x&subdirectory=y", "pkg@https://host/x.whl"),
        *("git+https://host/x@main#egg=y&a=1", ".", "..", "./x", "~/x", r"C:\x", r".\x", "a/b", "x.whl", "x-1.tar.gz"),
        *("x.zip[extra]", "pytz==2004d", "A", "https://host/requirements.txt", "Zope.Interface", "-"),
    ],
)
def test_what_pip_shall_judge_passes(word):
    check_word(word)


@pytest.mark.parametrize(
    "line", ["install", "install -U", "uninstall -y", "download --no-deps", "install -i https://h"]
)
def test_a_line_that_names_nothing(line):
    with pytest.raises(LineError, match=rf"%pip {line.split()[0]} numpy"):
        command(line)


@pytest.mark.parametrize(
    "line", ["install -r f", "install -e .", "install --group dev", "install --help", "uninstall -r f"]
)
def test_a_line_that_names_something_else(line):
    command(line)


def test_a_typographic_dash_is_shown_as_it_should_be():
    with pytest.raises(LineError, match=r"write --upgrade$"):
        command(["install", "\u2013upgrade", "x"])
    with pytest.raises(LineError, match=r"write -U$"):
        command(["install", "\u2013U", "x"])


@pytest.mark.parametrize(
    "text", ["", "\n\n", "# only\n  # comments\n", "\ufeff", "--index-url https://h\n-c con.txt\n"]
)
def test_an_empty_requirement_file(text):
    with pytest.raises(LineError, match=r"^reqs\.txt asks for nothing"):
        check_requirements_text("reqs.txt", text)


@pytest.mark.parametrize("text", ["numpy\n", "# c\n-r other.txt\n", "-e .\n", "\ufeffnumpy", "https://h/x.whl", "./x"])
def test_a_requirement_file_that_asks(text):
    check_requirements_text("reqs.txt", text)


INTROSPECT = textwrap.dedent("""
    import json
    from pip import __version__
    from pip._internal.cli.main_parser import create_main_parser
    from pip._internal.commands import commands_dict, create_command
    def options(parser):
        for group in [parser, *parser.option_groups]:
            for option in group.option_list:
                for name in option._short_opts + option._long_opts:
                    yield name, option.takes_value()
    found = {name: dict(options(create_command(name).parser)) for name in commands_dict}
    print(json.dumps([__version__, dict(options(create_main_parser())), found]))
""")


def test_the_table_of_options_is_pips_own():
    version, general, commands = json.loads(subprocess.check_output([sys.executable, "-c", INTROSPECT], text=True))
    newer_than_the_table = tuple(map(int, version.split(".")[:2])) > (26, 3)
    for name, options in commands.items():
        for option, takes_value in (general | options).items():
            read = parse([name, option, "VALUE"])
            if newer_than_the_table and read.options[0].name == option and not takes_value:
                continue
            assert (read.options[0].value == "VALUE") == takes_value, (name, option)


def free_of_configuration(tmp_path):
    return isolated(tmp_path) | {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INDEX": "1"}


def run(made, folder, environ):
    merged = {key: value for key, value in (environ | dict(made.env)).items() if value is not None}
    return subprocess.run(
        made.argv, cwd=folder, env=merged, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )


@pytest.mark.parametrize("program", [False, True], ids=["-P", "-c"])
def test_modules_beside_the_notebook_are_not_imported(tmp_path, program):
    if not program and sys.version_info < (3, 11):
        pytest.skip("-P is new in Python 3.11")
    for name in ("pip", "runpy", "random", "logging", "typing"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('the one beside the notebook')\n")
    make_wheel(tmp_path / "links", "tiny", "1.0")
    version = (3, 10, 0) if program else sys.version_info[:3]
    where = environment(version=version, executable=sys.executable)
    made = command(["install", "--dry-run", "--find-links", "links", "tiny"], where=where, environ={"PYTHONPATH": ":"})
    done = run(made, tmp_path, free_of_configuration(tmp_path) | {"PYTHONPATH": ":"})
    assert done.returncode == 0, done.stderr
    assert "Would install tiny-1.0" in done.stdout


BUNDLED = sorted(glob.glob(os.path.join(os.path.dirname(ensurepip.__file__), "_bundled", "pip-*.whl")))


@pytest.mark.skipif(not BUNDLED, reason="this Python carries no pip")
@pytest.mark.parametrize("serving", ["bundled", "other"])
def test_an_environment_without_pip_is_installed_into_by_a_build_in_isolation(tmp_path, serving):
    venv.create(tmp_path / "env", with_pip=False)
    python = str(tmp_path / "env" / ("Scripts/python.exe" if os.name == "nt" else "bin/python"))
    project = make_project(tmp_path / "project", "tiny-project", "1.0")
    (tmp_path / "pip.py").write_text("raise SystemExit('the one beside the notebook')\n")
    tools = Tools(
        has_pip=False,
        bundled_pip=BUNDLED[-1] if serving == "bundled" else None,
        other_python=sys.executable if serving == "other" else None,
    )
    where = environment(executable=python, version=sys.version_info[:3])
    done = run(command(["install", str(project)], tools, where), tmp_path, free_of_configuration(tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
    found = subprocess.check_output([python, "-c", "import tiny_project; print(tiny_project.__file__)"], text=True)
    assert str(tmp_path / "env") in found


@pytest.mark.skipif(
    not shutil.which("uv", path=os.path.dirname(sys.executable) + os.pathsep + os.environ["PATH"]), reason="no uv"
)
def test_real_uv_takes_what_the_table_says(tmp_path):
    from ipy_envmagic.commands import pip

    uv = shutil.which("uv", path=os.path.dirname(sys.executable) + os.pathsep + os.environ["PATH"])
    values = {"--config-settings": "a=b", "--python-version": "3.12", "--format": "json", "--cache-dir": "cache"}
    refused = []
    for subcommand, options in pip._UV_TAKES.items():
        for option in sorted(options | (pip._UV_ANYWHERE - {"--python", "--help"})):
            takes_value = parse([subcommand, option, "x"]).options[0].value == "x"
            words = [uv, "pip", subcommand, option, *([values.get(option, "x")] if takes_value else []), "--help"]
            done = subprocess.run(
                words, cwd=tmp_path, env=isolated(tmp_path), capture_output=True, text=True, check=False
            )
            if done.returncode:
                refused.append((subcommand, option, done.stderr))
    assert not refused
