import os
import types

import pytest
from patients import codes


def test_a_module_that_a_package_has_not_is_no_install(here):
    here.put("pkg", modules={"pkg/__init__.py": "", "pkg/part.py": ""})
    found = here.one("pkg.prat.leaf")
    assert codes(found) == ["submodule-missing"]
    assert found.findings[0].message == "pkg is here, but it has no module pkg.prat. Did you mean pkg.part?"
    assert found.findings[0].fix.magic == ()
    assert here.one("pkg.zzzzzz").findings[0].message == "pkg is here, but it has no module pkg.zzzzzz."


@pytest.mark.parametrize("init", ["import sys\nsys.modules['pkg.made'] = sys\n", "__path__ = ['elsewhere']\n"])
def test_a_module_that_a_package_makes_itself_is_not_called_missing(here, init):
    here.put("pkg", modules={"pkg/__init__.py": init})
    found = here.one("pkg.made")
    assert (codes(found), found.distribution) == ([], "pkg")


def test_a_module_that_a_finder_of_the_package_makes_is_not_called_missing(here):
    finder = "import sys\n\n\nclass Finder:\n    pass\n\n\nsys.meta_path.insert(0, Finder())\n"
    here.put(
        "pkg", modules={"pkg/__init__.py": "from pkg import _build\n", "pkg/_build.py": finder, "pkg/dir.py/x": ""}
    )
    assert codes(here.one("pkg.made")) == []  # as `tlz` does
    (here.site / "pkg" / "_build.py").write_text("")
    assert codes(here.one("pkg.made")) == ["submodule-missing"]


def test_a_name_in_a_file_is_no_module(here):
    here.put("pkg", modules={"pkg/__init__.py": "", "pkg/part.py": "x = 1\n"})
    found = here.one("pkg.part.x")
    assert codes(found) == ["not-a-module"]
    assert found.findings[0].message == "pkg.part.x is no module: it is at most a name in the module pkg.part."
    assert found.findings[0].fix.steps == "Write `from pkg.part import x`, and check pkg.part alone."


def test_a_function_of_a_loaded_module_is_named_as_what_it_is(here):
    here.modules.update({"os": os, "os.path": os.path})
    found = here.one("os.path.join")
    assert codes(found) == ["not-a-module"]
    assert found.findings[0].message == "os.path.join is no module: it is a function of the module os.path."
    assert codes(here.one("os.path")) == []


def test_a_module_behind_a_function_of_its_name_is_one(here):
    here.put(
        "pkg", modules={"pkg/__init__.py": "def part():\n    pass\n\n\ndef other():\n    pass\n", "pkg/part.py": ""}
    )
    here.load("pkg")
    assert codes(here.one("pkg.part")) == []
    here.modules["pkg.part"] = types.ModuleType("pkg.part")
    assert codes(here.one("pkg.part")) == []
    assert codes(here.one("pkg.other")) == ["not-a-module"]


def test_a_module_that_a_loaded_package_has_made_is_one(here):
    here.put("pkg", modules={"pkg/__init__.py": ""})
    package = here.load("pkg")
    package.made = types.ModuleType("pkg.made")
    here.modules["pkg.made"] = package.made
    assert codes(here.one("pkg.made")) == []


def test_a_module_that_a_later_release_has_no_more(here):
    here.put("setuptools", "82.0.1", modules={"setuptools/__init__.py": ""})
    found = here.one("pkg_resources")
    assert codes(found)[0] == "module-removed"
    assert "pkg_resources was taken out of setuptools in 82, and 82.0.1 is installed here." in found.findings[0].message
    assert found.findings[0].fix.magic == ("%pip install 'setuptools<82'",)
    here.take("setuptools")
    here.put("setuptools", "81.0", modules={"setuptools/__init__.py": "", "pkg_resources/__init__.py": ""})
    assert "module-removed" not in codes(here.one("pkg_resources"))
    assert codes(here.one("sklearn.externals.joblib")) != ["module-removed"]


def test_a_removed_part_of_a_package_that_is_here(here):
    here.put("scikit-learn", "1.5", modules={"sklearn/__init__.py": "", "sklearn/externals/__init__.py": ""})
    found = here.one("sklearn.externals.joblib")
    assert codes(found)[0] == "module-removed"
    assert found.findings[0].fix.steps == "Use import joblib."


def test_the_line_brings_a_version_that_has_it(patient, tmp_path):
    from wheels import make_wheel

    make_wheel(tmp_path / "wheels", "setuptools", "82.0", modules={"setuptools/__init__.py": ""})
    modules = {"setuptools/__init__.py": "", "pkg_resources/__init__.py": ""}
    make_wheel(tmp_path / "wheels", "setuptools", "81.0", modules=modules)
    patient.venv.pip("install", "setuptools==82.0", env=dict(patient.env))
    cured = patient.cure("pkg_resources", proof="import pkg_resources")
    assert cured.before.codes[0] == "module-removed"
    assert [code for code in cured.after.codes if code != "name-mismatch"] == []
