"""Whatever lies in a site directory, a check ends with a report."""

import os
import shutil

import pytest

FILES = ("METADATA", "RECORD", "INSTALLER", "direct_url.json", "top_level.txt", "WHEEL", "entry_points.txt", "")
JUNK = {
    "nothing": b"",
    "zeros": b"\0" * 4096,
    "no text": bytes(range(256)) * 16,
    "one endless line": b"x" * 200_000,
    "quotes": b'"a,b",,\n"unclosed\n,,,,,\n',
    "nested": b"[" * 5000,
    "a number": b"3",
    "surrogates": "Name: \ud800\nVersion: \udfff\n".encode("utf-8", "surrogatepass"),
    "headers alone": b"Name\nVersion\n:\n : \nRequires-Dist:\nRequires-Python: ~=\nProvides-Extra:\n",
    "bad requirements": b"Name: some\nRequires-Dist: ;;\nRequires-Dist: x>=; y\nRequires-Dist: z; extra ==\n",
}
ASKED = ("some", "some.part", "some>=1", "some[fast]", "some-project", "some @ https://host/x.whl", "some==1.*")


def spoil(path, kind):
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
    if kind == "a folder":
        path.mkdir()
    elif kind == "a dead link":
        path.symlink_to(path.with_name("nowhere"))
    elif kind == "a loop":
        path.symlink_to(path)
    elif kind == "a pipe":
        pytest.importorskip("fcntl")
        os.mkfifo(path)
    elif kind != "gone":
        path.write_bytes(JUNK[kind])


@pytest.mark.parametrize("kind", [*JUNK, "gone", "a folder", "a dead link", "a loop"])
@pytest.mark.parametrize("file", FILES)
def test_damaged_metadata(here, file, kind):
    info = here.put("some", modules={"some/__init__.py": "", "some/part.py": ""}, extras={"fast": ["quick>=1"]})
    spoil(info / file if file else info, kind)
    for asked in ASKED:
        report = here.check(asked)
        assert report.checks[0].status in {"ok", "warning", "error"}
        report.to_text()
        report.to_html()
    here.check()


@pytest.mark.parametrize("kind", [*JUNK, "a folder", "a dead link", "a loop"])
@pytest.mark.parametrize(
    "file", ["some.pth", "some/__init__.py", "some/part.py", "some", "some.egg-link", "some-1.0.egg"]
)
def test_damaged_modules_and_path_files(here, file, kind):
    here.put("some", modules={"some/__init__.py": "", "some/part.py": ""})
    spoil(here.site / file, kind)
    for asked in ASKED:
        here.check(asked)
    here.check()


@pytest.mark.parametrize("value", [None, 3, "text", object(), type("Odd", (), {"__file__": 3, "__spec__": "x"})()])
def test_odd_things_in_sys_modules(here, value):
    here.put("some", modules={"some/__init__.py": "", "some/part.py": ""})
    here.modules.update({"some": value, "some.part": value, "__editable__x": value})
    here.known["meta_path"] = (value, 3, object(), type("RedirectingFinder", (), {}))
    here.known["variables"] = {"some": value}
    here.known["importers"] = {str(here.site): value}
    for asked in ASKED:
        here.check(asked)


@pytest.mark.parametrize("entry", ["", "\0", "nowhere", "/dev/null", "relative/path", "\ud800"])
def test_odd_entries_of_the_path(here, entry):
    here.put("some")
    here.first, here.extra = (entry,), (entry,)
    for asked in ASKED:
        here.check(asked)
