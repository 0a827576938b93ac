"""%conda, %mamba, %micromamba: what is run, in which environment, and what is refused, for each platform."""

import subprocess

import pytest

from ipy_envmagic.commands.conda import asked, build
from ipy_envmagic.environments.conda import Found
from ipy_envmagic.environments.environment import Environment
from ipy_envmagic.errors import EnvMagicError, LineError

PREFIX = {
    "linux": "/opt/mini forge/envs/nb",
    "darwin": "/Users/me/miniforge3/envs/nb",
    "win32": r"C:\mini forge\envs\nb",
}
CONDA = {
    "linux": "/opt/mini forge/bin/conda",
    "darwin": "/Users/me/miniforge3/bin/conda",
    "win32": r"C:\mini forge\Scripts\conda.exe",
}
HERE = PREFIX["linux"]


def environment(kind="conda", platform="linux", **changes):
    values = {
        "executable": "",
        "prefix": PREFIX[platform],
        "base_prefix": PREFIX[platform],
        "version": (3, 12, 1),
        "kind": kind,
        "name": "nb",
        "site_directories": (),
        "manager": "conda",
        "writable": True,
        "externally_managed": None,
        "platform": platform,
    }
    return Environment(**(values | changes))


def command(line, where=None, *, found="conda", path=None, **options):
    where = where or environment()
    path = path or CONDA[where.platform].replace("conda.exe", f"{found}.exe").replace("bin/conda", f"bin/{found}")
    words = line.split() if isinstance(line, str) else line
    defaults = {"interactive": False, "frozen": None, "pixi": None}
    return build(words, where, Found(path, found, "PATH"), **(defaults | options))


def added(line, **options):
    """Return the words that the builder made of a line, without the program, the prefix written as P."""
    return " ".join("P" if word in PREFIX.values() else word for word in command(line, **options).argv[1:])


def refused(line, **options):
    with pytest.raises(LineError) as caught:
        command(line, **options)
    assert "\n" not in caught.value.message
    return str(caught.value)


# -- what is added


@pytest.mark.parametrize("platform", PREFIX)
@pytest.mark.parametrize(
    ("line", "made"),
    [
        ("install numpy", "install --prefix P --yes numpy"),
        ("install numpy>=2 pandas<3 -c conda-forge", "install --prefix P --yes numpy>=2 pandas<3 -c conda-forge"),
        ("-v install numpy", "-v install --prefix P --yes numpy"),
        ("remove numpy", "remove --prefix P --yes numpy"),
        ("uninstall numpy", "uninstall --prefix P --yes numpy"),
        ("update --all", "update --prefix P --yes --all"),
        ("upgrade numpy", "upgrade --prefix P --yes numpy"),
        ("install --revision 0", "install --prefix P --yes --revision 0"),
        ("list", "list --prefix P"),
        ("list --json numpy", "list --prefix P --json numpy"),
        ("export", "export --prefix P"),
        ("compare e.yml", "compare --prefix P e.yml"),
        ("doctor", "doctor --prefix P"),
        ("package --which x", "package --prefix P --which x"),
        ("env update -f e.yml", "env update --prefix P -f e.yml"),
        ("env export --no-builds", "env export --prefix P --no-builds"),
        ("env config vars list", "env config vars list --prefix P"),
        ("env config vars set A=b", "env config vars set --prefix P A=b"),
        ("env config vars unset A", "env config vars unset --prefix P A"),
        ("pypi install requests", "pypi install --prefix P requests"),
        ("run python -c x", "run --prefix P --no-capture-output python -c x"),
        ("run --cwd /x python", "run --prefix P --no-capture-output --cwd /x python"),
        ("run --live-stream python", "run --prefix P --live-stream python"),
        # Those below take no prefix.
        ("clean --all", "clean --yes --all"),
        ("clean -p", "clean --yes -p"),
        ("search numpy", "search numpy"),
        ("info", "info"),
        ("info --envs", "info --envs"),
        ("config --show channels", "config --show channels"),
        ("init bash", "init bash"),
        ("notices", "notices"),
        ("env list", "env list"),
        ("create -n other python", "create -n other python"),
        ("create --file spec.txt", "create --file spec.txt"),
        ("env create -f e.yml", "env create -f e.yml"),
        ("env create", "env create"),
        ("env remove -n other", "env remove --yes -n other"),
        ("rename -n other new", "rename -n other new"),
        ("nosuchcommand x", "nosuchcommand x"),
        # These ask for nothing to be done.
        ("", ""),
        ("--version", "--version"),
        ("--help", "--help"),
        ("install --help", "install --help"),
        ("install -h numpy", "install -h numpy"),
        ("env", "env"),
        ("env config", "env config"),
    ],
)
def test_what_is_added(line, made, platform):
    assert added(line, where=environment(platform=platform)) == made
    argv = command(line, environment(platform=platform)).argv
    assert argv[0] == CONDA[platform]
    assert "--prefix" not in argv or argv[argv.index("--prefix") + 1] == PREFIX[platform]


