"""A running program in real kernels: its output, its interrupt, and its end when the kernel ends."""

import os
import signal
import time
from pathlib import Path

import pytest
from wheels import make_sdist, make_wheel


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


def wait_until_dead(pids, seconds):
    end = time.monotonic() + seconds
    while any(map(alive, pids)) and time.monotonic() < end:
        time.sleep(0.05)
    return [pid for pid in pids if alive(pid)]


@pytest.fixture
def hanging(tmp_path):
    """Make a source distribution whose build never ends, and a function that gives its processes once they run."""

    def make(**how):
        pids = tmp_path / "pids"
        sdist = make_sdist(tmp_path, "envmagic-demo-hangs", "1.0", pids=pids, **how)

        def started(running):
            running.wait(lambda _cell: pids.exists(), 60)
            return [int(line) for line in pids.read_text().split()]

        return f"%pip install -v --no-build-isolation '{sdist}'", started

    return make


needs_proc = pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="looks at processes through /proc")


@needs_proc
@pytest.mark.parametrize("how", [{"build": "sleeps"}, {"build": "hangs"}, {"build": "hangs", "detached": True}])
def test_an_interrupt_ends_the_whole_tree(fresh_kernel, hanging, how):
    line, started = hanging(**how)
    running = fresh_kernel.start(f"{line}\nprint('not reached')", stdin=True)
    pids = started(running)
    began = time.monotonic()
    fresh_kernel.interrupt()
    cell = running.result(30)
    assert time.monotonic() - began < 2 + (5 if how["build"] == "hangs" else 0)
    assert cell.error.ename == "CommandInterrupted"
    assert "was interrupted" in cell.error.text
    assert "not reached" not in cell.text
    assert wait_until_dead(pids, 1) == []
    assert fresh_kernel.run("1 + 1").result == "2"


@needs_proc
def test_a_second_interrupt_ends_it_at_once(fresh_kernel, hanging):
    line, started = hanging(build="hangs")
    fresh_kernel.run("%config EnvMagics.interrupt_grace = 60.0")
    # a program that takes its time to clean up: sh ignores the interrupt while its child sleeps on
    running = fresh_kernel.start(line + " || (trap '' INT; sleep 60)", stdin=True)
    pids = started(running)
    fresh_kernel.interrupt()
    time.sleep(0.7)
    began = time.monotonic()
    if not running.ended:
        fresh_kernel.interrupt()
    cell = running.result(10)
    assert time.monotonic() - began < 2
    assert cell.error.ename == "CommandInterrupted"
    assert wait_until_dead(pids, 1) == []


@needs_proc
@pytest.mark.parametrize("end", ["kill", "restart", "shutdown"])
def test_a_kernel_that_ends_leaves_no_process(fresh_kernel, hanging, end):
    line, started = hanging(build="hangs", detached=True)
    running = fresh_kernel.start(line, stdin=True)
    pids = started(running)
    time.sleep(0.5)
    getattr(fresh_kernel, end)()
    assert wait_until_dead(pids, 8) == []


def test_a_loop_ends_at_the_interrupt(fresh_kernel, hanging):
    line, started = hanging(build="sleeps")
    running = fresh_kernel.start(
        f"for _ in range(3):\n    try:\n        {line}\n    finally:\n        print('tried')", stdin=True
    )
    started(running)
    fresh_kernel.interrupt()
    cell = running.result(30)
    assert cell.plain.count("tried") == 1


def many_files(folder, version):
    modules = {f"envmagic_demo_big/part{number}.py": f"value = {version!r}\n" for number in range(3000)}
    modules["envmagic_demo_big/__init__.py"] = f"__version__ = {version!r}\n"
    return make_wheel(folder, "envmagic-demo-big", version, modules=modules)


def test_an_interrupt_while_versions_are_swapped_waits_for_the_end(fresh_kernel, fresh_venv, tmp_path):
    one, two = many_files(tmp_path, "1.0"), many_files(tmp_path, "2.0")
    assert fresh_kernel.run(f"%pip install -q --no-compile {one}").status == "ok"
    running = fresh_kernel.start(f"%pip install --no-compile {two}\nprint('not reached')", stdin=True)
    running.wait_for("Installing collected packages", 60)
    fresh_kernel.interrupt()
    cell = running.result(60)
    assert cell.error.ename == "CommandInterrupted", cell
    assert "is replacing files of this environment" in cell.plain
    assert "finished what it had begun" in cell.error.text
    assert "not reached" not in cell.text
    assert not list(fresh_venv.site_packages.glob("~*"))
    shown = fresh_venv.run("-c", "import envmagic_demo_big.part2999 as m; print(m.value)").stdout
    assert shown.strip() == "2.0"


