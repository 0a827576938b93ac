from patients import codes
from wheels import make_wheel


def test_an_extra_whose_requirement_is_not_here(patient):
    patient.venv.pip("install", "envmagic-demo-extra", env=dict(patient.env))
    assert patient.see("envmagic-demo-extra", proof="import envmagic_demo_extra").codes == []
    cured = patient.cure("envmagic-demo-extra[more]", proof="import envmagic_demo_b")
    assert cured.before.codes == ["extra-missing"]
    assert cured.before.findings[0]["message"] == (
        "envmagic-demo-extra[more] needs envmagic-demo-b, which is not installed."
    )
    assert cured.before.fixes == ["%pip install 'envmagic-demo-extra[more]'"]
    assert cured.after.codes == []


def test_an_extra_whose_requirement_is_too_old(here):
    here.put("some", extras={"fast": ["quick>=2", 'never>=1; python_version < "3"']})
    here.put("quick", "1.0")
    found = here.one("some[fast]")
    assert codes(found) == ["extra-missing"]
    assert found.findings[0].message == "some[fast] needs quick>=2, and 1.0 is installed."
    here.take("quick")
    here.put("quick", "2.0rc1")
    here.take("quick")
    here.put("quick", "2.1")
    assert codes(here.one("some[fast]")) == []
    assert codes(here.one("some[FAST]")) == []


def test_an_extra_that_there_is_not(here):
    here.put("some", extras={"fast": []})
    found = here.one("some[slow]")
    assert (codes(found), found.status) == (["extra-missing"], "warning")
    assert found.findings[0].message == "some 1.0 has no extra slow; it has fast."


def test_only_the_stubs_are_here(here):
    here.put("types-requests", modules={"requests-stubs/__init__.pyi": ""})
    found = here.one("requests")
    assert codes(found) == ["stub-only"]
    assert found.findings[0].fix.magic == ("%pip install requests",)
    here.put("requests")
    assert codes(here.one("requests")) == []
    assert codes(here.one("types-requests")) == []


def test_a_folder_of_stubs_that_no_distribution_owns(here):
    (here.site / "some-stubs").mkdir()
    assert codes(here.one("some")) == ["stub-only"]


def test_the_package_comes_beside_its_stubs(patient, tmp_path):
    make_wheel(tmp_path / "wheels", "types-requests", "2.0", modules={"requests-stubs/__init__.pyi": ""})
    make_wheel(tmp_path / "wheels", "requests", "2.0")
    patient.venv.pip("install", "types-requests", env=dict(patient.env))
    cured = patient.cure("requests", proof="import requests")
    assert cured.before.codes == ["stub-only"]
    assert cured.after.codes == []
