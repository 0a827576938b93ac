"""Installed distributions, from the names of directories, whatever lies there."""

import importlib.metadata
import sysconfig
import zipfile

import pytest

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
