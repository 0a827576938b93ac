import json
import os
import shutil
import subprocess
import sys
import tempfile
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

import pytest
from patients import codes
from wheels import make_wheel

from ipy_envmagic.checks.check import check

PARTS = {"some/__init__.py": "x = 1\n", "some/part.py": "y = 2\n", "some/tests/test_part.py": "", "some/data.txt": "z"}


def uv():
    found = shutil.which("uv", path=str(Path(sys.executable).parent))
    return found or pytest.skip("uv is not installed")


def test_a_distribution_whose_files_are_gone(here):
    here.put("some-project", "1.2", modules={"some/__init__.py": "", "some/part.py": ""})
    shutil.rmtree(here.site / "some")
    found = here.one("some-project")
    assert codes(found) == ["files-missing"]
    assert found.findings[0].message == "some-project 1.2 is recorded as installed, but its files are gone."
    assert found.findings[0].evidence["damaged"] == 2
    assert found.findings[0].evidence["first"] == ["some/__init__.py", "some/part.py"]
    assert found.findings[0].fix.magic == ("%pip install --force-reinstall --no-deps some-project==1.2",)
    here.put("some-project", "1.2", modules={"some/__init__.py": "", "some/part.py": ""})
    assert codes(here.one("some-project")) == []


def test_some_of_the_files_are_gone(here):
    here.put("some", "1.2", modules=PARTS)
    assert codes(here.one("some")) == []
    (here.site / "some" / "part.py").unlink()
    found = here.one("some")
    assert codes(found) == ["files-missing"]
    assert found.findings[0].message == "A file of some 1.2 is missing: some/part.py."
    shutil.rmtree(here.site / "some")
    (here.site / "some").mkdir()
    assert codes(here.one("some")) == ["files-missing"]  # not a namespace package


def test_tests_data_and_sources_beside_their_bytecode_may_be_taken_away(here):
    here.put("some", "1.2", modules=PARTS)
    shutil.rmtree(here.site / "some" / "tests")
    (here.site / "some" / "part.py").rename(here.site / "some" / "part.pyc")
    assert codes(here.one("some")) == []


def test_a_change_in_a_folder_below_is_seen_by_the_next_check(here):
    here.put("some", "1.2", modules={**PARTS, "some/deep/er/__init__.py": "", "some/deep/er/x.py": "pass\n"})
    assert codes(here.one("some")) == []
    assert codes(here.one("some")) == []
    (here.site / "some/deep/er/x.py").unlink()
    assert codes(here.one("some")) == ["files-missing"]


@pytest.mark.parametrize("content", ["", "x = \0\0\0", "def broken(:\n"])
def test_a_module_that_is_no_python_any_more(here, content):
    here.put("some", "1.2", modules=PARTS)
    assert codes(here.one("some")) == []
    (here.site / "some" / "__init__.py").write_text(content)
    found = here.one("some")
    assert codes(found) == ["file-corrupt"]
    what = "is empty" if not content else "is cut short or overwritten"
    assert found.findings[0].message == f"some/__init__.py of some 1.2 {what}."
    assert found.findings[0].fix.magic == ("%pip install --force-reinstall --no-deps some==1.2",)


def test_a_module_that_somebody_edited_is_his_business(here):
    here.put("some", "1.2", modules=PARTS)
    (here.site / "some" / "part.py").write_text("y = 3  # mended by hand\n")
    assert codes(here.one("some")) == []


