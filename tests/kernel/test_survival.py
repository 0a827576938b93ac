"""Installs that do not end well: what was importable before is importable after, at the old or the new version."""

import os
import random
import sys

import pytest
from survival import WAYS, Survivor, attempt, make_wheels, put_back

pytestmark = pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="processes are found in /proc")

COUNT = int(os.environ.get("IPY_ENVMAGIC_TEST_KILLS", "40"))


@pytest.fixture(scope="session")
def kill_wheels(tmp_path_factory):
    folder = tmp_path_factory.mktemp("kill-wheels")
    make_wheels(folder)
    return folder


@pytest.fixture
def new_survivor(new_venv, kill_wheels, home):
    def make(program):
        made = Survivor(new_venv("survivor", kernel=True), kill_wheels, home, program)
        if program == "uv" and not made.variables["UV"]:
            pytest.skip("uv is not here")
        put_back(made)
        return made

    return make


@pytest.mark.parametrize(("program", "share"), [("pip", 0.15), ("uv", 0.1)])
@pytest.mark.parametrize("way", WAYS)
def test_whole_or_unchanged(new_survivor, way, program, share):
    survivor, count = new_survivor(program), int(COUNT * share)
    seed = random.SystemRandom().randrange(1 << 32)
    rng = random.Random(seed)
    finished = 0
    seen = survivor.look()
    for number in range(count):
        problems, done, seen = attempt(survivor, way, rng, seen)
        if problems:
            pytest.fail("\n".join([f"seed {seed}, attempt {number}", *problems]), pytrace=False)
        finished += done
        if None in seen[0].values():
            put_back(survivor)
            seen = survivor.look()
    put_back(survivor)
    assert not list((survivor.venv.path / ".ipy_envmagic/pending").iterdir())
    print(f"{program}, {way}: {finished} of {count} had been finished before they were ended", file=sys.stderr)
