import os
import sys

import pytest
from patients import codes
from wheels import make_wheel


def test_a_file_of_the_working_directory_hides_an_installed_package(patient):
    patient.venv.pip("install", "envmagic-demo-a==1.0", env=dict(patient.env))
    (patient.cwd / "envmagic_demo_a.py").write_text("x = 1\n")
    seen = patient.see("envmagic-demo-a", proof="import envmagic_demo_a as a; a.__version__")
    assert seen.failure
    assert seen.codes == ["shadowed-by-local-file"]
    local, installed = patient.cwd / "envmagic_demo_a.py", patient.venv.site_packages / "envmagic_demo_a.py"
    assert seen.findings[0]["message"] == f"{local} is imported as envmagic_demo_a, and hides {installed}."
    assert f"give {local} another name" in seen.findings[0]["fix"]["steps"]
    local.rename(patient.cwd / "mine.py")
    seen = patient.see("envmagic-demo-a", proof="import envmagic_demo_a as a; a.__version__")
    assert (seen.codes, seen.failure) == ([], None)


@pytest.mark.parametrize("asked", ["cv2", "opencv-python"])
def test_it_is_seen_by_the_modules_name_and_by_the_distributions(here, asked):
    here.put("opencv-python", modules={"cv2/__init__.py": ""})
    (here.cwd / "cv2").mkdir()
    (here.cwd / "cv2" / "__init__.py").touch()
    assert codes(here.one(asked))[0] == "shadowed-by-local-file"


def test_a_name_of_the_standard_library_does_no_harm_in_a_kernel(here):
    (here.cwd / "random.py").touch()
    assert codes(here.one("random")) == []
    here.first = (str(here.cwd),)
    assert codes(here.one("random")) == ["shadowed-by-local-file"]
    here.modules["random"] = __import__("random")
    found = here.one("random")
    assert (codes(found), found.status) == (["shadowed-by-local-file"], "warning")  # this kernel has the right one


def test_a_persons_own_module_is_what_is_meant(here):
    here.put("helpful", modules={"helpful/__init__.py": "", "utils/__init__.py": "", "tests/__init__.py": ""})
    for name in ("utils", "tests", "mine"):
        (here.cwd / f"{name}.py").touch()
        assert codes(here.one(name)) == [], name


def test_a_project_that_is_installed_from_this_very_folder(here):
    (here.cwd / "mine").mkdir()
    (here.cwd / "mine" / "__init__.py").touch()
    info = here.put("mine", modules={"mine.pth": f"{here.cwd}\n"})
    (info / "direct_url.json").write_text('{"url": "file:///x", "dir_info": {"editable": true}}')
    assert codes(here.one("mine")) == []


def test_a_file_with_the_name_of_a_package_that_is_not_installed(here):
    (here.cwd / "pandas.py").touch()
    found = here.one("pandas")
    assert (codes(found), found.status) == (["shadowed-by-local-file"], "warning")
    found = here.one("pandas>=2")
    assert (codes(found), found.status) == (["shadowed-by-local-file"], "error")
    assert "Then %pip install 'pandas>=2'." in found.findings[0].fix.steps


def test_a_copy_on_pythonpath_comes_first(new_patient, tmp_path):
    (tmp_path / "copies").mkdir()
    (tmp_path / "copies" / "envmagic_demo_a.py").write_text("x = 1\n")
    patient = new_patient(PYTHONPATH=str(tmp_path / "copies"))
    patient.venv.pip("install", "envmagic-demo-a==1.0", env={**patient.env, "PYTHONPATH": ""})
    proof = "import envmagic_demo_a as a; a.__version__"
    seen = patient.see("envmagic-demo-a", proof=proof)
    assert seen.failure
    assert seen.codes == ["shadowed-by-earlier-path"]
    assert "a folder of PYTHONPATH comes first" in seen.findings[0]["message"]
    del patient.env["PYTHONPATH"]
    seen = patient.see("envmagic-demo-a", proof=proof)
    assert (seen.codes, seen.failure) == ([], None)


def test_an_egg_comes_first(here, tmp_path):
    here.put("some", "2.0")
    egg = tmp_path / "other-1.0-py3.12.egg"
    egg.mkdir()
    (egg / "some.py").touch()
    here.first = (str(egg),)
    found = here.one("some")
    assert codes(found) == ["shadowed-by-earlier-path"]
    assert "an egg comes first" in found.findings[0].message
    assert "easy-install.pth" in found.findings[0].fix.steps


