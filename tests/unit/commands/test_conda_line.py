"""Reading conda's lines: whatever spelling argparse takes, an environment that was named is seen."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipy_envmagic.commands.conda_line import CondaLine, read

NAMED_X = ["-n x", "-nx", "-n=x", "--name x", "--name=x", "--nam x", "--na=x"]
PREFIX_X = ["-p /x", "-p/x", "-p=/x", "--prefix /x", "--prefix=/x", "--prefi /x", "--pref=/x", "--pre=/x"]


@pytest.mark.parametrize("spelling", [*NAMED_X, "-yn x", "-qyn x", "-yqnx"])
@pytest.mark.parametrize("form", ["install {} y", "install y {}", "{} install y", "-v install y {}", "env update {}"])
def test_a_name_in_any_spelling(spelling, form):
    line = read(form.format(spelling).split())
    assert line.names_environment
    assert line.values("--name") == ("x",)
    assert line.subcommand in ("install", "env update")


@pytest.mark.parametrize("spelling", [*PREFIX_X, "-yp /x", "-qyp/x"])
@pytest.mark.parametrize("form", ["install {} y", "list {}", "run {} python -m x", "env config vars set {} A=b"])
def test_a_prefix_in_any_spelling(spelling, form):
    line = read(form.format(spelling).split())
    assert line.names_environment
    assert line.values("--prefix") == ("/x",)


@pytest.mark.parametrize(
    "words",
    [
        "install numpy",
        "install -c nodefaults numpy",
        "install -cpytorch numpy",
        "install --no-deps --no-pin --offline numpy",
        "install --n numpy",  # argparse refuses what fits several options
        "install --p numpy",
        "install -- -n x",
        "run python -n x -p /x --name=y",
        "run -v python --prefix /x",
        "clean -p",
        "clean -tp -y",
        "config --add channels -x",
        "search --platform linux-64 numpy",
        "",
    ],
)
def test_no_environment_is_named(words):
    assert not read(words.split()).names_environment


@pytest.mark.parametrize(
    ("words", "subcommand", "split", "positionals"),
    [
        ("install numpy pandas", "install", 1, ("numpy", "pandas")),
        ("-v --debug install numpy", "install", 3, ("numpy",)),
        ("--no-plugins install numpy", "install", 2, ("numpy",)),
        ("-r /root -q install numpy", "install", 4, ("numpy",)),
        ("install -c conda-forge numpy --file r.txt -y", "install", 1, ("numpy",)),
        ("install -c=conda-forge --solver classic numpy", "install", 1, ("numpy",)),
        ("install -- numpy -n", "install", 1, ("numpy", "-n")),
        ("env update -f e.yml", "env update", 2, ()),
        ("env config vars set A=b C=d", "env config vars set", 4, ("A=b", "C=d")),
        ("env", "env", 1, ()),
        ("env config", "env config", 2, ()),
        ("config --show channels", "config", 1, ("channels",)),
        ("pypi install -e . requests", "pypi install", 2, ("requests",)),
        ("list -f numpy", "list", 1, ("numpy",)),
        ("list -c -e numpy", "list", 1, ("numpy",)),
        ("run --cwd /x python -c 'a' -n b", "run", 1, ("python", "-c", "'a'", "-n", "b")),
        ("run -n x pip install -y y", "run", 1, ("pip", "install", "-y", "y")),
        ("--version", "", 0, ()),
        ("", "", 0, ()),
        ("-", "-", 1, ()),
    ],
)
def test_sub_command_and_what_it_names(words, subcommand, split, positionals):
    line = read(words.split())
    assert (line.subcommand, line.split, line.positionals) == (subcommand, split, positionals)


@pytest.mark.parametrize(
    ("words", "option"),
    [
        ("install -y x", "--yes"),
        ("install --ye x", "--yes"),
        ("install -qy x", "--yes"),
        ("install -d x", "--dry-run"),
        ("install --dry x", "--dry-run"),
        ("install -yd x", "--dry-run"),
        ("install -h", "--help"),
        ("install --he", "--help"),
        ("remove --al", "--all"),
        ("list --js", "--json"),
        ("run --live python", "--live-stream"),
        ("clean -a", "-a"),
    ],
)
def test_options_by_their_long_names(words, option):
    assert read(words.split()).has(option)


@pytest.mark.parametrize(
    ("words", "option"),
    [
        ("install -c yes x", "--yes"),
        ("install -cy x", "--yes"),
        ("install -n yhd x", "--help"),
        ("install --file --help", "--help"),
        ("run python --help", "--help"),
        ("run pip install --yes --dry-run", "--dry-run"),
        ("install --d x", "--dry-run"),
        ("clean -a", "--all"),
    ],
)
def test_what_only_looks_like_an_option(words, option):
    assert not read(words.split()).has(option)


@pytest.mark.parametrize("words", [["install", "-n"], ["install", "--prefix"], ["install", "-c"], ["-"], ["--"], [""]])
def test_a_line_that_breaks_off(words):
    assert isinstance(read(words), CondaLine)


WORDS = st.lists(
    st.one_of(
        st.sampled_from(
            ["install", "run", "env", "config", "vars", "-n", "--name", "--", "-", "--prefix=", "-yp", "list"]
        ),
        st.text(max_size=6),
        st.text(string.ascii_lowercase + "-=", max_size=6),
    ),
    max_size=8,
)


@given(WORDS)
def test_no_line_makes_it_fail(words):
    line = read(words)
    assert 0 <= line.split <= len(words)
    assert set(line.positionals) <= set(words)


@given(WORDS)
def test_what_follows_the_program_of_run_is_never_read(words):
    before = read(["run", "-v", "python"])
    after = read(["run", "-v", "python", *words])
    assert after.options == before.options
    assert after.positionals == ("python", *words)
