"""What the tests build on must itself be real: pip installs it and the result imports."""

import os
import subprocess
import sys
import time

import pytest
from wheels import make_project, make_sdist, make_wheel


def test_pip_installs_a_wheel_with_its_script_data_and_extra(venv, tmp_path):
    house = tmp_path / "house"
    wheel = make_wheel(
        house,
        "One.Two",
        "1.5",
        modules={"one_two/__init__.py": "def main():\n    print('hello from one_two')\n"},
        entry_points={"one-two": "one_two:main"},
        data={"data/share/one.txt": "shared"},
        extras={"more": ["three>=2; python_version >= '3'"]},
        requires_python=">=3.8",
    )
    make_wheel(house, "three", "2.0")
    venv.pip("install", "--find-links", str(house), f"{wheel}[more]")
    shown = venv.pip("list", "--format", "freeze").stdout
    assert "three==2.0" in shown
    assert subprocess.check_output([venv.bin / "one-two"], text=True).strip() == "hello from one_two"
    assert (venv.path / "share/one.txt").read_text() == "shared"
    assert venv.pip("check").returncode == 0


def test_pip_refuses_a_wheel_whose_record_is_wrong(venv, tmp_path):
    """So the records that `make_wheel` writes are looked at."""
    wheel = make_wheel(tmp_path, "pkg", "1.0")
    renamed = wheel.rename(tmp_path / "other-1.0-py3-none-any.whl")
    assert venv.pip("install", str(renamed), check=False).returncode != 0


def test_a_requirement_that_is_nowhere_fails_offline(venv, wheelhouse):
    done = venv.pip("install", "--find-links", str(wheelhouse), "envmagic-demo-broken", check=False)
    assert done.returncode != 0
    assert "envmagic-demo-nowhere" in done.stderr


def test_a_source_distribution_builds_without_an_index(venv, tmp_path):
    venv.pip("install", str(make_sdist(tmp_path, "built", "3.0")))
    assert venv.run("-c", "import built; print(built.__version__)").stdout.strip() == "3.0"


def test_a_failing_build_fails(venv, tmp_path):
    done = venv.pip("install", str(make_sdist(tmp_path, "built", "3.0", build="fails")), check=False)
    assert done.returncode != 0
    assert "the compiler says no" in done.stderr


def test_a_slow_build_prints_as_it_goes(venv, tmp_path):
    sdist = make_sdist(tmp_path, "built", "3.0", build="slow", lines=5, pause=0.01)
    assert "build line 4" in venv.pip("install", "-v", str(sdist)).stderr


@pytest.mark.skipif(sys.platform == "win32", reason="signals as POSIX has them")
def test_a_hanging_build_and_its_child_ignore_a_polite_end(venv, tmp_path):
    pids = tmp_path / "pids"
    sdist = make_sdist(tmp_path, "built", "3.0", build="hangs", pids=pids)
    command = [venv.python, "-m", "pip", "install", "--no-index", str(sdist)]
    with subprocess.Popen(command, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as pip:
        end = time.monotonic() + 60
        while not pids.exists() and time.monotonic() < end:
            time.sleep(0.05)
        backend, child = (int(line) for line in pids.read_text().split())
        time.sleep(0.3)  # the child sets its signals after it has started
        for number in (backend, child):
            os.kill(number, 2)
            os.kill(number, 15)
            os.kill(number, 1)
        time.sleep(0.3)
        os.kill(backend, 0)
        os.kill(child, 0)
        os.killpg(pip.pid, 9)


def test_an_editable_project_imports_from_its_source(venv, tmp_path):
    project = make_project(tmp_path / "project", "editable-one", "0.2")
    venv.pip("install", "-e", str(project))
    where = venv.run("-c", "import editable_one; print(editable_one.__file__)").stdout.strip()
    assert where == str(project / "src/editable_one.py")
