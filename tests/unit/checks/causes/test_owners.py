import pytest
from patients import codes
from wheels import make_wheel


def test_another_projects_module_of_that_name(patient, tmp_path):
    make_wheel(tmp_path / "wheels", "serial", "0.0.97", modules={"serial/__init__.py": "it = 'data'\n"})
    make_wheel(tmp_path / "wheels", "pyserial", "3.5", modules={"serial/__init__.py": "class Serial: ...\n"})
    patient.venv.pip("install", "serial", env=dict(patient.env))
    cured = patient.cure("serial", proof="from serial import Serial")
    assert cured.before.codes == ["wrong-distribution"]
    assert cured.before.fixes == ["%pip uninstall serial", "%pip install pyserial"]
    assert cured.after.codes in ([], ["name-mismatch"])


@pytest.mark.parametrize(("name", "module"), [("pyserial", "serial"), ("PyJWT", "jwt"), ("python-docx", "docx")])
def test_the_project_that_is_meant(here, name, module):
    here.put(name, modules={f"{module}/__init__.py": ""})
    assert codes(here.one(module)) == ["name-mismatch"]
    assert codes(here.one(name)) == []


def test_a_name_that_was_taken_so_that_nobody_is_misled(here):
    here.put("sklearn", "0.0", modules={}, data={"scripts/x": ""})
    found = here.one("sklearn")
    assert codes(found)[0] == "known-squat"
    assert found.findings[0].fix.magic == ("%pip uninstall sklearn", "%pip install scikit-learn")
    here.put("scikit-learn", modules={"sklearn/__init__.py": ""})
    assert "known-squat" not in codes(here.one("sklearn"))


def test_the_lines_put_the_right_one_in_its_place(patient, tmp_path):
    make_wheel(tmp_path / "wheels", "sklearn", "0.0", modules={}, data={"data/share/x.txt": ""})
    make_wheel(tmp_path / "wheels", "scikit-learn", "1.5", modules={"sklearn/__init__.py": ""})
    patient.venv.pip("install", "sklearn", env=dict(patient.env))
    cured = patient.cure("sklearn", proof="import sklearn")
    assert cured.before.codes[0] == "known-squat"
    assert cured.after.codes in ([], ["name-mismatch"])
