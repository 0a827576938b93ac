"""Healthy things raise nothing, in layouts that real tools make."""

import json
import os
import sys
import zipfile

import pytest
from patients import codes
from wheels import make_wheel


def test_namespace_packages_of_every_style(here):
    pkgutil = "__path__ = __import__('pkgutil').extend_path(__path__, __name__)\n"
    resources = "try:\n    __import__('pkg_resources').declare_namespace(__name__)\nexcept ImportError:\n    " + pkgutil
    here.put("plain-one", modules={"plain/one.py": ""})
    here.put("plain-two", modules={"plain/two/__init__.py": ""})
    here.put("older-one", modules={"older/__init__.py": pkgutil, "older/one.py": ""})
    here.put("oldest-one", modules={"oldest/__init__.py": resources, "oldest/one.py": ""})
    for asked in ("plain", "plain.one", "plain.two", "plain-one", "older.one", "oldest.one", "older-one", "oldest-one"):
        assert [code for code in codes(here.one(asked)) if code != "name-mismatch"] == [], asked


def test_optional_dependencies_and_markers_that_do_not_apply(here):
    requires = ['tomli>=1; python_version < "3.0"', 'pywin32>=1; sys_platform == "neverland"']
    here.put("some", requires=requires, extras={"all": ["quick", "faster>=2"]})
    assert codes(here.one("some")) == []
    assert codes(here.one("some>=1; python_version >= '3'")) == []


@pytest.mark.parametrize("version", ["2.0rc1", "2.0.dev3", "1.5.post2", "2.1+local.1", "1!1.0", "2024.1.15"])
def test_versions_of_every_kind(here, version):
    here.put("some", version)
    for asked in ("some", "some>=1.0", f"some=={version}"):
        assert codes(here.one(asked)) == [], asked


def test_stubs_beside_their_package(here):
    here.put("types-some", modules={"some-stubs/__init__.pyi": ""})
    here.put("some")
    for asked in ("some", "types-some"):
        assert codes(here.one(asked)) == [], asked


def test_a_conda_package_without_pythons_metadata(here):
    prefix = here.venv.path
    (prefix / "conda-meta").mkdir()
    (prefix / "conda-meta" / "history").touch()
    (prefix / "pyvenv.cfg").unlink()
    site = here.site.relative_to(prefix).as_posix()
    (here.site / "pyfoo").mkdir()
    (here.site / "pyfoo" / "__init__.py").touch()
    record = {"name": "pyfoo", "version": "1.0", "build": "0", "files": [f"{site}/pyfoo/__init__.py"]}
    (prefix / "conda-meta" / "pyfoo-1.0-0.json").write_text(json.dumps(record))
    here.put("needs-it", requires=["pyfoo>=1"], installer="conda")
    assert here.environment.is_conda
    assert codes(here.one("pyfoo")) == []
    assert codes(here.one("needs-it")) == []


def test_what_conda_installed_may_have_other_sizes_than_recorded(here):
    here.put("some", modules={"some/__init__.py": "prefix = '/placeholder'\n"}, installer="conda")
    (here.site / "some" / "__init__.py").write_text("prefix = '/a/longer/prefix/of/this/machine'\n")
    assert codes(here.one("some")) == []


def test_a_package_of_the_working_directory(here):
    (here.cwd / "mine").mkdir()
    (here.cwd / "mine" / "__init__.py").touch()
    (here.cwd / "mine" / "part.py").touch()
    (here.cwd / "tool.py").touch()
    (here.cwd / "pyproject.toml").write_text('[project]\nname = "mine"\n')
    for asked in ("mine", "mine.part", "tool"):
        assert codes(here.one(asked)) == [], asked


def test_a_zip_file_on_the_path(here, tmp_path):
    with zipfile.ZipFile(tmp_path / "library.zip", "w") as archive:
        archive.writestr("zipped/__init__.py", "")
        archive.writestr("zipped/part.py", "")
        archive.writestr("zipped-1.5.dist-info/METADATA", "Name: zipped\nVersion: 1.5\n\nText\n")
        archive.writestr("zipped-1.5.dist-info/RECORD", "zipped/__init__.py,,\nzipped/part.py,,\n")
    here.extra = (str(tmp_path / "library.zip"),)
    for asked in ("zipped", "zipped.part", "zipped>=1"):
        assert codes(here.one(asked)) == [], asked
    assert here.one("zipped").installed == "1.5"
    assert codes(here.one("zipped>=2")) == ["wrong-version"]
    (tmp_path / "library.zip").write_bytes(b"PK damaged")
    assert codes(here.one("zipped")) == ["not-installed"]


def test_a_package_with_lazily_made_modules(here):
    init = "def __getattr__(name):\n    import sys\n    return sys.modules[name]\n"
    here.put("lazy", modules={"lazy/__init__.py": init, "lazy/real.py": ""})
    for asked in ("lazy", "lazy.real", "lazy.made"):
        assert codes(here.one(asked)) == [], asked


@pytest.mark.skipif(sys.platform in {"win32", "darwin"}, reason="the user site is elsewhere there")
def test_what_is_in_a_user_site_that_is_used(here):
    folder = here.home / ".local" / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}" / "site-packages"
    folder.mkdir(parents=True)
    wheel = make_wheel(here.wheels, "some", "1.0")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    here.extra = (str(folder),)
    assert codes(here.one("some")) == []
    here.put("some", "1.0")  # the environment's own comes first
    assert codes(here.one("some>=1")) == []


@pytest.mark.parametrize("installer", ["pip", "uv"])
def test_what_real_installers_leave(patient, installer):
    import shutil
    import subprocess
    from pathlib import Path

    names = ["envmagic-demo-b", "envmagic-demo-package", "envmagic-demo-renamed", "envmagic-demo-script"]
    if installer == "pip":
        patient.venv.pip("install", *names, env=dict(patient.env))
    else:
        uv = shutil.which("uv", path=str(Path(sys.executable).parent)) or pytest.skip("uv is not installed")
        command = [uv, "pip", "install", "--quiet", "--python", patient.venv.python, *names]
        subprocess.run(command, check=True, env={**os.environ, **patient.env})
    proof = "import envmagic_demo_b, envmagic_demo_package.part, renamed_demo, envmagic_demo_script"
    seen = patient.see(f"{' '.join(names)} envmagic_demo_package.part ipykernel traitlets", proof=proof)
    assert (seen.codes, seen.failure) == ([], None)
    loaded = patient.see(" ".join(names), before=proof)
    assert loaded.codes == []