def test_a_link_to_the_same_file_is_no_other_copy(here, tmp_path):
    here.put("some", "2.0", modules={"some/__init__.py": ""})
    (tmp_path / "links").mkdir()
    (tmp_path / "links" / "some").symlink_to(here.site / "some")
    here.first = (str(tmp_path / "links"),)
    assert codes(here.one("some")) == []


def user_copy(here, name, version):
    folder = here.home / ".local" / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}" / "site-packages"
    folder.mkdir(parents=True, exist_ok=True)
    info = here.put(name, version)
    for path in (info, here.site / f"{name}.py"):
        os.rename(path, folder / path.name)
    return folder


@pytest.mark.skipif(sys.platform in {"win32", "darwin"}, reason="the user site is elsewhere there")
def test_another_version_in_the_user_site_comes_first(here):
    folder = user_copy(here, "some", "1.0")
    here.put("some", "2.0")
    here.first = (str(folder),)
    found = here.one("some")
    assert (codes(found), found.status) == (["shadowed-by-earlier-path"], "warning")
    found = here.one("some>=2")
    assert (codes(found), found.status) == (["shadowed-by-earlier-path"], "error")
    assert "some 1.0 in" in found.findings[0].message
    assert "the user site comes first" in found.findings[0].message
    assert found.findings[0].fix.magic == ("%pip uninstall some",)


def test_a_folder_that_stands_in_for_a_package(patient):
    (patient.cwd / "envmagic_demo_a").mkdir()
    assert patient.see("envmagic_demo_a", proof="import envmagic_demo_a").codes == []  # a folder of one's own
    (patient.cwd / "pandas").mkdir()
    seen = patient.see("pandas", proof="import pandas; pandas.DataFrame")
    assert seen.failure
    assert seen.codes == ["namespace-shadow"]
    assert str(patient.cwd / "pandas") in seen.findings[0]["message"]
    assert seen.fixes == ["%pip install pandas"]


def test_an_empty_folder_in_the_site_directory(here):
    (here.site / "gone" / "data").mkdir(parents=True)
    (here.site / "gone" / "data" / "x.txt").touch()
    assert codes(here.one("gone")) == ["namespace-shadow"]
    (here.site / "gone" / "data" / "x.py").touch()
    assert codes(here.one("gone")) == []


def test_an_init_that_hides_the_portions_of_a_namespace(patient, tmp_path):
    site = patient.venv.site_packages
    (site / "envmagic_space" / "one").mkdir(parents=True)
    (site / "envmagic_space" / "one" / "__init__.py").touch()
    (tmp_path / "more" / "envmagic_space").mkdir(parents=True)
    (tmp_path / "more" / "envmagic_space" / "two.py").touch()
    (site / "more.pth").write_text(f"{tmp_path / 'more'}\n")
    assert patient.see("envmagic_space.two", proof="import envmagic_space.two").codes == []
    (site / "envmagic_space" / "__init__.py").touch()
    cured = patient.cure("envmagic_space.two", proof="import envmagic_space.two")
    assert cured.before.codes == ["namespace-shadow"]
    assert cured.before.fixes == [f"import os; os.remove({str(site / 'envmagic_space' / '__init__.py')!r})"]
    assert cured.after.codes == []


def test_a_namespace_that_is_declared_by_what_setuptools_has_no_more(patient, tmp_path):
    modules = {"setuptools/__init__.py": "", "pkg_resources.py": "def declare_namespace(name): pass\n"}
    make_wheel(tmp_path / "wheels", "setuptools", "81.0", modules=modules)
    patient.venv.pip("uninstall", "--yes", "setuptools")  # older Pythons bring it
    folder = patient.venv.site_packages / "envmagic_space"
    folder.mkdir()
    (folder / "__init__.py").write_text("__import__('pkg_resources').declare_namespace(__name__)\n")
    (folder / "one.py").touch()
    cured = patient.cure("envmagic_space.one", proof="import envmagic_space.one")
    assert cured.before.codes == ["module-removed"]
    assert cured.before.fixes == ["%pip install 'setuptools<82'"]
    assert cured.after.codes == []
