import os

import pytest
from patients import codes

from ipy_envmagic.checks.causes import outside
from ipy_envmagic.environments.layout import user_site


@pytest.fixture
def user(here):
    """The user's own site directory for this Python, with a distribution in it."""
    environment = here.environment
    folder = user_site(environment.base_prefix, environment.version, "linux", here.environ, str(here.home))
    os.makedirs(os.path.join(folder, "numpy-1.0.dist-info"))
    return folder


def test_pythonpath(here, tmp_path):
    assert list(outside.pythonpath_set(here.whole)) == []
    here.environ["PYTHONPATH"] = f"{tmp_path}{os.pathsep}/gone"
    (finding,) = outside.pythonpath_set(here.whole)
    assert (finding.code, finding.severity) == ("pythonpath-set", "warning")
    assert finding.evidence == {"entries": [str(tmp_path), "/gone"], "missing": ["/gone"]}
    assert "pythonpath-set" in codes(here.check())
    here.known = {"flags": frozenset({"ignore_environment"})}
    assert list(outside.pythonpath_set(here.whole)) == []


@pytest.mark.parametrize("value", ["", os.pathsep, os.pathsep * 3])
def test_an_empty_pythonpath_is_none(here, value):
    here.environ["PYTHONPATH"] = value
    assert list(outside.pythonpath_set(here.whole)) == []


def test_the_user_site_in_a_conda_environment(here, user):
    prefix = here.venv.path
    (prefix / "conda-meta").mkdir()
    (prefix / "conda-meta/history").write_text("")
    (prefix / "pyvenv.cfg").unlink()
    assert list(outside.user_site_visible(here.whole)) == []
    here.extra = (user,)
    (finding,) = outside.user_site_visible(here.whole)
    assert (finding.code, finding.severity) == ("user-site-visible", "warning")
    assert finding.evidence == {"location": user, "distributions": ["numpy"]}


def test_the_user_site_of_a_python_for_itself_is_as_it_should_be(here, user):
    here.extra = (user,)
    assert list(outside.user_site_visible(here.whole)) == []


def test_a_virtual_environment_that_sees_the_system(here, user):
    path = here.venv.path / "pyvenv.cfg"
    assert list(outside.system_site_packages(here.whole)) == []
    path.write_text(
        path.read_text().replace("include-system-site-packages = false", "include-system-site-packages = true")
    )
    (finding,) = outside.system_site_packages(here.whole)
    assert (finding.code, finding.severity, finding.fix) == ("system-site-packages", "info", None)
    here.extra = (user,)
    assert [one.code for one in outside.user_site_visible(here.whole)] == ["user-site-visible"]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[global]\ntarget = /elsewhere\n", "%pip config unset global.target"),
        ("[install]\nuser = yes\n", "%pip config unset install.user"),
        ("[install]\nprefix = /opt/all\n", "%pip config unset install.prefix"),
        ("[global]\nindex-url = https://host/simple\n", None),
    ],
)
def test_pip_s_configuration(here, text, line):
    (here.home / ".config/pip").mkdir(parents=True)
    (here.home / ".config/pip/pip.conf").write_text(text)
    found = list(outside.pip_config_redirects(here.whole))
    assert [one.fix.magic for one in found] == ([(line,)] if line else [])
    assert all((one.code, one.severity) == ("pip-config-redirects", "warning") for one in found)


def test_a_variable_of_pip(here):
    here.environ["PIP_USER"] = "1"
    (finding,) = outside.pip_config_redirects(here.whole)
    assert finding.fix.magic == ("%env PIP_USER=",)
    here.environ["PIP_USER"] = "0"
    assert list(outside.pip_config_redirects(here.whole)) == []


@pytest.mark.parametrize(
    ("name", "text", "profile", "found"),
    [
        (
            "ipython_config.json",
            '{"InteractiveShellApp": {"extensions": ["ipy_envmagic"]}}',
            "c.X.extensions = []",
            True,
        ),
        (
            "ipython_config.py",
            "c.InteractiveShellApp.extensions = ['ipy_envmagic']",
            "c.X.extensions = ['other']",
            True,
        ),
        (
            "ipython_config.py",
            "c.InteractiveShellApp.extra_extensions = ['ipy_envmagic']",
            "c.X.extensions = []",
            False,
        ),
        ("ipython_config.py", "c.InteractiveShellApp.extensions = ['ipy_envmagic']", "# c.X.extensions = []", False),
        (
            "ipython_config.py",
            "c.InteractiveShellApp.extensions = ['ipy_envmagic']",
            "c.X.extra_extensions = []",
            False,
        ),
        ("ipython_config.py", "c.X.extensions = ['ipy_envmagic']", "c.X.extensions = ['ipy_envmagic']", False),
        ("ipython_config.py", "# c.X.extensions = ['ipy_envmagic']", "c.X.extensions = []", False),
    ],
)
def test_a_profile_that_wipes_the_environment_s_extensions(here, name, text, profile, found):
    (here.venv.path / "etc/ipython").mkdir(parents=True)
    (here.venv.path / "etc/ipython" / name).write_text(text + "\n")
    folder = here.home / ".ipython/profile_default"
    folder.mkdir(parents=True)
    (folder / "ipython_config.py").write_text(profile + "\n")
    assert [one.code for one in outside.extension_wiped(here.whole)] == (["extension-wiped"] if found else [])
