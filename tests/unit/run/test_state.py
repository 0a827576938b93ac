import os
import stat

import pytest

from ipy_envmagic.run import state

pytestmark = pytest.mark.skipif(os.name == "nt", reason="permissions of POSIX")


def mode(path):
    return stat.S_IMODE(os.stat(path).st_mode)


@pytest.mark.parametrize(
    ("of_prefix", "wanted"), [(0o755, 0o700), (0o700, 0o700), (0o775, 0o770), (0o2775, 0o770), (0o777, 0o1777)]
)
def test_who_may_write_the_prefix_may_use_the_folder_and_nobody_else(tmp_path, of_prefix, wanted):
    tmp_path.chmod(of_prefix)
    folder = state.folder(str(tmp_path))
    assert folder == str(tmp_path / ".ipy_envmagic")
    assert mode(folder) == wanted
    state.append(f"{folder}/history.jsonl", "{}\n")
    state.write(f"{folder}/state.json", "{}")
    for name in ("history.jsonl", "state.json"):
        assert mode(f"{folder}/{name}") == 0o600 | wanted & 0o066
    assert sorted(os.listdir(folder)) == ["history.jsonl", "state.json"]


def test_a_link_in_its_place_is_not_followed(tmp_path, home):
    prefix, elsewhere = tmp_path / "prefix", tmp_path / "elsewhere"
    prefix.mkdir()
    elsewhere.mkdir()
    (prefix / ".ipy_envmagic").symlink_to(elsewhere)
    folder = state.folder(str(prefix))
    assert folder.startswith(str(home))
    assert mode(folder) == 0o700
    assert list(elsewhere.iterdir()) == []
    assert state.existing(str(prefix)) == (folder,)


def test_a_link_to_a_file_is_neither_read_nor_written(tmp_path):
    folder = state.folder(str(tmp_path))
    secret = tmp_path / "secret"
    secret.write_text("secret")
    for name in ("history.jsonl", "state.json"):
        os.symlink(secret, f"{folder}/{name}")
        assert state.read(f"{folder}/{name}") == ""
    with pytest.raises(OSError, match="symbolic links"):
        state.append(f"{folder}/history.jsonl", "more\n")
    state.write(f"{folder}/state.json", "{}")  # takes the link's place
    assert secret.read_text() == "secret"
    assert not os.path.islink(f"{folder}/state.json")


@pytest.mark.skipif(os.geteuid() != 0, reason="only an administrator can give a folder to another user")
def test_a_folder_that_another_user_made_is_not_trusted(tmp_path, home):
    folder = tmp_path / ".ipy_envmagic"
    folder.mkdir()
    os.chown(folder, 65534, 65534)
    assert state.folder(str(tmp_path)).startswith(str(home))
    os.chown(tmp_path, 65534, 65534)  # it is the owner's, then
    assert state.folder(str(tmp_path)) == str(folder)


def test_nothing_is_made_by_looking(tmp_path, home):
    assert state.existing(str(tmp_path)) == ()
    assert list(tmp_path.iterdir()) == []
    assert not (home / ".local/state").exists()


def test_a_prefix_that_is_a_file(tmp_path, home):
    prefix = tmp_path / "prefix"
    prefix.touch()
    assert state.folder(str(prefix)).startswith(str(home))


def test_a_file_is_written_whole_or_not_at_all(tmp_path):
    path = tmp_path / "x"
    path.write_text("old")
    with pytest.raises(AttributeError):
        state.write(str(path), None)
    assert path.read_text() == "old"
    assert [one.name for one in tmp_path.iterdir()] == ["x"]
