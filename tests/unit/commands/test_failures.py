"""What real pip and real uv wrote when they failed, and what is told about it."""

import json
from pathlib import Path

import pytest

from ipy_envmagic.commands.failures import explain, first_line
from ipy_envmagic.environments.environment import Environment

RECORDED = json.loads((Path(__file__).parent / "installer_failures.json").read_text(encoding="utf-8"))
ALL = ("pip-23.2", "pip-26.3", "uv-0.13")
PIPS = ALL[:2]
UV = ALL[2:]


def environment(**changes):
    values = {
        "executable": "/home/user/env/bin/python",
        "prefix": "/home/user/env",
        "base_prefix": "/usr",
        "version": (3, 12, 1),
        "kind": "venv",
        "name": "env",
        "site_directories": ("/home/user/env/lib/python3.12/site-packages",),
        "manager": "pip",
        "writable": True,
        "externally_managed": None,
        "platform": "linux",
    }
    return Environment(**(values | changes))


# the case, the programs, what the first line holds, what the remedy holds
CASES = [
    ("nosuch", PIPS, "No matching distribution found for nosuch", "--find-links"),
    ("nosuch", UV, "nosuch was not found in the provided package locations", "--find-links"),
    (
        "index-nosuch",
        ["pip-26.3"],
        "No matching distribution found for nosuch",
        "The index has no nosuch for Python 3.12",
    ),
    ("index-nosuch", UV, "nosuch was not found in the package registry", "The index has no nosuch for Python 3.12"),
    ("index-module", ["pip-26.3"], "No matching distribution found for cv2", "%pip install opencv-python"),
    ("index-module", UV, "sklearn was not found", "%pip install scikit-learn"),
    ("stdlib", ["pip-26.3"], "No matching distribution found for json", "json is a module of Python's own"),
    ("nosuch-version", PIPS, "No matching distribution found for other==9", "there is other 1.0, 2.0"),
    ("nosuch-version", UV, "there is no version of other==9", "%pip install other"),
    ("bounded", UV, "only other<=2.0 is available", "%pip install other"),
    ("pre-release", ["pip-23.2"], "No matching distribution found for prerel>1.0", "add --pre"),
    (
        "requires-python",
        ["pip-23.2"],
        "requires a different Python: 3.12.1",
        "asks for Python <3.8 and this kernel runs 3.12",
    ),
    ("requires-python-link", PIPS, "requires a different Python: 3.12.1", "asks for Python <3.8"),
    (
        "ignored-python",
        PIPS,
        "No matching distribution found for ancient",
        "asks for Python <3.8 and this kernel runs 3.12",
    ),
    ("platform", PIPS, "is not a supported wheel on this platform", "Python 3.12 on linux"),
    ("platform", UV, "no wheels with a matching Python version tag", "Python 3.12 on linux"),
    (
        "conflict",
        PIPS,
        "Cannot install needy==1.0 and rival==1.0",
        "needy 1.0 depends on other>=2; rival 1.0 depends on other<2",
    ),
    ("conflict", UV, "all versions of rival depend on other<2", "loosen or leave out"),
    ("conflict-constraint", PIPS, "Cannot install needy==1.0", "The user requested (constraint) other<2: loosen"),
    ("conflict-constraint", UV, "all versions of needy depend on other>=2", "loosen or leave out"),
    ("hash", PIPS, "THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE", "--no-cache-dir"),
    ("hash", UV, "Hash mismatch for `other==1.0`", "--no-cache-dir"),
    ("build", ALL, "RuntimeError: cannot find libfoo", "its own build failed"),
    ("compiler", ALL, "No such file or directory: '/usr/bin/gcc-13'", "there is no compiler"),
    ("build-deps", ["pip-26.3"], "No matching distribution found for setuptools", "What its build needs"),
    ("build-deps", UV, "setuptools was not found", "What its build needs"),
    ("badreq", PIPS, "Invalid requirement: 'numpy=>2'", "Write numpy>=2"),
    ("badreq", UV, "Couldn't parse requirement in `badreq.txt`", "Write numpy>=2"),
    ("nofile", PIPS, "Could not open requirements file", "absent.txt is not there"),
    ("nofile", UV, "File not found: absent.txt", "absent.txt is not there"),
    ("nopath", PIPS, "Invalid requirement: './absent'", "./absent is not there"),
    ("nopath", UV, "Distribution not found", "/home/user/work/absent is not there"),
    ("nooption", PIPS, "no such option: --nope", "%pip install --help"),
    ("nooption", UV, "unexpected argument '--nope' found", "%uv pip install --help"),
    ("unknown", PIPS, 'unknown command "instal"', "Write %pip install"),
    ("unknown", UV, "unrecognized subcommand 'instal'", "%uv --help"),
    ("refused", PIPS, "No matching distribution found for x", "127.0.0.1 does not answer"),
    ("refused", UV, "Connection refused", "127.0.0.1 does not answer"),
    ("dns", PIPS, "No matching distribution found for x", "The name index.invalid cannot be looked up"),
    ("dns", UV, "Name or service not known", "The name index.invalid cannot be looked up"),
    ("ssl", ALL, "", "localhost shows a certificate that is not trusted"),
    ("proxy", ["pip-23.2", "uv-0.13"], "", "The proxy does not answer"),
    ("proxy", ["pip-26.3"], "", "127.0.0.1 does not answer: check the connection, a proxy"),
    ("git", ALL, "fatal: unable to access 'https://127.0.0.1:9/x.git/'", "127.0.0.1 does not answer"),
    (
        "not-writable",
        ALL,
        "Permission denied",
        "You may not write to /home/user/env/lib/python3.12/site-packages/other",
    ),
    ("no-record", ALL, "RECORD", "Its list of files is lost"),
    ("by-conda", ["pip-26.3"], "Cannot uninstall other 2.0", "%conda remove other"),
    ("externally-managed", ["pip-23.0"], "This environment is externally managed", "-m venv my-env"),
    ("externally-managed", UV, "is externally managed", "--break-system-packages"),
]