@pytest.mark.parametrize(
    "spelling",
    [
        "-n other",
        "-nother",
        "--name other",
        "--name=other",
        "--nam other",
        "-p /x",
        "-p/x",
        "--prefix /x",
        "--prefix=/x",
        "--pref /x",
        "-yp /x",
        "-qn other",
        "-n=other",
    ],
)
@pytest.mark.parametrize("line", ["install {} numpy", "list {}", "run {} python", "env update {}", "remove numpy {}"])
def test_an_environment_that_the_user_named_is_his(line, spelling):
    words = line.format(spelling)
    built = command(words)
    assert "--prefix" not in built.argv[1:] or "--prefix" in words.split()
    assert PREFIX["linux"] not in built.argv
    assert not built.mutates


@pytest.mark.parametrize("program", ["python", "my-tool"])
def test_the_words_of_a_program_are_left_alone(program):
    words = [
        "run",
        program,
        "-n",
        "x",
        "-p",
        "y",
        "--yes",
        "--help",
        "--json",
        "--override-frozen",
        "a b",
        "--prefix=z",
        "",
    ]
    built = command(words)
    assert built.argv[1:] == ("run", "--prefix", HERE, "--no-capture-output", *words[1:])
    assert not built.machine_output


@pytest.mark.parametrize("answer", ["-y", "--yes", "--ye", "-qy", "-yq", "--dry-run", "-d", "--dry"])
@pytest.mark.parametrize("subcommand", ["install", "remove", "update"])
def test_what_the_user_answered_himself(subcommand, answer):
    assert added(f"{subcommand} {answer} numpy") == f"{subcommand} --prefix P {answer} numpy"


def test_a_channel_that_looks_like_an_answer_is_none():
    assert added("install -cyt numpy") == "install --prefix P --yes -cyt numpy"


def test_a_person_at_a_terminal_is_asked():
    built = command("install numpy", interactive=True)
    assert built.argv[1:] == ("install", "--prefix", HERE, "numpy")
    assert not {"CONDA_ALWAYS_YES", "PIP_NO_INPUT", "GIT_TERMINAL_PROMPT"} & set(built.env)


@pytest.mark.parametrize(
    "line", ["rename -n other new", "env update", "self update", "pypi install x", "env remove -n x"]
)
def test_what_has_no_option_to_answer_is_told_by_a_variable(line):
    env = command(line).env
    assert (env["CONDA_ALWAYS_YES"], env["MAMBA_ALWAYS_YES"], env["PIP_NO_INPUT"]) == ("true", "true", "1")


def test_what_only_reads_gets_no_answer():
    assert "CONDA_ALWAYS_YES" not in command("config --show always_yes").env


@pytest.mark.parametrize("line", ["create -n other python", "env create", "env create -f e.yml"])
def test_nobody_says_yes_to_the_end_of_another_environment(line):
    """conda asks whether to remove the one that is already there; it takes the end of its input for a no."""
    built = command(line)
    assert "--yes" not in built.argv
    assert "CONDA_ALWAYS_YES" not in built.env


def test_words_arrive_as_they_are():
    words = ["install", "numpy >=2,<3", "x[extra]", "$(touch y)", "a;b", "pkg*", "", "ünï"]
    assert command(words).argv[1:] == ("install", "--prefix", HERE, "--yes", *words[1:])


# -- variables


def test_condas_own_python_is_not_misled():
    env = command("install numpy").env
    assert env["PYTHONPATH"] is None
    assert env["PYTHONHOME"] is None
    assert env["CONDA_PREFIX"] == HERE


def test_a_program_of_run_keeps_its_variables():
    assert command("run python").env == {}


def test_outside_conda_the_variables_of_conda_stay():
    assert "CONDA_PREFIX" not in command("env list", environment("venv")).env


