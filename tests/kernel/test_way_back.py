"""The journal, undo, snapshot and restore, in real kernels with real installs."""

import json
import os
import shutil
import subprocess
from importlib import metadata

import pytest
from wheels import make_project, make_wheel

A, B = "envmagic_demo_a", "envmagic_demo_b"


def installed(venv):
    """Return name and version of each distribution, and how it came, as the metadata has it."""
    found = {}
    for one in metadata.distributions(path=[str(venv.site_packages)]):
        told = json.loads(one.read_text("direct_url.json") or "{}")
        found[one.name] = one.version, told.get("dir_info", {}).get("editable"), told.get("url")
    return found


def ok(kernel, line):
    cell = kernel.run(line)
    assert cell.status == "ok", (line, cell)
    return cell


def rows(kernel):
    return json.loads(ok(kernel, "%envcheck --history --json").stdout)["changes"]


@pytest.fixture
def kernel(fresh_kernel, offline):
    """A kernel that installs from the wheels of the tests."""
    fresh_kernel.run(f"import os; os.environ.update({offline!r})")
    return fresh_kernel


def test_the_journal_and_the_way_back(kernel, fresh_venv):
    states = [installed(fresh_venv)]
    assert "has been written down yet" in ok(kernel, "%envcheck --history --json").stdout or rows(kernel) == []
    for line in (
        "%pip install -q envmagic-demo-a==1.0",
        "%pip install -q --upgrade envmagic-demo-a envmagic-demo-b envmagic-demo-script",
        "%pip install -q envmagic-demo-a==1.0",
        "%pip uninstall envmagic-demo-b envmagic-demo-script",
    ):
        ok(kernel, line)
        states.append(installed(fresh_venv))
    told = rows(kernel)
    assert [line["command"].split()[1] for line in told] == ["install", "install", "install", "uninstall"]
    assert all(line["status"] == 0 and line["by"]["kind"] == "kernel" and line["by"]["user"] for line in told)
    (change,) = told[2]["changes"]
    assert (change["before"]["version"], change["after"]["version"]) == ("2.0", "1.0")
    assert change["after"]["installer"] == "pip"
    cell = ok(kernel, "%envcheck --undo")
    assert "Added: envmagic-demo-b 1.0, envmagic-demo-script 1.0" in cell.plain
    assert installed(fresh_venv) == states[3]
    assert ok(kernel, f"import {B}, {A}; {A}.__version__").result == "'1.0'"
    for number in (3, 2, 1):
        ok(kernel, f"%envcheck --undo {number}")
        assert installed(fresh_venv) == states[number - 1]
    assert not (fresh_venv.bin / "envmagic-demo").exists()
    assert [line.get("undo") for line in rows(kernel)[4:]] == [4, 3, 2, 1]
    ok(kernel, "%envcheck --undo")  # an undo is a change as any other
    assert installed(fresh_venv) == states[1]
    cell = kernel.run("%envcheck --undo 99")
    assert cell.error.text == "EnvMagicError: There is no change 99; %envcheck --history shows 1 to 9."


def test_what_others_change_is_a_line_of_its_own(kernel, fresh_venv, wheelhouse):
    ok(kernel, "%pip install -q envmagic-demo-a==1.0")
    fresh_venv.install(wheelhouse / f"{A}-2.0-py3-none-any.whl")
    table = ok(kernel, "%envcheck --history").displays[0]["text/plain"]
    assert "since then" in table
    assert "envmagic-demo-a 1.0 → 2.0" in table
    assert len(rows(kernel)) == 1  # looking writes nothing
    ok(kernel, "%pip install -q envmagic-demo-b")
    _, theirs, mine = rows(kernel)
    assert theirs["by"] == {"kind": "others"}
    assert theirs["changes"][0]["after"]["origin"]["kind"] == "archive"
    assert [one["name"] for one in mine["changes"]] == ["envmagic-demo-b"]
    ok(kernel, "%envcheck --undo 2")
    assert installed(fresh_venv)["envmagic-demo-a"][0] == "1.0"
    assert "envmagic-demo-b" not in installed(fresh_venv)


def test_an_editable_install_comes_back(kernel, fresh_venv, tmp_path):
    project = make_project(tmp_path / "mine", "envmagic-demo-mine", "0.1")
    ok(kernel, f"%pip install -q --no-build-isolation -e {project}")
    before = installed(fresh_venv)
    assert before["envmagic-demo-mine"][1] is True
    ok(kernel, "%pip uninstall envmagic-demo-mine")
    ok(kernel, "%envcheck --undo")
    assert installed(fresh_venv) == before
    ok(kernel, "%pip uninstall envmagic-demo-mine")
    shutil.rmtree(project)
    cell = kernel.run("%envcheck --undo")
    assert cell.error.text == (
        f"EnvMagicError: Nothing was undone: envmagic-demo-mine 0.1 was installed from {project}, which is no project "
        "any more."
    )
    assert "envmagic-demo-mine" not in installed(fresh_venv)


