"""What real failures of real pip and uv are told as: their output was recorded, paths made neutral."""

import json
from pathlib import Path

import pytest

from ipy_envmagic.commands.error_lines import first_line
from ipy_envmagic.commands.failures import explain
from ipy_envmagic.environments.environment import Environment

RECORDED = json.loads((Path(__file__).parent / "installer_failures.json").read_text(encoding="utf-8"))
# What the second line must name, by the kind of failure.
TELLS = {
    "not-writable": "an environment of your own",
    "externally-managed": "-m venv",
    "hash": "hash",
    "ssl": "certificate",
    "index-module": "%pip install",
}


def environment():
    folder = "/env/lib/python3.12/site-packages"
    return Environment(
        "/env/bin/python", "/env", "/usr", (3, 12, 1), "venv", "env", (folder,), "pip", True, None, "linux"
    )


@pytest.mark.parametrize("case", RECORDED)
def test_a_recorded_failure_is_told_in_two_single_lines(case):
    program = case.split("-")[0]
    text, status = RECORDED[case]["text"], RECORDED[case]["status"]
    first = first_line(program, text, status)
    assert first
    assert "\n" not in first
    assert "\x1b" not in first
    remedy = explain(program, text, status, environment())
    assert remedy is None or (remedy and "\n" not in remedy)
    kind = case.split(" ")[1]
    if wanted := TELLS.get(kind):
        assert remedy is not None
        assert wanted.lower() in remedy.lower(), remedy


def test_most_of_what_can_be_mended_has_a_remedy():
    told = [
        explain(case.split("-")[0], found["text"], found["status"], environment()) for case, found in RECORDED.items()
    ]
    assert sum(remedy is not None for remedy in told) > 0.8 * len(told)


def test_what_nobody_knows_has_none():
    assert explain("pip", "some words", 1, environment()) is None
