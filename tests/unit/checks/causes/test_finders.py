import os
import sys
import time

import pytest
from patients import codes


def test_a_module_that_the_kernels_listing_lacks(patient):
    site = patient.venv.site_packages
    before = f"""
import os, sys, importlib
importlib.invalidate_caches()
site = {str(site)!r}
time = os.stat(site).st_mtime_ns
try:
    import nothing_of_that_name
except ImportError:
    pass
with open(os.path.join(site, "brand_new.py"), "w") as file:
    file.write("x = 1")
os.utime(site, ns=(time, time))
"""
    cured = patient.cure("brand_new", before=before, proof="import brand_new")
    assert cured.before.codes == ["stale-finder"]
    assert f"this kernel has an older listing of {site}" in cured.before.findings[0]["message"]
    assert cured.after.codes == []


def test_a_directory_that_was_not_there_at_first(patient, tmp_path):
    folder = tmp_path / "later"
    before = f"""
import os, sys
sys.path.append({str(folder)!r})
try:
    import nothing_of_that_name
except ImportError:
    pass
os.mkdir({str(folder)!r})
open({str(folder / "brand_new.py")!r}, "w").close()
"""
    cured = patient.cure("brand_new", before=before, proof="import brand_new")
    assert cured.before.codes == ["stale-finder"]
    assert "was not there when this kernel first looked" in cured.before.findings[0]["message"]


def test_what_python_sees_is_not_called_stale(patient):
    (patient.cwd / "mine.py").touch()
    before = "import importlib, json, sys\ntry:\n    import nothing_of_that_name\nexcept ImportError:\n    pass"
    for name in ("mine", "pip", "IPython", "json", "traitlets"):
        assert patient.see(name, before=before, proof=f"import {name}").codes == [], name


def test_a_part_of_a_package_that_was_only_looked_through_is_not_called_stale(patient):
    before = "import pkgutil, os, pip\nfolder = os.path.dirname(pip.__file__)"
    before += "\nlist(pkgutil.iter_modules([folder]))\nimport sys\n"
    before += "for name in [one for one in sys.modules if one.partition('.')[0] == 'pip']:\n    del sys.modules[name]\n"
    assert patient.see("pip.__main__ pip._internal", before=before, proof="import pip._internal").codes == []


def test_a_path_file_that_came_after_the_start(patient, tmp_path):
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "fresh_one.py").touch()
    site = patient.venv.site_packages
    before = f"open({str(site / 'fresh.pth')!r}, 'w').write({str(folder)!r})"
    cured = patient.cure("fresh_one", before=before, proof="import fresh_one")
    assert cured.before.codes == ["needs-restart"]
    assert cured.before.findings[0]["message"].startswith(f"{site / 'fresh.pth'} brings fresh_one and came after")
    assert cured.after.codes == []


def test_a_path_file_that_was_there_before_is_another_story(here, tmp_path):
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "fresh_one.py").touch()
    (here.site / "fresh.pth").write_text(f"{folder}\n")
    here.started = time.time() + 60
    assert "needs-restart" not in codes(here.one("fresh_one"))
    here.started = time.time() - 60
    assert codes(here.one("fresh_one")) == ["needs-restart"]
    here.extra = (str(folder),)
    assert codes(here.one("fresh_one")) == []


def test_the_site_directory_was_taken_off_the_path(patient):
    patient.venv.pip("install", "envmagic-demo-a", env=dict(patient.env))
    site = str(patient.venv.site_packages)
    before = f"import sys, IPython, ipy_envmagic.envcheck, packaging.requirements\nsys.path.remove({site!r})"
    cured = patient.cure("envmagic_demo_a", before=before, proof="import envmagic_demo_a")
    assert cured.before.codes == ["sys-path-edited"]
    assert cured.before.fixes == [f"import sys; sys.path.append({site!r})"]
    assert cured.after.codes == []


def test_an_emptied_path(patient):
    patient.venv.pip("install", "envmagic-demo-a", env=dict(patient.env))
    before = "import sys\nfrom ipy_envmagic import envcheck\nenvcheck.warm()\nsys.path.clear()"
    seen = patient.see("envmagic_demo_a", before=before)
    assert seen.codes == ["sys-path-edited"]


def test_another_name_for_the_same_directory_is_on_the_path(here, tmp_path):
    (tmp_path / "link").symlink_to(here.site)
    here.put("numpy")
    here.on_path, here.extra = False, (str(tmp_path / "link"),)
    assert codes(here.one("numpy")) == []
    assert "sys-path-edited" not in codes(here.one("absent_thing"))
    assert os.path.islink(tmp_path / "link")


@pytest.mark.skipif(sys.platform in {"win32", "darwin"}, reason="the user site is elsewhere there")
def test_a_user_site_that_came_after_the_start(patient, home):
    settings = patient.venv.path / "pyvenv.cfg"
    settings.write_text(settings.read_text().replace("packages = false", "packages = true"))
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    folder = home / ".local" / "lib" / version / "site-packages"
    before = f"import os; os.makedirs({str(folder)!r}); open({str(folder / 'brand_new.py')!r}, 'w').close()"
    cured = patient.cure("brand_new", before=before, proof="import brand_new")
    assert cured.before.codes == ["needs-restart"]
    assert cured.before.findings[0]["message"] == f"brand_new is in {folder}, which came after this kernel started."
    assert patient.see("brand_new", proof="import brand_new").failure is None  # a new start has it
