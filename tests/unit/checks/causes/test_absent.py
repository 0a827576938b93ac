import json
import subprocess

import pytest
from patients import codes

SUBJECT = "import {0}; print({0}.__name__)"


def test_what_is_nowhere_is_not_installed(here):
    check = here.one("pandas")
    assert codes(check) == ["not-installed"]
    assert (check.status, check.module, check.distribution, check.installed) == ("error", "pandas", "pandas", None)
    finding = check.findings[0]
    assert finding.message == "pandas is not installed in this kernel's environment."
    assert finding.evidence["prefix"] == str(here.venv.path)
    assert str(here.site) in finding.evidence["searched"]
    assert finding.fix.magic == ("%pip install pandas",)
    assert finding.fix.restart is False


@pytest.mark.parametrize(
    ("asked", "line"),
    [
        ("pandas>=2", "%pip install 'pandas>=2'"),
        ("pandas>=2,<3", "%pip install 'pandas>=2,<3'"),
        ("pandas==1.*", "%pip install 'pandas==1.*'"),
        ("pandas[excel]", "%pip install 'pandas[excel]'"),
        ("pandas[excel] >= 2 ; python_version > '3'", "%pip install 'pandas[excel]>=2'"),
        ("cv2", "%pip install opencv-python"),
        ("cv2>=4", "%pip install 'opencv-python>=4'"),
        ("sklearn.linear_model", "%pip install scikit-learn"),
        ("pandas @ https://host/a.whl?x=1&y=2", "%pip install 'pandas @ https://host/a.whl?x=1&y=2'"),
    ],
)
def test_the_line_that_installs_it(here, asked, line):
    assert here.one(asked).findings[0].fix.magic == (line,)


@pytest.mark.parametrize("url", ["https://me:secret@host/a.whl", "https://host/{name}.whl", "https://host/$name.whl"])
def test_a_url_that_no_line_can_carry_is_left_to_the_person(here, url):
    check = here.one(f"pandas @ {url}")
    assert check.findings[0].fix.magic == ()
    assert check.findings[0].fix.steps
    assert "secret" not in str(here.check(f"pandas @ {url}").to_dict())


def test_a_name_that_nothing_knows_is_a_guess(here):
    check = here.one("surely_unknown.part")
    assert codes(check) == ["not-installed"]
    assert "that its distribution is called surely_unknown is a guess" in check.findings[0].message
    assert check.findings[0].fix.magic == ("%pip install surely_unknown",)
    assert check.distribution is None
    assert here.one("módulo").findings[0].fix.magic == ()
    assert here.one("surely-unknown").findings[0].fix.magic == ("%pip install surely-unknown",)


def test_a_name_is_explained_where_its_distribution_is_called_otherwise(here):
    check = here.one("cv2")
    assert codes(check) == ["not-installed", "name-mismatch"]
    assert check.findings[1].severity == "info"
    assert check.findings[1].message == "cv2 comes from the distribution opencv-python."
    assert (check.module, check.distribution) == ("cv2", "opencv-python")
    assert codes(here.one("opencv-python")) == ["not-installed"]


def test_another_distribution_that_brings_the_module_serves(here):
    here.put("opencv-python-headless", "4.10", modules={"cv2/__init__.py": ""})
    for asked in ("cv2", "opencv-python", "opencv-python>=4"):
        check = here.one(asked)
        assert codes(check) == ["name-mismatch"]
        assert check.status == "ok"
        assert (check.module, check.distribution, check.installed) == ("cv2", "opencv-python-headless", "4.10")
    assert codes(here.one("opencv-python-headless")) == []


@pytest.mark.parametrize(
    "asked", ["unguessable", "unguessable.part", "Some-Project", "some_project", "SOME.project>=1"]
)
def test_the_distribution_is_found_by_what_it_recorded(here, asked):
    here.put("some-project", modules={"unguessable/__init__.py": "", "unguessable/part.py": ""})
    here.put("another-project")
    check = here.one(asked)
    assert (check.status, check.distribution, check.installed) == ("ok", "some-project", "1.0")
    assert check.module == (asked if asked.startswith("unguessable") else "unguessable")
    assert check.installer == "pip"
    assert check.location == str(here.site / ("unguessable/part.py" if "part" in asked else "unguessable"))
    assert codes(check) == (["name-mismatch"] if asked.startswith("unguessable") else [])


