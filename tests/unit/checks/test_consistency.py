import re

import pytest

from ipy_envmagic.checks.consistency import consistency
from ipy_envmagic.environments.distributions import installed, normalise
from ipy_envmagic.environments.environment import Environment


def found_by_pip(venv, env):
    """Return what `pip check` says, as pairs of a distribution and what it needs."""
    said = venv.pip("check", check=False, env=env).stdout
    pairs = set()
    for line in said.splitlines():
        match = re.match(r"(\S+) \S+ (?:requires|has requirement) ([A-Za-z0-9._-]+)", line)
        if match:
            pairs.add((normalise(match[1]), normalise(match[2].rstrip(","))))
    return pairs


def test_it_says_what_pip_check_says(venv, offline):
    for name in ("b", "old", "new", "broken", "extra"):
        venv.pip("install", "--no-deps", f"envmagic-demo-{name}", env=offline)
    environment = Environment.from_prefix(str(venv.path))
    findings = consistency(installed(environment.site_directories), environment)
    ours = {(one.evidence["distribution"], normalise(one.evidence["needs"])) for one in findings}
    assert ours == found_by_pip(venv, offline)
    assert {one.code for one in findings} == {"dependency-missing"}
    venv.pip("install", "--no-deps", "envmagic-demo-a==1.0", env=offline)
    findings = consistency(installed(environment.site_directories), environment)
    ours = {(one.evidence["distribution"], normalise(one.evidence["needs"])) for one in findings}
    assert ours == found_by_pip(venv, offline)
    assert {one.code for one in findings} == {"dependency-missing", "dependency-conflict"}
    conflict = next(one for one in findings if one.code == "dependency-conflict")
    assert conflict.message == "envmagic-demo-new 1.0 needs envmagic-demo-a>=2, and 1.0 is installed."
    assert conflict.fix.magic == ("%pip install 'envmagic-demo-a>=2'",)


def test_a_consistent_environment_has_nothing(fresh_venv, offline):
    environment = Environment.from_prefix(str(fresh_venv.path))
    findings = consistency(installed(environment.site_directories), environment)
    assert {(one.evidence.get("distribution"), one.code) for one in findings} == {
        (name, "dependency-missing") for name, _ in found_by_pip(fresh_venv, offline)
    }


def test_what_is_for_another_python(here):
    here.put("some", requires_python=">=99")
    index = installed([str(here.site)])
    (finding,) = consistency(index, here.environment)
    assert finding.code == "requires-python"
    assert finding.message.startswith("some 1.0 is for Python >=99, and this is 3.")


@pytest.mark.parametrize("requires", ["x @ https://host/x.whl", "x>=", 'x; extra == "test"', 'x; python_version < "3"'])
def test_what_asks_for_no_version_here(here, requires):
    here.put("some", requires=[requires])
    here.put("x", "0.1")
    assert consistency(installed([str(here.site)]), here.environment) == ()
