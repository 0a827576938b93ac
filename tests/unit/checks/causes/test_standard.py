import dataclasses
import os
import sys

import pytest
from patients import codes
from wheels import make_wheel

from ipy_envmagic.checks.asked import parse
from ipy_envmagic.checks.causes import standard
from ipy_envmagic.checks.subject import gather
from ipy_envmagic.environments.tables import rows

LIBRARY = [os.path.dirname(os.__file__), os.path.join(os.path.dirname(os.__file__), "lib-dynload")]


@pytest.mark.parametrize("name", ["json", "os.path", "sys", "email.mime.text", "sqlite3", "zipfile", "curses"])
def test_the_standard_library_is_fine(here, name):
    here.modules.update({"os.path": os.path})
    found = here.one(name)
    assert (codes(found), found.installer, found.distribution) == ([], "standard library", None)


@pytest.mark.parametrize("asked", ["json>=2", "asyncio==3.4.3", "typing @ https://host/typing-3.whl"])
def test_there_is_nothing_to_install(here, asked):
    found = here.one(asked)
    assert (codes(found), found.status) == (["stdlib-module"], "ok")
    assert "is part of Python: there is nothing to install" in found.findings[0].message


def test_a_distribution_with_the_name_of_a_standard_module(here):
    here.put("asyncio", "3.4.3")
    found = here.one("asyncio")
    assert (codes(found), found.status) == (["stdlib-module"], "ok")
    assert "the distribution asyncio is installed, and not what is imported" in found.findings[0].message


def test_a_module_of_the_standard_library_of_another_system(here):
    name = "msvcrt" if os.name != "nt" else "posix"
    found = here.one(name)
    assert codes(found) == ["stdlib-missing"]
    assert found.findings[0].fix.magic == ()
    assert "is there on Windows only" in found.findings[0].message or os.name == "nt"


def test_a_package_whose_extension_was_not_built(here):
    name = next(one for one in ("sqlite3", "curses", "lzma") if standard._NEEDS[one] not in sys.builtin_module_names)
    assert codes(here.one(name)) == []
    here.library = LIBRARY[:1]  # without the folder of the extension modules
    if codes(here.one(name)) == []:
        pytest.skip("the extension modules of this Python lie elsewhere")
    found = here.one(name)
    assert codes(found) == ["stdlib-missing"]
    assert found.findings[0].evidence["extension"] == standard._NEEDS[name]
    assert "No index has it" in found.findings[0].fix.steps


@pytest.mark.parametrize(
    ("platform", "root", "base", "words"),
    [
        ("win32", "curses", "C:\\Python", "%pip install windows-curses"),
        ("win32", "fcntl", "C:\\Python", "it belongs to another system"),
        ("linux", "tkinter", "/opt/python", "tk-dev must be there when it is built"),
        ("linux", "zlib", "/opt/python", "zlib1g-dev"),
        ("darwin", "winreg", "/opt/python", "it belongs to another system"),
    ],
)
def test_what_brings_it_on_each_system(here, platform, root, base, words):
    environment = dataclasses.replace(here.environment, platform=platform, base_prefix=base)
    subject = gather(parse("json"), environment, here.session, {})
    fix = standard._way(root, standard._NEEDS.get(root, ""), subject)
    assert words in " ".join((*fix.magic, fix.steps))


def test_a_module_that_was_taken_out_of_the_standard_library(here):
    name = {10: "formatter", 11: "binhex"}.get(sys.version_info[1], "imp")
    found = here.one(name)
    assert codes(found) == ["stdlib-removed"]
    assert "was taken out of Python's standard library in 3." in found.findings[0].message
    (here.site / f"{name}.py").touch()
    assert "stdlib-removed" not in codes(here.one(name))


def test_a_distribution_brings_it_back(here):
    environment = dataclasses.replace(here.environment, version=(3, 13, 0))
    subject = gather(parse("telnetlib.x"), environment, here.session, {})
    assert subject.place.module is not None or standard.stdlib_removed(subject).fix.magic == (
        "%pip install standard-telnetlib",
    )


def test_the_table_agrees_with_this_python():
    here = sys.version_info[:2]
    for module, removed, _, _ in rows("removed", 4):
        gone = here >= tuple(map(int, removed.split(".")))
        root = module.partition(".")[0]
        if gone and "." not in module:
            assert root not in sys.stdlib_module_names, module
        if not gone and not module.startswith(("msilib", "nis", "spwd", "ossaudiodev", "crypt")):
            assert root in sys.stdlib_module_names, module


def test_a_distribution_brings_back_what_was_taken_out(patient, tmp_path):
    name, distribution = {12: ("asyncore", "pyasyncore"), 13: ("telnetlib", "standard-telnetlib")}.get(
        sys.version_info[1], (None, None)
    )
    if name is None:
        pytest.skip("nothing that a distribution brings back was taken out of this Python")
    make_wheel(tmp_path / "wheels", distribution, "1.0", modules={f"{name}.py": "x = 1\n"})
    cured = patient.cure(name, proof=f"import {name}")
    assert cured.before.codes == ["stdlib-removed"]
    assert cured.before.fixes == [f"%pip install {distribution}"]
    assert cured.after.codes in ([], ["name-mismatch"])
