import os
import time

import pytest

from ipy_envmagic.checks import index
from ipy_envmagic.checks.index import forget, index_of


@pytest.fixture(autouse=True)
def nothing_remembered():
    forget()
    yield
    forget()


def add(site, name):
    (site / f"{name}.dist-info").mkdir(parents=True)


def age(site, seconds=60):
    """Give the directory the time that it has when nothing was installed for a while."""
    then = time.time() - seconds
    os.utime(site, (then, then))


def test_the_first_directory_wins(tmp_path):
    add(tmp_path / "one", "pkg-1.0")
    add(tmp_path / "two", "pkg-2.0")
    add(tmp_path / "two", "other-1.0")
    found = index_of([str(tmp_path / "one"), str(tmp_path / "nowhere"), str(tmp_path / "two"), "\0"])
    assert {key: distribution.version for key, distribution in found.items()} == {"pkg": "1.0", "other": "1.0"}


def test_a_change_is_seen_at_once_however_quickly_it_follows(tmp_path):
    site = tmp_path
    for number in range(20):
        add(site, f"pkg{number}-1.0")
        assert len(index_of([str(site)])) == number + 1
        (site / f"pkg{number}-1.0.dist-info").rename(site / f"pkg{number}-2.0.dist-info")
        assert index_of([str(site)])[f"pkg{number}"].version == "2.0"


def test_a_directory_at_rest_is_listed_once(tmp_path, monkeypatch):
    add(tmp_path, "pkg-1.0")
    monkeypatch.setattr(index, "_REST", -1_000_000_000)  # as if it were older: a test cannot set the time of the change
    first = index_of([str(tmp_path)])
    assert index_of([str(tmp_path)])["pkg"] is first["pkg"]
    age(tmp_path)
    assert index_of([str(tmp_path)])["pkg"] is not first["pkg"]


def test_a_directory_that_just_changed_is_not_remembered(tmp_path):
    add(tmp_path, "pkg-1.0")
    first = index_of([str(tmp_path)])
    assert index_of([str(tmp_path)])["pkg"] is not first["pkg"]


def test_what_a_file_told_is_read_again(tmp_path, monkeypatch):
    monkeypatch.setattr(index, "_REST", -1_000_000_000)
    folder = tmp_path / "pkg.egg-info"
    folder.mkdir()
    for version in ("1.0", "2.0"):
        (folder / "PKG-INFO").write_text(f"Metadata-Version: 2.1\nName: pkg\nVersion: {version}\n")
        assert index_of([str(tmp_path)])["pkg"].version == version


def test_the_memory_is_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr(index, "_REST", -1_000_000_000)
    for number in range(80):
        add(tmp_path / str(number), "pkg-1.0")
        index_of([str(tmp_path / str(number))])
    assert len(index._listings) <= 64