def test_a_portion_of_a_namespace_that_is_missing_is_not_installed(here):
    here.put("google-cloud-storage", modules={"google/cloud/storage/__init__.py": ""})
    assert codes(here.one("google.cloud.storage")) == []
    assert here.one("google.cloud.storage").distribution == "google-cloud-storage"
    check = here.one("google.cloud.bigquery")
    assert check.findings[0].code == "not-installed"
    assert check.findings[0].fix.magic == ("%pip install google-cloud-bigquery",)


def test_a_folder_of_that_name_does_not_stand_in_for_a_package(here):
    (here.cwd / "pandas").mkdir()
    assert codes(here.one("pandas")) == ["namespace-shadow"]
    (here.cwd / "my_own_folder").mkdir()
    assert codes(here.one("my_own_folder")) == []


def test_a_module_of_the_working_directory_is_here(here):
    (here.cwd / "mine.py").touch()
    check = here.one("mine")
    assert (codes(check), check.distribution, check.location) == ([], None, str(here.cwd / "mine.py"))


def test_metadata_in_the_working_directory_is_no_install(here):
    (here.cwd / "mine-1.0.dist-info").mkdir()
    assert codes(here.one("mine")) == ["not-installed"]


def test_what_the_kernel_has_loaded_from_elsewhere_is_here(here):
    (here.cwd / "made.py").touch()
    (here.site / "made.py").touch()
    here.load("made")
    (here.site / "made.py").unlink()
    (here.cwd / "made.py").unlink()
    assert codes(here.one("made")) == ["removed-since-import"]
    here.modules["made"].__file__ = None
    assert codes(here.one("made")) == []


def test_the_environment_of_the_shell_has_it(here, shell):
    shell.put("pandas", "2.2.0")
    check = here.one("pandas>=2")
    assert codes(check) == ["other-environment"]
    finding = check.findings[0]
    assert finding.severity == "error"
    assert finding.evidence == {
        "executable": shell.venv.python,
        "prefix": str(shell.venv.path),
        "environment": "venv shell environment",
        "distribution": "pandas",
        "version": "2.2.0",
        "location": str(shell.site / "pandas.py"),
        "kernels": [],
        "also_in": [],
    }
    assert "pandas 2.2.0" in finding.message
    assert shell.venv.python in finding.message
    assert finding.fix.magic == ("%pip install 'pandas>=2'",)
    assert f"python -m ipy_envmagic kernel add '{shell.venv.path}'" in finding.fix.steps
    assert check.status == "error"
    assert (check.distribution, check.installed, check.location) == ("pandas", None, None)


def test_the_other_environment_tells_a_name_that_no_table_knows(here, shell):
    shell.put("some-project", modules={"unguessable/__init__.py": ""})
    check = here.one("unguessable")
    assert codes(check) == ["other-environment", "name-mismatch"]
    assert check.findings[0].fix.magic == ("%pip install some-project",)
    assert check.findings[1].message == "unguessable comes from the distribution some-project."
    assert check.distribution == "some-project"


def test_the_other_environment_without_it_is_not_mentioned(here, shell):
    assert codes(here.one("pandas")) == ["not-installed"]


def test_the_kernels_own_environment_is_no_other_one(here, shell):
    here.environ["PATH"] = str(here.venv.bin)
    here.put("pandas")
    assert codes(here.one("pandas")) == []
    here.on_path = False  # taken off by somebody
    assert codes(here.one("pandas")) == ["sys-path-edited"]


def test_what_is_here_is_not_looked_for_elsewhere(here, shell):
    here.put("pandas", "2.0")
    shell.put("pandas", "2.2.0")
    assert codes(here.one("pandas")) == []


def test_a_python_on_the_path_that_is_none_breaks_nothing(here, tmp_path):
    here.environ["PATH"] = str(tmp_path / "strange")
    (tmp_path / "strange").mkdir()
    script = tmp_path / "strange/python"
    script.write_text("#!/bin/sh\nexit 1\n")
    script.chmod(0o755)
    assert codes(here.one("pandas")) == ["not-installed"]


