import dataclasses
import os
import shutil
import struct
import subprocess
import sys
import sysconfig
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

import pytest
from patients import codes
from wheels import make_wheel

from ipy_envmagic.checks import compiled as compiled_modules
from ipy_envmagic.checks.asked import parse
from ipy_envmagic.checks.causes import binary, linking
from ipy_envmagic.checks.subject import gather
from ipy_envmagic.environments import libraries
from ipy_envmagic.environments.distributions import installed

MINE = EXTENSION_SUFFIXES[0]
PLATFORM = MINE.partition("-")[2].partition("-")[2]  # "x86_64-linux-gnu.so"
MODULE = """
#include <Python.h>
static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, "_fast", NULL, -1, NULL};
PyMODINIT_FUNC PyInit__fast(void) { EXTRA; return PyModule_Create(&definition); }
"""


@pytest.fixture
def compiled(tmp_path):
    """A function that compiles a real extension module ``_fast``, linked with the libraries that are given."""
    compiler = shutil.which("gcc") or shutil.which("cc") or pytest.skip("no C compiler is here")
    include = sysconfig.get_path("include")
    if not os.path.isfile(os.path.join(include, "Python.h")) or not PLATFORM:
        pytest.skip("the headers of this Python are not here")

    def make(*options, extra=""):
        source, target = tmp_path / "fast.c", tmp_path / f"_fast{MINE}"
        source.write_text(MODULE.replace("EXTRA", extra))
        command = [compiler, "-shared", "-fPIC", f"-I{include}", "-o", str(target), str(source), *map(str, options)]
        subprocess.run(command, check=True)
        return target.read_bytes()

    make.compiler = compiler
    return make


def put(here, content, name=f"_fast{MINE}", **keywords):
    here.put(
        "fast", "1.0", modules={"fast/__init__.py": "from fast import _fast\n", f"fast/{name}": content}, **keywords
    )


def test_a_module_that_was_built_for_another_python(patient, compiled, tmp_path):
    content = compiled()
    package = "fast/__init__.py", "from . import _fast\n"
    make_wheel(tmp_path, "fast", "1.0", modules=dict([package, (f"fast/_fast.cpython-37m-{PLATFORM}", content)]))
    patient.venv.install(tmp_path / "fast-1.0-py3-none-any.whl")
    make_wheel(tmp_path / "wheels", "fast", "1.0", modules=dict([package, (f"fast/_fast{MINE}", content)]))
    cured = patient.cure("fast", proof="import fast")
    assert cured.before.codes == ["abi-mismatch"]
    assert "was built for Python 3.7, and this kernel runs Python 3." in cured.before.findings[0]["message"]
    assert cured.after.codes == []


@pytest.mark.parametrize(
    ("names", "code"),
    [
        ([f"_fast{MINE}"], None),
        ([f"_fast.cpython-39-{PLATFORM}"], "abi-mismatch"),
        ([f"_fast.cpython-39-{PLATFORM}", f"_fast{MINE}"], None),
        (["_fast.abi3.so"], None),
        (["_fast.so", "libhelper.so"], None),
        ([f"_fast.cpython-313t-{PLATFORM}"], "abi-mismatch"),
        (["_fast.pypy39-pp73-x86_64-linux-gnu.so"], "abi-mismatch"),
        ([MINE.replace(PLATFORM, "riscv64-linux-gnu.so").replace(".", "_fast.", 1)], "platform-mismatch"),
        ([MINE.replace(PLATFORM, "darwin.so").replace(".", "_fast.", 1)], "platform-mismatch"),
    ],
)
def test_tags(here, names, code):
    if sys.platform != "linux":
        pytest.skip("the tags of Linux")
    here.put("fast", modules={"fast/__init__.py": "", **{f"fast/{name}": b"" for name in names}})
    found = here.one("fast")
    # what is empty is damaged too, which is another story here
    subject = gather(parse("fast"), here.environment, here.session, installed([str(here.site)]))
    rules = (binary.abi_mismatch, binary.platform_mismatch)
    said = next((finding.code for rule in rules if (finding := rule(subject))), None)
    assert said == code
    assert found.distribution == "fast"


