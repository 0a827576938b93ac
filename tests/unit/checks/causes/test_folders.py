import sys

import pytest
from patients import codes
from wheels import make_project


@pytest.mark.skipif(sys.platform in {"win32", "darwin"}, reason="the user site is elsewhere there")
def test_the_user_site_has_it_and_this_environment_does_not_look_there(patient, home):
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    folder = home / ".local" / "lib" / version / "site-packages"
    folder.mkdir(parents=True)
    (folder / "envmagic_demo_a.py").touch()
    cured = patient.cure("envmagic-demo-a", proof="import envmagic_demo_a")
    assert cured.before.codes == ["user-site-disabled"]
    assert "a virtual environment does not look there" in cured.before.findings[0]["message"]
    assert cured.after.codes == []


@pytest.mark.skipif(sys.platform in {"win32", "darwin"}, reason="the user site is elsewhere there")
def test_the_user_site_of_another_python_has_it(here):
    folder = here.home / ".local" / "lib" / "python3.7" / "site-packages"
    folder.mkdir(parents=True)
    (folder / "mine.py").touch()
    found = here.one("mine")
    assert codes(found) == ["other-environment"]
    assert found.findings[0].message.startswith(f"mine is in the user site of python3.7, {folder}")


def test_a_module_in_a_folder_above(patient):
    (patient.cwd / "deep" / "er").mkdir(parents=True)
    (patient.cwd / "helpers_of_mine.py").touch()
    deeper = type(patient)(patient.venv, patient.cwd / "deep" / "er", patient.env)
    cured = deeper.cure("helpers_of_mine", proof="import helpers_of_mine")
    assert cured.before.codes == ["not-on-path"]
    assert cured.before.fixes == [f"import sys; sys.path.append({str(patient.cwd)!r})"]
    assert cured.after.codes == []


def test_a_project_with_a_src_folder(patient):
    make_project(patient.cwd, "envmagic-mine", "1.0", modules={"envmagic_mine/__init__.py": ""})
    cured = patient.cure("envmagic_mine", proof="import envmagic_mine")
    assert cured.before.codes == ["not-on-path"]
    assert cured.before.fixes == [f"%pip install -e {patient.cwd}"]
    message = cured.before.findings[0]["message"]
    assert message.startswith(f"envmagic_mine is in {patient.cwd / 'src'}, which is not on")
    assert cured.after.codes == []


@pytest.mark.parametrize("variable", ["JPY_SESSION_NAME", "__vsc_ipynb_file__"])
def test_a_module_beside_the_notebook(here, tmp_path, variable):
    folder = tmp_path / "notebooks"
    folder.mkdir()
    (folder / "helpers_of_mine.py").touch()
    notebook = str(folder / "mine.ipynb")
    if variable.startswith("JPY"):
        here.environ[variable] = notebook
    else:
        here.known["variables"] = {variable: notebook}
    assert codes(here.one("helpers_of_mine")) == ["not-on-path"]


@pytest.mark.skipif(sys.version_info < (3, 11), reason="-P came with Python 3.11")
def test_the_working_directory_is_kept_off_the_path(here):
    (here.cwd / "helpers_of_mine.py").touch()
    assert codes(here.one("helpers_of_mine")) == []
    session = here.session
    from ipy_envmagic.checks.check import check
    from ipy_envmagic.checks.session import Session

    path = tuple(entry for entry in session.sys_path if entry)
    without = Session(path, {}, None, here.environ, session.home, session.cwd, flags=frozenset({"safe_path"}))
    (found,) = check(["helpers_of_mine"], here.environment, without).checks
    assert codes(found) == ["not-on-path"]
    assert "which -P, -I or PYTHONSAFEPATH keep off sys.path" in found.findings[0].message


def test_folders_above_that_are_no_modules_say_nothing(here):
    (here.cwd.parent / "plain_folder").mkdir()
    assert codes(here.one("plain_folder")) == ["not-installed"]
