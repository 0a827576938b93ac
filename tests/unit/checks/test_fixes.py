import json
import sys

import pytest
from patients import codes

from ipy_envmagic.checks.fixes import _for_conda

VERSION = f"{sys.version_info[0]}.{sys.version_info[1]}"


def write_record(place, name, version, files):
    folder = place.venv.path / "conda-meta"
    folder.mkdir(exist_ok=True)
    url = f"https://conda.example.org/conda-forge/linux-64/{name}-{version}-0.conda"
    record = {"name": name, "version": version, "build": "0", "url": url, "files": files}
    (folder / f"{name}-{version}-0.json").write_text(json.dumps(record))


@pytest.fixture
def conda(here):
    """A prefix that conda manages: its own records in ``conda-meta``, no pyvenv.cfg."""
    (here.venv.path / "pyvenv.cfg").unlink()
    write_record(here, "python", ".".join(map(str, sys.version_info[:3])), [f"bin/python{VERSION}"])
    (here.venv.path / "conda-meta/history").write_text("")
    assert here.environment.is_conda
    return here


def put_with_conda(place, package, distribution, version, **keywords):
    info = place.put(distribution, version, installer="conda", **keywords)
    site = f"lib/python{VERSION}/site-packages"
    files = [line.split(",")[0] for line in (info / "RECORD").read_text().splitlines()]
    write_record(place, package, version, [f"{site}/{file}" for file in files])


def test_conda_mends_what_conda_installed(conda):
    put_with_conda(conda, "pandas", "pandas", "1.5.3")
    check = conda.one("pandas>=2")
    assert codes(check) == ["wrong-version"]
    assert check.installer == "conda"
    assert check.findings[0].fix.magic == ("%conda install 'pandas>=2'",)
    assert conda.one("pandas==2.*").findings[0].fix.magic == ("%conda install pandas=2",)


def test_the_conda_package_may_have_another_name(conda):
    put_with_conda(conda, "pytorch", "torch", "2.0")
    assert conda.one("torch>=3").findings[0].fix.magic == ("%conda install 'pytorch>=3'",)


def test_pip_mends_what_pip_installed_in_a_conda_environment(conda):
    conda.put("pandas", "1.5.3")
    assert conda.one("pandas>=2").findings[0].fix.magic == ("%pip install 'pandas>=2'",)
    assert conda.one("numpy").findings[0].fix.magic == ("%pip install numpy",)


def test_files_that_conda_put_there_come_back_from_conda(conda):
    put_with_conda(conda, "some", "some", "1.0")
    (conda.site / "some.py").unlink()
    assert conda.one("some").findings[0].fix.magic == ("%conda install --force-reinstall some",)


def test_a_pixi_project_decides_for_itself(conda):
    put_with_conda(conda, "pandas", "pandas", "1.5.3")
    (conda.venv.path / "conda-meta/pixi").write_text(json.dumps({"manifest_path": str(conda.cwd / "pixi.toml")}))
    fix = conda.one("pandas>=2").findings[0].fix
    assert (fix.magic, fix.steps) == ((), "Run `pixi add 'pandas>=2'` in the project's folder.")


@pytest.mark.parametrize(
    ("specifier", "spec"),
    [("", ""), (">=2,<3", ">=2,<3"), ("==1.*", "=1"), ("==1.5.*,!=1.5.2", "=1.5,!=1.5.2"), ("===2.0", "==2.0")],
)
def test_specifiers_for_conda(specifier, spec):
    assert _for_conda(specifier) == spec


@pytest.mark.parametrize(
    ("asked", "line"),
    [
        ("cv2", "%conda install opencv"),
        ("tables>=3.9", "%conda install 'pytables>=3.9'"),
        ("numpy", "%pip install numpy"),
        ("opencv-python[all]", "%pip install 'opencv-python[all]'"),
    ],
)
def test_conda_brings_what_it_is_known_to_have_by_another_name(conda, asked, line):
    assert conda.one(asked).findings[0].fix.magic == (line,)
