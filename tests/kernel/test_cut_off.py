"""Changes that end in other ways than a kill: no space, something in the way, a dead network, a kernel that dies."""

import http.server
import os
import shutil
import subprocess
import threading
import time

import pytest
from survival import Survivor, make_wheels, put_back
from wheels import make_wheel

pytestmark = pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="processes are found in /proc")


@pytest.fixture(scope="module")
def wheels(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cut-off-wheels")
    make_wheels(folder)
    for version in ("1.0", "2.0"):
        make_wheel(
            folder,
            "envmagic-kill-0big",
            version,
            modules={"envmagic_kill_big.py": f"__version__ = {version!r}\n"},
            bloat=3_000_000 if version == "2.0" else 0,
        )
    return folder


@pytest.fixture
def survivor(new_venv, wheels, home):
    made = Survivor(new_venv("survivor", kernel=True), wheels, home)
    put_back(made)
    return made


def test_no_space_left(survivor, tmp_path):
    """The environment lies on a small file system of its own."""
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=250m", "tmpfs", str(small)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"no file system can be mounted here: {mounted.stderr.decode().strip()}")
    try:
        moved = small / "venv"
        shutil.copytree(survivor.venv.path, moved, symlinks=True)
        survivor.venv = type(survivor.venv)(moved)
        before = survivor.look()
        free = shutil.disk_usage(small).free
        with (small / "filler").open("wb") as file:
            file.write(b"x" * (free - 2_000_000))
        said = survivor.run(
            *survivor.words("install", "envmagic-kill-a==2.0", "envmagic-kill-b==2.0", "envmagic-kill-0big==2.0")
        )
        assert "No space left" in said, said
        assert survivor.look() == before, said
        assert survivor.kept() == []
        with (small / "filler2").open("wb") as file:
            file.write(b"x" * (shutil.disk_usage(small).free - 4096))
        said = survivor.run(*survivor.words("install", "envmagic-kill-a==2.0", "envmagic-kill-b==2.0"))
        assert "No space left" in said, said
        assert survivor.look() == before, said
    finally:
        subprocess.run(["umount", "-l", str(small)], check=True)


def test_what_fails_before_it_begins_leaves_alone_what_others_do(survivor):
    """pip resolves, and fails; somebody else's file, which came meanwhile, stays."""
    theirs = survivor.venv.site_packages / "theirs.py"
    for words in (["install", "envmagic-kill-a==2.0", "envmagic-kill-nowhere"], ["install", "envmagic-kill-a==9"]):
        process = survivor.start(*survivor.words(*words))
        while not (pending := survivor.kept()) and process.poll() is None:
            time.sleep(0.005)
        assert pending
        theirs.write_text("")
        said, _ = process.communicate(timeout=60)
        assert "ERROR CommandFailed" in said
        assert theirs.exists()
        assert survivor.kept() == []
        theirs.unlink()


@pytest.mark.parametrize("silenced", [{}, {"PIP_QUIET": "3"}])
def test_something_in_the_way(survivor, silenced):
    """A folder where a script has to go: pip finds out in the middle, and does not put everything back itself."""
    survivor.variables |= silenced
    before = survivor.look()
    folder = survivor.venv.site_packages / "envmagic_kill_big.py"
    folder.mkdir()
    (folder / "mine").touch()
    said = survivor.run(
        *survivor.words("install", "envmagic-kill-a==2.0", "envmagic-kill-b==2.0", "envmagic-kill-0big==1.0")
    )
    assert "ERROR CommandFailed" in said, said
    assert survivor.look() == before, said
    assert (folder / "mine").exists()


@pytest.fixture
def unchangeable(survivor):
    """A function that makes a file or folder such that not even an administrator can replace it."""

    def make(path):
        done = subprocess.run(["chattr", "+i", str(path)], capture_output=True, check=False)
        if done.returncode:
            pytest.skip(f"nothing can be made unchangeable here: {done.stderr.decode().strip()}")

    yield make
    # An installer may have renamed it.
    subprocess.run(["chattr", "-R", "-i", str(survivor.venv.path)], check=False, capture_output=True)


@pytest.mark.skipif(not shutil.which("chattr"), reason="chattr is not here")
@pytest.mark.parametrize("what", ["", "part7.py"])
def test_a_read_only_file_in_the_way(survivor, unchangeable, what):
    """pip replaces two packages and fails at the third, whose folder, or a file of it, cannot be replaced."""
    before = survivor.look()
    unchangeable(survivor.venv.site_packages / "envmagic_kill_a" / what)  # pip takes the one that needs another last
    said = survivor.run(
        *survivor.words("install", "envmagic-kill-a==2.0", "envmagic-kill-b==2.0", "envmagic-kill-c==2.0")
    )
    told, checked, left, *_ = survivor.look()
    if "ERROR CommandFailed" not in said:  # later versions of pip go on, and tell what they could not take away
        assert "Failed to remove contents" in said
        assert {told[name] for name in survivor.NAMES[:3]} == {"2.0"}
        assert "nothing needs any more" in said
        return
    assert [told, checked] == [*before[:2]], said
    if left:  # pip's own copy of the file that nobody can take away: said, and kept for a repair
        assert "Not put back: " in said
        assert survivor.kept()
        subprocess.run(["chattr", "-R", "-i", str(survivor.venv.site_packages / left[0])], check=True)
        assert "Not put back" not in survivor.repair()
    assert survivor.look() == before
    assert survivor.kept() == []


def test_a_network_that_dies_in_the_middle(survivor, wheels):
    """The first two packages come whole, the third does not."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            if not self.path.endswith(".whl"):
                names = [
                    wheel.name for wheel in wheels.iterdir() if self.path.strip("/").replace("-", "_") in wheel.name
                ]
                page = "".join(f'<a href="/{name}">{name}</a>' for name in names).encode()
                self.send_header("Content-Length", str(len(page)))
                self.end_headers()
                self.wfile.write(page)
                return
            data = (wheels / self.path.strip("/")).read_bytes()
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data[: len(data) // 3] if "big" in self.path else data)
            self.wfile.flush()
            self.close_connection = True

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        before = survivor.look()
        survivor.variables |= {"PIP_RETRIES": "0", "PIP_RESUME_RETRIES": "0"}
        del survivor.variables["PIP_NO_INDEX"], survivor.variables["PIP_FIND_LINKS"]
        words = ("--no-cache-dir", "--index-url", f"http://127.0.0.1:{server.server_address[1]}")
        said = survivor.run(
            *survivor.words("install", *words, "envmagic-kill-a==2.0", "envmagic-kill-b==2.0", "envmagic-kill-0big")
        )
        assert "ERROR CommandFailed" in said, said
        assert survivor.look() == before
    finally:
        server.shutdown()
        server.server_close()


def test_a_kernel_that_dies_is_told_of_in_the_next_one(fresh_venv, new_kernel, wheels, tmp_path):
    """By the load, by a check, and by the next command; the repair brings the old version back."""
    fresh_venv.pip("install", "-q", "--no-compile", "--find-links", str(wheels), "envmagic-kill-c==1.0")
    one = new_kernel(fresh_venv.python, load=True)
    running = one.start(f"%pip install --no-index --find-links {wheels} --no-compile envmagic-kill-c==2.0", stdin=True)
    running.wait_for("Installing collected packages", 60)
    one.kill()
    two = new_kernel(fresh_venv.python, cwd=tmp_path)
    told = "A change of this environment was cut off: pip install --no-index"
    cell = two.run("%load_ext ipy_envmagic")
    assert told in cell.plain
    assert "%envcheck --repair puts back what it broke." in cell.plain
    report = two.run(
        "report = %envcheck traitlets\nprint([f.code for f in report.findings], report.findings[0].fix.magic)"
    )
    assert "['change-cut-off'] ('%envcheck --repair',)" in report.plain
    cell = two.run(f"%pip install -q --no-index --find-links {wheels} envmagic-kill-tool==1.0")
    assert told in cell.plain
    assert cell.status == "ok", cell
    cell = two.run("%envcheck --repair")
    assert cell.status == "ok", cell
    assert told in cell.plain
    assert two.run("import envmagic_kill_c.part1 as m; m.VERSION").result == "'1.0'"
    assert two.run("import envmagic_kill_tool").status == "ok"  # what was installed since stays
    assert [path for path in (fresh_venv.path / ".ipy_envmagic/pending").iterdir() if not path.suffix] == []
    assert told not in two.run("%reload_ext ipy_envmagic").plain
    assert "Nothing to repair" in two.run("%envcheck --repair").plain
    assert "envmagic-kill-tool" in two.run("%envcheck --history").displays[0]["text/plain"]
