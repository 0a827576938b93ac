"""Running a command, without a kernel around it."""

import os
import subprocess
import sys
import time

import pytest

from ipy_envmagic.commands.command import Command
from ipy_envmagic.errors import EnvMagicError
from ipy_envmagic.run import process, tree

pytestmark = pytest.mark.skipif(os.name == "nt", reason="POSIX processes")


class Cell:
    def __init__(self, **options):
        self.parts = []
        self.said = []
        self.face = process.Face(self.parts.append, self.said.append, str, **options)

    @property
    def text(self):
        return "".join(self.parts)


def python(body, *arguments, **how):
    return Command("python", (sys.executable, "-c", body, *arguments), **how)


def run(command, cell=None, **how):
    cell = cell or Cell()
    how.setdefault("busy", lambda _tail: False)
    return process.run_in_cell(command, cell.face, **how), cell


def test_arguments_reach_the_program_as_they_are():
    hostile = ["a b", "x;y", "$(id)", "`id`", "*", "é漢", "'\"", "\\", ""]
    outcome, cell = run(python("import sys; print(sys.argv[1:])", *hostile))
    assert (outcome.returncode, cell.text) == (0, f"{hostile}\n")


def test_the_end_of_the_output_is_kept_and_no_more():
    outcome, cell = run(python("for n in range(100_000): print('line', n)"))
    assert outcome.tail.endswith("line 99999\n")
    assert len(outcome.tail) == 65536
    assert cell.text.count("\n") == 100_000


def test_the_environment_is_changed_as_the_command_says(monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("GONE", "1")
    body = "import os; print([os.environ.get(n) for n in ('NEW', 'GONE', 'FORCE_COLOR')])"
    _, cell = run(python(body, env={"NEW": "x", "GONE": None}))
    assert cell.text == "['x', None, '1']\n"
    _, cell = run(python(body, machine_output=True))
    assert cell.text == "[None, '1', None]\n"


def test_data_goes_through_a_pipe_and_the_rest_through_a_terminal():
    body = "import os; print(os.isatty(1), os.isatty(2), os.isatty(0))"
    assert run(python(body))[1].text == "True True False\n"
    assert run(python(body, machine_output=True))[1].text == "False False False\n"


@pytest.mark.parametrize(
    ("body", "tail", "status"),
    [
        ("print('a'); print('b')", "| grep b", 0),
        ("print('a')", "| grep nothing", 0),
        ("raise SystemExit(3)", "| cat", 3),
        ("raise SystemExit(3)", "| cat | grep x", 3),
        ("print(1)", "| no-such-program", 127),
        ("for n in range(99999): print(n)", "| head -n 1", 0),
        ("raise SystemExit(3)", "|| true", 0),
        ("raise SystemExit(3)", "&& echo never", 3),
        ("print('a')", "&& exit 4", 4),
        ("print('a')", "> /no/such/folder/file", 2),
    ],
)
def test_the_status_behind_a_shell_tail(body, tail, status):
    outcome, cell = run(python(body, shell_tail=tail))
    assert outcome.returncode == status or (status == 2 and outcome.returncode == 1)
    assert "never" not in cell.text


def test_the_words_are_not_read_by_the_shell_of_a_tail(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    outcome, cell = run(
        python("import sys; print(sys.argv[1])", "x; touch y; `touch z` $(touch w)", shell_tail="| cat")
    )
    assert cell.text == "x; touch y; `touch z` $(touch w)\n"
    assert list(tmp_path.iterdir()) == []
    assert outcome.returncode == 0


def test_a_program_that_is_not_there_is_one_line():
    with pytest.raises(EnvMagicError, match="/no/such/program cannot be started") as caught:
        run(Command("x", ("/no/such/program",)))
    assert "\n" not in caught.value.message


def test_no_descriptor_and_no_process_is_left():
    before = set(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self") else set()
    for _ in range(3):
        run(python("import time; time.sleep(0.4); print('x')"))
    if before:
        assert set(os.listdir("/proc/self/fd")) == before
    assert (
        subprocess.run(
            ["ps", "-o", "stat=", "--ppid", str(os.getpid())], capture_output=True, text=True, check=False
        ).stdout.count("Z")
        == 0
    )


def test_text_is_held_where_each_write_is_kept():
    _, cell = run(
        python("import time\nfor n in range(10): print(n, flush=True); time.sleep(0.05)"), Cell(hold=5, progress=False)
    )
    assert len([part for part in cell.parts if part]) == 1


def test_everything_is_masked(monkeypatch):
    cell = Cell()
    cell.face = process.Face(cell.parts.append, cell.said.append, lambda text: text.replace("hidden", "****"))
    outcome, _ = run(python("import sys; sys.stdout.write('a hid'); sys.stdout.flush(); print('den b')"), cell)
    assert "hidden" not in cell.text + outcome.tail
    assert "a **** b" in cell.text


def test_members_of_a_run_are_found_and_ended(tmp_path):
    body = (
        "import os, signal, subprocess, sys, time\nfor s in (2, 15, 1): signal.signal(s, signal.SIG_IGN)\n"
        "p = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'], start_new_session=True)\n"
        f"open({str(tmp_path / 'pid')!r}, 'w').write(str(p.pid))\ntime.sleep(60)"
    )
    leader = subprocess.Popen(
        [sys.executable, "-c", body], start_new_session=True, env={**os.environ, tree.MARK: "of-this-test"}
    )
    while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text():
        time.sleep(0.02)
    child = int((tmp_path / "pid").read_text())
    assert set(tree.members(leader.pid, "of-this-test")) == {leader.pid, child}
    tree.end_all(leader.pid, "of-this-test")
    leader.wait()
    assert tree.members(leader.pid, "of-this-test") == []


def test_windows_words_are_quoted_for_cmd():
    line = process._for_cmd((r"C:\Program Files\py.exe", "-m", "pip", "list", "a&b"), "| findstr torch")
    assert line == r'cmd.exe /d /s /c ""C:\Program Files\py.exe" "-m" "pip" "list" "a&b" | findstr torch"'
    with pytest.raises(EnvMagicError, match="cannot stand in a line with a pipe"):
        process._for_cmd(("py.exe", "%PATH%"), "| x")
