"""The lock of a prefix: between real processes."""

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import pytest

from ipy_envmagic.run import history, lock, pending, state, tree

ROOT = str(Path(lock.__file__).resolve().parents[2])
HOLDER = """
import sys, time
sys.path.insert(0, sys.argv[2])
from ipy_envmagic.run import lock
with lock.hold(sys.argv[1], "pip install x", print):
    print("held", flush=True)
    time.sleep(float(sys.argv[3]))
"""


def holder(prefix, seconds):
    child = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(prefix), ROOT, str(seconds)], stdout=subprocess.PIPE, text=True
    )
    assert child.stdout.readline() == "held\n"
    return child


def test_a_second_one_waits_and_is_told_for_whom(tmp_path):
    said = []
    with holder(tmp_path, 1) as child:
        began = time.monotonic()
        with lock.hold(str(tmp_path), "pip install y", said.append):
            assert time.monotonic() - began > 0.5
        child.wait()
    assert len(said) == 1
    assert said[0].startswith(f"Waiting for 'pip install x' (process {child.pid}, since ")


def test_it_is_released_when_its_holder_dies(tmp_path):
    with holder(tmp_path, 60) as child:
        child.kill()
        child.wait()
    said = []
    began = time.monotonic()
    with lock.hold(str(tmp_path), "pip install y", said.append):
        pass
    assert time.monotonic() - began < 1
    assert said == []


def test_it_is_free_again_after_an_error(tmp_path):
    with pytest.raises(ZeroDivisionError), lock.hold(str(tmp_path), "x", print):
        raise ZeroDivisionError
    said = []
    with lock.hold(str(tmp_path), "y", said.append):
        pass
    assert said == []
    assert not (tmp_path / ".ipy_envmagic/lock.json").exists()


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="this user may write everywhere")
def test_a_prefix_that_cannot_be_written(tmp_path):
    tmp_path.chmod(0o500)
    try:
        with lock.hold(str(tmp_path), "x", print):
            assert not (tmp_path / ".ipy_envmagic").exists()
    finally:
        tmp_path.chmod(0o700)


def test_a_prefix_that_is_a_file(tmp_path, home):
    prefix = tmp_path / "prefix"
    prefix.touch()
    with lock.hold(str(prefix), "x", print):
        assert list(home.rglob("lock.json"))


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="processes are found in /proc")
def test_the_installer_of_a_dead_kernel_is_waited_for(tmp_path):
    """Its lock went with the kernel; the program itself goes on until the guard has ended it."""
    folder = Path(state.folder(str(tmp_path)))
    entry = folder / "pending/00aa"
    entry.mkdir(parents=True)
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    by = {**pending.me("kernel"), "pid": dead.pid, "began": "1"}
    told = {"command": "pip install x", "since": "2026-01-01T00:00:00Z", "by": by, "roots": []}
    (entry / "entry.json").write_text(json.dumps(told))
    said = []
    with subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(60)"], env={**os.environ, tree.MARK: "00aa"}
    ) as orphan:
        threading.Timer(1.0, orphan.kill).start()
        time.sleep(0.2)
        with lock.hold(str(tmp_path), "pip install y", said.append):
            assert orphan.poll() is not None
    assert said == ["Waiting for the installer of a kernel that was ended."]


def test_an_interrupt_while_waiting_is_an_interrupt(tmp_path):
    before = "import os, signal, threading\nsignal.signal(signal.SIGINT, signal.default_int_handler)\n"
    before += "threading.Timer(0.5, os.kill, [os.getpid(), signal.SIGINT]).start()\n"
    code = HOLDER.replace("with lock", f"{before}with lock")
    with holder(tmp_path, 30) as child:
        done = subprocess.run(
            [sys.executable, "-c", code, str(tmp_path), ROOT, "0"],
            capture_output=True,
            text=True,
            check=False,
            timeout=30,
        )
        child.kill()
    assert "CommandInterrupted: Interrupted while it waited: pip install x was not run" in done.stderr


def test_a_link_in_the_lock_s_place_is_not_followed(tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("secret")
    folder = state.folder(str(tmp_path))
    os.symlink(secret, f"{folder}/lock")
    os.symlink(secret, f"{folder}/lock.json")
    with lock.hold(str(tmp_path), "x", print):
        assert secret.read_text() == "secret"
    assert secret.exists()


@pytest.mark.skipif(os.name == "nt" or os.geteuid() != 0, reason="only an administrator can be two users")
def test_two_users_of_one_prefix():
    """In a prefix that both may write to, each waits for the other, and both can write the journal."""
    with tempfile.TemporaryDirectory() as prefix:
        os.chmod(prefix, 0o1777)
        from filelock import FileLock  # noqa: F401 (loaded while we may still read it)

        told, tell = os.pipe()
        child = os.fork()
        if not child:
            try:
                os.setgid(65534)
                os.setuid(65534)
                with lock.hold(prefix, "pip install theirs", print) as folder:
                    os.write(tell, b"held")
                    history.append(folder, {"by": {}, "command": "pip install theirs", "changes": []})
                    time.sleep(1.5)
            except BaseException as error:  # noqa: BLE001 (all that this process can do is to say it)
                os.write(tell, repr(error).encode())
            finally:
                os._exit(0)
        assert os.read(told, 500) == b"held"
        said = []
        began = time.monotonic()
        with lock.hold(prefix, "pip install ours", said.append) as folder:
            assert time.monotonic() - began > 0.5
            assert folder == f"{prefix}/.ipy_envmagic"
            history.append(folder, {"by": {}, "command": "pip install ours", "changes": []})
        assert said[0].startswith(f"Waiting for 'pip install theirs' (process {child} of nobody, since ")
        assert [one["number"] for one in history.lines(folder)] == [1, 2]
        os.waitpid(child, 0)
        os.close(told)
        os.close(tell)
