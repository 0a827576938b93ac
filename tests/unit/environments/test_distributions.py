"""Installed distributions, from the names of directories, whatever lies there."""

import importlib.metadata
import os
import sysconfig
import zipfile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from packaging.utils import canonicalize_name

from ipy_envmagic.environments import distributions, metadata


def lay(site, name, text="Metadata-Version: 2.1\nName: Some.Pkg\nVersion: 1.0\n"):
    folder = site / name
    folder.mkdir(parents=True)
    (folder / "METADATA").write_text(text)
    return folder


def test_this_environment_is_read_as_importlib_reads_it():
    site = sysconfig.get_path("purelib")
    found = distributions.installed([site])
    theirs = {
        distributions.normalise(one.metadata["Name"]): one.version
        for one in importlib.metadata.distributions(path=[site])
    }
    assert {key: one.version for key, one in found.items()} == theirs
    for key in ("ipython", "packaging"):
        assert metadata.metadata_headers(found[key])["version"] == [found[key].version]
        assert metadata.installer(found[key]) in ("pip", "uv")
        assert metadata.record(found[key])
    assert metadata.top_level(found["ipython"]) == {"IPython"}


@pytest.mark.parametrize(
    ("name", "key", "version"),
    [
        ("some_pkg-1.0.dist-info", "some-pkg", "1.0"),
        ("Some.Pkg-1.0+local.1.dist-info", "some-pkg", "1.0+local.1"),
        ("some_pkg-1.0-py3.12.egg-info", "some-pkg", "1.0"),
    ],
)
def test_the_forms_of_a_name(tmp_path, name, key, version):
    lay(tmp_path, name)
    (found,) = distributions.installed([str(tmp_path)]).values()
    assert (found.key, found.version) == (key, version)


def test_an_egg_and_a_link(tmp_path):
    with zipfile.ZipFile(tmp_path / "zipped-2.0-py3.12.egg", "w") as egg:
        egg.writestr("EGG-INFO/PKG-INFO", "Metadata-Version: 1.0\nName: zipped\nVersion: 2.0\n")
    source = tmp_path / "source"
    lay(source, "linked.egg-info", "")
    (source / "linked.egg-info/PKG-INFO").write_text("Metadata-Version: 1.0\nName: linked\nVersion: 3.0\n")
    site = tmp_path / "site"
    site.mkdir()
    (site / "linked.egg-link").write_text(f"{source}\n.")
    assert distributions.installed([str(tmp_path)])["zipped"].version == "2.0"
    assert distributions.installed([str(site)])["linked"].version == "3.0"


def test_the_first_on_the_path_wins_and_damage_does_no_harm(tmp_path):
    lay(tmp_path / "one", "pkg-1.0.dist-info")
    lay(tmp_path / "two", "pkg-2.0.dist-info")
    lay(tmp_path / "two", "~kg-2.0.dist-info")
    (tmp_path / "two" / "a-file.dist-info").write_bytes(b"\xff")
    (tmp_path / "two" / "gone-1.0.dist-info").symlink_to(tmp_path / "nowhere")
    paths = [str(tmp_path / name) for name in ("one", "two", "not there")]
    assert distributions.installed(paths)["pkg"].version == "1.0"
    assert distributions.installed(reversed(paths))["pkg"].version == "2.0"
    assert [path.rpartition("/")[2] for path in distributions.leftovers(paths)] == ["~kg-2.0.dist-info"]
    for one in distributions.installed(paths).values():
        distributions.fingerprint(one)
        metadata.metadata_headers(one)
        metadata.record(one)
        metadata.top_level(one)
        metadata.direct_url(one)


def test_a_reinstall_is_seen(tmp_path):
    folder = lay(tmp_path, "pkg-1.0.dist-info")
    (one,) = distributions.installed([str(tmp_path)]).values()
    before = distributions.fingerprint(one)
    (folder / "RECORD").write_text("pkg.py,,\n")
    assert distributions.fingerprint(one) != before


