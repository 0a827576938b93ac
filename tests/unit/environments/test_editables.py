import json
import os
import sys

import pytest
from backends import BACKENDS, install_editable, lend, make_source

from ipy_envmagic.environments.resolve import resolve

PACKAGE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(__file__))))
BOTH = """
import importlib.util, json, sys
from ipy_envmagic.environments.resolve import resolve
answers = {}
for name in sys.argv[1:]:
    ours = resolve(name, sys.path, sys.modules, sys.meta_path)
    try:
        real = importlib.util.find_spec(name)
    except ModuleNotFoundError:
        real = None
    answers[name] = [ours and ours.origin, real and real.origin]
print(json.dumps(answers))
"""


@pytest.mark.parametrize("kind", BACKENDS)
def test_the_finders_of_real_editable_installs(fresh_venv, tmp_path, kind):
    project = make_source(tmp_path / "project", "envmagic_mine", kind)
    install_editable(fresh_venv, project, kind)
    names = ["envmagic_mine", "envmagic_mine.part", "envmagic_mine.nothing"]
    answers = json.loads(fresh_venv.run("-W", "ignore", "-c", BOTH, *names, cwd=tmp_path).stdout)
    for name in names:
        ours, real = answers[name]
        assert ours == real, name
    assert answers["envmagic_mine"][0].startswith(str(project))


def test_distutils_of_setuptools(fresh_venv, tmp_path):
    lend(fresh_venv, "setuptools")
    answers = json.loads(fresh_venv.run("-W", "ignore", "-c", BOTH, "distutils", "distutils.core", cwd=tmp_path).stdout)
    for name, (ours, real) in answers.items():
        assert ours == real or sys.version_info < (3, 12), name  # before, the standard library has one
        assert ours


class MesonpyMetaFinder:
    """As meson-python's: asking it builds the project."""

    def __init__(self, folder):
        self._top_level_modules = {"mine"}
        self._build_path = str(folder)

    def find_spec(self, *arguments):
        raise AssertionError("asked")


def test_meson_python_is_read_and_never_asked(tmp_path):
    (tmp_path / "meson-info").mkdir()
    (tmp_path / "src").mkdir()
    files = {f"mine/{name}": tmp_path / "src" / name for name in ("__init__.py", "part.py", "fast.cpython-312-x.so")}
    for path in files.values():
        path.touch()
    plan = {"python": {str(path): {"destination": f"{{py_platlib}}/{name}"} for name, path in files.items()}}
    (tmp_path / "meson-info" / "intro-install_plan.json").write_text(json.dumps(plan))
    finder = MesonpyMetaFinder(tmp_path)
    for name in ("mine", "mine.part", "mine.fast"):
        found = resolve(name, [], {}, [finder])
        assert found.origin.startswith(str(tmp_path / "src")), name
    assert resolve("mine.nothing", [], {}, [finder]) is None
    assert resolve("other", [], {}, [finder]) is None
    (tmp_path / "meson-info" / "intro-install_plan.json").write_text("{")
    assert resolve("mine", [], {}, [finder]) is None


class RedirectingFinder:
    _redirections = None


def test_a_finder_of_another_version_breaks_nothing():
    assert resolve("nothing_of_that_name", [], {}, [RedirectingFinder, object(), None]) is None
