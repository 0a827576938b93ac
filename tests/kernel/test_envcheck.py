"""%envcheck in real kernels: what it shows, tries, runs, prints and fails."""

import json
import time

import pytest

pytestmark = pytest.mark.wheel


def test_a_report_is_shown_once_and_is_the_value(kernel):
    cell = kernel.run("%envcheck jupyter_client 'ipython>=8' envmagic-demo-nowhere")
    assert cell.status == "ok", cell
    (shown,) = cell.displays
    assert shown["text/plain"].startswith("\N{BALLOT X} error: 1 of 3 cannot be used here: envmagic-demo-nowhere")
    assert "<script" not in shown["text/html"]
    assert "<style" not in shown["text/html"]
    assert cell.data is None
    assert kernel.run("r = %envcheck json\nr.ok, r.checks[0].installer").result == "(True, 'standard library')"


def test_json_is_the_dictionary(kernel):
    cell = kernel.run("r = %envcheck --json json envmagic-demo-nowhere")
    printed = json.loads(cell.stdout)
    assert (printed["schema"], printed["ok"]) == (1, False)
    assert [check["status"] for check in printed["checks"]] == ["ok", "error"]
    assert not cell.displays
    assert kernel.run("r.to_dict()['checks'][1]['findings'][0]['code']").result == "'not-installed'"


def test_strict_fails_the_cell_in_a_few_lines(kernel):
    assert kernel.run("%envcheck --strict json").status == "ok"
    cell = kernel.run("%envcheck --strict json envmagic-demo-nowhere\nprint('not reached')")
    assert (cell.status, cell.error.ename) == ("error", "EnvCheckFailed")
    lines = cell.error.text.splitlines()
    assert lines[0] == "EnvCheckFailed: 1 of 2 cannot be used here: envmagic-demo-nowhere"
    assert lines[1].startswith("not-installed: envmagic-demo-nowhere is not installed")
    assert lines[1].endswith("Fix: %pip install envmagic-demo-nowhere")
    assert len(lines) == 2
    assert len(cell.displays) == 1
    assert "not reached" not in cell.plain
    many = kernel.run("%envcheck --strict " + " ".join(f"nowhere{number}" for number in range(9))).error.text
    assert len(many.splitlines()) == 7
    assert many.endswith("and 4 more")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("%envcheck --stric numpy", "%envcheck knows no option --stric. Did you mean --strict?"),
        ("%envcheck --timeout soon numpy", "--timeout takes seconds, as in --timeout 60; 'soon' is no such number"),
        ("%envcheck --timeout=-1 numpy", "--timeout takes seconds, as in --timeout 60; '-1' is no such number"),
        ("%envcheck -r", "-r takes a file: %envcheck -r requirements.txt"),
        ("%envcheck -r nowhere.txt", "nowhere.txt cannot be read: No such file or directory."),
        ("%envcheck numpy | head", "%envcheck takes no shell tail; take '| head' away"),
    ],
)
def test_bad_input_gets_one_line(kernel, line, said):
    cell = kernel.run(line)
    assert cell.error.text.endswith(f": {said}"), cell.error.text
    assert len(cell.error.text.splitlines()) == 1


def test_what_cannot_be_read_does_not_keep_others_from_being_checked(kernel):
    cell = kernel.run("r = %envcheck '=broken' requirements.txt json\n[(c.status, c.installer) for c in r.checks]")
    assert eval(cell.result) == [("error", None), ("error", None), ("ok", "standard library")]
    assert "names a file, not a requirement; write -r requirements.txt" in cell.shown.replace("\n  ", " ")


def test_a_requirements_file(kernel, tmp_path):
    file = tmp_path / "needed.txt"
    file.write_text("# what we need\nipython >= 8  # newer\nenvmagic-demo-nowhere\nnumpy; python_version < '3'\n")
    cell = kernel.run(f"r = %envcheck -r {file} json\n[(c.requirement, c.status) for c in r.checks]")
    assert eval(cell.result) == [
        ("ipython >= 8", "ok"),
        ("envmagic-demo-nowhere", "error"),
        ("numpy; python_version < '3'", "ok"),
        ("json", "ok"),
    ]


