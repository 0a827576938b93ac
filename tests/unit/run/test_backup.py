import os
import shutil
import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ipy_envmagic.environments.environment import Environment
from ipy_envmagic.run import backup
from ipy_envmagic.run.backup import Root


def tree(folder):
    """Return what is in a folder: the text of files, the targets of links, None for folders."""
    found = {}
    for above, folders, files in os.walk(folder):
        for name in (*folders, *files):
            path = os.path.join(above, name)
            key = os.path.relpath(path, folder)
            if os.path.islink(path):
                found[key] = "->" + os.readlink(path)
            elif os.path.isdir(path):
                found[key] = None
            else:
                with open(path) as file:
                    found[key] = file.read()
    return found


def write(path, text):
    """Write as installers do: what is there is unlinked first."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    path.write_text(text)


@pytest.fixture
def site(tmp_path):
    site = tmp_path / "site"
    for name, text in (("one/__init__.py", "1"), ("one/part/a.py", "a"), ("two.py", "2"), ("x.pth", "/a\n")):
        write(site / name, text)
    (site / "empty").mkdir()
    (site / "link").symlink_to("one")
    (site / "dangling").symlink_to("nowhere")
    return site


def complain(path, error):
    raise AssertionError((path, error))


def keep(site, **keywords):
    roots = (Root(str(site), **keywords),)
    target = str(site.parent / "kept")
    backup.keep(roots, target)
    return roots, target


def put_back(roots, target, until=None):
    return backup.restore(backup.differences(roots, target, until), complain)


def test_nothing_has_changed(site):
    assert not backup.differences(*keep(site))


def test_everything_comes_back(site):
    before = tree(site)
    roots, target = keep(site)
    (site / "one").rename(site / "~ne")  # as pip does it
    write(site / "one/__init__.py", "new")
    write(site / "one/other.py", "new")
    (site / "two.py").unlink()
    (site / "two.py").mkdir()  # a folder where a file was
    write(site / "two.py/x", "x")
    shutil.rmtree(site / "empty")
    write(site / "empty", "a file where a folder was")
    (site / "link").unlink()
    (site / "link").symlink_to("two.py")
    with (site / "x.pth").open("a") as file:
        file.write("/b\n")  # in place
    write(site / "new/deep/er.py", "new")
    assert put_back(roots, target) > 0
    assert tree(site) == before
    assert not backup.differences(roots, target)


def test_what_was_compiled_of_another_version_goes(site):
    roots, target = keep(site)
    write(site / "one/__init__.py", "new")
    write(site / "one/__pycache__/__init__.cpython-312.pyc", "compiled")
    write(site / "one/new.py", "new")
    write(site / "one/__pycache__/new.cpython-312.pyc", "compiled")
    write(site / "one/__pycache__/other.cpython-312.pyc", "compiled")
    write(site / "one/part/__pycache__/a.cpython-312.pyc.140038150443952", "half of it")
    put_back(roots, target)
    assert sorted(os.listdir(site / "one/__pycache__")) == ["other.cpython-312.pyc"]
    assert os.listdir(site / "one/part/__pycache__") == []


def test_what_is_younger_is_somebody_else_s(site):
    before = tree(site)
    roots, target = keep(site)
    write(site / "mine/a.py", "made by what was cut off")
    write(site / "both/a.py", "made by what was cut off")
    (site / "two.py").unlink()
    until = time.time() + 0.05
    time.sleep(0.2)
    write(site / "theirs/a.py", "theirs")
    write(site / "both/b.py", "theirs")
    write(site / "one/__init__.py", "theirs")
    put_back(roots, target, until)
    after = tree(site)
    assert "mine" not in after
    assert after.pop("theirs/a.py") == after.pop("both/b.py") == after.pop("one/__init__.py") == "theirs"
    del after["theirs"], after["both"], before["one/__init__.py"]
    assert after == before


def test_a_folder_that_is_shared_keeps_what_is_new(site):
    roots, target = keep(site, alone=False)
    write(site / "new.py", "new")
    (site / "two.py").unlink()
    put_back(roots, target)
    assert (site / "new.py").exists()
    assert (site / "two.py").exists()


def test_what_a_person_puts_at_the_top_of_conda_s_prefix_stays(site):
    write(site / "pkgs/cache", "x")
    roots, target = keep(site, passed_over=("pkgs",))
    write(site / "mine/data.csv", "mine")
    write(site / "one/new.py", "new")
    write(site / "pkgs/more", "x")
    (site / "two.py").unlink()
    put_back(roots, target)
    assert (site / "mine/data.csv").exists()
    assert (site / "pkgs/more").exists()
    assert (site / "two.py").exists()
    assert not (site / "one/new.py").exists()


def test_what_cannot_be_put_back_hinders_nothing_else(site):
    roots, target = keep(site)
    (site / "two.py").unlink()
    write(site / "one/__init__.py", "new")
    found = backup.differences(roots, target)
    os.unlink(f"{target}/0/two.py")
    failed = []
    backup.restore(found, lambda path, error: failed.append((path, type(error))))
    assert failed == [(str(site / "two.py"), FileNotFoundError)]
    assert (site / "one/__init__.py").read_text() == "1"


def test_links_cost_no_space(site):
    write(site / "big.bin", "x" * 100_000)
    keep(site)
    assert (site / "big.bin").stat().st_nlink == 2
    assert (site / "x.pth").stat().st_nlink == 1  # written in place, so it is copied


def test_another_file_system_is_copied_to(site):
    """/dev/shm is another one than the tests' folder, where both are there."""
    shared = "/dev/shm"
    if not os.path.isdir(shared) or os.stat(shared).st_dev == os.stat(site).st_dev:
        pytest.skip("there is one file system only")
    target = f"{shared}/ipy-envmagic-{os.getpid()}"
    before = tree(site)
    roots = (Root(str(site)),)
    try:
        backup.keep(roots, target)
        assert not backup.differences(roots, target)
        shutil.rmtree(site / "one")
        write(site / "two.py", "new")
        put_back(roots, target)
    finally:
        shutil.rmtree(target, ignore_errors=True)
    assert tree(site) == before


def test_which_folders_are_kept(venv):
    environment = Environment.from_prefix(str(venv.path))
    roots = backup.roots_of(environment)
    assert str(venv.site_packages) in {root.path for root in roots}
    assert str(venv.bin) in {root.path for root in roots}
    assert all(root.path.startswith(str(venv.path)) for root in roots)


NAMES = st.sampled_from(["a", "b", "c.py", "~d"])
PATHS = st.lists(NAMES, min_size=1, max_size=3).map("/".join)
DEEDS = st.lists(st.tuples(st.sampled_from(["write", "remove", "rename", "folder", "link"]), PATHS, PATHS), max_size=8)


def do(site, deeds):
    for what, one, other in deeds:
        path, second = site / one, site / other
        try:
            if what == "write":
                write(path, one)
            elif what == "remove":
                shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
            elif what == "rename":
                path.rename(second)
            elif what == "folder":
                path.mkdir(parents=True)
            else:
                path.symlink_to(other)
        except (OSError, shutil.Error):
            continue


@given(DEEDS, DEEDS)
@example([("write", "b/a", "")], [("remove", "b", ""), ("write", "b", "")])  # a file where a folder was
@settings(max_examples=150, deadline=None)
def test_whatever_was_done_it_comes_back(tmp_path_factory, first, then):
    site = tmp_path_factory.mktemp("any") / "site"
    site.mkdir()
    do(site, first)
    before = tree(site)
    roots, target = keep(site)
    do(site, then)
    put_back(roots, target)
    assert tree(site) == before
    shutil.rmtree(site.parent)
