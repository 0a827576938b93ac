import sys

import pytest
from patients import codes

from ipy_envmagic.checks.causes.pth import findings
from ipy_envmagic.environments.pth import is_hidden, read


@pytest.fixture
def project(tmp_path):
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "envmagic_mine.py").touch()
    return folder


def test_what_site_reads(tmp_path):
    (tmp_path / "b.pth").write_bytes(
        b"\xef\xbb\xbf# comment\n\n  \nhere/there  \nimport os; x = 1\nimport\tsys\n/abs\n"
    )
    (tmp_path / "a.pth").write_text("first\n")
    (tmp_path / ".hidden.pth").write_text("never\n")
    (tmp_path / "folder.pth").mkdir()
    (tmp_path / "zero.pth").write_bytes(b"a\0b\n")
    hidden, a, b, zero = read([str(tmp_path), str(tmp_path / "nowhere")])
    assert (hidden.hidden, a.hidden) == (True, False)
    assert a.folders == (str(tmp_path / "first"),)
    assert b.folders == (str(tmp_path / "here" / "there"), "/abs")
    assert b.imports == ("import os; x = 1", "import\tsys")
    assert zero.folders == ()


@pytest.mark.parametrize(
    ("name", "flags", "attributes", "expected"),
    [
        ("a.pth", 0, 0, False),
        (".a.pth", 0, 0, True),
        ("a.pth", 0x8000, 0, True),
        ("a.pth", 0, 2, True),
        ("a.pth", 0x40, 0x20, False),
    ],
)
def test_what_is_hidden(name, flags, attributes, expected):
    assert is_hidden(name, flags, attributes) is expected


def test_a_hidden_file(patient, project):
    site = patient.venv.site_packages
    (site / ".mine.pth").write_text(f"{project}\n")
    if patient.see("pip", proof="import envmagic_mine").failure is None:
        pytest.skip("this Python reads hidden .pth files")
    cured = patient.cure("envmagic_mine", proof="import envmagic_mine")
    assert cured.before.codes == ["hidden-pth"]
    assert (site / "mine.pth").exists()
    assert patient.see("envmagic_mine", proof="import envmagic_mine").failure is None  # a new kernel has it too


@pytest.mark.parametrize("line", ["import nothing_of_that_name", "import sys; this is no python"])
def test_a_line_that_fails(patient, project, line):
    site = patient.venv.site_packages
    (site / "mine.pth").write_text(f"{line}\n{project}\n")
    cured = patient.cure("envmagic_mine", proof="import envmagic_mine")
    assert cured.before.codes == ["broken-pth"]
    assert repr(line) in cured.before.findings[0]["message"]


def test_a_folder_that_is_gone(patient, project):
    site = patient.venv.site_packages
    (site / "envmagic-mine.pth").write_text(f"{project}\n")
    assert patient.see("envmagic_mine", proof="import envmagic_mine").codes == []
    moved = project.rename(project.with_name("moved"))
    seen = patient.see("envmagic_mine", proof="import envmagic_mine")
    assert seen.codes == ["dead-pth"]
    (site / "envmagic-mine.pth").write_text(f"{moved}\n")
    assert patient.see("envmagic_mine", proof="import envmagic_mine").codes == []


def test_a_file_in_a_folder_that_is_no_site_directory(new_patient, project, tmp_path):
    (tmp_path / "target").mkdir()
    (tmp_path / "target" / "mine.pth").write_text(f"{project}\n")
    patient = new_patient(PYTHONPATH=str(tmp_path / "target"))
    cured = patient.cure("envmagic_mine", proof="import envmagic_mine")
    assert cured.before.codes == ["unprocessed-pth"]
    assert cured.after.codes == []


def test_all_of_an_environment(here, project):
    here.modules = sys.modules
    assert not list(findings(here.whole))
    (here.site / "one.pth").write_text(f"{project}/gone\n{project}\n")
    (here.site / "two.pth").write_text("import nothing_of_that_name; nothing_of_that_name.start()\n")
    (here.site / ".three.pth").write_text("x\n")
    (here.site / "four.pth").write_text("import sys; exec('x = 1')\nimport os\n")
    found = list(findings(here.whole))
    assert sorted(one.code for one in found) == ["broken-pth", "dead-pth", "hidden-pth"]
    assert {one.severity for one in found} == {"warning"}
    assert codes(here.one("pip"))