@pytest.mark.parametrize(
    ("tag", "words"),
    [
        ("cpython-39", "Python 3.9"),
        ("cp313t", "free-threaded Python 3.13"),
        ("cpython-312d", "a debug build of Python 3.12"),
        ("abi3", "abi3"),
        ("pypy39-pp73", "pypy39-pp73"),
    ],
)
def test_a_tag_in_words(tag, words):
    assert binary._said(tag) == words


def test_a_module_for_another_processor_or_system(here, compiled):
    content = bytearray(compiled())
    put(here, bytes(content))
    assert codes(here.one("fast")) == []
    content[18:20] = struct.pack("<H", 243)
    compiled_modules.forget()
    put(here, bytes(content))
    found = here.one("fast")
    assert codes(found) == ["platform-mismatch"]
    assert "was built for riscv64, and this is linux on" in found.findings[0].message
    for start, system in ((b"MZ\x90\0", "Windows"), (b"\xcf\xfa\xed\xfe", "macOS")):
        put(here, start + b"\1" * 100)
        assert f"was built for {system}," in here.one("fast").findings[0].message


def test_a_shared_library_that_is_not_here(patient, compiled, tmp_path):
    if libraries.linker({}, []) is None:
        pytest.skip("this system's dynamic linker has no cache")
    (tmp_path / "helper.c").write_text("int envmagic_helper(void) { return 1; }\n")
    library = tmp_path / "libenvmagichelper.so.4"
    command = [compiled.compiler, "-shared", "-fPIC", "-Wl,-soname,libenvmagichelper.so.4", "-o"]
    subprocess.run([*command, str(library), str(tmp_path / "helper.c")], check=True)
    content = compiled(library, extra="int envmagic_helper(void); envmagic_helper()")
    folder = patient.venv.site_packages / "fast"
    folder.mkdir()
    (folder / "__init__.py").write_text("from . import _fast\n")
    (folder / f"_fast{MINE}").write_bytes(content)
    seen = patient.see("fast", proof="import fast")
    assert "libenvmagichelper.so.4: cannot open shared object file" in seen.failure
    assert seen.codes == ["shared-library-missing"]
    assert seen.findings[0]["evidence"]["library"] == "libenvmagichelper.so.4"
    deep = patient.see("--deep fast")
    assert deep.codes == ["shared-library-missing"]
    patient.env["LD_LIBRARY_PATH"] = str(tmp_path)
    seen = patient.see("fast", proof="import fast")
    assert (seen.codes, seen.failure) == ([], None)


@pytest.mark.parametrize(
    ("library", "name", "words"),
    [
        ("libGL.so.1", "opencv-python", "%pip uninstall opencv-python %pip install opencv-python-headless"),
        ("libGL.so.1", "vtk", "sudo apt install libgl1"),
        ("libcudart.so.12", "cupy", "%pip install nvidia-cuda-runtime-cu12"),
        ("libnothing.so.1", "some", "Install the system's package that has libnothing.so.1"),
    ],
)
def test_what_mends_a_missing_library(here, library, name, words):
    here.put(name)
    subject = gather(parse(name), here.environment, here.session, installed([str(here.site)]))
    fix = linking.library_fix(library, subject)
    assert words in " ".join((*fix.magic, fix.steps))


def test_in_a_conda_environment_conda_brings_the_library(here):
    here.put("vtk")
    environment = dataclasses.replace(here.environment, kind="conda")
    subject = gather(parse("vtk"), environment, here.session, installed([str(here.site)]))
    assert linking.library_fix("libGL.so.1", subject).magic == ("%conda install -c conda-forge libgl",)


def test_a_library_of_another_distribution_is_loaded_by_it(here, compiled, tmp_path):
    (tmp_path / "helper.c").write_text("int envmagic_helper(void) { return 1; }\n")
    library = tmp_path / "libenvmagiccuda.so.12"
    command = [compiled.compiler, "-shared", "-fPIC", "-Wl,-soname,libenvmagiccuda.so.12", "-o"]
    subprocess.run([*command, str(library), str(tmp_path / "helper.c")], check=True)
    put(here, compiled(library, extra="int envmagic_helper(void); envmagic_helper()"))
    (here.site / "nvidia" / "cuda" / "lib").mkdir(parents=True)
    shutil.copy(library, here.site / "nvidia" / "cuda" / "lib")
    assert codes(here.one("fast")) == []