def test_nobody_answers_git():
    env = command("env update", environ={"PATH": "/bin"}).env
    assert env["GIT_TERMINAL_PROMPT"] == "0"
    assert "GIT_TERMINAL_PROMPT" not in command("env update", environ={"GIT_TERMINAL_PROMPT": "1"}).env


@pytest.mark.parametrize(
    ("line", "machine"), [("list --json", True), ("list --js", True), ("list", False), ("", False)]
)
def test_json_is_for_a_program(line, machine):
    built = command(line)
    assert built.machine_output is machine
    assert ("NO_COLOR" in built.env) is machine


# -- what changes the prefix


@pytest.mark.parametrize(
    ("line", "mutates"),
    [
        ("install x", True),
        ("remove x", True),
        ("uninstall x", True),
        ("update --all", True),
        ("upgrade x", True),
        ("env update", True),
        ("env config vars set A=b", True),
        ("env config vars unset A", True),
        ("pypi install x", True),
        ("run pip install x", True),
        ("run /usr/bin/pip3.12 install x", True),
        ("run python -m pip install x", True),
        ("run python3.12 -I -m pip install x", True),
        ("run conda install x", True),
        ("run uv pip install x", True),
        ("install --dry-run x", False),
        ("install -d x", False),
        ("install --help", False),
        ("list", False),
        ("info", False),
        ("search x", False),
        ("export", False),
        ("clean --all", False),
        ("config --set x y", False),
        ("env export", False),
        ("env list", False),
        ("env config vars list", False),
        ("run python -m pytest", False),
        ("run pipdeptree", False),
        ("run echo pip install", False),
        ("run", False),
        ("create -n other", False),
        ("env create -n other", False),
        ("env remove -n other", False),
        ("", False),
    ],
)
def test_what_may_change_the_prefix(line, mutates):
    assert command(line).mutates is mutates


# -- the kernel's own environment, named


@pytest.mark.parametrize(
    ("where", "spelling"),
    [
        (environment(), "-n nb"),
        (environment(), "--name=nb"),
        (environment(prefix="/opt/conda/envs/nb"), "-p /opt/conda/envs/nb"),
        (environment(prefix="/opt/conda/envs/nb"), "--prefix=/opt/conda/envs/../envs/nb/"),
        (environment("conda-base", prefix="/opt/conda", name="base"), "-n base"),
        (environment("conda-base", prefix="/opt/conda", name="base"), "-p /opt/conda"),
        (environment(platform="win32", prefix=r"C:\conda\envs\nb"), r"-p c:/conda/ENVS/nb"),
    ],
)
def test_the_kernels_own_environment_may_be_named(where, spelling):
    built = command(f"install {spelling} numpy", where)
    assert built.mutates
    assert built.argv[1:] == ("install", "--yes", *spelling.split(), "numpy")
    assert asked(f"remove {spelling} numpy".split(), where) == ("remove", ("numpy",))
    assert "frozen" in refused(f"install {spelling} numpy", where=where, frozen="")
    assert "pixi" in refused(f"install {spelling} numpy", where=where, pixi="")


@pytest.mark.parametrize(
    ("where", "spelling"),
    [
        (environment(), "-n other"),
        (environment(prefix="/projects/nb"), "-n nb"),  # a name is looked up among the folders of environments
        (environment(), "-p /other/envs/nb"),
        (environment("conda-base", prefix="/opt/conda", name="base"), "-n nb"),
        (environment("pixi", prefix="/p/.pixi/envs/default", name="p"), "-n p"),
        (environment("venv"), "-n nb"),
        (environment(), "-n nb -p /other"),
    ],
)
def test_another_environment(where, spelling):
    built = command(f"install {spelling} numpy", where, frozen="", pixi="")
    assert not built.mutates
    assert asked(f"remove {spelling} numpy".split(), where) == ("", ())


def test_asked():
    assert asked(["install", "-c", "x", "numpy", "pandas>=2", "-y"]) == ("install", ("numpy", "pandas>=2"))
    assert asked(["remove", "--all"]) == ("remove", ("--all",))
    assert asked(["remove", "-n", "nb", "numpy"]) == ("", ())
    assert asked([]) == ("", ())


