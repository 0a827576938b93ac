import shutil
import struct
import subprocess

import pytest

from ipy_envmagic.environments import elf


@pytest.fixture
def library(tmp_path):
    """A shared library that needs another one, looked for beside it."""
    compiler = shutil.which("gcc") or shutil.which("cc") or pytest.skip("no C compiler is here")
    (tmp_path / "inner.c").write_text("int inner(void) { return 1; }\n")
    (tmp_path / "outer.c").write_text(
        '#include <stdio.h>\nint inner(void);\nint outer(void) { puts(""); return inner(); }\n'
    )
    inner, outer = tmp_path / "libinner.so.3", tmp_path / "libouter.so"
    subprocess.run(
        [compiler, "-shared", "-fPIC", "-Wl,-soname,libinner.so.3", "-o", inner, "inner.c"], check=True, cwd=tmp_path
    )
    command = [compiler, "-shared", "-fPIC", "-o", outer, "outer.c", inner, "-Wl,-rpath,$ORIGIN/lib:/opt/lib"]
    subprocess.run(command, check=True, cwd=tmp_path)
    if outer.read_bytes()[:4] != b"\x7fELF":
        pytest.skip("libraries of this system are no ELF files")
    return outer


def test_what_a_real_library_says(library):
    found = elf.read(str(library))
    assert "libinner.so.3" in found.needed
    assert any(name.startswith("libc.") for name in found.needed)
    assert found.search == ("$ORIGIN/lib", "/opt/lib")
    assert found.bits in {32, 64}
    assert any(library.startswith("libc.") and version.startswith("GLIBC_") for library, version in found.versions)
    assert elf.is_cut_short(str(library)) is False


def test_a_library_that_was_cut_short_at_any_place(library, tmp_path):
    content = library.read_bytes()
    short = tmp_path / "short.so"
    for size in range(0, len(content), max(len(content) // 40, 1)):
        short.write_bytes(content[:size])
        assert elf.is_cut_short(str(short)) in ({None, True} if size < 64 else {True}), size
        elf.read(str(short))


def test_damage_of_any_kind_raises_nothing(library, tmp_path):
    content = bytearray(library.read_bytes())
    broken = tmp_path / "broken.so"
    for at in range(16, len(content), max(len(content) // 200, 1)):
        changed = bytearray(content)
        changed[at : at + 8] = b"\xff" * 8
        broken.write_bytes(changed)
        assert elf.read(str(broken)) is None or isinstance(elf.read(str(broken)), elf.Elf)
        elf.is_cut_short(str(broken))


def test_another_machine(library, tmp_path):
    content = bytearray(library.read_bytes())
    order = "<" if content[5] == 1 else ">"
    for number, name in ((183, "aarch64"), (62, "x86_64"), (9999, "machine 9999")):
        content[18:20] = struct.pack(order + "H", number)
        (tmp_path / "other.so").write_bytes(content)
        assert elf.read(str(tmp_path / "other.so")).machine == name


def test_what_is_no_elf_file(tmp_path):
    (tmp_path / "x.so").write_bytes(b"MZ" + b"\0" * 100)
    for path in (tmp_path / "x.so", tmp_path / "nowhere.so", tmp_path):
        assert elf.read(str(path)) is None
        assert elf.is_cut_short(str(path)) is None
