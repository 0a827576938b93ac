import os
from dataclasses import replace
from pathlib import Path

import pytest
from patients import codes

from ipy_envmagic.checks.causes import managers
from ipy_envmagic.checks.whole import Whole


def only(rule, whole):
    return [(one.code, one.severity) for one in rule(whole)]


@pytest.fixture
def conda(here):
    """The environment as conda would have made it."""
    prefix = here.venv.path
    (prefix / "conda-meta").mkdir()
    (prefix / "conda-meta/history").write_text("")
    (prefix / "pyvenv.cfg").unlink()
    return prefix


def record(prefix, name, version, build="py_0"):
    (prefix / "conda-meta" / f"{name}-{version}-{build}.json").write_text(
        f'{{"name": "{name}", "version": "{version}", "build": "{build}", "files": []}}'
    )


@pytest.mark.parametrize("mark", ["pipx_metadata.json", "uv-receipt.toml"])
def test_a_kernel_in_a_tool_s_environment(here, mark):
    assert only(managers.kernel_is_tool_env, here.whole) == []
    (here.venv.path / mark).write_text("{}")
    (finding,) = managers.kernel_is_tool_env(here.whole)
    assert (finding.code, finding.severity) == ("kernel-is-tool-env", "warning")
    assert "kernel add .venv" in finding.fix.steps


@pytest.mark.parametrize("place", [".cache/uv/archive-v0/AbC", ".cache/uv/builds-v0/x", ".cache/uv/environments-v2/s"])
def test_a_kernel_in_uv_s_cache(here, new_venv, place):
    here.venv = new_venv(place)
    assert only(managers.kernel_is_tool_env, here.whole) == [("kernel-is-tool-env", "warning")]


def test_an_externally_managed_python(here):
    whole = here.whole
    assert only(managers.externally_managed, whole) == []
    marked = replace(whole.environment, externally_managed="To install, use apt.\nMore.", manager="apt", kind="system")
    (finding,) = managers.externally_managed(Whole(marked, whole.session, {}))
    assert (finding.code, finding.severity) == ("externally-managed", "warning")
    assert finding.evidence["says"] == "To install, use apt."
    assert only(managers.apt_managed, Whole(marked, whole.session, {})) == [("apt-managed", "info")]


def test_this_machine_s_own_python(here):
    from ipy_envmagic.environments.environment import Environment

    if not Path("/usr/lib/python3/dist-packages").is_dir():
        pytest.skip("this is no Debian with a Python of its own")
    system = Environment.from_prefix("/usr", environ={}, home=str(here.home))
    found = only(managers.apt_managed, Whole(system, here.session, {}))
    assert found == [("apt-managed", "info")]
    if system.externally_managed is not None:
        assert only(managers.externally_managed, Whole(system, here.session, {})) == [("externally-managed", "warning")]


def test_a_prefix_that_may_not_be_written(here):
    whole = here.whole
    assert only(managers.not_writable, whole) == []
    shared = replace(whole.environment, writable=False)
    (finding,) = managers.not_writable(Whole(shared, whole.session, {}))
    assert (finding.code, finding.severity) == ("not-writable", "warning")
    assert "kernel add ~/envs/work --install-ipykernel" in finding.fix.steps
    assert "--user NAME" not in finding.fix.steps
    user = f"{here.home}/.local/lib/python3.12/site-packages"
    shared = replace(shared, site_directories=(*shared.site_directories, user))
    (finding,) = managers.not_writable(Whole(shared, whole.session, {}))
    assert f"%pip install --user NAME serves you alone, from {user}" in finding.fix.steps
    here.known = {"user_site": False}
    (finding,) = managers.not_writable(Whole(shared, here.session, {}))
    assert "--user NAME" not in finding.fix.steps


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="an administrator may write everywhere")
def test_a_prefix_that_really_may_not_be_written(here):
    here.site.chmod(0o555)
    try:
        assert "not-writable" in codes(here.check())
    finally:
        here.site.chmod(0o755)