def test_a_c_library_that_is_too_old(here, compiled):
    content = compiled(extra='puts("")')
    version = libraries.glibc_version()
    at = content.find(b"GLIBC_2.")
    if version is None or at < 0:
        pytest.skip("this system's C library is another one")
    end = content.index(b"\0", at)
    newer = b"GLIBC_2." + b"9" * (end - at - 8)
    put(here, content.replace(content[at:end] + b"\0", newer + b"\0"))
    found = here.one("fast")
    assert codes(found) == ["library-too-old"]
    assert f"needs glibc 2.{'9' * (end - at - 8)}, and this system has 2." in found.findings[0].message


def test_modules_that_were_built_for_numpy_1(here, compiled):
    old, new = b"numpy.core._multiarray_umath", b"numpy._core._multiarray_umath"
    here.put("numpy", "2.1.0")
    put(here, compiled() + b"\0" + old + b"\0", requires=["numpy"])
    found = here.one("fast")
    assert codes(found) == ["numpy-abi"]
    assert found.findings[0].message == "fast 1.0 was built for numpy 1, and numpy 2.1.0 is installed."
    assert found.findings[0].fix.restart
    put(here, compiled() + b"\0" + old + b"\0" + new + b"\0", requires=["numpy"])
    assert codes(here.one("fast")) == []
    put(here, compiled() + b"\0" + old + b"\0", requires=["numpy"])
    here.take("numpy")
    here.put("numpy", "1.26.4")
    assert codes(here.one("fast")) == []
    here.take("numpy")
    here.put("numpy", "2.3.0")
    assert codes(here.one("fast")) == ["numpy-abi"]


def test_a_file_system_that_executes_nothing(here, tmp_path):
    folder = tmp_path / "noexec"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "noexec,size=1m", "tmpfs", str(folder)]
    if shutil.which("mount") is None or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("no file system can be mounted here")
    try:
        (folder / f"fast{MINE}").write_bytes(b"")
        here.extra = (str(folder),)
        assert codes(here.one("fast")) == ["not-executable"]
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def test_a_processor_without_what_a_wheel_needs(here):
    here.put("polars")
    subject = gather(parse("polars"), here.environment, here.session, installed([str(here.site)]))
    flags = binary._cpu_flags()
    found = binary.cpu_too_old(subject)
    assert (found is None) == ("avx2" in flags or compiled_modules.machine() != "x86_64" or not flags)


@pytest.mark.parametrize(("length", "code"), [(10, None), (300, "path-too-long")])
def test_a_path_that_is_too_long_for_windows(here, length, code):
    name = "a" * length
    info = here.put("fast")
    with (info / "RECORD").open("a") as record:
        record.write(f"fast/{name}/x.py,sha256=x,1\n")
    environment = dataclasses.replace(here.environment, platform="win32")
    subject = gather(parse("fast"), environment, here.session, installed([str(here.site)]))
    found = binary.path_too_long(subject)
    assert (found.code if found else None) == code


def test_what_is_healthy_is_looked_at_again_only_after_a_change(here, compiled):
    content = compiled()
    put(here, content)
    assert codes(here.one("fast")) == []
    path = here.site / "fast" / f"_fast{MINE}"
    assert compiled_modules.is_known(str(path))
    os.utime(path, (1, 1))
    assert not compiled_modules.is_known(str(path))
    assert Path(path).exists()


def test_windows_without_the_runtime(here, tmp_path):
    put(here, b"")
    environment = dataclasses.replace(here.environment, platform="win32")
    here.environ["SystemRoot"] = str(tmp_path / "Windows")
    subject = gather(parse("fast"), environment, here.session, installed([str(here.site)]))
    found = linking.runtime_missing(subject)
    assert (found.code, found.evidence["library"]) == ("shared-library-missing", "vcruntime140_1.dll")
    (tmp_path / "Windows" / "System32").mkdir(parents=True)
    (tmp_path / "Windows" / "System32" / "vcruntime140_1.dll").touch()
    assert linking.runtime_missing(subject) is None