@pytest.mark.parametrize("protect", [True, False])
def test_a_swap_that_is_ended_by_a_second_interrupt(fresh_kernel, fresh_venv, tmp_path, protect):
    """Protected, the old version is put back; else what pip left is named, with the line that repairs."""
    one, two = many_files(tmp_path, "1.0"), many_files(tmp_path, "2.0")
    fresh_kernel.run(f"%config EnvMagics.protect = {protect}")
    fresh_kernel.run(f"%pip install -q --no-compile {one}")
    running = fresh_kernel.start(f"%pip install --no-compile {two}", stdin=True)
    running.wait_for("Installing collected packages", 60)
    fresh_kernel.interrupt()
    running.wait_for("is replacing files", 20)
    running.wait_for("Successfully uninstalled", 20)
    fresh_kernel.interrupt()
    cell = running.result(30)
    assert cell.error.ename == "CommandInterrupted", cell
    assert "was interrupted" in cell.error.text
    left = [path.name for path in fresh_venv.site_packages.glob("~*")]
    shown = "import envmagic_demo_big.part2999 as m; m.value"
    if protect:
        assert left == []
        assert "the environment is as it was before" in cell.plain
        assert fresh_kernel.run(shown).result == "'1.0'"
        return
    assert left
    assert left[0] in cell.error.text
    repair = "%pip install --force-reinstall --no-deps envmagic-demo-big==1.0"
    assert repair in cell.error.text
    assert fresh_kernel.run(f"{repair} --find-links {tmp_path}").status == "ok"
    assert fresh_kernel.run(shown).result == "'1.0'"


# -- output


@pytest.fixture
def chatty(tmp_path, fresh_venv):
    """Put a program in pip's place that writes what it is told: the environment's own `pip` module."""

    def write(body):
        package = fresh_venv.site_packages / "pip"
        (package / "__main__.py").unlink()
        (package / "__main__.py").write_text(body)

    return write


def test_twenty_thousand_lines_arrive_whole_and_in_order(fresh_kernel, chatty):
    chatty("for number in range(20_000):\n    print('line', number)\n")
    cell = fresh_kernel.run("%pip list")
    assert cell.status == "ok", cell
    assert cell.plain.splitlines()[1:] == [f"line {number}" for number in range(20_000)]


def test_utf8_is_never_cut(fresh_kernel, chatty):
    chatty(
        "import os, time\nfor byte in 'é漢🙂 ok\\n'.encode() * 20:\n"
        "    os.write(1, bytes([byte]))\n    time.sleep(0.001)\n"
    )
    cell = fresh_kernel.run("%pip list")
    assert cell.plain.splitlines()[1:] == ["é漢🙂 ok"] * 20


def test_output_comes_while_the_program_runs(fresh_kernel, chatty):
    chatty("import time\nprint('first', flush=True)\ntime.sleep(1.5)\nprint('last')\n")
    cell = fresh_kernel.run("%pip list", stdin=True)
    first = next(m.seconds for m in cell.messages if "first" in m.content.get("text", ""))
    last = next(m.seconds for m in cell.messages if "last" in m.content.get("text", ""))
    assert last - first > 1


def test_progress_is_one_line_that_is_renewed(fresh_kernel, chatty):
    chatty(
        "import sys, time\nfor done in range(0, 101, 5):\n"
        "    sys.stdout.write(f'\\r\\x1b[2K\\x1b[32mprogress {done}%\\x1b[0m')\n"
        "    sys.stdout.flush()\n    time.sleep(0.03)\nprint()\nprint('done')\n"
    )
    watched = fresh_kernel.run("%pip list", stdin=True)
    assert watched.plain.splitlines()[1:] == ["progress 100%", "done"]
    assert watched.raw.count("progress") > 2
    alone = fresh_kernel.run("%pip list")
    assert "\r" not in alone.raw
    assert alone.plain.splitlines()[1:] == ["progress 100%", "done"]
    assert len([m for m in alone.messages if m.kind == "stream"]) <= 2


def test_standard_input_is_closed_and_questions_fail(fresh_kernel, chatty):
    chatty(
        "import sys\nprint(repr(sys.stdin.read()))\n"
        "try:\n    open('/dev/tty')\nexcept OSError:\n    print('no terminal')\n"
    )
    cell = fresh_kernel.run("%pip list")
    assert cell.plain.splitlines()[1:] == ["''", "no terminal"]
    assert cell.prompts == []


def test_a_program_that_is_killed_fails_the_cell(fresh_kernel, chatty):
    chatty("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n")
    cell = fresh_kernel.run("%pip list")
    assert cell.error.ename == "CommandFailed"
    assert f"signal {int(signal.SIGKILL)}" in cell.error.text


def test_a_daemon_that_keeps_the_output_open_does_not_hold_the_cell(fresh_kernel, chatty):
    chatty(
        "import subprocess, sys\n"
        "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(3)'])\nprint('done')\n"
    )
    began = time.monotonic()
    cell = fresh_kernel.run("%pip list")
    assert "done" in cell.plain
    assert time.monotonic() - began < 2.5


def test_the_terminal_is_as_wide_as_a_cell_is_read(fresh_kernel, chatty):
    chatty("import os\nprint(os.get_terminal_size(1).columns, os.isatty(1))\n")
    columns, terminal = fresh_kernel.run("%pip list").plain.splitlines()[1].split()
    assert 80 <= int(columns) <= 120
    assert terminal == "True"
    assert Path(fresh_kernel.cwd).exists()