@pytest.mark.parametrize(
    "line",
    [
        "env remove -n nb",
        "env remove -p {prefix}",
        "remove --all",
        "uninstall --all -y",
        "remove -n nb --all",
        "create -n nb python",
        "create -p {prefix} python",
        "env create -n nb",
        "rename -n nb new",
    ],
)
def test_the_environment_of_the_kernel_is_not_taken_away(line):
    where = environment(prefix="/opt/conda/envs/nb")
    words = line.format(prefix=where.prefix)
    assert "--force-kernel" in refused(words, where=where)
    built = command(f"{words} --force-kernel", where)
    assert "--force-kernel" not in (*built.argv, *built.arguments)
    assert built.mutates
    assert built.env["CONDA_PREFIX"] is None  # conda itself refuses for the active one
    assert not command(f"{words} --dry-run", where).mutates


# -- what is refused


@pytest.mark.parametrize("kind", ["venv", "uv", "system", "pyenv"])
@pytest.mark.parametrize(
    ("line", "instead"),
    [
        ("install numpy", "%pip install numpy"),
        ("install numpy>=2 pandas", "%pip install 'numpy>=2' pandas"),
        ("remove numpy", "%pip uninstall numpy"),
        ("update numpy", "%pip install numpy"),
        ("list", "%pip list"),
        ("env update", "%pip"),
        ("run python", "%pip"),
        ("export", "%pip"),
    ],
)
def test_outside_conda_pip_is_named(kind, line, instead):
    text = refused(line, where=environment(kind))
    assert "no conda environment" in text
    assert instead in text


@pytest.mark.parametrize(
    "line",
    [
        "info",
        "search numpy",
        "create -n x python",
        "env list",
        "clean --all",
        "config --show",
        "--version",
        "--help",
        "",
        "install --help",
        "install -n x numpy",
        "list -p /x",
        "run -n x python",
        "env create",
        "init bash",
    ],
)
def test_what_needs_no_environment_works_outside_conda(line):
    assert "--prefix" not in command(line, environment("venv")).argv


@pytest.mark.parametrize("line", ["create", "create python=3.12", "create --clone base", "env remove", "rename new"])
def test_what_must_be_named(line):
    text = refused(line)
    assert "needs the name" in text
    assert "-n NAME" in text


@pytest.mark.parametrize("subcommand", ["activate", "deactivate"])
def test_a_kernel_cannot_be_moved(subcommand):
    assert "is for a shell" in refused(f"{subcommand} other")
    assert "is for a shell" in refused(f"{subcommand} other", where=environment("venv"))


def test_no_conda():
    for program, variable in (("conda", "CONDA_EXE"), ("mamba", "MAMBA_EXE"), ("micromamba", "MAMBA_EXE")):
        with pytest.raises(EnvMagicError) as caught:
            build(["install", "x"], environment(), None, program=program, interactive=False, frozen=None, pixi=None)
        assert f"No {program} was found" in caught.value.message
        assert variable in caught.value.remedy


def test_outside_conda_pip_is_named_first_where_there_is_no_conda_either():
    with pytest.raises(LineError, match="no conda environment"):
        build(["install", "x"], environment("venv"), None, interactive=False, frozen=None, pixi=None)


# -- frozen (CEP 22)


@pytest.mark.parametrize("line", ["install x", "remove x", "update --all", "env update", "env config vars set A=b"])
def test_a_frozen_environment(line):
    text = refused(line, frozen="ask\nthe administrators")
    assert text.startswith("This environment is frozen (conda-meta/frozen): ask the administrators\n")
    assert f"%conda {line} --override-frozen" in text.replace("'", "")
    assert refused(line, frozen="").splitlines()[0] == "This environment is frozen (conda-meta/frozen)"


def test_the_line_that_overrides_can_be_pasted():
    text = refused(["install", "-c", "a b", "numpy>=2"], frozen="", program="mamba")
    assert text.splitlines()[1].startswith("%mamba install -c 'a b' 'numpy>=2' --override-frozen")


@pytest.mark.parametrize("found", ["conda", "mamba", "micromamba"])
def test_a_frozen_environment_overridden(found):
    built = command("install x --override-frozen", frozen="no", found=found)
    assert built.argv[1:] == ("install", "--prefix", HERE, "--yes", "x")
    assert built.env["CONDA_PROTECT_FROZEN_ENVS"] == "0"
    assert built.mutates


@pytest.mark.parametrize(
    "line", ["list", "install --dry-run x", "install -n other x", "run python", "clean -a", "--help"]
)
def test_a_frozen_environment_may_be_read(line):
    assert "CONDA_PROTECT_FROZEN_ENVS" not in command(line, frozen="no").env


