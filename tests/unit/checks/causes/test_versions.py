import pytest
from patients import codes


@pytest.mark.parametrize("asked", ["pandas>=2", "pandas==1.4.*", "PANDAS<1"])
def test_a_version_that_does_not_satisfy(here, asked):
    info = here.put("pandas", "1.5.3")
    check = here.one(asked)
    assert codes(check) == ["wrong-version"]
    assert (check.status, check.installed, check.distribution) == ("error", "1.5.3", "pandas")
    finding = check.findings[0]
    assert finding.message == f"pandas 1.5.3 is installed, and {asked} asks for another version."
    specifier = asked.lower().removeprefix("pandas")
    assert finding.evidence == {"installed": "1.5.3", "specifier": specifier, "location": str(info)}
    assert finding.fix.magic == (f"%pip install 'pandas{specifier}'",)
    assert finding.fix.restart is False


def test_a_wrong_version_that_is_loaded_needs_a_restart_too(here):
    here.put("pandas", "1.5.3")
    here.load("pandas")
    check = here.one("pandas>=2")
    assert codes(check) == ["wrong-version"]
    assert check.findings[0].fix.restart is True


@pytest.mark.parametrize("asked", ["pandas>=1", "pandas==1.*", "pandas[excel]<2", "pandas"])
def test_a_version_that_satisfies(here, asked):
    here.put("pandas", "1.5.3rc1", extras={"excel": []})
    assert codes(here.one(asked)) == []


def test_a_specifier_with_an_import_name_is_for_its_distribution(here):
    here.put("opencv-python", "4.1", modules={"cv2/__init__.py": ""})
    assert codes(here.one("cv2>=4")) == ["name-mismatch"]
    check = here.one("cv2>=5")
    assert codes(check) == ["wrong-version", "name-mismatch"]
    assert check.findings[0].fix.magic == ("%pip install 'opencv-python>=5'",)
