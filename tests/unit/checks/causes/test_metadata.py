import json
import shutil

import pytest
from patients import codes


def test_a_version_that_nothing_tells_is_a_warning(here):
    (here.site / "copied.py").touch()
    found = here.one("copied>=2")
    assert (codes(found), found.status) == (["metadata-missing"], "warning")
    assert codes(here.one("copied")) == []


@pytest.mark.parametrize("content", [b"", b"\n\nName: late\n", b"\xff\xfe\x00\x00", None])
def test_metadata_that_tells_nothing(here, content):
    info = here.put("some", "1.2")
    if content is None:
        (info / "METADATA").unlink()
    else:
        (info / "METADATA").write_bytes(content)
    found = here.one("some")
    assert (codes(found), found.status) == (["metadata-corrupt"], "warning")
    assert str(info / "METADATA") in found.findings[0].message
    assert found.findings[0].fix.magic == (
        f"import shutil; shutil.rmtree({str(info)!r})",
        "%pip install --force-reinstall --no-deps some==1.2",
    )


def test_the_printed_lines_bring_the_metadata_back(patient):
    patient.venv.pip("install", "envmagic-demo-a==1.0", env=dict(patient.env))
    metadata = patient.venv.site_packages / "envmagic_demo_a-1.0.dist-info" / "METADATA"
    metadata.write_bytes(b"")
    proof = "import envmagic_demo_a; from importlib.metadata import version; assert version('envmagic-demo-a') == '1.0'"
    cured = patient.cure("envmagic-demo-a", proof=proof)
    assert cured.before.codes == ["metadata-corrupt"]
    assert cured.after.codes == []
    assert b"Name: envmagic-demo-a" in metadata.read_bytes()


def test_two_records_of_one_distribution(patient):
    site = patient.venv.site_packages
    patient.venv.pip("install", "envmagic-demo-a==1.0", env=dict(patient.env))
    shutil.copytree(site / "envmagic_demo_a-1.0.dist-info", site / "old")
    patient.venv.pip("install", "envmagic-demo-a==2.0", env=dict(patient.env))
    (site / "old").rename(site / "Envmagic_Demo.A-1.0.dist-info")
    seen = patient.see("envmagic-demo-a", proof="import envmagic_demo_a")
    assert "duplicate-metadata" in seen.codes
    proof = "from importlib.metadata import distributions as d; assert sum('demo' in x.name.lower() for x in d()) == 1"
    cured = patient.cure("envmagic-demo-a", proof=proof)
    assert "is recorded 2 times" in next(
        finding["message"] for finding in cured.before.findings if finding["code"] == "duplicate-metadata"
    )
    assert cured.after.codes == []


def test_two_records_of_one_version_are_harmless(here):
    info = here.put("cryptography", "38.0.4")  # as Debian's package has it
    (here.site / "cryptography.egg-info").mkdir()
    (here.site / "cryptography.egg-info" / "PKG-INFO").write_text("Name: cryptography\nVersion: 38.0.4\n")
    for asked in ("cryptography", "cryptography>=38"):
        assert codes(here.one(asked)) == [], asked
    assert "duplicate-metadata" not in codes(here.check())
    (here.site / "cryptography.egg-info" / "PKG-INFO").write_text("Name: cryptography\nVersion: 38.0.3\n")
    assert codes(here.one("cryptography")) == ["duplicate-metadata"]
    (finding,) = [one for one in here.check().findings if one.code == "duplicate-metadata"]
    assert str(info) in finding.evidence["locations"]


def test_one_record_in_each_of_two_directories_is_none_of_its_business(here, tmp_path):
    here.put("some", "1.2")
    (tmp_path / "user" / "some-1.1.dist-info").mkdir(parents=True)
    here.extra = (str(tmp_path / "user"),)
    assert codes(here.one("some")) == []


def test_a_distribution_without_any_code(here):
    info = here.put("hollow", "1.0", modules={})
    found = here.one("hollow")
    assert codes(found) == ["empty-distribution"]
    assert found.findings[0].message == "hollow 1.0 is installed and brings no file to import."
    assert str(info) == found.findings[0].evidence["location"]
    here.put("meta", "1.0", modules={}, requires=["some"])
    assert "empty-distribution" not in codes(here.one("meta"))


def test_an_empty_distribution_that_another_needs_is_so_by_intent(here):
    here.put("merged", "2.0", modules={})
    here.put("whole", "2.0", requires=["merged==2.0"])
    for asked in ("merged", "merged>=2", "whole"):
        assert codes(here.one(asked)) == [], asked


def test_pip_over_conda(here):
    prefix = here.venv.path
    (prefix / "conda-meta").mkdir()
    (prefix / "conda-meta" / "history").touch()
    (prefix / "pyvenv.cfg").unlink()
    site = here.site.relative_to(prefix).as_posix()
    files = [f"{site}/some-1.0.dist-info/METADATA"]
    record = json.dumps({"name": "some", "version": "1.0", "build": "0", "files": files})
    (prefix / "conda-meta" / "some-1.0-0.json").write_text(record)
    here.put("some", "1.0", installer="conda")
    assert here.environment.is_conda
    assert codes(here.one("some")) == []
    here.take("some")
    here.put("some", "2.0", installer="pip")
    found = here.one("some")
    assert (codes(found), found.status) == (["conda-pip-clash"], "warning")
    assert found.findings[0].message == "conda recorded some 1.0, and another installer put 2.0 over it."
    assert found.findings[0].fix.magic == ("%pip uninstall some", "%conda install --force-reinstall some=1.0")
