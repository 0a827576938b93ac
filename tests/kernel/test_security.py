"""One test for each promise of SECURITY.md that no other test keeps."""

import json
import os
import shutil
from pathlib import Path

import pytest
from wheels import make_wheel

from ipy_envmagic.checks.check import check
from ipy_envmagic.checks.session import Session
from ipy_envmagic.environments.environment import Environment

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def kernel(fresh_kernel, offline):
    fresh_kernel.run(f"import os; os.environ.update({offline!r})")
    return fresh_kernel


def test_each_promise_has_a_test():
    page = ROOT / "SECURITY.md"
    if not page.exists():
        pytest.skip("the tests run without the project's folder")
    text = page.read_text()
    named = {word.strip("`,;") for word in text.split() if word.startswith("`test_")}
    here = Path(__file__).read_text() + (ROOT / "tests/browser/test_lab.py").read_text()
    assert len(named) >= 6
    assert [name for name in named if f"def {name}(" not in here] == []
    files = {word.strip("`,;") for word in text.split() if word.startswith("`tests/")}
    assert [name for name in files if not (ROOT / name).exists()] == []


def test_no_shell_between_a_value_and_a_program(kernel):
    evil = "x; touch one; $(touch two) `touch three` | touch four > five && touch six\ntouch seven"
    kernel.run(f"evil = {evil!r}\nmany = [evil, '$(touch eight)', '; touch nine']")
    for line in (
        "%pip install {evil}",
        '%pip install "$evil"',
        "%pip install {many}",
        "%pip show {evil} | cat",
        "%uv pip install {many}",
        "%conda install {evil}",
        "%envcheck {evil}",
        "%envcheck -r {evil}",
        "%envcheck --everywhere {many}",
        "%envcheck --diff {evil}",
        "%envcheck --snapshot {evil}",
        "%pip install $(touch ten) `touch eleven`",
        "%%pip install\n$(touch twelve)\n; touch thirteen",
    ):
        kernel.run(line)
    assert list(kernel.cwd.iterdir()) == []


def test_no_code_of_what_is_checked_runs(kernel, fresh_venv, tmp_path):
    """Everything that a package can bring writes a file as soon as it runs."""
    ran = tmp_path / "ran"
    code = f"open({str(ran)!r}, 'a').write(__name__)\n"
    wheel = make_wheel(
        tmp_path,
        "envmagic-demo-evil",
        "1.0",
        modules={"envmagic_demo_evil/__init__.py": code, "envmagic_demo_evil/part.py": code},
    )
    fresh_venv.install(wheel)
    site = fresh_venv.site_packages
    (site / "evil.pth").write_text(f"import os; open({str(ran)!r}, 'a').write('pth')\n/nowhere\n")
    (site / "sitecustomize.py").write_text(code)
    work = kernel.cwd
    (work / "setup.py").write_text(code)
    (work / "evil.py").write_text(code + "import envmagic_demo_evil, envmagic_demo_evil.part\n")
    (work / "requirements.txt").write_text("envmagic-demo-evil>=1\n-e .\n")
    cells = [code, "!touch shell", "%pip install nothing", "import envmagic_demo_evil.part"]
    made = [
        {"cell_type": "code", "source": one, "metadata": {}, "outputs": [], "execution_count": None} for one in cells
    ]
    (work / "nb.ipynb").write_text(json.dumps({"cells": made, "metadata": {}, "nbformat": 4, "nbformat_minor": 4}))
    for line in (
        "envmagic-demo-evil",
        "envmagic_demo_evil.part evil setup",
        "",
        "--everywhere envmagic-demo-evil",
        f"--diff {fresh_venv.path}",
        "--kernels",
        "--history",
        "-r requirements.txt",
        "-r evil.py",
        "--notebook nb.ipynb",
    ):
        cell = kernel.run(f"%envcheck {line}")
        assert cell.status == "ok", cell
    assert not ran.exists(), ran.read_text()
    assert not (work / "shell").exists()
    assert kernel.run("%envcheck --deep envmagic-demo-evil").status == "ok"
    assert ran.exists()  # in another process, as was asked: the trap works
    assert kernel.run("import sys; 'envmagic_demo_evil' in sys.modules").result == "False"


def test_html_from_hostile_names_is_inert(tmp_path, monkeypatch, venv):
    """A folder, a module, a distribution and a requirement that are called as markup is written."""
    tag = "<img src=x onerror=alert(1)>"
    folder = tmp_path / tag
    (folder / f"x{tag}-1.0.dist-info").mkdir(parents=True)
    (folder / f"x{tag}-1.0.dist-info/METADATA").write_text(f"Name: x{tag}\nVersion: {tag}\nRequires-Dist: {tag}\n")
    (folder / "numpy.py").write_text("")
    (folder / "~umpy").mkdir()
    (folder / "a.pth").write_text(f"/{tag}\nimport {tag}\n")
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.chdir(folder)
    environment, session = Environment.current(), Session.current()
    for names in ((tag, "numpy", f"x{tag}", f"{tag}.py"), ()):
        report = check(names, environment, session)
        html = report.to_html()
        assert "<img" not in html
        assert "onerror=alert(1)>" not in html
        assert str(tag) in str(report.to_dict()) or not names


