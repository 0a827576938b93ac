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


def test_a_pre_release_comes_before_the_release(here):
    here.put("pandas", "2.0rc1")
    assert codes(here.one("pandas>=1")) == []
    found = here.one("pandas>=2")
    assert codes(found) == ["wrong-version"]
    assert found.findings[0].message.endswith("asks for another version: a pre-release comes before the release.")


def test_a_version_that_a_constraint_file_holds(here, tmp_path):
    here.put("pandas", "1.5.3")
    (tmp_path / "limits.txt").write_text("# limits\nnumpy<2\nPandas == 1.5.*  # for now\n")
    here.environ["PIP_CONSTRAINT"] = str(tmp_path / "limits.txt")
    found = here.one("pandas>=2")
    assert found.findings[0].evidence["pinned_by"] == f"{tmp_path / 'limits.txt'}: Pandas == 1.5.*  # for now"
    assert "holds it back by the line" in found.findings[0].fix.steps
    assert "pinned_by" not in here.one("numpy>=2").to_dict()["findings"][0]["evidence"]


def test_a_distribution_for_another_python(patient):
    patient.venv.pip("install", "--ignore-requires-python", "envmagic-demo-future", env=dict(patient.env))
    seen = patient.see("envmagic-demo-future")
    assert seen.codes == ["requires-python"]
    assert seen.findings[0]["message"].startswith("envmagic-demo-future 1.0 is for Python >=99, and this is 3.")
    assert seen.fixes == ["%pip install --force-reinstall envmagic-demo-future"]


def test_the_printed_line_brings_the_version(patient):
    patient.venv.pip("install", "envmagic-demo-a==1.0", env=dict(patient.env))
    proof = "import envmagic_demo_a as a; assert a.__version__ == '2.0', a.__version__"
    cured = patient.cure("'envmagic-demo-a>=2'", proof=proof)
    assert cured.before.codes == ["wrong-version"]
    assert cured.after.codes == []
    loaded = patient.cure("'envmagic-demo-a<2'", before="import envmagic_demo_a", proof=proof.replace("2.0", "1.0"))
    assert loaded.before.restart
    assert loaded.after.codes == []
