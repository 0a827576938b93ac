"""The extension in every kernel, by one startup file of ours."""

import os
import subprocess
import sys

import pytest

from ipy_envmagic import always
from ipy_envmagic.errors import EnvMagicError


@pytest.fixture
def run(tmp_path):
    def run(*words):
        command = [sys.executable, "-m", "ipy_envmagic", *words]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    return run


@pytest.fixture
def startup(home):
    return home / ".ipython/profile_default/startup"


def test_every_kernel_has_it_until_it_is_taken_away(run, startup, new_kernel, home):
    done = run("enable")
    assert (done.returncode, done.stderr) == (0, "")
    assert f"Wrote {startup}/50-envmagic.py" in done.stdout
    assert [path.name for path in startup.iterdir()] == ["50-envmagic.py"]
    kernel = new_kernel(home=home)
    assert kernel.run("%envcheck json").status == "ok"
    assert kernel.run("[name for name in dir() if 'envmagic' in name]").result == "[]"
    assert "nothing to do" in run("enable").stdout
    assert f"Removed {startup}/50-envmagic.py" in run("disable").stdout
    assert list(startup.glob("*envmagic*")) == []
    assert "nothing to do" in run("disable").stdout
    assert new_kernel(home=home).run("get_ipython().find_line_magic('envcheck') is None").result == "True"


def test_an_error_of_ours_leaves_the_kernel_running(run, startup, new_kernel, home, tmp_path):
    run("enable")
    (tmp_path / "broken/ipy_envmagic").mkdir(parents=True)
    (tmp_path / "broken/ipy_envmagic/__init__.py").write_text("raise SystemExit('broken')\n")
    environ = {"PYTHONPATH": str(tmp_path / "broken")}
    assert new_kernel(home=home, env=environ).run("1 + 1").result == "2"
    words = [sys.executable, "-m", "IPython", "-c", "print(1 + 1)"]
    options = {"env": {**os.environ, **environ}, "cwd": tmp_path}
    done = subprocess.run(words, capture_output=True, text=True, check=False, **options)
    assert done.stdout.strip() == "2"
    assert done.stderr.strip() == "ipy_envmagic is not loaded: SystemExit: broken"


def test_a_dry_run_does_nothing(run, startup):
    assert f"Would write {startup}/50-envmagic.py." in run("enable", "--dry-run").stdout
    assert not startup.exists()
    run("enable")
    assert "Would remove" in run("disable", "--dry-run").stdout
    assert (startup / "50-envmagic.py").exists()


def test_a_file_of_somebody_else_s_stays(run, startup):
    startup.mkdir(parents=True)
    (startup / "50-envmagic.py").write_text("mine = 1\n")
    for verb in ("enable", "disable"):
        done = run(verb)
        assert done.returncode == 2
        assert "is not ours and stays as it is" in done.stderr
    assert (startup / "50-envmagic.py").read_text() == "mine = 1\n"


@pytest.mark.parametrize("profile", ["nothing", "../up", "a/b", ""])
def test_a_profile_that_is_none(run, profile):
    done = run("enable", "--profile", profile)
    assert done.returncode == 2
    assert "There is no profile" in done.stderr


def test_a_profile_of_one_s_own(run, home):
    (home / ".ipython/profile_work").mkdir(parents=True)
    assert run("enable", "--profile", "work").returncode == 0
    assert (home / ".ipython/profile_work/startup/50-envmagic.py").exists()


def test_for_everybody_who_uses_an_environment(fresh_venv, new_kernel):
    words = [fresh_venv.python, "-m", "ipy_envmagic", "enable", "--sys-prefix"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (fresh_venv.path / "etc/ipython/startup/50-envmagic.py").exists()
    assert new_kernel(fresh_venv.python).run("%envcheck json").status == "ok"


def test_the_places():
    assert always.prefix_folder("/env") == os.path.join("/env", "etc", "ipython", "startup")
    assert always.system_folder().endswith(os.path.join("ipython", "startup"))


def test_a_folder_that_is_a_file(tmp_path):
    (tmp_path / "startup").write_text("")
    with pytest.raises(EnvMagicError, match=r"cannot be (written|read)"):
        always.enable(str(tmp_path / "startup"))