@pytest.mark.parametrize(
    ("recording", "first", "remedy"),
    [
        pytest.param(f"{who} {case}", first, remedy, id=f"{who}-{case}")
        for case, programs, first, remedy in CASES
        for who in programs
    ],
)
def test_recorded_failures(recording, first, remedy):
    recorded = RECORDED[recording]
    program = recording.partition("-")[0]
    told = first_line(program, recorded["text"], recorded["status"])
    mended = explain(program, recorded["text"], recorded["status"], environment())
    assert first in told
    assert remedy in mended
    assert "\n" not in told + mended
    assert not told.startswith(("ERROR", "error:"))
    assert len(told) <= 240


def test_every_recording_is_used():
    used = {f"{who} {case}" for case, programs, _, _ in CASES for who in programs}
    assert set(RECORDED) - used <= {"pip-26.3 requires-python"}


@pytest.mark.parametrize("recording", RECORDED)
def test_a_recorded_failure_is_told_in_two_single_lines(recording):
    program = recording.split("-")[0]
    text, status = RECORDED[recording]["text"], RECORDED[recording]["status"]
    first = first_line(program, text, status)
    assert first
    assert "\n" not in first
    assert "\x1b" not in first
    assert not first.endswith(":")
    assert explain(program, text, status, environment())


def test_colours_and_windows_ends_of_lines():
    text = "\x1b[31mERROR: No matching distribution found for nosuch\x1b[0m\r\n\x1b]8;;https://x\x07\x1b[?25h"
    assert first_line("pip", text, 1) == "No matching distribution found for nosuch"