def test_a_file_that_is_gone_is_refused_before_anything_is_touched(kernel, fresh_venv, tmp_path):
    wheel = make_wheel(tmp_path, "envmagic-demo-file", "1.0")
    ok(kernel, f"%pip install -q {wheel}")
    ok(kernel, "%pip uninstall envmagic-demo-file")
    ok(kernel, "%pip install -q envmagic-demo-a==1.0")
    wheel.unlink()
    before = installed(fresh_venv)
    cell = kernel.run("%envcheck --undo 2")
    assert f"envmagic-demo-file 1.0 was installed from {wheel}, which is gone" in cell.error.text
    assert installed(fresh_venv) == before


def test_a_version_that_cannot_be_had_leaves_all_as_it_is(kernel, fresh_venv, tmp_path, wheelhouse):
    folder = tmp_path / "wheels"
    folder.mkdir()
    for version in ("1.0", "2.0"):
        make_wheel(folder, "envmagic-demo-gone", version)
    ok(kernel, f"%pip install -q --find-links {folder} envmagic-demo-gone==1.0 envmagic-demo-a==1.0")
    ok(kernel, f"%pip install -q --find-links {folder} envmagic-demo-gone==2.0 envmagic-demo-b")
    (folder / "envmagic_demo_gone-1.0-py3-none-any.whl").unlink()
    before = installed(fresh_venv)
    cell = kernel.run("%envcheck --undo")
    assert cell.error.ename == "CommandFailed"
    assert "envmagic-demo-gone==1.0" in cell.error.text
    assert installed(fresh_venv) == before
    assert "the environment is as it was before" in cell.plain  # the first step had been done


