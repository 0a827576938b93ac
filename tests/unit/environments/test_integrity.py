import os
import zipfile

import pytest
from wheels import make_wheel

from ipy_envmagic.environments import integrity
from ipy_envmagic.environments.distributions import installed


@pytest.fixture
def put(tmp_path):
    site = tmp_path / "site"
    site.mkdir()

    def make(name="some", **modules):
        wheel = make_wheel(
            tmp_path, name, "1.0", modules={path.replace("__", "/"): text for path, text in modules.items()}
        )
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(site)
        return installed([str(site)])[name], site

    integrity.forget()
    return make


def files(count):
    return {"some/__init__.py": "", **{f"some/part{number}.py": f"x = {number}\n" for number in range(count)}}


def test_a_whole_distribution(put):
    dist, _ = put(**files(3))
    found = integrity.examine(dist)
    assert (found.damage, found.looked_at, found.listed, found.stopped_short) == ((), 4, 4, False)


def test_each_kind_of_damage(put):
    dist, site = put(**files(6))
    (site / "some/part0.py").unlink()
    (site / "some/part1.py").unlink()
    (site / "some/part1.py").symlink_to(site / "nowhere")
    (site / "some/part2.py").write_text("longer than before\n")
    (site / "some/__init__.py").write_text("")
    assert {(one.path, one.kind) for one in integrity.examine(dist).damage} == {
        ("some/part0.py", "missing"),
        ("some/part1.py", "broken-link"),
        ("some/part2.py", "size"),
    }
    (site / "some/part3.py").write_text("y = 3\n")  # as long, and not the same
    assert ("some/part3.py", "content") in {(one.path, one.kind) for one in integrity.examine(dist).damage}
    assert {one.kind for one in integrity.examine(dist, sizes=False).damage} == {"missing", "broken-link"}


def test_it_stops_in_time_and_says_so(put):
    dist, _ = put(**files(300))
    found = integrity.examine(dist, seconds=0)
    assert found.stopped_short
    assert found.looked_at == 64
    assert found.listed == 301


@pytest.mark.parametrize("change", ["remove", "empty", "replace", "record"])
def test_what_was_whole_is_looked_at_again_after_a_change(put, change):
    dist, site = put(**files(5))
    assert integrity.examine(dist).damage == ()
    assert integrity.examine(dist).damage == ()
    path = site / "some/part3.py"
    if change == "remove":
        path.unlink()
    elif change == "empty":
        path.write_text("")
    elif change == "replace":
        (site / "other.py").write_text("something else\n")
        os.replace(site / "other.py", path)
    else:
        record = site / "some-1.0.dist-info/RECORD"
        record.write_text(record.read_text().replace("part3", "part33"))
    assert len(integrity.examine(dist).damage) == 1


def test_what_installers_rewrite_is_left_out(put):
    dist, site = put(**files(1))
    record = site / "some-1.0.dist-info/RECORD"
    more = "some/__pycache__/part0.cpython-312.pyc,,\n../../bin/tool,sha256=aa,3\nsome-1.0.dist-info/INSTALLER,,4\n"
    record.write_text(record.read_text() + more)
    assert integrity.examine(dist).damage == ()


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\0", b'"unclosed', b"a,b\n,,,,\n", b"\n" * 100])
def test_a_damaged_record_breaks_nothing(put, content):
    dist, site = put(**files(1))
    (site / "some-1.0.dist-info/RECORD").write_bytes(content)
    assert isinstance(integrity.examine(dist).damage, tuple)


def test_names_with_commas(put):
    dist, site = put(**{"some/__init__.py": "", "some/a,b.txt": "x"})
    assert [entry.path for entry in integrity.entries(dist) if "," in entry.path] == ["some/a,b.txt"]
    (site / "some/a,b.txt").unlink()
    assert [one.path for one in integrity.examine(dist).damage] == ["some/a,b.txt"]