def test_an_extension_that_is_cut_short_or_zeros(here):
    library = Path(shutil.which("env") or sys.executable).read_bytes()
    if library[:4] != b"\x7fELF":
        pytest.skip("no ELF file is at hand")
    suffix = EXTENSION_SUFFIXES[0]
    here.put("some", "1.2", modules={**PARTS, f"some/_core{suffix}": library})
    assert codes(here.one("some")) == []
    path = here.site / f"some/_core{suffix}"
    for content in (library[: len(library) // 2], b"\0" * len(library), b"\0" * 10, b""):
        path.write_bytes(content)
        found = here.one("some")
        assert codes(found) == ["file-corrupt"], len(content)
        assert "Importing it can end the kernel." in found.findings[0].message
    path.write_bytes(library + b"signature")  # stripped, signed: another size, and whole
    assert codes(here.one("some")) == []


def test_the_printed_line_brings_the_files_back(patient):
    patient.venv.pip("install", "envmagic-demo-package==1.0", env=dict(patient.env))
    shutil.rmtree(patient.venv.site_packages / "envmagic_demo_package")
    cured = patient.cure("envmagic-demo-package", proof="import envmagic_demo_package.part")
    assert cured.before.codes == ["files-missing"]
    assert cured.after.codes == []


def test_the_printed_line_mends_a_file_that_was_cut_short(patient):
    patient.venv.pip("install", "envmagic-demo-package==1.0", env=dict(patient.env))
    (patient.venv.site_packages / "envmagic_demo_package" / "__init__.py").write_bytes(b"\0" * 22)
    cured = patient.cure("envmagic_demo_package", proof="import envmagic_demo_package.part")
    assert cured.before.codes == ["file-corrupt"]
    assert cured.after.codes == []


def test_links_into_a_cache_that_was_cleaned(patient, tmp_path):
    variables = {**patient.env, "UV_CACHE_DIR": str(tmp_path / "cache")}
    install = [uv(), "pip", "install", "--quiet", "--link-mode=symlink", "--python", patient.venv.python]
    subprocess.run([*install, "envmagic-demo-package==1.0"], check=True, env=variables)
    assert patient.see("envmagic_demo_package", proof="import envmagic_demo_package").codes == []
    shutil.rmtree(tmp_path / "cache")
    cured = patient.cure("envmagic_demo_package", proof="import envmagic_demo_package.part")
    assert cured.before.codes == ["broken-link"]
    assert str(tmp_path / "cache") in cured.before.findings[0]["message"]
    assert cured.after.codes == []


def test_a_sibling_that_was_removed_took_shared_files_along(patient, tmp_path):
    for name in ("pyjwt", "jwt"):
        make_wheel(tmp_path / "wheels", name, "1.0", modules={"jwt/__init__.py": f"made_by = {name!r}\n"})
    for name in ("pyjwt", "jwt"):
        patient.venv.pip("install", name, env=dict(patient.env))
    both = patient.see("jwt", proof="import jwt")
    assert both.findings[0]["code"] == "clobbered"
    patient.venv.pip("uninstall", "--yes", "jwt")
    cured = patient.cure("pyjwt", proof="import jwt; assert jwt.made_by == 'pyjwt'")
    assert cured.before.codes == ["clobbered"]
    assert "jwt shared its folder and was removed" in cured.before.findings[0]["message"]
    assert cured.after.codes == []


def test_two_projects_in_one_folder_are_a_warning(here):
    here.put("opencv-python", "4.9", modules={"cv2/__init__.py": "x = 1\n"})
    here.put("opencv-python-headless", "4.9", modules={"cv2/__init__.py": "x = 1\n"})
    found = here.one("opencv-python")
    assert (codes(found), found.status) == (["clobbered"], "warning")
    assert found.findings[0].fix.magic == (
        "%pip uninstall opencv-python opencv-python-headless",
        "%pip install --no-deps opencv-python==4.9",
    )
    here.take("opencv-python-headless")
    (here.site / "cv2").mkdir(exist_ok=True)
    (here.site / "cv2" / "__init__.py").write_text("x = 1\n")
    assert codes(here.one("opencv-python")) == []


@pytest.mark.skipif(os.name == "nt", reason="modes of POSIX")
def test_what_this_user_may_not_read(here):
    with tempfile.TemporaryDirectory() as folder:  # the folders of pytest are for their owner alone
        Path(folder).chmod(0o755)
        closed = Path(folder) / "closed"
        closed.mkdir()
        (closed / "__init__.py").touch()
        here.extra = (folder,)
        assert codes(here.one("closed")) == []
        (closed / "__init__.py").chmod(0)
        session, environment = here.session, here.environment  # as root, whom no mode stops, be somebody else
        was = os.geteuid()
        os.seteuid(65534 if was == 0 else was)
        try:
            (result,) = check(["closed"], environment, session).checks
        finally:
            os.seteuid(was)
        assert codes(result) == ["unreadable"]
        assert result.findings[0].message == f"{closed / '__init__.py'} is here, but this user may not read it."
        assert f"chmod -R a+rX {closed / '__init__.py'}" in result.findings[0].fix.steps


def test_a_distribution_without_modules_is_fine(here):
    here.put("only-scripts", modules={}, data={"scripts/tool": "#!python\n"})
    here.put("only-dependencies", modules={}, requires=["pytest"])
    for name in ("only-scripts", "only-dependencies"):
        assert here.one(name).module is None
        assert "files-missing" not in codes(here.one(name))


def test_an_editable_install_is_here_though_its_folder_is_not_on_the_path(here):
    info = here.put("mine", modules={"__editable___mine_finder.py": ""})
    url = {"url": here.cwd.as_uri(), "dir_info": {"editable": True}}
    (info / "direct_url.json").write_text(json.dumps(url))
    found = here.one("mine")
    assert (codes(found), found.module, found.installed) == ([], "mine", "1.0")


def test_stubs_and_unusual_layouts_are_fine(here):
    here.put("types-thing", modules={"thing-stubs/__init__.pyi": ""})
    here.put("win-like", modules={"deep/er/module.py": "", "win_like.pth": "deep\n"})
    for name in ("types-thing", "win-like"):
        assert codes(here.one(name)) == []