# -- pixi


@pytest.mark.parametrize(
    ("line", "pixi", "instead"),
    [
        ("install numpy", "/p/pixi.toml", "!pixi add --manifest-path /p/pixi.toml numpy"),
        ("install numpy>=2 x", "/a b/pixi.toml", '!pixi add --manifest-path "/a b/pixi.toml" "numpy>=2" x'),
        ("install numpy", "", "!pixi add numpy"),
        ("remove numpy", "/p/pixi.toml", "!pixi remove --manifest-path /p/pixi.toml numpy"),
        ("update numpy", "/p/pixi.toml", "!pixi update --manifest-path /p/pixi.toml numpy"),
        ("update --all", "", "!pixi update"),
        ("env update -f e.yml", "", "!pixi add NAME"),
    ],
)
def test_a_pixi_environment(line, pixi, instead):
    text = refused(line, where=environment("pixi"), pixi=pixi)
    assert text.splitlines()[1] == instead


@pytest.mark.parametrize("line", ["list", "export", "info", "run python", "install --dry-run x", "install --help"])
def test_a_pixi_environment_may_be_read(line):
    assert not command(line, environment("pixi"), pixi="/p/pixi.toml").mutates


def test_what_another_program_installs_is_not_condas_to_refuse():
    assert command("run pip install x", environment("pixi"), pixi="/p/pixi.toml", frozen="no").mutates


# -- mamba, micromamba


@pytest.mark.parametrize("found", ["mamba", "micromamba"])
def test_who_stands_in_is_told(found):
    built = command("install x", found=found)
    assert built.program == found
    assert built.notes == (f"No conda is here: {found} serves (/opt/mini forge/bin/{found})",)
    assert command("install x", found=found, program=found).notes == ()
    assert built.argv[1:] == ("install", "--prefix", HERE, "--yes", "x")


@pytest.mark.parametrize("found", ["mamba", "micromamba"])
def test_only_conda_captures_what_a_program_writes(found):
    assert added("run python", found=found) == "run --prefix P python"


def test_micromambas_options_before_the_sub_command():
    assert added("-r /root install x", found="micromamba") == "-r /root install --prefix P --yes x"


# -- batch files


BAT = r"C:\mini forge\condabin\conda.bat"


@pytest.mark.parametrize(
    ("words", "made"),
    [
        (["list"], r'cmd.exe /d /v:off /c call "{bat}" list --prefix "{prefix}"'),
        (["search", "numpy"], r'cmd.exe /d /v:off /c call "{bat}" search numpy'),
        (["search", "numpy>=2"], r'cmd.exe /d /v:off /c call "{bat}" search "numpy >=2"'),
        (["search", "numpy<3"], r'cmd.exe /d /v:off /c call "{bat}" search "numpy <3"'),
        (["search", "numpy>=2,<3"], r'cmd.exe /d /v:off /c call "{bat}" search "numpy >=2,<3"'),
        (["search", "numpy >=2|<1"], r'cmd.exe /d /v:off /c call "{bat}" search "numpy >=2|<1"'),
        (["search", "numpy!=2"], r'cmd.exe /d /v:off /c call "{bat}" search numpy!=2'),
        (["search", "pkg[version='2']"], r"""cmd.exe /d /v:off /c call "{bat}" search pkg[version='2']"""),
    ],
)
def test_a_batch_file_gets_words_that_cmd_leaves_alone(words, made):
    where = environment(platform="win32")
    built = command(words, where, path=BAT)
    assert subprocess.list2cmdline(built.argv) == made.format(bat=BAT, prefix=where.prefix)


@pytest.mark.parametrize(
    "word", ["a%PATH%", "a^b", "a&calc.exe", "a|b", 'a"b', "a\nb", "a\r", ">x", "a b & c%", "&", "x>&y"]
)
def test_what_cmd_would_read_is_refused(word):
    where = environment(platform="win32")
    if word == "x>&y":  # the one space makes quotes, between which cmd leaves both alone
        assert subprocess.list2cmdline(command(["search", word], where, path=BAT).argv).endswith('"x >&y"')
        return
    assert "cmd.exe" in refused(["search", word], where=where, path=BAT)
    assert command(["search", word], where).argv[1:] == ("search", word)  # conda.exe takes it
