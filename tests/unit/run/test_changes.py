"""What changed, told from real wheels that a real pip puts into a real environment."""

import sys
import types

import pytest

from ipy_envmagic.environments.environment import Environment
from ipy_envmagic.run import changes


@pytest.fixture
def environment(venv):
    return Environment.from_prefix(str(venv.path))


def wheel(wheelhouse, name, version):
    return wheelhouse / f"{name}-{version}-py3-none-any.whl"


def told(before, after):
    return [(change.name, change.before, change.after, change.kind) for change in changes.compare(before, after)]


def test_added_updated_reinstalled_removed(venv, environment, wheelhouse):
    empty = changes.take(environment)
    assert told(empty, changes.take(environment)) == []
    venv.install(wheel(wheelhouse, "envmagic_demo_a", "1.0"), wheel(wheelhouse, "envmagic_demo_b", "1.0"))
    one = changes.take(environment)
    assert told(empty, one) == [
        ("envmagic-demo-a", None, "1.0", "added"),
        ("envmagic-demo-b", None, "1.0", "added"),
    ]
    assert changes.touched(empty, environment)
    assert not changes.touched(one, environment)
    venv.install(wheel(wheelhouse, "envmagic_demo_a", "2.0"))
    two = changes.take(environment)
    assert told(one, two) == [("envmagic-demo-a", "1.0", "2.0", "updated")]
    venv.pip("install", "-q", "--force-reinstall", "--no-deps", str(wheel(wheelhouse, "envmagic_demo_b", "1.0")))
    three = changes.take(environment)
    assert told(two, three) == [("envmagic-demo-b", "1.0", "1.0", "reinstalled")]
    venv.pip("uninstall", "-q", "-y", "envmagic-demo-a")
    assert told(three, changes.take(environment)) == [("envmagic-demo-a", "2.0", None, "removed")]


def loaded(venv, name, file):
    module = types.ModuleType(name)
    module.__file__ = str(venv.site_packages / file)
    return {name: module}


def test_a_loaded_module_is_stale_only_when_it_is_another(venv, environment, wheelhouse):
    venv.install(wheel(wheelhouse, "envmagic_demo_a", "1.0"), wheel(wheelhouse, "envmagic_demo_renamed", "1.0"))
    modules = loaded(venv, "envmagic_demo_a", "envmagic_demo_a.py") | loaded(venv, "renamed_demo", "renamed_demo.py")
    before = changes.take(environment, modules)
    assert changes.stale_modules(before, changes.take(environment)) == ()
    venv.pip("install", "-q", "--force-reinstall", "--no-deps", str(wheel(wheelhouse, "envmagic_demo_a", "1.0")))
    assert changes.stale_modules(before, changes.take(environment)) == ()
    venv.install(wheel(wheelhouse, "envmagic_demo_a", "2.0"))
    venv.pip("uninstall", "-q", "-y", "envmagic-demo-renamed")
    assert changes.stale_modules(before, changes.take(environment)) == (
        changes.Stale("envmagic_demo_a", "1.0", "2.0"),
        changes.Stale("renamed_demo", "1.0", None),
    )


def test_compiled_parts_are_noticed(venv, environment, wheelhouse):
    venv.install(wheel(wheelhouse, "envmagic_demo_package", "1.0"))
    compiled = venv.site_packages / "envmagic_demo_package/fast.so"
    compiled.write_bytes(b"\x7fELF")
    modules = loaded(venv, "envmagic_demo_package", "envmagic_demo_package/__init__.py")
    modules |= loaded(venv, "envmagic_demo_package.fast", "envmagic_demo_package/fast.so")
    before = changes.take(environment, modules)
    venv.install(wheel(wheelhouse, "envmagic_demo_package", "2.0"))
    (stale,) = changes.stale_modules(before, changes.take(environment))
    assert (stale.module, stale.loaded, stale.installed, stale.compiled) == (
        "envmagic_demo_package",
        "1.0",
        "2.0",
        True,
    )


def test_modules_from_elsewhere_do_not_matter(venv, environment):
    before = changes.take(environment, sys.modules)
    assert before.modules == {}


def test_hostile_modules_do_no_harm(environment):
    class Hostile(types.ModuleType):
        @property
        def __file__(self):
            raise RuntimeError("no")

    changes.take(environment, {"a": None, "b": Hostile("b"), "c": 3})
