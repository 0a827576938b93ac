"""The remedy for what conda, mamba and micromamba say when they fail."""

import pytest

from ipy_envmagic.commands.command import Command
from ipy_envmagic.commands.conda import explain_failure

# As conda 24.7 writes it.
NOT_FOUND_24 = """\
Collecting package metadata (repodata.json): ...working... done
Solving environment: ...working... unsuccessful initial attempt using frozen solve. Retrying with flexible solve.

PackagesNotFoundError: The following packages are not available from current channels:

{bullets}

Current channels:

  - file:///srv/channels/conda-forge/linux-64
  - file:///srv/channels/conda-forge/noarch

To search for alternate channels that may provide the conda package you're
looking for, navigate to

    https://channels.example.org
"""
# As conda 26.3 and later write it; the solver names the channels first.
NOT_FOUND_26 = """\
Channels:
 - conda-forge
Platform: linux-64
Collecting package metadata (repodata.json): done
Solving environment: failed

PackagesNotFoundInChannelsError: The following packages are not available
from current channels:

{bullets}

Current channels:

  - https://conda.example.org/conda-forge
"""
LIBMAMBA = """\
conda-forge/linux-64                                        Using cache

error    libmamba Could not solve for environment specs
    The following package{s} could not be installed
{tree}
critical libmamba Could not solve for environment specs
"""


def explain(text, line="install nosuchpkg", status=1, program="conda"):
    command = Command(program, ("/opt/conda/bin/conda", *line.split()), tuple(line.split()))
    return explain_failure(text, status, command)


def bullets(*specs, indent="  "):
    return "\n".join(f"{indent}- {spec}" for spec in specs)


@pytest.mark.parametrize("text", [NOT_FOUND_24, NOT_FOUND_26])
@pytest.mark.parametrize(
    ("specs", "remedy"),
    [
        (["nosuchpkg"], "conda's channels do not have it; if it is on PyPI: %pip install nosuchpkg"),
        (["one", "two"], "conda's channels do not have it; if it is on PyPI: %pip install one two"),
        (["conda-forge::nosuchpkg"], "conda's channels do not have it; if it is on PyPI: %pip install nosuchpkg"),
        (["some-pkg.x"], "conda's channels do not have it; if it is on PyPI: %pip install some-pkg.x"),
        (
            ["ourpkg=9"],
            (
                "conda's channels do not have it in that version: %conda search ourpkg lists theirs; "
                "if PyPI has it: %pip install ourpkg==9"
            ),
        ),
        (
            ["ourpkg=9.1=py312_0"],
            (
                "conda's channels do not have it in that version: %conda search ourpkg lists theirs; "
                "if PyPI has it: %pip install ourpkg==9.1"
            ),
        ),
        (
            ["ourpkg[version='>=9']"],
            (
                "conda's channels do not have it in that version: %conda search ourpkg lists theirs; "
                "if PyPI has it: %pip install 'ourpkg>=9'"
            ),
        ),
        (
            ["ourpkg=9.*"],
            (
                "conda's channels do not have it in that version: %conda search ourpkg lists theirs; "
                "if PyPI has it: %pip install ourpkg==9"
            ),
        ),
        (["python=3.7"], "conda's channels do not have it in that version: %conda search python lists theirs"),
    ],
)
def test_what_the_channels_do_not_have(text, specs, remedy):
    assert explain(text.format(bullets=bullets(*specs))) == remedy


def test_bullets_directly_below():
    text = "PackagesNotFoundInChannelsError: The following packages are not available from:\n     - flask"
    assert explain(text).endswith("%pip install flask")


@pytest.mark.parametrize(
    "text",
    [
        "PackagesNotFoundError: not available\n - nosuchpkg\nCurrent channels:\n - conda-forge\n",
        "PackagesNotFoundError: not as expected" + "\n" * 8 + "Current channels:\n - conda-forge\n",
    ],
)
def test_a_list_of_channels_is_not_one_of_packages(text):
    assert explain(text).endswith("%pip install nosuchpkg")


@pytest.mark.parametrize(
    ("tree", "remedy"),
    [
        (
            "    \u2514\u2500 nosuchpkg =* * does not exist (perhaps a typo or a missing channel).",
            "%pip install nosuchpkg",
        ),
        (
            "    \u2514\u2500 nosuchpkg   does not exist (perhaps a typo or a missing channel).",
            "%pip install nosuchpkg",
        ),
        (
            "    \u2514\u2500 ourpkg =9 * does not exist (perhaps a typo or a missing channel).",
            "%pip install ourpkg==9",
        ),
        (
            (
                "    \u251c\u2500 one =* * does not exist (perhaps a typo or a missing channel);\n"
                "    \u2514\u2500 two =* * does not exist (perhaps a typo or a missing channel)."
            ),
            "%pip install one two",
        ),
    ],
)
def test_what_micromamba_does_not_find(tree, remedy):
    found = explain(LIBMAMBA.format(s="", tree=tree), program="micromamba")
    assert found.endswith(remedy)
    assert "channels do not have it" in found


