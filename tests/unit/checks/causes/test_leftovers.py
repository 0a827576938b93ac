import os
import py_compile
import subprocess
import zipfile

import pytest
from patients import codes


def test_what_an_interrupted_pip_left(patient):
    patient.venv.pip("install", "envmagic-demo-package==1.0", env=dict(patient.env))
    site = patient.venv.site_packages
    (site / "envmagic_demo_package").rename(site / "~nvmagic_demo_package")
    (site / "envmagic_demo_package-1.0.dist-info").rename(site / "~nvmagic_demo_package-1.0.dist-info")
    cured = patient.cure("envmagic_demo_package", proof="import envmagic_demo_package.part")
    assert cured.before.codes == ["leftover-dist"]
    assert "an installer was interrupted and left" in cured.before.findings[0]["message"]
    assert cured.after.codes == []
    assert not list(site.glob("~*"))


def test_a_folder_that_was_left_beside_a_whole_package_is_a_warning(here):
    here.put("numpy", "2.1")
    (here.site / "~umpy").mkdir()
    found = here.one("numpy")
    assert (codes(found), found.status) == (["leftover-dist"], "warning")
    assert found.findings[0].fix.magic == (f"import shutil; shutil.rmtree({str(here.site / '~umpy')!r})",)
    exec(found.findings[0].fix.magic[0], {})
    assert codes(here.one("numpy")) == []


@pytest.mark.skipif(os.name == "nt", reason="one site directory on Windows, whatever the version")
def test_a_package_of_the_python_that_was_here_before(here):
    old = here.venv.path / "lib" / "python3.7" / "site-packages"
    (old / "mine").mkdir(parents=True)
    found = here.one("mine")
    assert codes(found) == ["left-in-old-python"]
    assert found.findings[0].message.startswith(f"mine is in {old}: this environment had python3.7 before")
    assert found.findings[0].fix.magic == ("%pip install mine",)
    here.put("mine")
    assert codes(here.one("mine")) == []


def test_compiled_code_of_another_python(here):
    (here.site / "odd.py").write_text("x = 1\n")
    py_compile.compile(str(here.site / "odd.py"), str(here.site / "odd.pyc"))
    (here.site / "odd.py").unlink()
    assert codes(here.one("odd")) == []
    content = bytearray((here.site / "odd.pyc").read_bytes())
    content[:2] = b"\x01\x02"
    (here.site / "odd.pyc").write_bytes(content)
    found = here.one("odd")
    assert codes(found) == ["foreign-bytecode"]
    assert found.findings[0].fix.magic == ()
    assert f"Take {here.site / 'odd.pyc'} away" in found.findings[0].fix.steps


def test_compiled_code_that_is_never_compared_with_its_source(patient):
    site = patient.venv.site_packages
    (site / "odd.py").write_text("x = 1\n")
    mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
    code = f"import py_compile as p; p.compile({str(site / 'odd.py')!r}, invalidation_mode=p.{mode!s})"
    subprocess.run([patient.venv.python, "-c", code], check=True)
    assert patient.see("odd", proof="import odd").codes == []
    (site / "odd.py").write_text("x = 2\n")
    cured = patient.cure("odd", proof="import odd; assert odd.x == 2, odd.x")
    assert cured.before.codes == ["stale-bytecode"]
    assert cured.after.codes == []


def test_a_compiled_module_inside_an_egg(here):
    egg = here.site / "fast-1.0-py3.egg"
    with zipfile.ZipFile(egg, "w") as archive:
        archive.writestr("fast/__init__.so", b"\x7fELF")
        archive.writestr("EGG-INFO/PKG-INFO", "Name: fast\nVersion: 1.0\n")
    here.extra = (str(egg),)
    found = here.one("fast")
    assert codes(found) == ["zipped-extension"]
    assert found.findings[0].fix.magic == ("%pip install fast",)
    egg.write_bytes(b"no zip")
    assert "zipped-extension" not in codes(here.one("fast"))


def test_an_old_egg_with_python_inside_is_fine(here):
    egg = here.site / "slow-1.0-py3.egg"
    with zipfile.ZipFile(egg, "w") as archive:
        archive.writestr("slow/__init__.py", "")
        archive.writestr("EGG-INFO/PKG-INFO", "Name: slow\nVersion: 1.0\n")
    here.extra = (str(egg),)
    assert codes(here.one("slow")) == []
