"""Terminal IPython: the program has the terminal itself, and a value is shown once."""

import re
import sys

import pytest
from isolation import isolated
from kernels import ESCAPE, import_root

pexpect = pytest.importorskip("pexpect", reason="drives a terminal")
PROMPT = r"In \[\d+\]: "


@pytest.fixture
def spawn(home, tmp_path, offline):
    children = []

    def start(python=sys.executable):
        variables = isolated(home) | offline | {"TERM": "dumb"}
        if (root := import_root()) and python == sys.executable:
            variables["PYTHONPATH"] = root
        child = pexpect.spawn(
            python,
            ["-m", "IPython", "--no-banner", "--no-confirm-exit", "--simple-prompt", "--colors=NoColor"],
            env=variables,
            cwd=str(tmp_path),
            encoding="utf-8",
            timeout=60,
            dimensions=(40, 110),
        )
        children.append(child)
        child.setecho(False)
        child.expect(PROMPT)
        return child

    yield start
    for child in children:
        child.sendeof()
        child.close(force=True)


@pytest.fixture
def terminal(spawn):
    return spawn()


def run(child, line):
    child.sendline(line)
    child.expect(PROMPT)
    return ESCAPE.sub("", child.before).replace("\r\n", "\n")


def test_the_program_has_the_terminal(terminal, tmp_path):
    assert run(terminal, "%load_ext ipy_envmagic").strip() in ("", "%load_ext ipy_envmagic")
    assert len(re.findall(r"pip \d+\S* from", run(terminal, "%pip --version"))) == 1
    folder = tmp_path / "program"
    folder.mkdir()
    shown = run(terminal, "%pip list && tty")
    assert re.search(r"/dev/(pts/\d+|tty\S*)", shown), shown


def test_a_value_is_shown_once(terminal):
    run(terminal, "%load_ext ipy_envmagic")
    terminal.sendline("%pip --version")
    terminal.expect(PROMPT)
    lines = [line for line in ESCAPE.sub("", terminal.before).split("\r\n") if line.strip()]
    assert not any(re.fullmatch(r"\s*Out\[\d+\]: <?CommandResult.*", line) for line in lines), lines
    assert "exit status 0" in run(terminal, "_")


def test_a_failure_is_two_lines_and_no_traceback(terminal):
    run(terminal, "%load_ext ipy_envmagic")
    shown = run(terminal, "%pip show envmagic-demo-nowhere")
    assert "CommandFailed: pip show envmagic-demo-nowhere failed (exit status 1)" in shown
    assert "Traceback" not in shown


def test_an_interrupt_reaches_the_program(terminal):
    run(terminal, "%load_ext ipy_envmagic")
    terminal.sendline("%pip list && sleep 60")
    terminal.expect("ipython", timeout=60)
    terminal.expect(r"\n")
    import time

    time.sleep(1)
    terminal.sendintr()
    terminal.expect(PROMPT, timeout=10)
    assert "CommandInterrupted" in terminal.before
    assert run(terminal, "1 + 1").strip().endswith("2")


def test_a_question_can_be_answered(spawn, fresh_venv, wheelhouse):
    """In a terminal pip asks before it removes, as it does in the shell; the answer here is no."""
    fresh_venv.install(wheelhouse / "envmagic_demo_a-1.0-py3-none-any.whl")
    terminal = spawn(fresh_venv.python)
    run(terminal, "%load_ext ipy_envmagic")
    terminal.sendline("%pip uninstall envmagic-demo-a")
    terminal.expect(r"Proceed \(Y/n\)\? ")
    terminal.sendline("n")
    terminal.expect(PROMPT)
    assert (fresh_venv.site_packages / "envmagic_demo_a.py").exists()


def test_a_report_is_text(terminal):
    run(terminal, "%load_ext ipy_envmagic")
    shown = run(terminal, "%envcheck envmagic-demo-nowhere IPython")
    assert "not-installed" in shown or "not installed" in shown
    assert "<div" not in shown
    assert shown.count("envmagic-demo-nowhere") >= 1


def test_a_hint_stands_under_the_traceback_once(terminal):
    run(terminal, "%load_ext ipy_envmagic")
    shown = run(terminal, "import envmagic_demo_nowhere")
    assert shown.count("Hint: envmagic_demo_nowhere is not installed") == 1, shown
    assert shown.index("ModuleNotFoundError") < shown.index("Hint:")
    assert "Hint:" not in run(terminal, "x = 1")
    raised = run(
        terminal, "exec('try:\\n import envmagic_demo_no\\nexcept ImportError as e: raise RuntimeError() from e')"
    )
    assert raised.count("Hint: envmagic_demo_no is not installed") == 1, raised
    handled = run(terminal, "exec('try:\\n import envmagic_demo_no\\nexcept ImportError: pass')")
    assert "Hint:" not in handled


def test_a_hint_beside_another_extension_s_exception_hook(terminal):
    run(terminal, "%load_ext ipy_envmagic")
    run(terminal, "other = lambda shell, kind, error, trace, tb_offset=None: print('OTHER', kind.__name__)")
    run(terminal, "get_ipython().set_custom_exc((ImportError,), other)")
    shown = run(terminal, "import envmagic_demo_nowhere")
    assert "OTHER ModuleNotFoundError" in shown
    assert shown.count("Hint: envmagic_demo_nowhere is not installed") == 1, shown


def test_hints_can_be_turned_off(terminal):
    run(terminal, "%load_ext ipy_envmagic")
    run(terminal, "%config EnvMagics.hints = False")
    assert "Hint:" not in run(terminal, "import envmagic_demo_nowhere")