@pytest.mark.parametrize("text", ["No candidates were found for nosuchpkg *", "nothing provides requested nosuchpkg"])
def test_other_solvers(text):
    assert explain(text).endswith("%pip install nosuchpkg")


def test_in_json_the_line_tells_the_name():
    text = '{"exception_name": "PackagesNotFoundError", "message": "The following packages ...\\n\\n  - x"}'
    assert explain(text, "install --json nosuchpkg -c conda-forge").endswith("%pip install nosuchpkg")
    assert explain(text, "install --json --file r.txt").endswith("%pip install NAME")


def test_colours_do_not_hide_it():
    assert explain("\x1b[31mPackagesNotFoundError\x1b[0m: ...").endswith("%pip install nosuchpkg")


@pytest.mark.parametrize(
    ("text", "line", "remedy"),
    [
        (
            "PackagesNotFoundError: The following packages are missing from the target environment:\n  - nosuchpkg\n",
            "remove nosuchpkg",
            "conda has not installed it here: %pip uninstall nosuchpkg where pip did; %conda list shows all.",
        ),
        (
            "PackagesNotFoundInPrefixError: The following packages are missing ...:\n  - nosuchpkg\n",
            "remove nosuchpkg",
            "conda has not installed it here: %pip uninstall nosuchpkg where pip did; %conda list shows all.",
        ),
        (
            "PackageNotInstalledError: Package is not installed in prefix.\n  prefix: /e\n  package name: nosuchpkg\n",
            "update nosuchpkg",
            "conda has not installed it here: %conda install nosuchpkg, or %pip install --upgrade where pip did.",
        ),
        ("EnvironmentIsFrozenError: ...", "install x", "Add --override-frozen to change a frozen environment."),
        (
            "UnsatisfiableError: The following specifications were found",
            "install x",
            "The versions asked for do not go together: ask for fewer at once, or loosen them.",
        ),
        (
            "LibMambaUnsatisfiableError: Encountered problems while solving:\n  - package a requires b",
            "install x",
            "The versions asked for do not go together: ask for fewer at once, or loosen them.",
        ),
        (
            "error    libmamba Could not solve for environment specs\n    The following packages are incompatible\n",
            "install x",
            "The versions asked for do not go together: ask for fewer at once, or loosen them.",
        ),
        (
            "EnvironmentNotWritableError: The current user does not have write permissions to the target environment.",
            "install x",
            (
                "This user may not write there: make an environment of your own, with ipykernel in it, "
                "and choose its kernel."
            ),
        ),
        (
            "EnvironmentLocationNotFound: Not a conda environment: /nosuch",
            "list -n nosuch",
            "There is no such environment: %conda env list shows them.",
        ),
        (
            "CondaEnvironmentError: cannot remove current environment. deactivate and run conda remove again",
            "env remove -p /e",
            "It is the environment of this kernel: run that from another one.",
        ),
        (
            "CondaHTTPError: HTTP 000 CONNECTION FAILED for url <https://conda.example.org/x>",
            "install x",
            "The channel cannot be reached: check network and proxy, or add --offline for what is in the cache.",
        ),
        (
            "critical libmamba Download error (6) Could not resolve hostname [https://conda.example.org/x]",
            "install x",
            "The channel cannot be reached: check network and proxy, or add --offline for what is in the cache.",
        ),
        (
            "UnavailableInvalidChannel: HTTP 404 NOT FOUND for channel nochannel",
            "install -c nochannel x",
            "A channel's name or address is wrong: %conda config --show channels",
        ),
        (
            "CondaValueError: invalid package specification: ourpkg>=",
            "install ourpkg>=",
            'Write a name and its version, as in "numpy>=2,<3" or numpy=2.1',
        ),
        (
            "conda: error: unrecognized arguments: --no-such-option",
            "install --no-such-option x",
            "%conda install --help lists the options.",
        ),
        (
            "conda: error: argument COMMAND: invalid choice: 'nosuchcommand' (choose from 'activate')",
            "nosuchcommand",
            "%conda nosuchcommand --help lists the options.",
        ),
        (
            "EnvironmentFileNotFound: '/e.yml' file not found",
            "env update -f /e.yml",
            "There is no such file: paths start at the kernel's working directory.",
        ),
        (
            "[Errno 28] No space left on device",
            "install x",
            "The disk is full: %conda clean --all frees the package cache.",
        ),
    ],
)
def test_known_failures(text, line, remedy):
    assert explain(text, line) == remedy


@pytest.mark.parametrize("status", [-9, 137])
def test_a_solver_that_was_killed(status):
    assert "memory" in explain("Solving environment: ...working...", status=status)


@pytest.mark.parametrize(
    "text", ["", "CondaError: something else\n", "Channels:\n - conda-forge\nPlatform: linux-64\n"]
)
def test_nothing_is_said_of_what_is_not_known(text):
    assert explain(text) is None


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "text",
    [
        "PackagesNotFoundError: " + "\n" * 60_000,
        "PackagesNotFoundError:" + "\n  - x" * 10_000,
        "packages are missing" * 3_000,
        "\u2514\u2500 " * 20_000,
        "-" * 64_000,
        " - " * 20_000,
    ],
)
def test_long_output_is_read_in_no_time(text):
    explain(text)
