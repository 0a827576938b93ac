import json

import pytest
from patients import codes

from ipy_envmagic.checks.causes import kernelspecs
from ipy_envmagic.checks.causes.kernelspecs import ipykernel_of


@pytest.fixture
def put(here):
    """A function that writes a kernelspec, into the user's folder or the environment's."""

    def put(name, python, *, title=None, own=False, **more):
        root = here.venv.path / "share/jupyter" if own else here.home / ".local/share/jupyter"
        folder = root / "kernels" / name
        folder.mkdir(parents=True, exist_ok=True)
        argv = [str(python), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        text = json.dumps({"argv": argv, "display_name": title or name, "language": "python", **more})
        (folder / "kernel.json").write_text(text)
        return folder

    return put


@pytest.fixture
def with_ipykernel(here):
    here.put("ipykernel", "7.0")
    return here


def only(rule, here):
    return [(one.code, one.severity) for one in rule(here.whole)]


def test_a_kernelspec_that_starts(with_ipykernel, put):
    put("mine", with_ipykernel.venv.python)
    for rule in (
        kernelspecs.kernelspec_broken,
        kernelspecs.kernelspec_overridden,
        kernelspecs.kernelspec_bare_python,
        kernelspecs.kernelspec_misnamed,
        kernelspecs.kernelspec_environment,
    ):
        assert list(rule(with_ipykernel.whole)) == []


def test_its_python_is_gone(here, put):
    put("old", "/gone/bin/python", title="Old project")
    (finding,) = kernelspecs.kernelspec_broken(here.whole)
    assert (finding.code, finding.severity) == ("kernelspec-broken", "warning")
    assert finding.message == "The kernel 'Old project' cannot start: /gone/bin/python does not exist."
    assert "kernel remove old" in finding.fix.steps
    assert "kernelspec-broken" in codes(here.check())


def test_its_environment_has_no_ipykernel(here, put, new_venv):
    other = new_venv("bare")
    put("bare", other.python)
    (finding,) = kernelspecs.kernelspec_broken(here.whole)
    assert f"{other.path} has no ipykernel" in finding.message
    assert f"{other.python} -m pip install ipykernel" in finding.fix.steps


def test_its_file_is_damaged(here, put):
    (put("odd", "/x") / "kernel.json").write_text("{")
    assert only(kernelspecs.kernelspec_broken, here) == [("kernelspec-broken", "warning")]


def test_other_languages_are_left_alone(here, put):
    put("ir", "/gone/bin/R", language="R")
    assert only(kernelspecs.kernelspec_broken, here) == []


def test_the_user_s_one_hides_the_environment_s(with_ipykernel, put, new_venv):
    other = new_venv("other")
    with_ipykernel.environ["JUPYTER_PREFER_ENV_PATH"] = "0"
    hidden = put("python3", "python", own=True)
    taken = put("python3", other.python)
    (finding,) = kernelspecs.kernelspec_overridden(with_ipykernel.whole)
    assert (finding.code, finding.severity) == ("kernelspec-overridden", "warning")
    assert (finding.evidence["hidden"], finding.evidence["taken"]) == (str(hidden), str(taken))
    assert "kernel remove python3" in finding.fix.steps
    put("python3", with_ipykernel.venv.python)
    assert list(kernelspecs.kernelspec_overridden(with_ipykernel.whole)) == []


def test_a_bare_python_outside_of_any_environment(with_ipykernel, put):
    put("python3", "python", own=True)
    assert only(kernelspecs.kernelspec_bare_python, with_ipykernel) == []
    put("work", "python3")
    (finding,) = kernelspecs.kernelspec_bare_python(with_ipykernel.whole)
    assert (finding.code, finding.evidence["kernelspec"]) == ("kernelspec-bare-python", "work")


def test_a_name_that_is_another_environment_s(here, put, new_venv):
    one, other = new_venv("one"), new_venv("other")
    for venv in (one, other):
        (venv.site_packages / "ipykernel").mkdir()
    put("one", other.python)
    put("fine", other.python, title="Python 3 (other)")
    put("something", other.python, title="Whatever")
    (finding,) = kernelspecs.kernelspec_misnamed(here.whole)
    assert (finding.code, finding.severity) == ("kernelspec-misnamed", "warning")
    assert f"is called after {one.path} and starts {other.path}" in finding.message
    assert f"kernel add {one.path} --name one --force" in finding.fix.steps


@pytest.mark.parametrize("variable", ["PYTHONPATH", "PYTHONHOME"])
def test_variables_that_a_kernelspec_sets(with_ipykernel, put, variable):
    put("mine", with_ipykernel.venv.python, env={variable: "/srv/shared", "OTHER": "1"})
    (finding,) = kernelspecs.kernelspec_environment(with_ipykernel.whole)
    assert (finding.code, finding.severity) == ("kernelspec-environment", "warning")
    assert f"{variable}=/srv/shared" in finding.message


def test_which_ipykernel_an_environment_has(here):
    assert ipykernel_of(str(here.venv.path), "linux") is None
    (here.site / "ipykernel").mkdir()
    assert ipykernel_of(str(here.venv.path), "linux") == ""
    here.put("ipykernel", "7.4.0")
    assert ipykernel_of(str(here.venv.path), "linux") == "7.4.0"
    assert ipykernel_of("/nowhere", "linux") is None
