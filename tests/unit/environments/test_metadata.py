"""What a distribution says of itself, read from real installs, old forms and damage."""

import json
import os
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from wheels import make_project, make_wheel

from ipy_envmagic.environments.distributions import Distribution, installed
from ipy_envmagic.environments.metadata import direct_url, installer, metadata_headers, record, top_level

READERS = (direct_url, installer, metadata_headers, record, top_level)


def info(site: Path, **files: "str | bytes") -> Distribution:
    """Lay ``pkg-1.0.dist-info`` with these files; "_" in a keyword stands for "."."""
    folder = site / "pkg-1.0.dist-info"
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        raw = content.encode() if isinstance(content, str) else content
        (folder / name.replace("__", ".")).write_bytes(raw)
    return installed([str(site)])["pkg"]


def test_a_wheel_that_pip_installed(venv, tmp_path):
    wheel = make_wheel(
        tmp_path,
        "Demo.Thing",
        "1.2",
        modules={"demo_thing/__init__.py": "", "demo_thing/part.py": "", "other.py": "", "a, b/c.py": ""},
        requires=["packaging>=23", "filelock"],
        extras={"more": ["tomli"]},
        requires_python=">=3.8",
    )
    venv.install(wheel)
    one = installed([str(venv.site_packages)])["demo-thing"]
    headers = metadata_headers(one)
    assert headers["name"] == ["Demo.Thing"]
    assert headers["version"] == ["1.2"] == [one.version]
    assert headers["requires-dist"][:2] == ["packaging>=23", "filelock"]
    assert headers["provides-extra"] == ["more"]
    assert headers["requires-python"] == [">=3.8"]
    assert installer(one) == "pip"
    assert {"demo_thing/part.py", "other.py", "a, b/c.py", "demo_thing-1.2.dist-info/RECORD"} <= set(record(one))
    assert top_level(one) == {"demo_thing", "other", "a, b"}
    origin = direct_url(one)
    assert origin is not None
    assert origin["url"] == wheel.as_uri()


def test_an_editable_install_is_followed_to_its_source(venv, tmp_path):
    project = make_project(tmp_path / "project", "demo-edit", modules={"demo_edit/__init__.py": "", "helper.py": ""})
    venv.pip("install", "--quiet", "--no-deps", "-e", str(project))
    one = installed([str(venv.site_packages)])["demo-edit"]
    assert top_level(one) == {"demo_edit"}
    origin = direct_url(one)
    assert origin is not None
    assert origin["dir_info"] == {"editable": True}


def test_the_finder_of_setuptools_is_read(tmp_path):
    finder = "__editable___pkg_1_0_finder.py"
    (tmp_path / finder).write_text(
        "from __future__ import annotations\nMAPPING: dict[str, str] = {'thing': '/src/thing', 'odd.sub': '/x'}\n"
    )
    (tmp_path / "__editable__.pkg-1.0.pth").write_text("import __editable___pkg_1_0_finder; x.install()\n")
    one = info(tmp_path, RECORD=f"__editable__.pkg-1.0.pth,,\n{finder},,\npkg-1.0.dist-info/RECORD,,\n")
    assert top_level(one) == {"thing", "odd"}
    (tmp_path / finder).write_text("MAPPING = {open('x')}\n")
    assert top_level(one) == frozenset()


def test_the_head_ends_where_the_description_begins(tmp_path):
    text = (
        "Name: pkg\r\nVersion: 1.0\r\nLicense: a\r\n  b\r\nRequires-Dist: x\r\nRequires-Dist: y\r\n\r\nAuthor: no\r\n"
    )
    headers = metadata_headers(info(tmp_path, METADATA=text))
    assert headers["license"] == ["a\nb"]
    assert headers["requires-dist"] == ["x", "y"]
    assert "author" not in headers