@pytest.mark.parametrize(
    ("name", "key", "version"),
    [
        ("my-pkg-1.0.dist-info", "my-pkg", "3.1"),
        ("pkg-2-1.0.dist-info", "pkg-2", "3.1"),
        ("pkg-1.0_1.dist-info", "pkg", "3.1"),
        ("damaged.dist-info", "told-by-it", "3.1"),
        ("pkg-one.dist-info", "told-by-it", "3.1"),
    ],
)
def test_a_name_that_can_be_read_in_two_ways_is_told_by_the_metadata(tmp_path, name, key, version):
    lay(tmp_path, name, f"Name: {key}\nVersion: {version}\n")
    (found,) = distributions.installed([str(tmp_path)]).values()
    assert (found.key, found.version) == (key, version)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("my_pkg-1.0.dist-info", ("my-pkg", "1.0")),
        ("my-pkg-1.0.dist-info", ("my-pkg", "1.0")),
        ("pkg.egg-info", ("pkg", None)),
        ("pkg.dist-info", ("pkg", None)),
        ("pkg-1.0-py3.9-win-amd64.egg", ("pkg", "1.0")),
    ],
)
def test_without_metadata_the_name_must_do(tmp_path, name, expected):
    (tmp_path / name).mkdir()
    (found,) = distributions.installed([str(tmp_path)]).values()
    assert (found.name, found.version) == expected


@pytest.mark.parametrize(
    "name", ["~kg-1.0.dist-info", "-kg-1.0.dist-info", ".dist-info", "é è.dist-info", "(.egg-info"]
)
def test_what_is_no_distribution(tmp_path, name):
    lay(tmp_path, name, "Name: kg\nVersion: 1.0\n" if name[0] in "~-." else "")
    assert distributions.installed([str(tmp_path)]) == {}


@pytest.mark.skipif(os.name == "nt", reason="file names are Unicode there")
def test_a_file_name_that_is_not_utf8(tmp_path):
    os.mkdir(os.fsencode(tmp_path) + b"/p\xffkg-1.0.dist-info")
    lay(tmp_path, "other-1.0.dist-info")
    assert list(distributions.installed([str(tmp_path)])) == ["other"]


def test_two_of_one_name_in_one_directory_are_told_as_one(tmp_path):
    lay(tmp_path, "pkg-1.0.dist-info", "Name: pkg\nVersion: 1.0\n")
    lay(tmp_path, "pkg-2.0.dist-info", "Name: pkg\nVersion: 2.0\n")
    (found,) = distributions.installed([str(tmp_path)]).values()
    theirs = next(iter(importlib.metadata.distributions(name="pkg", path=[str(tmp_path)])))
    assert found.version == theirs.version


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="an administrator may read everything")
def test_a_directory_that_may_not_be_read(tmp_path):
    lay(tmp_path / "site", "pkg-1.0.dist-info")
    (tmp_path / "site").chmod(0)
    try:
        assert distributions.installed([str(tmp_path / "site")]) == {}
    finally:
        (tmp_path / "site").chmod(0o755)


@pytest.mark.parametrize("directory", ["", "nowhere", "a\0b", __file__])
def test_what_is_no_directory_has_nothing(directory, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert distributions.installed([directory]) == {}
    assert distributions.leftovers([directory]) == []


@pytest.mark.parametrize(
    ("name", "normal"), [("A.B_c", "a-b-c"), ("a--b__c..d", "a-b-c-d"), ("a-_.b", "a-b"), ("ABC", "abc"), ("", "")]
)
def test_names_are_compared_by_their_normal_form(name, normal):
    assert distributions.normalise(name) == normal


@given(st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="/\0"), max_size=30))
def test_normal_form_is_that_of_packaging(name):
    assert distributions.normalise(name) == canonicalize_name(name)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(
            st.text(st.characters(codec="utf-8", blacklist_characters="/\0"), max_size=20),
            st.sampled_from([".dist-info", ".egg-info", ".egg", ".egg-link", ""]),
            st.booleans(),
            st.binary(max_size=20),
        ),
        max_size=5,
    )
)
def test_no_name_and_no_content_makes_it_raise(tmp_path_factory, entries):
    site = tmp_path_factory.mktemp("site")
    for stem, suffix, is_folder, content in entries:
        path = site / f"{stem}{suffix}"
        if path.name in {"", ".", ".."} or path.exists():
            continue
        if is_folder:
            path.mkdir()
            (path / "METADATA").write_bytes(content)
        else:
            path.write_bytes(content)
    for key, one in distributions.installed([str(site)]).items():
        assert key == one.key
        distributions.fingerprint(one)
        metadata.top_level(one)