def test_deep_tells_an_exception_a_crash_and_a_hang_apart(new_kernel, fresh_venv, tmp_path):
    work = tmp_path / "work"
    work.mkdir()
    (work / "raises.py").write_text("raise RuntimeError('not today')\n")
    (work / "crashes.py").write_text("import os\nos.kill(os.getpid(), 11)\n")
    (work / "hangs.py").write_text("import time\ntime.sleep(60)\n")
    (work / "works.py").write_text("print('<b>noise</b>')\n")
    (work / "needs.py").write_text("import envmagic_demo_a\n")
    kernel = new_kernel(fresh_venv.python, cwd=work, load=True)
    assert kernel.run("r = %envcheck raises crashes hangs works needs\nr.ok").result == "True"
    cell = kernel.run(
        "r = %envcheck --deep --timeout 2 raises crashes hangs works needs json sys\n"
        "[[f.code for f in c.findings] for c in r.checks]"
    )
    assert eval(cell.result) == [
        ["import-error"],
        ["import-crash"],
        ["import-timeout"],
        [],
        ["dependency-missing"],
        [],
        [],
    ]
    assert "Importing raises raises RuntimeError: not today" in cell.shown
    assert kernel.run("import sys; [m for m in ('raises', 'crashes', 'works') if m in sys.modules]").result == "[]"


def test_an_interrupt_ends_a_deep_check(new_kernel, fresh_venv, tmp_path):
    work = tmp_path / "work"
    work.mkdir()
    (work / "hangs.py").write_text("open('begun', 'w').close()\nimport time\ntime.sleep(60)\n")
    kernel = new_kernel(fresh_venv.python, cwd=work, load=True)
    running = kernel.start("%envcheck --deep hangs")
    end = time.monotonic() + 30
    while not (work / "begun").exists() and time.monotonic() < end:
        time.sleep(0.05)
    kernel.interrupt()
    begun = time.monotonic()
    cell = running.result()
    assert time.monotonic() - begun < 3
    assert cell.error.ename == "CommandInterrupted"
    assert cell.error.text == "CommandInterrupted: Interrupted: the trial imports were ended."


def test_fix_runs_the_lines_and_checks_again(fresh_kernel):
    cell = fresh_kernel.run("r = %envcheck --fix 'envmagic-demo-a<2' renamed_demo\nr.ok")
    assert cell.status == "ok", cell
    assert "Not run, for the name is a guess: %pip install renamed_demo" in cell.plain
    assert "Fix 1 of 1, not-installed: %pip install 'envmagic-demo-a<2'" in cell.plain
    assert "Added: envmagic-demo-a 1.0" in cell.plain
    assert cell.result == "False"
    assert fresh_kernel.run("import envmagic_demo_a; envmagic_demo_a.__version__").result == "'1.0'"
    cell = fresh_kernel.run("r = %envcheck --fix 'envmagic-demo-a>=2'\n[f.code for f in r.findings]")
    assert "Updated: envmagic-demo-a 1.0 -> 2.0" in cell.plain.replace("\N{RIGHTWARDS ARROW}", "->")
    assert cell.result == "['stale-import']"
    assert sum("Restart needed" in shown.get("text/html", "") for shown in cell.displays) == 1
    fresh_kernel.restart()
    fresh_kernel.check("%load_ext ipy_envmagic")
    assert fresh_kernel.run("r = %envcheck --strict 'envmagic-demo-a>=2'\nr.ok").result == "True"


def test_a_fix_that_fails_fails_the_cell(fresh_kernel):
    cell = fresh_kernel.run("%envcheck --fix 'ipython>=99'")
    assert cell.error.ename in {"CommandFailed", "LineError", "EnvMagicError"}
    assert "ipython" in cell.error.text.lower()


def test_healthy_things_need_no_fix(fresh_kernel):
    cell = fresh_kernel.run("%envcheck --fix --strict ipython json")
    assert cell.status == "ok"
    assert "Fix" not in cell.plain


def test_a_fix_that_is_a_line_of_python(kernel):
    kernel.run("import sys; sys.modules['envmagic_blocked'] = None; mailbox = 3")
    try:
        cell = kernel.run("r = %envcheck --fix envmagic_blocked.part mailbox")
        assert "Fix 1 of 1, import-blocked: import sys; del sys.modules['envmagic_blocked']" in cell.plain
        assert kernel.run("'envmagic_blocked' in sys.modules, mailbox").result == "(False, 3)"  # an info is not mended
    finally:
        kernel.run("sys.modules.pop('envmagic_blocked', None); del mailbox")
