import os

import pytest
from patients import codes

from ipy_envmagic.checks.causes import shells
from ipy_envmagic.checks.causes.shells import SYNC


@pytest.fixture
def other(new_venv):
    return new_venv("other", pip=True)


def test_a_shell_that_acts_here_is_healthy(here, new_venv):
    venv = new_venv("with pip", pip=True)
    here.venv = venv
    here.environ["PATH"] = str(venv.bin)
    assert codes(here.check()) == []
    assert here.check().to_text().splitlines()[2] == "  In the shell !python, !pip act here too."


def test_a_shell_that_acts_elsewhere(here, other):
    here.environ["PATH"] = str(other.bin)
    (finding,) = shells.shell_mismatch(here.whole)
    assert (finding.code, finding.severity) == ("shell-mismatch", "warning")
    assert "!python and !pip act on" in finding.message
    assert finding.evidence["elsewhere"] == [str(other.path)]
    assert finding.fix.magic == (SYNC,)


def test_only_pip_is_another_python_s(here, other, tmp_path):
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/pip").symlink_to(other.bin / "pip")
    here.environ["PATH"] = f"{tmp_path}/bin{os.pathsep}{here.venv.bin}"
    (finding,) = shells.shell_mismatch(here.whole)
    assert "!pip acts on" in finding.message
    assert "!python" not in finding.message


def test_a_conda_that_is_there_for_others_is_no_mismatch(here, tmp_path):
    (tmp_path / "conda/conda-meta").mkdir(parents=True)
    (tmp_path / "conda/bin").mkdir()
    (tmp_path / "conda/bin/conda").write_text("#!/bin/sh\n")
    (tmp_path / "conda/bin/conda").chmod(0o755)
    here.environ["PATH"] = str(tmp_path / "conda/bin")
    assert list(shells.shell_mismatch(here.whole)) == []


@pytest.mark.parametrize("variable", ["VIRTUAL_ENV", "CONDA_PREFIX", "UV_PROJECT_ENVIRONMENT"])
def test_a_variable_that_names_another_environment(here, other, variable):
    here.environ[variable] = str(other.path)
    (finding,) = shells.env_vars_elsewhere(here.whole)
    assert (finding.code, finding.severity) == ("env-vars-elsewhere", "warning")
    assert finding.evidence["variable"] == variable
    assert finding.fix.magic
    assert codes(here.check()).count("env-vars-elsewhere") == 1
    assert "shell-mismatch" not in codes(here.check())


@pytest.mark.parametrize(
    "variables",
    [
        {},
        {"VIRTUAL_ENV": "{here}"},
        {"VIRTUAL_ENV": "{here}", "CONDA_PREFIX": "{other}"},
        {"VIRTUAL_ENV": "/gone/for/good"},
        {"CONDA_PREFIX": "relative"},
        {"VIRTUAL_ENV": ""},
        {"CONDA_PREFIX": "{base}"},
    ],
)
def test_variables_that_are_right_or_harmless(here, other, variables):
    places = {"here": here.venv.path, "other": other.path, "base": here.environment.base_prefix}
    here.environ.update({key: value.format(**places) for key, value in variables.items()})
    assert list(shells.env_vars_elsewhere(here.whole)) == []


def test_a_conda_kernel_without_its_activation(here):
    prefix = here.venv.path
    (prefix / "conda-meta").mkdir()
    (prefix / "conda-meta/history").write_text("")
    (prefix / "pyvenv.cfg").unlink()
    assert list(shells.conda_not_activated(here.whole)) == []
    (prefix / "etc/conda/activate.d").mkdir(parents=True)
    (prefix / "etc/conda/activate.d/gdal-activate.sh").write_text("export GDAL_DATA=x\n")
    (finding,) = shells.conda_not_activated(here.whole)
    assert (finding.code, finding.severity) == ("conda-not-activated", "warning")
    assert "gdal-activate.sh" in finding.message
    assert f"kernel add {prefix}" in finding.fix.steps
    here.environ["CONDA_PREFIX"] = str(prefix)
    assert list(shells.conda_not_activated(here.whole)) == []
