"""The lock of a prefix: between real processes."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ipy_envmagic.run import lock

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