def test_a_secret_is_shown_nowhere(kernel, fresh_venv, home):
    secrets = ["url-secret-1", "env-secret-2", "option-secret-3", "netrc-secret-4", "token-secret-5"]
    (Path(kernel.run("import os; print(os.path.expanduser('~'))").stdout.strip()) / ".netrc").write_text(
        "machine localhost login me password netrc-secret-4\n"
    )
    kernel.run(
        "import os\nnames = ['PIP_NO_INDEX', 'UV_NO_INDEX', 'UV_OFFLINE', 'PIP_FIND_LINKS', 'UV_FIND_LINKS']\n"
        "for name in names: os.environ.pop(name, None)\n"
        "os.environ |= {'PIP_RETRIES': '0', 'PIP_DEFAULT_TIMEOUT': '2', 'UV_HTTP_RETRIES': '0',\n"
        " 'PIP_EXTRA_INDEX_URL': 'https://me:env-secret-2@localhost:1/simple', 'UV_INDEX_TOKEN': 'token-secret-5'}"
    )
    told = []
    for line in (
        "%pip install -v --index-url https://me:url-secret-1@localhost:1/simple envmagic-demo-nowhere",
        "%pip install envmagic-demo-x @ https://me:url-secret-1@localhost:1/x.whl",
        "%uv pip install --index-url https://me:url-secret-1@localhost:1/simple envmagic-demo-nowhere",
        "%pip download --password option-secret-3 envmagic-demo-nowhere",
        "%pip install -v --index-url https://localhost:1/simple envmagic-demo-nowhere",
        "%envcheck 'envmagic-demo-x @ https://me:url-secret-1@localhost:1/x.whl'",
        "%envcheck",
        "%pip config list",
        "%pip install {undefined_name} --index-url https://me:url-secret-1@localhost:1/simple",
    ):
        cell = kernel.run(line)
        told.append(f"{cell.raw}\n{cell.error.text if cell.error else ''}\n{cell.displays}")
    told.append(kernel.run("%tb").raw)
    told += [path.read_text() for path in (fresh_venv.path / ".ipy_envmagic").iterdir() if path.is_file()]
    assert "envmagic-demo-nowhere" in told[0]
    assert "****@localhost" in told[0]
    for text in told:
        assert [secret for secret in secrets if secret in text] == [], text


@pytest.mark.skipif(os.name == "nt", reason="permissions of POSIX")
def test_temporary_files_are_private_and_go(kernel, tmp_path):
    folder = tmp_path / "temporary"
    folder.mkdir()
    kernel.run(f"import os, tempfile; os.environ['TMPDIR'] = {str(folder)!r}; tempfile.tempdir = None")
    cell = kernel.run("%pip --version | ls -lR $TMPDIR")
    assert "ipy-envmagic-" in cell.plain
    shown = [line for line in cell.plain.splitlines() if "ipy-envmagic-" in line and line.startswith("d")]
    assert shown
    assert all(line.startswith("drwx------") for line in shown)
    kernel.run("%pip install -q envmagic-demo-a")
    kernel.run("%pip install envmagic-demo-broken")
    kernel.run("%envcheck --snapshot pylock.toml")
    assert list(folder.iterdir()) == []


def test_a_name_near_a_known_one_is_not_installed_by_a_fix(kernel, fresh_venv, tmp_path, wheelhouse):
    """Its metadata says that it is here, and its files are gone: the fix would install it again."""
    folder = tmp_path / "house"
    shutil.copytree(wheelhouse, folder)
    wheel = make_wheel(folder, "nunpy", "1.0", modules={"nunpy/__init__.py": ""})
    fresh_venv.install(wheel)
    (fresh_venv.site_packages / "nunpy/__init__.py").unlink()
    kernel.run(f"import os; os.environ['PIP_FIND_LINKS'] = {str(folder)!r}")
    cell = kernel.run("%envcheck nunpy --fix")
    assert "Not run, for nunpy is nearly numpy, which is widely used" in cell.plain
    assert not (fresh_venv.site_packages / "nunpy/__init__.py").exists()


def test_a_repair_touches_only_its_environment(new_venv, tmp_path):
    """Who may write to the prefix may write down a change that was cut off, and name any folder in it."""
    venv = new_venv("shared", kernel=True)
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "thesis.txt").write_text("")
    entry = venv.path / ".ipy_envmagic/pending/00aa"
    (entry / "kept/0").mkdir(parents=True)
    (venv.path / ".ipy_envmagic").chmod(0o700)
    for named in (str(mine), f"{venv.path}/lib/../../mine"):
        by = {"pid": 2**22 + 1, "host": os.uname().nodename}
        told = {"command": "pip install x", "since": "2026-01-01T00:00:00Z", "by": by, "roots": [[named, True, []]]}
        (entry / "entry.json").write_text(json.dumps(told))
        done = venv.run("-m", "ipy_envmagic", "repair", check=False)
        assert done.returncode == 1
        assert f"Not repaired: its record names {named}, which is not this environment's." in done.stdout
        assert (mine / "thesis.txt").exists()
