import os
import re

import pytest

from ipy_envmagic.environments import libraries
from ipy_envmagic.environments.tables import rows


def test_what_brings_a_library():
    assert libraries.what_brings("libGL.so.1").debian == "libgl1"
    assert libraries.what_brings("libcudart.so.12").distribution == "nvidia-cuda-runtime-cu12"
    assert libraries.what_brings("libnothing.so.1") is None


def test_the_table_is_in_order():
    names = [row[0] for row in rows("libraries", 4)]
    assert len(set(names)) == len(names)
    assert len(names) >= 60
    assert all(any(row[1:]) for row in rows("libraries", 4))
    assert all(re.fullmatch(r"lib[\w.+-]+", name) for name in names)


def test_what_the_linker_of_this_system_finds(tmp_path):
    where = libraries.linker({"LD_LIBRARY_PATH": f"{tmp_path / 'a'}:"}, [str(tmp_path / "prefix")])
    if where is None:
        pytest.skip("this system's dynamic linker has no cache")
    assert libraries.find("libc.so.6", "/", (), where)
    assert libraries.find("libenvmagic-nothing.so.1", "/", (), where) is None
    for folder, search in (
        ("a", ()),
        ("prefix/lib", ()),
        ("o/libs", ("$ORIGIN/libs",)),
        ("abs", (str(tmp_path / "abs"),)),
    ):
        (tmp_path / folder).mkdir(parents=True)
        name = f"libenvmagic-{folder.replace('/', '-')}.so"
        assert libraries.find(name, str(tmp_path / "o"), search, where) is None
        (tmp_path / folder / name).touch()
        assert libraries.find(name, str(tmp_path / "o"), search, where) == str(tmp_path / folder / name)


def test_what_is_loaded_counts_as_found():
    where = libraries.Linker({"libx.so.1": "/opt/libx.so.1"}, (), b"")
    assert libraries.find("libx.so.1", "/", (), where) == "/opt/libx.so.1"
    assert libraries.find("/nowhere/liby.so", "/", (), where) is None


@pytest.mark.parametrize(
    ("text", "key"), [("GLIBC_2.34", (2, 34)), ("GLIBCXX_3.4.29", (3, 4, 29)), ("glibc 2.36", (2, 36)), ("X", ())]
)
def test_versions_are_numbers(text, key):
    assert libraries.version_key(text) == key


def test_the_version_of_the_c_library():
    version = libraries.glibc_version()
    assert version is None or (version[0] == 2 and os.path.exists("/etc"))
