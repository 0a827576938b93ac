import dataclasses
import json
import sys

import pytest

from ipy_envmagic.checks.report import Check, Finding, Fix, Kernel, Report

KERNEL = Kernel("/e/bin/python", "/e", "/usr", "3.12.1", "venv", "e", "pip", "python3")
MISSING = Finding(
    "not-installed",
    "error",
    "numpy is not here.",
    {"searched": ("/e/lib",)},
    Fix(("%pip install numpy",), steps="Install."),
)
OLD = Finding("metadata-missing", "warning", "No version.")
NAME = Finding("name-mismatch", "info", "cv2 comes from opencv-python.")


def test_the_dictionary_is_schema_1_to_the_key():
    report = Report(KERNEL, (Check("numpy", "numpy", "numpy", findings=(MISSING, NAME)),), (OLD,), 0.003, "/home/me")
    expected = {
        "schema": 1,
        "ok": False,
        "seconds": 0.003,
        "kernel": {
            "executable": "/e/bin/python",
            "prefix": "/e",
            "base_prefix": "/usr",
            "version": "3.12.1",
            "kind": "venv",
            "name": "e",
            "manager": "pip",
            "kernelspec": "python3",
        },
        "checks": [
            {
                "requirement": "numpy",
                "module": "numpy",
                "distribution": "numpy",
                "installed": None,
                "location": None,
                "installer": None,
                "status": "error",
                "findings": [
                    {
                        "code": "not-installed",
                        "severity": "error",
                        "message": "numpy is not here.",
                        "evidence": {"searched": ["/e/lib"]},
                        "fix": {"magic": ["%pip install numpy"], "restart": False, "steps": "Install."},
                    },
                    {
                        "code": "name-mismatch",
                        "severity": "info",
                        "message": "cv2 comes from opencv-python.",
                        "evidence": {},
                        "fix": None,
                    },
                ],
            }
        ],
        "findings": [
            {"code": "metadata-missing", "severity": "warning", "message": "No version.", "evidence": {}, "fix": None}
        ],
    }
    assert report.to_dict() == expected
    assert json.loads(json.dumps(report.to_dict())) == expected
    assert list(report.to_dict()) == list(expected)


@pytest.mark.parametrize(
    ("findings", "status"),
    [((), "ok"), ((NAME,), "ok"), ((NAME, OLD), "warning"), ((OLD, MISSING), "error")],
)
def test_the_status_is_the_worst_finding(findings, status):
    assert Check("x", findings=findings).status == status
    report = Report(KERNEL, (Check("y"), Check("x", findings=findings)))
    assert report.status == status
    assert report.ok is (status != "error")
    assert report.findings == findings


def test_a_finding_of_the_environment_counts():
    assert not Report(KERNEL, (Check("x"),), (MISSING,)).ok
    assert Report(KERNEL, (Check("x", findings=(NAME,)),), (OLD,)).findings == (NAME, OLD)


def test_values_cannot_be_changed():
    for value in (Report(KERNEL), Check("x"), MISSING, Fix(), KERNEL):
        with pytest.raises((dataclasses.FrozenInstanceError, TypeError)):
            value.code = "other"


def test_evidence_of_any_kind_is_made_plain():
    evidence = {"path": b"x", "many": {"a"}, "map": {1: (2, None)}, "flag": True}
    plain = Finding("c", "info", "m", evidence).to_dict()["evidence"]
    assert plain == {"path": "b'x'", "many": ["a"], "map": {"1": [2, None]}, "flag": True}
    json.dumps(plain)


@pytest.mark.parametrize(
    ("checks", "verdict"),
    [
        ((Check("numpy"),), "numpy is usable here"),
        ((Check("numpy", findings=(OLD,)),), "numpy is usable here, with a warning"),
        ((Check("a"), Check("b", findings=(OLD,))), "all 2 are usable here, 1 with a warning"),
        ((Check("numpy", findings=(MISSING,)),), "numpy cannot be used here"),
        ((Check("a"), Check("b", findings=(MISSING,))), "1 of 2 cannot be used here: b"),
        (
            tuple(Check(name, findings=(MISSING,)) for name in "abcdef"),
            "6 of 6 cannot be used here: a, b, c, d and 2 more",
        ),
        ((), "nothing wrong was found"),
    ],
)
def test_the_verdict(checks, verdict):
    report = Report(KERNEL, checks)
    assert report.verdict == verdict
    assert repr(report) == f"<Report: {verdict}>"


class Printer:
    def __init__(self):
        self.written = ""

    def text(self, text):
        self.written += text


def test_it_displays_itself_from_one_model():
    report = Report(KERNEL, (Check("numpy", findings=(MISSING,)),))
    printer = Printer()
    report._repr_pretty_(printer, cycle=False)
    assert printer.written == str(report) == report.to_text()
    assert "\x1b" not in printer.written
    assert report._repr_html_() == report.to_html()
    assert report.to_html().startswith("<div>")


def test_a_terminal_gets_colours_and_an_ascii_one_gets_ascii(monkeypatch):
    class Terminal:
        encoding = "ascii"

        def isatty(self):
            return True

    report = Report(KERNEL, (Check("numpy", findings=(MISSING,)),))
    monkeypatch.setattr(sys, "stdout", Terminal())
    printer = Printer()
    report._repr_pretty_(printer, cycle=False)
    assert "\x1b[31m" in printer.written
    assert printer.written.isascii()
    monkeypatch.setenv("NO_COLOR", "1")
    printer = Printer()
    report._repr_pretty_(printer, cycle=False)
    assert "\x1b" not in printer.written