def test_no_pip(here, new_venv, tmp_path):
    (finding,) = managers.no_pip(here.whole)
    assert (finding.code, finding.severity, finding.fix.magic) == ("no-pip", "info", ("%pip install pip",))
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/uv").write_text("#!/bin/sh\n")
    (tmp_path / "bin/uv").chmod(0o755)
    here.environ["PATH"] = str(tmp_path / "bin")
    (finding,) = managers.no_pip(here.whole)
    assert finding.fix is None
    assert f"uv ({tmp_path}/bin/uv) serves %pip" in finding.message
    here.venv = new_venv("with", pip=True)
    assert list(managers.no_pip(here.whole)) == []


def test_no_conda(here, conda):
    if any(os.path.exists(path) for path in ("/opt/conda/bin/conda", "/usr/bin/conda", "/usr/local/bin/conda")):
        pytest.skip("this machine has a conda where everybody looks")
    (finding,) = managers.no_conda(here.whole)
    assert (finding.code, finding.severity) == ("no-conda", "warning")
    (conda / "bin/conda").write_text("#!/bin/sh\n")
    (conda / "bin/conda").chmod(0o755)
    assert list(managers.no_conda(here.whole)) == []


def test_outside_conda_nobody_asks_for_it(here):
    for rule in (managers.no_conda, managers.pip_over_conda, managers.conda_frozen):
        assert list(rule(here.whole)) == []


def test_pip_over_conda(here, conda):
    here.put("numpy", "2.1.0")
    here.put("six", "1.16", installer="conda")
    here.put("own", "1.0")
    record(conda, "numpy", "1.26.4")
    record(conda, "six", "1.16")
    (finding,) = managers.pip_over_conda(here.whole)
    assert (finding.code, finding.severity) == ("pip-over-conda", "warning")
    assert finding.evidence == {"numpy": "2.1.0 here, 1.26.4 in conda's record"}
    assert finding.fix.magic == ("%conda install --force-reinstall numpy",)


def test_a_frozen_environment(here, conda):
    assert list(managers.conda_frozen(here.whole)) == []
    (conda / "conda-meta/frozen").write_text('{"message": "Ask Grace."}')
    (finding,) = managers.conda_frozen(here.whole)
    assert (finding.code, finding.severity) == ("conda-frozen", "warning")
    assert "Its owner says: Ask Grace." in finding.message


@pytest.mark.parametrize(
    ("lock", "manager", "add"),
    [
        ("uv.lock", "uv", "uv add"),
        ("poetry.lock", "poetry", "poetry add"),
        ("pdm.lock", "pdm", "pdm add"),
        ("Pipfile.lock", "pipenv", "pipenv install"),
    ],
)
def test_a_lock_file_rules(here, new_venv, tmp_path, lock, manager, add):
    here.venv = new_venv("project/.venv")
    assert list(managers.lock_managed(here.whole)) == []
    (tmp_path / "project" / lock).write_text("")
    (finding,) = managers.lock_managed(here.whole)
    assert (finding.code, finding.severity) == ("lock-managed", "info")
    assert (finding.evidence["manager"], add in finding.fix.steps) == (manager, True)
    assert here.check().ok


def test_pixi_s_lock(here, new_venv, tmp_path):
    here.venv = new_venv("project/.pixi/envs/default")
    prefix = here.venv.path
    (prefix / "conda-meta").mkdir()
    (prefix / "conda-meta/pixi").write_text("{}")
    (prefix / "pyvenv.cfg").unlink()
    (tmp_path / "project/pixi.lock").write_text("")
    (finding,) = managers.lock_managed(here.whole)
    assert finding.evidence["manager"] == "pixi"


def test_a_lock_file_beside_some_other_environment_does_not(here, new_venv, tmp_path):
    here.venv = new_venv("project/tools")
    (tmp_path / "project/uv.lock").write_text("")
    assert list(managers.lock_managed(here.whole)) == []
