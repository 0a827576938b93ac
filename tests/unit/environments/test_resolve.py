import importlib
import importlib.util
import os
import subprocess
import sys
import types
import zipfile

import pytest

from ipy_envmagic.environments.resolve import Module, is_standard_library, resolve, walk


def write(root, *names, text=""):
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def imported(name, *path):
    """Ask a real interpreter, which imports the parents on the way."""
    code = (
        "import sys, importlib.util; name, *path = sys.argv[1:]; sys.path[:0] = path\n"
        "spec = importlib.util.find_spec(name); print(spec.origin or list(spec.submodule_search_locations)[0])"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", code, name, *map(str, path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize(
    "name", ["json", "json.decoder", "email.mime.text", "sqlite3", "_ctypes", "encodings.utf_8", "xml.dom"]
)
def test_agrees_with_the_import_system_on_the_standard_library(name):
    module = resolve(name, sys.path)
    assert module is not None
    assert module.origin == importlib.util.find_spec(name).origin
    assert is_standard_library(name, module)


@pytest.mark.parametrize(("name", "kind"), [("sys", "built-in"), ("zipimport", "frozen")])
def test_modules_that_are_in_the_interpreter_come_before_any_file(tmp_path, name, kind):
    write(tmp_path, f"{name}.py")
    module = resolve(name, [str(tmp_path), *sys.path])
    assert module is not None
    assert module.kind == kind
    assert is_standard_library(name, module)


def test_nothing_is_imported_and_nothing_is_remembered(tmp_path):
    write(tmp_path, "loud/__init__.py", "loud/below/__init__.py", text="raise SystemExit('imported')")
    write(tmp_path, "loud/below/leaf.py", text="raise SystemExit('imported')")
    before, cached = set(sys.modules), set(sys.path_importer_cache)
    module = resolve("loud.below.leaf", [str(tmp_path)])
    assert module is not None
    assert module.origin == str(tmp_path / "loud/below/leaf.py")
    assert set(sys.modules) == before
    assert set(sys.path_importer_cache) == cached


def test_the_first_entry_wins_and_a_package_wins_over_a_module_beside_it(tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    write(one, "thing.py", "thing/__init__.py")
    write(two, "thing.py")
    assert (
        resolve("thing", [str(one), str(two)]).origin == str(one / "thing/__init__.py") == imported("thing", one, two)
    )
    assert resolve("thing", [str(two), str(one)]).origin == str(two / "thing.py") == imported("thing", two, one)
    assert resolve("thing", [str(two), str(one)]).entry == str(two)


def test_a_folder_without_init_gives_way_to_a_later_module_and_adds_up_otherwise(tmp_path):
    one, two, three = tmp_path / "one", tmp_path / "two", tmp_path / "three"
    write(one, "space/a.py")
    write(two, "space/b.py")
    write(three, "space.py")
    space = resolve("space", [str(one), str(two)])
    assert (space.kind, space.origin, space.locations) == ("namespace", None, (str(one / "space"), str(two / "space")))
    assert resolve("space.b", [str(one), str(two)]).origin == str(two / "space/b.py") == imported("space.b", one, two)
    assert resolve("space", [str(one), str(two), str(three)]).origin == str(three / "space.py")


def test_nested_namespaces_need_no_parent_that_is_loaded(tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    write(one, "vendor/cloud/storage/__init__.py")
    write(two, "vendor/cloud/queue/__init__.py")
    path = [str(one), str(two)]
    assert resolve("vendor.cloud.queue", path).origin == str(two / "vendor/cloud/queue/__init__.py")
    assert [part.name for part in walk("vendor.cloud.nothing", path)] == ["vendor", "vendor.cloud"]
    assert resolve("vendor.cloud.nothing", path) is None


@pytest.mark.parametrize(
    "init",
    [
        "__path__ = __import__('pkgutil').extend_path(__path__, __name__)\n",
        "__import__('pkg_resources').declare_namespace(__name__)\n",
    ],
)
def test_the_older_styles_of_namespace_join_their_portions(tmp_path, init):
    one, two = tmp_path / "one", tmp_path / "two"
    write(one, "old/__init__.py", text=init)
    write(two, "old/__init__.py", text=init)
    write(one, "old/a.py")
    write(two, "old/b.py")
    assert resolve("old.b", [str(one), str(two)]).origin == str(two / "old/b.py")


def test_a_plain_package_does_not_join_portions(tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    write(one, "plain/__init__.py")
    write(two, "plain/__init__.py", "plain/b.py")
    assert resolve("plain.b", [str(one), str(two)]) is None


def test_an_extension_comes_before_a_source_file(tmp_path):
    suffix = importlib.machinery.EXTENSION_SUFFIXES[0]
    write(tmp_path, "fast.py", f"fast{suffix}")
    module = resolve("fast", [str(tmp_path)])
    assert (module.kind, module.origin) == ("extension", str(tmp_path / f"fast{suffix}"))
    foreign = tmp_path / "foreign.cpython-29-x86_64-linux-gnu.so"
    foreign.touch()
    assert resolve("foreign", [str(tmp_path)]) is None


def test_a_zip_on_the_path(tmp_path):
    archive = tmp_path / "all.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("zipped/__init__.py", "")
        file.writestr("zipped/leaf.py", "")
    module = resolve("zipped.leaf", [str(archive)])
    assert (module.kind, module.origin) == ("zip", os.path.join(archive, "zipped", "leaf.py"))
    assert resolve("other", [str(archive)]) is None


@pytest.mark.parametrize("entry", ["no/such/folder", __file__, "\0", ""])
def test_entries_that_are_no_folders_break_nothing(entry):
    assert resolve("surely_not_there", [entry]) is None


def test_the_empty_entry_is_the_working_directory(tmp_path, monkeypatch):
    write(tmp_path, "local.py")
    monkeypatch.chdir(tmp_path)
    assert resolve("local", [""]).origin == str(tmp_path / "local.py")


def test_the_mapping_of_an_editable_finder_is_read_and_its_finder_is_not_called(tmp_path):
    write(tmp_path, "src/mine/__init__.py", "src/mine/part.py", "src/alone.py")
    finder = types.ModuleType("__editable___mine_1_0_finder")
    finder.MAPPING = {"mine": str(tmp_path / "src/mine"), "alone": str(tmp_path / "src/alone")}
    modules = {finder.__name__: finder}
    assert resolve("mine.part", [], modules).origin == str(tmp_path / "src/mine/part.py")
    assert resolve("alone", [], modules).origin == str(tmp_path / "src/alone.py")
    assert resolve("mine", [], modules).kind == "editable"
    assert resolve("mine", []) is None


def test_a_local_file_is_not_the_standard_library(tmp_path):
    write(tmp_path, "random.py")
    module = resolve("random", [str(tmp_path)])
    assert not is_standard_library("random", module)
    assert not is_standard_library("numpy")
    assert is_standard_library("tkinter")


def test_the_case_of_a_name_counts(tmp_path):
    write(tmp_path, "Mixed.py", "Folder/__init__.py")
    assert resolve("mixed", [str(tmp_path)]) is None
    assert resolve("folder", [str(tmp_path)]) is None
    assert resolve("Mixed", [str(tmp_path)]) is not None


def test_the_place_to_show_of_a_namespace_is_its_folder(tmp_path):
    assert Module("a", "namespace", None, "x", ("x/a",)).place == "x/a"
    assert Module("sys", "built-in", None, None).place is None