def test_older_uv_wraps_its_causes():
    text = (
        "  \u00d7 No solution found when resolving dependencies:\n"
        "  \u2570\u2500\u25b6 Because nosuch was not found in the package\n"
        "      registry and you require nosuch, we can conclude that your\n"
        "      requirements are unsatisfiable.\n"
    )
    assert first_line("uv", text, 1) == "nosuch was not found in the package registry"
    assert "The index has no nosuch" in explain("uv", text, 1, environment())


@pytest.mark.parametrize(
    ("text", "status", "changes", "remedy"),
    [
        ("", -9, {}, "want of memory"),
        (
            "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device\n",
            1,
            {},
            "%pip cache purge",
        ),
        ("error: Failed\n  cause: No space left on device (os error 28)\n", 2, {"program": "uv"}, "%uv cache clean"),
        (
            "ERROR: Could not install packages due to an OSError: [WinError 5] Access is denied: 'C:\\\\x.pyd'\n",
            1,
            {"platform": "win32"},
            "restart the kernel",
        ),
        (
            "ERROR: Could not install packages due to an OSError: [Errno 13] Permission denied: '/usr/x'\n",
            1,
            {"kind": "system"},
            "add --user",
        ),
        (
            "error: Microsoft Visual C++ 14.0 or greater is required.\nERROR: Failed building wheel for x\n",
            1,
            {"platform": "win32"},
            "visual-cpp-build-tools",
        ),
        (
            "  unable to execute 'gcc': No such file\nERROR: Failed building wheel for x\n",
            1,
            {"platform": "darwin"},
            "xcode-select",
        ),
        (
            "  unable to execute 'gcc': No such file\nERROR: Failed building wheel for x\n",
            1,
            {"kind": "conda"},
            "%conda install compilers",
        ),
        ("  x.c:1: fatal error: Python.h: No such file\nERROR: Failed building wheel for x\n", 1, {}, "python3-dev"),
        ("  error: can't find Rust compiler\nERROR: Failed building wheel for x\n", 1, {}, "Rust"),
        ("ERROR: Cannot find command 'git' - do you have 'git' installed and in your PATH?\n", 1, {}, "needs git"),
        ("fatal: could not read Username for 'https://github.com': terminal prompts disabled\n", 1, {}, "credentials"),
        (
            "ERROR: HTTP error 401 while getting\n401 Client Error: Unauthorized for url: https://h/\n",
            1,
            {},
            "credentials",
        ),
        ("/env/bin/python: No module named pip\n", 1, {}, "ensurepip"),
        (
            "  cause: Because the current Python (3.12.1) does not satisfy Python<3.8 and x\n",
            1,
            {},
            "asks for Python <3.8",
        ),
        (
            "ERROR: No matching distribution found for nosuch (from versions: none)\n",
            1,
            {"kind": "conda"},
            "%conda install nosuch",
        ),
        (
            "ERROR: Cannot uninstall 'six'. It is a distutils installed project and thus we cannot\n",
            1,
            {"kind": "conda"},
            "%conda remove six",
        ),
    ],
)
def test_failures_that_this_machine_cannot_make(text, status, changes, remedy):
    program = changes.pop("program", "pip")
    assert remedy in explain(program, text, status, environment(**changes))


def test_what_is_not_known_is_not_explained():
    assert explain("pip", "something else\n", 1, environment()) is None
    assert explain("pip", RECORDED["pip-26.3 nosuch"]["text"], 0, environment()) is None
    assert first_line("pip", "something else\nnote: no\n\n", 1) == "something else"
    assert first_line("uv", "", 3) == "uv ended with status 3"


def test_a_warning_of_the_network_does_not_hide_the_cause():
    retried = "WARNING: Retrying after connection broken by 'ReadTimeoutError': /simple/x/\n"
    text = retried + RECORDED["pip-26.3 conflict"]["text"]
    assert "loosen" in explain("pip", text, 1, environment())


def test_only_the_end_of_the_output_counts():
    text = RECORDED["pip-26.3 hash"]["text"] + "x" * 70_000
    assert explain("pip", text, 1, environment()) is None
