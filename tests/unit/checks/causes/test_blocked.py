import sys
import types
from importlib.machinery import BuiltinImporter, FrozenImporter, PathFinder

import pytest
from patients import codes


class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name == "numpy":
            raise ImportError("not in this house")


class Silent:
    def find_spec(self, name, path=None, target=None):
        return None


class Installer:
    def find_spec(self, name, path=None, target=None):
        raise AssertionError("asked")


PYTHONS = (BuiltinImporter, FrozenImporter, PathFinder)


def test_none_in_sys_modules(here):
    here.put("numpy", modules={"numpy/__init__.py": "", "numpy/linalg.py": ""})
    here.modules["numpy"] = None
    for name in ("numpy", "numpy.linalg"):
        found = here.one(name)
        assert codes(found)[0] == "import-blocked"
        assert found.findings[0].message == "numpy is blocked in this kernel: sys.modules['numpy'] is None."
        assert found.findings[0].fix.magic == ("import sys; del sys.modules['numpy']",)
    del here.modules["numpy"]
    here.modules["numpy.linalg"] = None
    assert codes(here.one("numpy.linalg")) == ["import-blocked"]
    assert codes(here.one("numpy")) == []


def test_the_printed_line_takes_the_block_away(patient):
    patient.venv.pip("install", "envmagic-demo-a", env=dict(patient.env))
    cured = patient.cure(
        "envmagic_demo_a", before="import sys; sys.modules['envmagic_demo_a'] = None", proof="import envmagic_demo_a"
    )
    assert cured.before.codes == ["import-blocked"]
    assert cured.after.codes == []


def test_a_hook_that_refuses(patient):
    patient.venv.pip("install", "envmagic-demo-a", env=dict(patient.env))
    hook = """
import sys
class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.startswith("envmagic_demo"):
            raise ImportError("not in this house")
sys.meta_path.insert(0, Blocker())
"""
    cured = patient.cure("envmagic_demo_a", before=hook, proof="import envmagic_demo_a")
    assert cured.before.codes == ["import-blocked"]
    assert "the import hook Blocker of __main__ refuses it" in cured.before.findings[0]["message"]
    assert cured.after.codes == []


def test_hooks_that_find_nothing_or_stand_behind_the_path_are_let_be(here):
    here.put("numpy")
    here.known["meta_path"] = (Silent(), object(), *PYTHONS, Installer(), Blocker())
    assert codes(here.one("numpy")) == []
    assert codes(here.one("absent_thing")) == ["not-installed"]
    here.known["meta_path"] = (Blocker(), *PYTHONS)
    assert codes(here.one("numpy")) == ["import-blocked"]
    here.load("numpy")
    assert codes(here.one("numpy")) == []  # no finder is asked for what is loaded


def test_an_import_that_has_not_ended(here):
    here.put("numpy")
    module = here.load("numpy")
    assert codes(here.one("numpy")) == []
    module.__spec__ = types.SimpleNamespace(_initializing=True)
    found = here.one("numpy")
    assert codes(found) == ["half-initialised"]
    assert found.findings[0].fix.restart


def test_a_package_of_which_parts_alone_are_loaded(here):
    here.put("numpy", modules={"numpy/__init__.py": "", "numpy/core.py": ""})
    here.modules["numpy.core"] = types.ModuleType("numpy.core")
    found = here.one("numpy")
    assert (codes(found), found.status) == (["half-initialised"], "warning")
    here.load("numpy")
    assert codes(here.one("numpy")) == []


@pytest.mark.parametrize(
    ("value", "hidden"),
    [(3, True), ("text", True), (sys, False), (types.SimpleNamespace(), True), (Blocker, True), (None, True)],
)
def test_a_variable_of_the_modules_name(here, value, hidden):
    here.put("numpy")
    here.known["variables"] = {"numpy": value}
    found = here.one("numpy")
    assert codes(found) == (["name-hidden"] if hidden else [])
    assert found.status == "ok"


def test_what_is_imported_from_a_module_of_its_own_name_is_meant(here):
    here.put("tqdm")
    for kind in (type("tqdm", (), {"__module__": "tqdm.std"}), type("tqdm", (), {"__module__": "_tqdm"})):
        here.known["variables"] = {"tqdm": kind}
        assert codes(here.one("tqdm")) == []


def test_the_printed_line_uncovers_the_module(patient):
    seen = patient.see("json", before="import json\njson = 3")
    assert seen.codes == ["name-hidden"]
    assert seen.fixes == ["del json"]
