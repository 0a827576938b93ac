import pytest

from ipy_envmagic.errors import EnvMagicError
from ipy_envmagic.run import lockfile
from ipy_envmagic.run.lockfile import Locked

pytest.importorskip("packaging.pylock", reason="packaging 26.1 reads lock files")

PACKAGES = [
    Locked(
        "a.B",
        "1.0",
        "index",
        (("a_b-1.0-py3-none-any.whl", "https://h/a_b-1.0-py3-none-any.whl", "ab"),),
        None,
        ("--index-url", 'https://h/"simple"'),
    ),
    Locked("s", "2", "index", (("s-2.tar.gz", "file:///w/s-2.tar.gz", "cd"),)),
    Locked("e", "0.1", "editable", (), {"path": "/p\\q é"}),
    Locked("f", "0.2", "folder", (), {"path": "/f"}),
    Locked("v", "3", "vcs", (), {"vcs": "git", "url": "https://h/v", "commit": "abc"}),
    Locked("w", "4", "archive", (), {"url": "https://h/w.whl", "hash": "sha256=ef"}),
]


def test_what_is_written_is_read(tmp_path):
    path = tmp_path / "pylock.toml"
    path.write_text(lockfile.to_toml(PACKAGES, "==3.12.*", "ipy_envmagic"))
    found = {one.name: one for one in lockfile.read(str(path))}
    assert found["a-b"].files == PACKAGES[0].files
    assert found["a-b"].options == PACKAGES[0].options
    for one in PACKAGES[1:]:
        assert (found[one.name].version, found[one.name].kind) == (one.version, one.kind)
        assert found[one.name].origin == one.origin


def test_the_standard_s_own_reader_takes_it(tmp_path):
    from packaging.pylock import Pylock

    from ipy_envmagic.requirements.text import read_toml

    lock = Pylock.from_dict(read_toml(lockfile.to_toml(PACKAGES, "==3.12.*", "ipy_envmagic"), "x"))
    assert [str(package.name) for package in lock.packages] == ["a-b", "e", "f", "s", "v", "w"]
    assert lock.packages[0].wheels[0].hashes == {"sha256": "ab"}
    assert Pylock.from_dict(read_toml(lockfile.to_toml([], "==3.12.*", "x"), "x")).packages == []


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "is no lock file of version 1"),
        ('lock-version = "2.0"', "is no lock file of version 1"),
        ('lock-version = "1.0"', "has no packages"),
        ('lock-version = "1.0"\n[[packages]]\nversion = "1"', "has a package without a name"),
        ('lock-version = "1.0"\n[[packages]]\nname = "a"\nversion = "1"', "does not say from where a comes"),
        ('lock-version = "1.0"\n[[packages]]\nname = "a"\nwheels = [{url = "x"}]', "the source of a cannot be read"),
        ('lock-version = "1.0"\n[[packages]]\nname = "a"\ndirectory = {}', "the source of a cannot be read"),
    ],
)
def test_what_is_no_lock_file_is_told_in_a_line(tmp_path, text, told):
    path = tmp_path / "pylock.toml"
    path.write_text(text)
    with pytest.raises(EnvMagicError, match=told):
        lockfile.read(str(path))


def test_the_list_of_conda_s_packages(tmp_path):
    path = tmp_path / "pylock.conda.txt"
    urls = ["https://c/noarch/a-1-0.conda#ab", "https://c/noarch/b-1-0.conda"]
    path.write_text(lockfile.to_conda(urls))
    assert lockfile.read_conda(str(path)) == urls
    path.write_text("a=1\n")
    with pytest.raises(EnvMagicError, match="is no explicit list"):
        lockfile.read_conda(str(path))
    assert lockfile.read_conda(str(tmp_path / "none")) == []
    assert lockfile.conda_path("/x/pylock.my.toml") == "/x/pylock.my.conda.txt"
