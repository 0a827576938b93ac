"""The helpers for kernels: a test that relies on them must be able to fail."""

import pytest
from isolation import MARKER, leftover_processes
from kernels import Kernel, KernelError
from screen_of_lab import as_lab_shows

pytestmark = pytest.mark.kernel


def test_a_cell_is_read_as_a_front_end_reads_it(new_kernel):
    cell = new_kernel().run(
        "import sys\nfrom IPython.display import display, update_display\n"
        "print('abc\\rX')\nprint('oops', file=sys.stderr)\n"
        "display('first', display_id='d')\nupdate_display('second', display_id='d')\n40 + 2"
    )
    assert cell.status == "ok"
    assert cell.stdout == "abc\rX\n"
    assert cell.text.startswith("Xbc\n")
    assert cell.stderr == "oops\n"
    assert [bundle["text/plain"] for bundle in cell.displays] == ["'second'"]
    assert cell.result == "42"


def test_an_error_arrives_with_its_name_and_traceback(new_kernel):
    cell = new_kernel().run("print('before')\n1/0")
    assert cell.status == "error"
    assert cell.error.ename == "ZeroDivisionError"
    assert "\x1b" not in cell.error.text
    assert cell.shown.startswith("before\n")


def test_a_cell_can_be_interrupted_where_it_stands(new_kernel):
    kernel = new_kernel()
    kernel.interrupt_when("started")
    cell = kernel.run("import time\nprint('started', flush=True)\ntime.sleep(60)", timeout=20)
    assert cell.error.ename == "KeyboardInterrupt"
    assert kernel.check("print('after')").stdout == "after\n"


def test_a_cell_that_does_not_end_fails_the_test(new_kernel):
    with pytest.raises(KernelError, match="the end of the cell did not come"):
        new_kernel().run("import time; time.sleep(60)", timeout=0.5)


def test_questions_are_answered_only_where_a_person_can_be_asked(new_kernel):
    kernel = new_kernel()
    cell = kernel.run("print('you said', input('name? '))", stdin=True, answers=["me"])
    assert (cell.prompts, cell.stdout) == (["name? "], "you said me\n")
    assert kernel.run("input()").error.ename == "StdinNotImplementedError"


def test_a_kernel_that_ends_under_a_cell_is_seen(new_kernel):
    assert new_kernel().run("import os; os._exit(1)", timeout=20).status == "dead"


def test_a_restart_forgets(new_kernel):
    kernel = new_kernel()
    kernel.check("x = 1")
    kernel.restart()
    assert kernel.run("x").error.ename == "NameError"


def test_nothing_of_the_real_home_is_seen(new_kernel, home):
    kernel = new_kernel()
    assert kernel.value("__import__('os').path.expanduser('~')") == str(home)
    assert kernel.value("get_ipython().ipython_dir") == str(home / ".ipython")


def test_a_kernel_in_a_fresh_environment_has_its_own_pip(fresh_venv, new_kernel, tmp_path):
    kernel = new_kernel(fresh_venv.python, cwd=tmp_path)
    assert kernel.value("__import__('sys').prefix") == str(fresh_venv.path)
    assert kernel.value("__import__('importlib.metadata').metadata.version('ipykernel')")
    assert "ipy_envmagic" in kernel.value("__import__('ipy_envmagic').__file__")
    fresh_venv.pip("install", "envmagic-demo-a", env={"PIP_FIND_LINKS": kernel.env["PIP_FIND_LINKS"]})
    assert kernel.value("__import__('envmagic_demo_a').__version__") == "2.0"


def test_a_process_that_is_left_behind_is_found(home, tmp_path):
    import os
    import subprocess
    import sys
    import time

    if not os.path.isdir("/proc/self"):
        pytest.skip("processes are found through /proc")
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as child:
        try:
            end = time.monotonic() + 5  # a process shows its variables only once it has begun
            while child.pid not in (found := leftover_processes(os.environ[MARKER])) and time.monotonic() < end:
                time.sleep(0.01)
            assert child.pid in found
        finally:
            child.kill()


def test_a_kernel_that_cannot_start_says_why(new_venv, home):
    with pytest.raises(KernelError, match="No module named ipykernel_launcher"):
        Kernel(new_venv().python, home=home)


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("a\nb\n", "a\nb\n"),
        ("long line\rshort\n", "shortline\n"),
        ("abc\b\bX", "aXc"),
        ("\b\bx", "x"),
        ("\x1b[31mred\rX", "X[31mred"),
    ],
)
def test_streams_show_as_in_jupyterlab(sent, shown):
    assert as_lab_shows(sent) == shown
