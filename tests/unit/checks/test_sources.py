import json

import pytest
from patients import codes

from ipy_envmagic.checks.sources import check_sources
from ipy_envmagic.requirements.asked_for import CondaSpec, Wanted
from ipy_envmagic.requirements.imports import Imports
from ipy_envmagic.requirements.notebook import Notebook


@pytest.fixture
def look(here):
    def look(*sources, names=()):
        files = [one for one in sources if isinstance(one, Wanted)]
        notebooks = [one for one in sources if isinstance(one, Notebook)]
        return check_sources(names, files, notebooks, here.environment, here.session)

    return look


def statuses(report):
    return {check.requirement: (check.status, *codes(check)) for check in report.checks}


def test_files_and_names_together_each_once(look, here):
    here.put("numpy", "2.1.0")
    report = look(Wanted(("numpy>=2", "six")), Wanted(("six",)), names=("numpy>=2",))
    assert statuses(report) == {"numpy>=2": ("ok",), "six": ("error", "not-installed")}
    json.dumps(report.to_dict())
    report.to_html()
    report.to_text()


def test_a_file_for_another_python(look):
    report = look(Wanted(("json",), "<3", source="pyproject.toml"))
    (finding,) = report.environment_findings
    assert (finding.code, report.ok) == ("requires-python", False)
    assert report.verdict == "1 problem, though each name is usable here"
    assert look(Wanted((), ">=3.10")).ok
    assert look(Wanted((), "==2.*|>=3")).ok


def test_what_code_does_without_is_no_error(look):
    report = look(Wanted(("polars", "numpy"), optional=frozenset({"polars"})))
    assert statuses(report) == {"polars": ("ok", "optional-import"), "numpy": ("error", "not-installed")}
    needed = look(Wanted(("polars",), optional=frozenset({"polars"})), Wanted(("polars",)))
    assert statuses(needed) == {"polars": ("error", "not-installed")}
    assert statuses(look(Wanted(("six",), optional=frozenset({"six"})), names=("six",)))["six"][0] == "error"


def test_what_a_notebook_installs_itself(look):
    notebook = Notebook("nb.ipynb", Imports(("cv2", "six")), {"opencv-python": "%pip install opencv-python"})
    report = look(notebook)
    assert statuses(report) == {"cv2": ("ok", "installed-by-notebook"), "six": ("error", "not-installed")}


@pytest.mark.parametrize(
    ("keywords", "found"),
    [
        ({}, []),
        ({"language": "R"}, ["notebook-language"]),
        ({"language": "python", "version": "2.7.18"}, ["notebook-python"]),
        ({"kernelspec": "python3"}, []),
        ({"kernelspec": "nowhere"}, ["notebook-kernel"]),
        ({"unread": (2, 3)}, ["cell-unread"]),
    ],
)
def test_what_a_notebook_says_of_its_kernel(look, keywords, found):
    report = look(Notebook("nb.ipynb", Imports(), {}, **keywords))
    assert [finding.code for finding in report.environment_findings] == found
    assert report.ok == ("notebook-language" not in found)


def test_conda_s_packages_by_conda_s_records(look, here):
    prefix = here.venv.path
    (prefix / "conda-meta").mkdir()
    (prefix / "conda-meta/history").write_text("")
    (prefix / "pyvenv.cfg").unlink()
    for name, version in (("gdal", "3.9.1"), ("openssl", "3.3.2"), ("tzdata", "2024b")):
        (prefix / "conda-meta" / f"{name}-{version}-h1_0.json").write_text("{}")
    here.put("six", "1.16")
    specs = [
        *[CondaSpec("gdal=3.9", "gdal", "==3.9.*"), CondaSpec("openssl<3", "openssl", "<3")],
        *[CondaSpec("tzdata=2024b", "tzdata", "==2024b.*"), CondaSpec("six", "six"), CondaSpec("nothing", "nothing")],
        *[CondaSpec("python=3.12", "python", "==3.12.*"), CondaSpec("gdal 2|3.*", "gdal", "==2|==3.*")],
    ]
    report = look(Wanted((), conda=tuple(specs)))
    assert statuses(report) == {
        "gdal=3.9": ("ok",),
        "openssl<3": ("error", "wrong-version"),
        "tzdata=2024b": ("ok",),
        "six": ("ok",),
        "nothing": ("error", "not-installed"),
        "gdal 2|3.*": ("ok",),
    }
    fixes = {check.requirement: check.findings[0].fix.magic for check in report.checks if check.findings}
    assert fixes == {"openssl<3": ("%conda install 'openssl<3'",), "nothing": ("%conda install nothing",)}


def test_conda_s_packages_outside_of_conda(look, here):
    here.put("numpy", "2.1.0")
    specs = (CondaSpec("numpy=2.1", "numpy", "==2.1.*"), CondaSpec("gdal", "gdal"))
    assert statuses(look(Wanted((), conda=specs))) == {"numpy==2.1.*": ("ok",), "gdal": ("error", "not-installed")}