def test_a_read_waits_for_nobody(kernel, fresh_venv):
    """While another process changes the environment."""
    holder = "from ipy_envmagic.run import lock\nimport sys\nwith lock.hold(sys.prefix, 'pip install x', print):\n"
    holder += "    print('held', flush=True)\n    sys.stdin.read()\n"
    with subprocess.Popen(
        [fresh_venv.python, "-c", holder], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout.readline() == "held\n"
        for line in ("%pip list", "%pip show pip", "%envcheck pip", "%envcheck", "%envcheck --history"):
            assert ok(kernel, line)
        running = kernel.start("%pip install -q envmagic-demo-a", stdin=True)
        running.wait_for("Waiting for 'pip install x'", 30)
        other.communicate("")
        assert running.result(60).status == "ok"


def test_a_secret_is_in_no_line(kernel, fresh_venv):
    ok(kernel, "%pip install -q --index-url https://me:hunter2-secret@localhost/simple envmagic-demo-a==1.0")
    ok(kernel, "import os; os.environ['PIP_INDEX_URL'] = 'https://me:hunter3-secret@localhost/simple'")
    ok(kernel, "%pip install -q envmagic-demo-b")
    kernel.run("%pip install envmagic-demo-nowhere")
    texts = [path.read_text() for path in (fresh_venv.path / ".ipy_envmagic").iterdir() if path.is_file()]
    assert texts
    assert not any("hunter" in text for text in texts)
    ok(kernel, "%envcheck --undo 1")


def test_a_snapshot_of_what_no_index_has_is_refused(kernel):
    cell = kernel.run("%envcheck --snapshot pylock.toml")
    assert "Nothing was written: pip does not find every file again" in cell.error.text
    assert not (kernel.cwd / "pylock.toml").exists()


NOT_READ = [
    ("--snapshot lock.toml", "lock.toml is no name of a lock file; write pylock.toml, or pylock.NAME.toml"),
    ("--snapshot", "--snapshot takes a file: %envcheck --snapshot pylock.toml"),
    ("--snapshot nowhere/pylock.toml", "is no folder"),
    ("--restore pylock.toml", "pylock.toml cannot be read: No such file or directory."),
    ("--restore", "--restore takes a file"),
    ("--undo", "Nothing to undo: no change of this environment has been written down."),
    ("--undo x", "--undo takes a number, as in %envcheck --undo 3; 'x' is none"),
    ("--undo 0", "--undo takes a number"),
    ("--undo 1 2", "--undo takes no names; take 1 2 away"),
    ("--history -3", "knows no option -3"),
    ("--undo --repair", "acts and judges nothing; take"),
    ("--repair numpy", "--repair takes no names; take numpy away"),
    ("--history -r x.txt", "--history reads no other files; take them away"),
]


def test_what_cannot_be_read_is_told_in_a_line(kernel):
    for line, told in NOT_READ:
        cell = kernel.run(f"%envcheck {line}")
        assert cell.error is not None, line
        assert cell.error.ename in {"EnvMagicError", "LineError"}, cell
        assert told in cell.error.text
        assert "\n" not in cell.error.text


def test_restore_takes_a_lock_file_of_another_program(kernel, fresh_venv, wheelhouse, offline):
    """What the kernel needs is not in it: that is refused in a line, before anything is touched."""
    wheel = wheelhouse / f"{A}-1.0-py3-none-any.whl"
    (kernel.cwd / "pylock.toml").write_text(
        'lock-version = "1.0"\ncreated-by = "other"\n[[packages]]\nname = "envmagic-demo-a"\nversion = "1.0"\n'
        f'wheels = [{{ url = "{wheel.as_uri()}", hashes = {{ sha256 = "{"0" * 64}" }} }}]\n'
    )
    before = installed(fresh_venv)
    cell = kernel.run("%envcheck --restore pylock.toml")
    assert cell.error.ename == "LineError", cell
    assert "needs" in cell.error.text
    assert installed(fresh_venv) == before


@pytest.fixture
def plain(new_venv):
    """An environment without a kernel: what the command line needs, and pip."""
    venv = new_venv("plain", kernel=True)
    keep = {"pip", "packaging", "filelock", "platformdirs", "ipy-envmagic"}
    venv.pip("uninstall", "-q", "-y", *(name for name in installed(venv) if name.lower() not in keep))
    return venv


def test_the_command_line_saves_restores_and_undoes(plain, home, wheelhouse, offline, tmp_path):
    """Of all that is in the environment, by hashes; what is not in the file goes."""
    venv = plain
    house = tmp_path / "house"
    shutil.copytree(wheelhouse, house)
    for name in installed(venv):
        repack(venv, name, house)
    variables = {**os.environ, **offline, "PIP_FIND_LINKS": str(house)}

    def command(*words, check=True):
        return venv.run("-m", "ipy_envmagic", *words, check=check, env=variables, cwd=str(home))

    venv.pip("install", "-q", "envmagic-demo-a==1.0", "envmagic-demo-script", env={"PIP_FIND_LINKS": str(house)})
    before = {name: told[0] for name, told in installed(venv).items()}
    assert "Written: pylock.toml" in command("snapshot", "pylock.toml").stdout
    text = (home / "pylock.toml").read_text()
    assert text.count("sha256 = ") + text.count("editable = true") == len(before)
    venv.pip("uninstall", "-q", "-y", "envmagic-demo-script")
    venv.pip("install", "-q", "-U", "envmagic-demo-a", "envmagic-demo-b", env={"PIP_FIND_LINKS": str(house)})
    said = command("restore", "pylock.toml").stdout
    assert {name: told[0] for name, told in installed(venv).items()} == before, said
    assert (venv.bin / "envmagic-demo").exists()
    assert "as pylock.toml says" in command("restore", "pylock.toml").stdout
    command("undo")
    assert {name: told[0] for name, told in installed(venv).items()} == {
        **{name: version for name, version in before.items() if name != "envmagic-demo-script"},
        "envmagic-demo-a": "2.0",
        "envmagic-demo-b": "1.0",
    }
    assert json.loads(command("history", "--json").stdout)["changes"][-1]["command"].startswith("envcheck --undo")
    (home / "pylock.toml").write_text(text.replace(sha_of(text, "envmagic-demo-a"), "0" * 64))
    done = command("restore", "pylock.toml", check=False)
    assert done.returncode != 0
    assert installed(venv)["envmagic-demo-a"][0] == "2.0"  # another file than was locked: nothing of it is installed
    assert "envmagic-demo-b" in installed(venv)


def sha_of(text, name):
    return text.partition(f'name = "{name}"')[2].partition('sha256 = "')[2].partition('"')[0]


def repack(venv, name, folder):
    """Make a wheel of an installed distribution, as an index would have it."""
    one = next(found for found in metadata.distributions(path=[str(venv.site_packages)]) if found.name == name)
    files = {
        str(file): (venv.site_packages / file).read_bytes()
        for file in one.files or ()
        if ".." not in file.parts and "__pycache__" not in file.parts and (venv.site_packages / file).is_file()
    }
    modules = {path: content for path, content in files.items() if ".dist-info/" not in path}
    make_wheel(folder, name, one.version, modules=modules or {f"{name}_nothing.py": ""})