def test_the_fix_makes_it_importable(new_venv, here, tmp_path):
    made = new_venv("with pip", pip=True)
    here.venv = made
    here.put("local-demo", modules={"local_demo.py": ""})
    here.take("local-demo")
    check = here.one("local_demo")
    (line,) = check.findings[0].fix.magic
    words = line.removeprefix("%pip ").split()
    made.pip(*words, "--find-links", str(here.wheels))
    done = subprocess.run([made.python, "-c", SUBJECT.format("local_demo")], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "local_demo"
    assert codes(here.one("local_demo")) == []


def only(check):
    (finding,) = check.findings
    assert finding.code == "other-environment"
    return finding


@pytest.mark.parametrize(
    ("place", "title"),
    [
        (".virtualenvs/science", "venv science"),
        (".local/share/virtualenvs/project-x", "venv project-x"),
        (".cache/pypoetry/virtualenvs/thing-py3", "venv thing-py3 (poetry)"),
        (".local/share/hatch/env/virtual/thing/Ab1/thing", "venv thing (hatch)"),
    ],
)
def test_any_other_environment_has_it(here, new_place, tmp_path, place, title):
    here.home = tmp_path / "tools"
    other = new_place(f"tools/{place}")
    other.put("pandas", "2.2.0")
    finding = only(here.one("pandas"))
    assert (
        finding.message == f"pandas 2.2.0 is installed in {title}, {other.venv.path}, not in this kernel's environment."
    )
    assert finding.evidence["environment"] == title
    assert f"kernel add {other.venv.path}" in finding.fix.steps


def test_the_environment_of_another_kernel_has_it(here, new_place):
    other = new_place("somewhere")
    other.put("pandas", "2.2.0")
    folder = here.home / ".local/share/jupyter/kernels/other"
    folder.mkdir(parents=True)
    argv = [other.venv.python, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    (folder / "kernel.json").write_text(json.dumps({"argv": argv, "display_name": "The other", "language": "python"}))
    finding = only(here.one("pandas"))
    assert finding.evidence["kernels"] == ["The other"]
    assert "Or choose the kernel 'The other'" in finding.fix.steps


def test_the_project_s_own_environment_has_it(here, new_place, tmp_path):
    other = new_place("work/.venv")
    other.put("pandas", "2.2.0")
    here.cwd = tmp_path / "work/deep/er"
    here.cwd.mkdir(parents=True)
    assert only(here.one("pandas")).evidence["prefix"] == str(other.venv.path)


@pytest.mark.parametrize(
    ("place", "mark"),
    [(".local/share/pipx/venvs/black", "pipx_metadata.json"), (".local/share/uv/tools/black", "uv-receipt.toml")],
)
def test_a_tool_s_environment_is_no_kernel(here, new_place, tmp_path, place, mark):
    here.home = tmp_path / "tools"
    other = new_place(f"tools/{place}")
    (other.venv.path / mark).write_text("{}")
    other.put("black", "24.1")
    finding = only(here.one("black"))
    assert f"{other.venv.path} is made for a program, and is no kernel's." in finding.fix.steps


def test_apt_has_it(here, tmp_path):
    root = tmp_path / "machine"
    site = root / "usr/lib/python3/dist-packages"
    site.mkdir(parents=True)
    (root / "usr/lib/python3.11").mkdir()
    (root / "usr/bin").mkdir()
    (root / "usr/bin/python3").symlink_to("python3.11")
    (site / "pandas").mkdir()
    (site / "pandas/__init__.py").write_text("")
    (site / "pandas-1.5.3.egg-info").mkdir()
    here.home = tmp_path / "home"
    here.known = {"root": str(root)}
    finding = only(here.one("pandas"))
    assert "pandas 1.5.3 is installed in" in finding.message
    assert finding.evidence["location"] == str(site / "pandas")
    assert finding.fix.magic == ("%pip install pandas",)


def test_many_have_it(here, new_place, tmp_path):
    here.home = tmp_path / "tools"
    for number in range(8):
        new_place(f"tools/.virtualenvs/env{number}").put("pandas", f"2.{number}")
    finding = only(here.one("pandas"))
    assert len(finding.evidence["also_in"]) == 5
