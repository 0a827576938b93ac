import pytest

from ipy_envmagic.checks.causes.trial import judge
from ipy_envmagic.checks.report import Check, Finding, Fix
from ipy_envmagic.run.trial import Trial

CHECK = Check("demo", "demo", "demo", "1.0", "/site/demo", "pip")
MISSING = Check(
    "pytz",
    findings=(Finding("not-installed", "error", "pytz is not installed.", {}, Fix(("%pip install pytz",))),),
)


def judged(*arguments, check=CHECK, **keywords):
    return judge(Trial("demo", *arguments, **keywords), check, lambda name: MISSING if name == "pytz" else Check(name))


def test_what_was_imported_is_fine():
    assert judged("imported") is None


def test_an_ordinary_exception():
    found = judged("raised", "ValueError", "bad\nlines", where="/site/demo/x.py, line 3", output="a\nb\n")
    assert (found.code, found.severity) == ("import-error", "error")
    assert found.message == "Importing demo raises ValueError: bad"
    assert found.evidence["where"] == "/site/demo/x.py, line 3"
    assert found.evidence["output"] == "a\nb"
    assert found.fix.magic == ()
    assert "%pip install --force-reinstall --no-deps demo==1.0" in found.fix.steps
    assert judged("raised", "ValueError", "").message == "Importing demo raises ValueError."


def test_a_module_that_it_needs_is_explained_by_its_own_check():
    found = judged("raised", "ModuleNotFoundError", "No module named 'pytz'", missing="pytz")
    assert found.code == "dependency-missing"
    assert found.message == "demo imports pytz, which cannot be imported here: pytz is not installed."
    assert found.fix.magic == ("%pip install pytz",)
    assert judged("raised", "ModuleNotFoundError", "", missing="other").fix is None


def test_a_part_of_its_own_that_is_missing_is_its_own_error():
    found = judged("raised", "ModuleNotFoundError", "No module named 'demo.part'", missing="demo.part")
    assert found.code == "import-error"


@pytest.mark.parametrize("name", ["libGL.so.1", "libstdc++.so.6", "libcudart.so.12"])
def test_a_shared_library_is_named(name):
    message = f"{name}: cannot open shared object file: No such file or directory"
    found = judged("raised", "ImportError", message)
    assert (found.code, found.evidence["library"]) == ("shared-library-missing", name)


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (-11, "ends the process by SIGSEGV: a part"),
        (-4, "by SIGILL: it was built for a processor"),
        (-7, "by SIGBUS: a file"),
        (-64, "by signal 64") if not hasattr(__import__("signal"), "SIGRTMAX") else (-64, "by SIGRTMAX."),
        (3, "ends the process, with exit status 3."),
    ],
)
def test_a_crash(status, words):
    found = judged("crashed", status=status)
    assert found.code == "import-crash"
    assert words in found.message
    assert "Do not import it in this kernel" in found.fix.steps


def test_a_hang_and_what_could_not_be_tried():
    late = judged("late", seconds=30.01)
    assert (late.code, late.message) == ("import-timeout", "Importing demo had not ended after 30 s.")
    assert "--timeout" in late.fix.steps
    nothing = judged("not started", "OSError", "no more processes")
    assert (nothing.code, nothing.severity) == ("not-tried", "warning")


def test_a_file_of_the_persons_own_is_looked_at_where_it_is():
    found = judged("raised", "ValueError", check=Check("demo", "demo", None, None, "/work/demo.py"))
    assert found.fix.steps == "Look at what it does in /work/demo.py."
