import pytest
from backends import BACKENDS, install_editable, lend, make_source
from wheels import make_project


@pytest.mark.parametrize("kind", BACKENDS)
def test_editable_installs_are_healthy(patient, tmp_path, kind):
    project = make_source(tmp_path / "project", "envmagic_mine", kind)
    install_editable(patient.venv, project, kind)
    for asked in ("envmagic_mine", "envmagic-mine==0.1", "envmagic_mine.part"):
        seen = patient.see(f"'{asked}'", proof="import envmagic_mine.part")
        assert (seen.codes, seen.failure) == ([], None), asked
        if kind == "setuptools":
            loaded = patient.see(f"'{asked}'", before="import envmagic_mine.part")
            assert loaded.codes == []


def test_the_folder_was_moved(patient):
    project = make_project(patient.cwd / "before", "envmagic-mine", "1.0", modules={"envmagic_mine/__init__.py": ""})
    patient.venv.pip("install", "-e", str(project), env=dict(patient.env))
    assert patient.see("envmagic-mine", proof="import envmagic_mine").codes == []
    moved = project.rename(patient.cwd / "after")
    text = (moved / "pyproject.toml").read_text()
    if 'name = "envmagic-mine"' not in text:
        (moved / "pyproject.toml").write_text(text + '\n[project]\nname = "envmagic-mine"\nversion = "1.0"\n')
    cured = patient.cure("envmagic-mine", proof="import envmagic_mine")
    assert cured.before.codes == ["editable-source-gone"]
    assert cured.before.fixes == [f"%pip install -e {moved}"]
    assert f"{project}, which is not there any more" in cured.before.findings[0]["message"]
    assert cured.after.codes == []


def test_the_folder_is_gone_for_good(patient, tmp_path):
    project = make_project(tmp_path / "far" / "away", "envmagic-mine", "1.0", modules={"envmagic_mine.py": ""})
    patient.venv.pip("install", "-e", str(project), env=dict(patient.env))
    project.rename(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "pyproject.toml").unlink()
    seen = patient.see("envmagic_mine", proof="import envmagic_mine")
    assert seen.failure
    assert seen.codes[0] in {"editable-source-gone", "dead-pth"}
    assert seen.fixes == []
    assert patient.see("envmagic-mine").codes == ["editable-source-gone"]


def test_a_module_that_came_after_the_install(new_patient, tmp_path):
    patient = new_patient(PIP_NO_BUILD_ISOLATION="false")
    lend(patient.venv, "setuptools")
    project = make_source(tmp_path / "project", "envmagic_mine", "setuptools-finder")
    patient.venv.pip("install", "-e", str(project), env=dict(patient.env))
    (project / "envmagic_new").mkdir()
    (project / "envmagic_new" / "__init__.py").touch()
    settings = (project / "pyproject.toml").read_text()
    (project / "pyproject.toml").write_text(settings.replace('["envmagic_mine"]', '["envmagic_mine", "envmagic_new"]'))
    cured = patient.cure("envmagic_new", proof="import envmagic_new")
    assert cured.before.codes == ["editable-out-of-date"]
    assert cured.before.fixes == [f"%pip install -e {project}"]
    assert cured.before.restart
