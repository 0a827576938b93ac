import shutil
import subprocess
import sys

import pytest
from patients import codes
from venvs import Venv

from ipy_envmagic.checks.causes import foundations


@pytest.fixture
def placed(here):
    """A function that looks at another environment as the kernel's."""

    def placed(venv):
        here.venv = venv
        return here.whole

    return placed


def test_an_environment_as_it_was_made(placed, new_venv):
    whole = placed(new_venv("made", pip=True))
    for rule in (foundations.venv_moved, foundations.venv_base_gone, foundations.venv_python_upgraded):
        assert list(rule(whole)) == []


def test_an_environment_that_was_moved(placed, new_venv, tmp_path, here):
    venv = new_venv("before", pip=True)
    shutil.move(venv.path, tmp_path / "after")
    whole = placed(Venv(tmp_path / "after"))
    (finding,) = foundations.venv_moved(whole)
    assert (finding.code, finding.severity) == ("venv-moved", "warning")
    assert finding.evidence["made_as"] == str(tmp_path / "before")
    assert "venv-moved" in codes(here.check())


def test_an_environment_that_was_copied(placed, new_venv, tmp_path):
    venv = new_venv("original", pip=True)
    shutil.copytree(venv.path, tmp_path / "copy", symlinks=True)
    (finding,) = foundations.venv_moved(placed(Venv(tmp_path / "copy")))
    said = subprocess.run([tmp_path / "copy/bin/pip", "--version"], capture_output=True, text=True, check=True).stdout
    assert str(tmp_path / "original") in said, "the copy's pip acts on the original"
    assert finding.evidence["made_as"] == str(tmp_path / "original")


def test_an_environment_that_was_moved_and_has_no_pip(placed, tmp_path):
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "before"], check=True)
    shutil.move(tmp_path / "before", tmp_path / "after")
    (finding,) = foundations.venv_moved(placed(Venv(tmp_path / "after")))
    assert finding.evidence["made_as"] == str(tmp_path / "before")


def test_a_link_to_an_environment_is_no_move(placed, new_venv, tmp_path):
    venv = new_venv("real", pip=True)
    (tmp_path / "link").symlink_to(venv.path)
    assert list(foundations.venv_moved(placed(Venv(tmp_path / "link")))) == []


def test_a_base_that_is_gone(placed, new_venv, here):
    venv = new_venv("orphan")
    path = venv.path / "pyvenv.cfg"
    gone = "/nowhere/python/bin"
    path.write_text(
        "\n".join(f"home = {gone}" if one.startswith("home") else one for one in path.read_text().splitlines())
    )
    for name in ("python", "python3", f"python{sys.version_info[0]}.{sys.version_info[1]}"):
        (venv.bin / name).unlink(missing_ok=True)
    (venv.bin / "python").symlink_to(f"{gone}/python3")
    (finding,) = foundations.venv_base_gone(placed(venv))
    assert (finding.code, finding.severity) == ("venv-base-gone", "error")
    assert finding.evidence["home"] == gone
    assert not here.check().ok


def test_a_python_that_was_upgraded(placed, new_venv, here):
    venv = new_venv("upgraded")
    old = venv.path / "lib/python3.8/site-packages"
    (old / "pip-23.0.dist-info").mkdir(parents=True)
    assert list(foundations.venv_python_upgraded(placed(venv))) == []
    (old / "numpy-1.24.dist-info").mkdir()
    (finding,) = foundations.venv_python_upgraded(placed(venv))
    assert (finding.code, finding.severity) == ("venv-python-upgraded", "warning")
    assert finding.evidence["location"] == str(old)
    assert "venv-python-upgraded" in codes(here.check())
