import json
import shlex

import pytest

from ipy_envmagic.checks.around import find_environment
from ipy_envmagic.checks.difference import difference
from ipy_envmagic.checks.kernel_list import kernel_list
from ipy_envmagic.errors import EnvMagicError


@pytest.fixture
def compare(here):
    def compare(name="shell"):
        session = here.session
        return difference(here.environment, find_environment(name, here.environment, session), session)

    return compare


def kernelspec(here, name, python, **more):
    folder = here.home / ".local/share/jupyter/kernels" / name
    folder.mkdir(parents=True)
    argv = [python, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    (folder / "kernel.json").write_text(
        json.dumps({"argv": argv, "display_name": f"The {name}", "language": "python", **more})
    )
    return folder


def test_what_differs(compare, here, shell):
    for place, name, version, installer in [
        *[(here, "same", "1.0", "pip"), (shell, "same", "1.0", "pip")],
        *[(here, "newer", "2.0", "pip"), (shell, "newer", "1.0", "uv")],
        *[(here, "mine", "1.0", "pip"), (shell, "theirs", "3.0", "pip")],
        *[(here, "twice", "1.0", "pip"), (shell, "twice", "1.0", "uv")],
    ]:
        place.put(name, version, installer=installer)
    listing = compare()
    assert [(row[0], row[1]) for row in listing.rows] == [
        ("other version", "newer"),
        ("only there", "theirs"),
        ("only here", "mine"),
        ("other installer", "twice"),
    ]
    assert listing.rows[0][2:] == ("2.0 (pip)", "1.0 (uv)")
    assert listing.lines[0] == "%pip install newer==1.0 theirs==3.0"
    assert listing.lines[1].endswith("-m pip install mine==1.0")
    assert "1 other version, 1 only there, 1 only here, 1 other installer" in listing.verdict
    json.dumps(listing.to_dict())
    assert "%pip install newer==1.0 theirs==3.0" in listing.to_text()
    assert "<pre" in listing.to_html()


def test_the_line_brings_them_together(compare, here, new_venv, wheelhouse):
    """Real pip: after the line that is printed, nothing differs but what is only here."""
    here.venv = new_venv("with pip", pip=True)
    here.venv.install(wheelhouse / "envmagic_demo_a-1.0-py3-none-any.whl")
    other = new_venv("other", pip=True)
    wheels = ("envmagic_demo_a-2.0-py3-none-any.whl", "envmagic_demo_package-1.0-py3-none-any.whl")
    other.install(*(wheelhouse / name for name in wheels))
    (line,) = compare(str(other.path)).lines
    assert line == "%pip install envmagic-demo-a==2.0 envmagic-demo-package==1.0"
    here.venv.pip(*shlex.split(line)[1:], env={"PIP_FIND_LINKS": str(wheelhouse)})
    assert compare(str(other.path)).rows == ()


def test_the_same_environment(compare, here):
    listing = compare(str(here.venv.path))
    assert listing.rows == ()
    assert "is this kernel's own environment" in listing.verdict


def test_two_alike(compare, here, shell):
    for place in (here, shell):
        place.put("same")
    assert compare().verdict.startswith("the same is installed here and in ")


@pytest.mark.parametrize("how", ["prefix", "interpreter", "project", "kernel", "display name", "folder", "shell"])
def test_how_an_environment_may_be_named(here, new_venv, tmp_path, how):
    other = new_venv("project/.venv" if how == "project" else ".virtualenvs/other" if how == "folder" else "other")
    here.home = tmp_path if how == "folder" else here.home
    here.environ["PATH"] = str(other.bin) if how == "shell" else ""
    if how in {"kernel", "display name"}:
        kernelspec(here, "work", other.python)
    names = {
        "prefix": str(other.path),
        "interpreter": other.python,
        "project": str(tmp_path / "project"),
        "kernel": "work",
        "display name": "The work",
        "folder": "other",
        "shell": "shell",
    }
    assert find_environment(names[how], here.environment, here.session).prefix == str(other.path)


@pytest.mark.parametrize("name", ["nothing", "", "/nowhere", "shell", ".", "\x00"])
def test_what_names_none(here, name):
    with pytest.raises(EnvMagicError, match="No environment is called"):
        find_environment(name, here.environment, here.session)


def test_a_name_of_two(here, new_venv, tmp_path):
    for folder in (".virtualenvs/same", ".local/share/pipx/venvs/same"):
        new_venv(folder)
    here.home = tmp_path
    with pytest.raises(EnvMagicError, match="give the path"):
        find_environment("same", here.environment, here.session)


def test_the_kernelspecs(here, new_venv):
    other = new_venv("other")
    here.put("ipykernel", "7.4.0")
    kernelspec(here, "mine", here.venv.python, env={"PATH": "x"})
    kernelspec(here, "gone", "/gone/bin/python")
    kernelspec(here, "bare", other.python)
    here.known = {}
    listing = kernel_list(here.environment, here.session)
    by_name = {entry["name"]: entry for entry in listing.to_dict()["kernelspecs"]}
    assert by_name["mine"]["ipykernel"] == "7.4.0"
    assert by_name["mine"]["environment"] == "venv here"
    assert by_name["mine"]["problem"] is None
    assert by_name["gone"]["problem"] == "/gone/bin/python does not exist"
    assert by_name["bare"]["problem"] == f"{other.path} has no ipykernel"
    assert (listing.status, listing.verdict) == ("warning", "3 kernelspecs, 2 of them cannot start")
    assert "sets PATH" in listing.to_text(width=200)
    assert not any(entry["this_kernel"] for entry in by_name.values())
