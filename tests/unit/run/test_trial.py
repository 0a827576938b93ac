import os
import subprocess
import sys
import threading
import time

import pytest

from ipy_envmagic.run.trial import try_imports


@pytest.fixture
def attempt(tmp_path):
    folder = tmp_path / "modules"
    folder.mkdir()

    def run(name, text, **keywords):
        (folder / f"{name}.py").write_text(text)
        options = {"executable": sys.executable, "cwd": str(tmp_path), "environ": os.environ, "timeout": 20, **keywords}
        return try_imports([name], path=[*sys.path, str(folder)], **options)[name]

    return run


def test_a_module_that_can_be_imported(attempt):
    trial = attempt("fine", "print('hello')")
    assert (trial.ended, trial.output, trial.exception) == ("imported", "hello\n", "")
    assert 0 < trial.seconds < 20


def test_an_exception_with_its_place(attempt, tmp_path):
    trial = attempt("bad", "x = 1\nraise RuntimeError('no such luck')\n")
    assert (trial.ended, trial.exception, trial.message) == ("raised", "RuntimeError", "no such luck")
    assert trial.where == f"{tmp_path / 'modules' / 'bad.py'}, line 2"


def test_a_module_that_is_missing_is_named(attempt):
    trial = attempt("needs", "import nowhere_at_all.part")
    assert (trial.exception, trial.missing) == ("ModuleNotFoundError", "nowhere_at_all")


@pytest.mark.parametrize("text", ["raise SystemExit(3)", "import sys; sys.exit('bye')", "raise KeyboardInterrupt"])
def test_what_ends_a_program_is_an_exception_like_others(attempt, text):
    assert attempt("ends", text).ended == "raised"


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_a_crash_names_its_signal_and_the_kernel_lives(attempt):
    trial = attempt("crash", "import os, signal\nprint('almost', flush=True)\nos.kill(os.getpid(), signal.SIGSEGV)\n")
    assert (trial.ended, trial.status) == ("crashed", -11)
    assert trial.output.startswith("almost\nFatal Python error: Segmentation fault")


def test_a_process_that_ends_itself(attempt):
    trial = attempt("leave", "import os; os._exit(7)")
    assert (trial.ended, trial.status) == ("crashed", 7)


@pytest.mark.skipif(os.name == "nt", reason="process groups of POSIX")
def test_a_hang_is_ended_with_all_that_it_started(attempt, tmp_path):
    text = f"""
import subprocess, sys, time
child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'], start_new_session=True)
open({str(tmp_path / "pid")!r}, 'w').write(str(child.pid))
time.sleep(60)
"""
    trial = attempt("hang", text, timeout=1.5)
    assert (trial.ended, 1.4 < trial.seconds < 10) == ("late", True)
    pid = int((tmp_path / "pid").read_text())
    listing = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False)
    assert listing.stdout.strip()[:1] in {"", "Z"}


def test_a_flood_of_output_keeps_its_end_only(attempt):
    trial = attempt("flood", "for _ in range(2000): print('x' * 10_000)\nprint('the end')\n")
    assert trial.ended == "imported"
    assert trial.output.endswith("the end\n")
    assert len(trial.output) <= 16 * 1024


def test_what_asks_for_input_gets_none(attempt):
    assert attempt("asks", "input('name? ')").exception == "EOFError"


def test_the_path_and_the_working_directory_are_the_kernels(attempt, tmp_path):
    path = [*sys.path, str(tmp_path / "modules")]
    text = f"import os, sys\nassert os.getcwd() == {str(tmp_path)!r}, os.getcwd()\nassert sys.path == {path!r}"
    trial = attempt("where", text)
    assert (trial.ended, trial.message) == ("imported", "")


def test_flags_reach_the_child(attempt):
    text = "import sys\nassert sys.flags.no_user_site and sys.flags.ignore_environment"
    assert attempt("flags", text).ended == "raised"
    assert attempt("flags", text, flags={"no_user_site", "ignore_environment"}).ended == "imported"


def test_an_interpreter_that_is_not_there(attempt, tmp_path):
    trial = attempt("fine", "", executable=str(tmp_path / "no-python"))
    assert (trial.ended, trial.exception) == ("not started", "FileNotFoundError")


def test_several_at_once(tmp_path):
    for name in ("one", "two", "three"):
        (tmp_path / f"{name}.py").write_text("import time; time.sleep(0.01)" if name != "two" else "1 / 0")
    trials = try_imports(
        ["one", "two", "three", "one"],
        executable=sys.executable,
        path=[*sys.path, str(tmp_path)],
        cwd=str(tmp_path),
        environ=os.environ,
    )
    assert {name: trial.exception for name, trial in trials.items()} == {
        "one": "",
        "two": "ZeroDivisionError",
        "three": "",
    }


@pytest.mark.skipif(os.name == "nt", reason="interrupts of POSIX")
def test_an_interrupt_ends_all_of_them(tmp_path):
    (tmp_path / "slow.py").write_text(f"open({str(tmp_path / 'begun')!r}, 'w').close()\nimport time; time.sleep(60)")
    code = f"""
import os, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # which is ignored where the tests run in the background
from ipy_envmagic.run.trial import try_imports
try:
    try_imports(["slow"], executable=sys.executable, path=[*sys.path, {str(tmp_path)!r}], cwd="", environ=os.environ)
except KeyboardInterrupt:
    print("interrupted")
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as process:
        end = time.monotonic() + 30
        while not (tmp_path / "begun").exists() and time.monotonic() < end:
            time.sleep(0.02)
        begun = time.monotonic()
        threading.Timer(0.1, process.send_signal, [2]).start()
        assert process.communicate(timeout=30)[0] == "interrupted\n"
    assert time.monotonic() - begun < 5