def test_a_head_longer_than_one_read(tmp_path):
    lines = "".join(f"Requires-Dist: package-number-{number}\n" for number in range(10_000))
    headers = metadata_headers(info(tmp_path, METADATA=f"Name: pkg\n{lines}\nbody: x\n"))
    assert len(headers["requires-dist"]) == 10_000
    assert headers["requires-dist"][-1] == "package-number-9999"
    assert "body" not in headers


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (
            {"METADATA": "Import-Name: one.two\nImport-Name: _three ; private\nImport-Namespace: four\n"},
            {"one", "_three", "four"},
        ),
        ({"METADATA": "Import-Name:\n", "top_level__txt": "no\n"}, set()),
        ({"top_level__txt": "one\ntwo\n", "RECORD": "three.py,,\n"}, {"one", "two"}),
        ({"RECORD": "one/__init__.py,,\ntwo.py,,\n../../../bin/run.py,,\n__pycache__/two.pyc,,\n"}, {"one", "two"}),
        ({"RECORD": "ext.cpython-312-x86_64-linux-gnu.so,,\nwin.cp312-win_amd64.pyd,,\n"}, {"ext", "win"}),
        ({"RECORD": "google/cloud/thing.py,,\npkg-stubs/__init__.pyi,,\n"}, {"google", "pkg-stubs"}),
        ({"RECORD": '"with, comma/x.py",sha256=a,1\none.py,,\n'}, {"with, comma", "one"}),
        ({"RECORD": "pkg-1.0.dist-info/METADATA,,\nshare/x.txt,,\n"}, set()),
        ({}, set()),
    ],
)
def test_what_it_brings(tmp_path, files, expected):
    assert top_level(info(tmp_path, **files)) == expected


def test_what_has_no_record_is_looked_for_by_its_name(tmp_path):
    (tmp_path / "pkg.py").touch()
    (tmp_path / "pkg-1.0.egg-info").write_text("Metadata-Version: 1.0\nName: pkg\nVersion: 1.0\n\n")
    one = installed([str(tmp_path)])["pkg"]
    assert metadata_headers(one)["version"] == ["1.0"]
    assert top_level(one) == {"pkg"}


def test_an_egg_info_folder_with_its_list_of_files(tmp_path):
    folder = tmp_path / "pkg-1.0-py3.12.egg-info"
    folder.mkdir()
    (folder / "PKG-INFO").write_text("Name: pkg\nVersion: 1.0\n")
    (folder / "installed-files.txt").write_text("../pkg/__init__.py\nPKG-INFO\n")
    one = installed([str(tmp_path)])["pkg"]
    assert record(one) == ["pkg/__init__.py", "pkg-1.0-py3.12.egg-info/PKG-INFO"]
    assert top_level(one) == {"pkg"}


def test_eggs_as_folder_and_as_zip_file(tmp_path):
    head = "Name: {}\nVersion: 2.0\nRequires-Dist: other\n\nThe body.\n"
    inside = tmp_path / "folded-2.0-py3.12.egg" / "EGG-INFO"
    inside.mkdir(parents=True)
    (inside / "PKG-INFO").write_text(head.format("folded"))
    (inside / "top_level.txt").write_text("folded_module\n")
    with zipfile.ZipFile(tmp_path / "zipped-2.0-py3.12-linux-x86_64.egg", "w") as egg:
        egg.writestr("EGG-INFO/PKG-INFO", head.format("zipped"))
    found = installed([str(tmp_path)])
    assert found["zipped"].version == found["folded"].version == "2.0"
    assert metadata_headers(found["zipped"])["requires-dist"] == ["other"]
    assert top_level(found["folded"]) == {"folded_module"}


def test_a_direct_url(tmp_path):
    told = {"url": "https://host/x", "vcs_info": {"vcs": "git"}}
    assert direct_url(info(tmp_path, direct_url__json=json.dumps(told))) == told


@pytest.mark.parametrize("text", ["[1]", "{", "", "null", "\xff", "[" * 100_000])
def test_a_direct_url_that_is_none(tmp_path, text):
    assert direct_url(info(tmp_path, direct_url__json=text.encode("latin-1"))) is None


FILES = ("METADATA", "RECORD", "INSTALLER", "direct_url__json", "top_level__txt", "installed-files__txt")


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.dictionaries(st.sampled_from(FILES), st.binary(max_size=80)))
def test_no_content_makes_a_reader_raise(tmp_path, content):
    one = info(tmp_path, **content)
    for reader in READERS:
        reader(one)


@pytest.mark.parametrize("name", ["METADATA", "RECORD", "INSTALLER", "direct_url.json", "top_level.txt"])
def test_a_folder_where_a_file_should_be(tmp_path, name):
    one = info(tmp_path)
    (Path(one.path) / name).mkdir()
    for reader in READERS:
        assert not reader(one)


@pytest.mark.skipif(os.name == "nt", reason="links need a privilege there")
@pytest.mark.parametrize("target", ["nowhere", "pkg-1.0.dist-info", "a-file"])
def test_a_link_to_nothing_itself_or_a_file(tmp_path, target):
    (tmp_path / "a-file").write_bytes(b"\xff\0")
    (tmp_path / "pkg-1.0.dist-info").symlink_to(tmp_path / target)
    one = installed([str(tmp_path)])["pkg"]
    for reader in READERS:
        reader(one)
    assert top_level(one) == frozenset()
