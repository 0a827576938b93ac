"""%conda in real kernels of real conda environments, with a real conda."""

import contextlib
import json
import os
import shutil
import signal
import stat
import sys
from pathlib import Path

import pytest
from conda_fixtures import OTHER
from kernels import Kernel
from survival import of_mark

from ipy_envmagic.environments.installers import Where, put_by

pytestmark = pytest.mark.conda
own_conda = pytest.mark.skipif(bool(OTHER), reason="IPY_ENVMAGIC_TEST_CONDA: this is about where our own conda lies")


@own_conda
def test_install_import_list_remove(conda, conda_kernel):
    """Nothing on PATH, no variable set: the records tell which conda owns the environment."""
    kernel = conda_kernel()
    cell = kernel.run("%conda install needsdep")
    assert cell.status == "ok", cell
    echo = cell.plain.splitlines()[0]
    assert str(conda.executable) in echo
    assert f"--prefix {kernel.prefix}" in echo
    assert "--yes" in echo
    assert "Added: needsdep 1.0, ourdep 0.5" in cell.plain
    assert kernel.run("import needsdep, ourdep").status == "ok"
    assert "needsdep" in kernel.run("%conda list").plain
    cell = kernel.run("%conda remove needsdep")
    assert cell.status == "ok", cell
    assert "Removed: needsdep 1.0" in cell.plain
    history = (kernel.prefix / "conda-meta/history").read_text()
    assert "needsdep-1.0" in history


@pytest.mark.parametrize("line", ["ourpkg>=2", "'ourpkg >=2'", "{wanted}"])
def test_a_specifier_arrives_whole(conda_kernel, line):
    kernel = conda_kernel()
    kernel.run("wanted = ['ourpkg>=2']\nimport ourpkg")
    cell = kernel.run(f"%conda install {line}")
    assert cell.status == "ok", cell
    assert "Updated: ourpkg 1.0 → 2.0" in cell.plain
    assert "ourpkg 1.0 is loaded, 2.0 is on disk" in cell.displays[0]["text/plain"]
    assert list(kernel.cwd.iterdir()) == []


def test_what_conda_does_not_know_is_offered_to_pip(conda_kernel):
    kernel = conda_kernel()
    cell = kernel.run("%conda install nosuchpkg")
    assert cell.error.ename == "CommandFailed"
    first, second = cell.error.text.splitlines()
    assert first.startswith("CommandFailed: conda install nosuchpkg failed (exit status 1)")
    assert "%pip install nosuchpkg" in second


def test_json_is_json(conda_kernel):
    cell = conda_kernel().run("%conda list --json")
    assert "ourpkg" in {package["name"] for package in json.loads(cell.raw.partition("\n")[2])}


def test_the_users_own_environment_is_respected(conda_kernel, new_conda_environment):
    kernel, other = conda_kernel(), new_conda_environment("other")
    for spelling in (f"-p {other}", f"--prefix={other}", f"-p{other}", f"--prefix {other}"):
        cell = kernel.run(f"%conda list {spelling}")
        assert cell.status == "ok", cell
        assert str(kernel.prefix) not in cell.plain
    cell = kernel.run(f"%conda install ourpkg=2.0 -p {other}")
    assert cell.status == "ok", cell
    assert "Updated" not in cell.plain  # nothing changed here
    assert list((other / "conda-meta").glob("ourpkg-2.0-*.json"))
    assert kernel.run("import ourpkg; ourpkg.__version__").result == "'1.0'"


@own_conda
@pytest.mark.parametrize(
    "case", ["stale variable", "another first on PATH", "another in the variable", "relative history"]
)
def test_the_conda_that_owns_the_environment_is_found(conda, conda_kernel, new_conda_environment, tmp_path, case):
    prefix = new_conda_environment()
    decoy = tmp_path / "other/bin/conda"
    decoy.parent.mkdir(parents=True)
    decoy.write_text("#!/bin/sh\necho the wrong conda\nexit 9\n")
    decoy.chmod(decoy.stat().st_mode | stat.S_IXUSR)
    env = {
        "stale variable": {"CONDA_EXE": str(tmp_path / "gone/bin/conda")},
        "another first on PATH": {"PATH": f"{decoy.parent}{os.pathsep}/usr/bin:/bin"},
        "another in the variable": {"CONDA_EXE": str(decoy)},
        "relative history": {},
    }[case]
    if case == "relative history":
        (prefix / "conda-meta/history").write_text(
            "==> 2024-01-01 00:00:00 <==\n# cmd: miniforge3/bin/conda create -n x\n"
        )
    cell = conda_kernel(prefix, env).run("%conda --version")
    assert cell.status == "ok", cell
    assert str(conda.executable) in cell.plain
    assert "conda 24" in cell.plain


def test_a_frozen_environment_is_told_before_anything_runs(conda_kernel):
    kernel = conda_kernel()
    (kernel.prefix / "conda-meta/frozen").write_text('{"message": "ask the administrators"}')
    cell = kernel.run("%conda install ourpkg=2.0")
    assert cell.error.ename == "LineError"
    assert "ask the administrators" in cell.error.text
    assert "--override-frozen" in cell.error.text
    assert cell.plain == ""
    assert kernel.run("%conda list").status == "ok"


def test_a_pixi_environment_is_told_before_anything_runs(conda_kernel):
    kernel = conda_kernel()
    (kernel.prefix / "conda-meta/pixi").write_text('{"manifest_path": "/some where/pixi.toml"}')
    cell = kernel.run("%conda install ourdep")
    assert cell.error.ename == "LineError"
    assert '!pixi add --manifest-path "/some where/pixi.toml" ourdep' in cell.error.text
    assert cell.plain == ""


def test_pip_tells_what_is_condas_and_goes_on(conda_kernel, tmp_path):
    from wheels import make_wheel

    make_wheel(tmp_path / "wheels", "ourpkg", "3.0")
    kernel = conda_kernel(env={"PIP_FIND_LINKS": str(tmp_path / "wheels")})
    cell = kernel.run("%pip install ourpkg>=3")
    assert cell.status == "ok", cell
    note = cell.plain.index("was installed by conda here")
    assert "%conda install 'ourpkg>=3'" in cell.plain
    assert note < cell.plain.index("Processing")
    assert "ourpkg 1.0 → 3.0" in cell.plain


def test_the_body_of_a_cell_is_an_environment_file(conda_kernel):
    kernel = conda_kernel()
    cell = kernel.run("%%conda env update\ndependencies:\n  - ourdep\n")
    assert cell.status == "ok", cell
    assert "Added: ourdep 0.5" in cell.plain
    assert kernel.run("import ourdep").status == "ok"
    cell = kernel.run("%%conda install\nneedsdep   # and what it needs\n")
    assert "Added: needsdep 1.0" in cell.plain


def test_run_leaves_the_programs_words_alone(conda_kernel):
    kernel = conda_kernel()
    cell = kernel.run("%conda run python -c 'import sys; print(sys.prefix, sys.argv[1:])' -n x -p y")
    assert cell.status == "ok", cell
    assert f"{kernel.prefix} ['-n', 'x', '-p', 'y']" in cell.plain


@pytest.mark.parametrize(
    "line", ["remove comm", "remove --all", "uninstall python", "install python=3.7", "remove ipykernel"]
)
def test_what_the_kernel_needs_is_not_removed(conda_kernel, line):
    kernel = conda_kernel()
    cell = kernel.run(f"%conda {line}")
    assert cell.status == "error", cell
    assert "--force-kernel" in cell.error.text
    assert cell.plain == ""


def test_what_conda_forces_is_done(conda_kernel):
    kernel = conda_kernel()
    cell = kernel.run("%conda remove --force comm --force-kernel")
    assert cell.status == "ok", cell
    assert "Removed: comm" in cell.plain


def test_mamba_that_is_not_there_says_so(conda_kernel):
    cell = conda_kernel().run("%mamba install ourdep")
    assert cell.status == "error"
    assert "No mamba was found" in cell.error.text


def test_the_kind_is_known(conda_kernel):
    kernel = conda_kernel()
    kernel.run("from ipy_envmagic.environments.environment import Environment; e = Environment.current()")
    assert eval(kernel.run("(e.kind, e.name, e.manager)").result) == ("conda", kernel.prefix.name, "conda")


def test_update_and_a_version_that_is_not_there(conda_kernel):
    kernel = conda_kernel()
    cell = kernel.run("%conda update ourpkg")
    assert cell.status == "ok", cell
    assert "Updated: ourpkg 1.0 → 2.0" in cell.plain
    cell = kernel.run("%conda install ourpkg>=9")
    assert cell.error.text.splitlines()[1].endswith(
        "%conda search ourpkg lists theirs; if PyPI has it: %pip install 'ourpkg>=9'"
    )
    cell = kernel.run("%conda remove nosuchpkg")
    assert "%pip uninstall nosuchpkg where pip did" in cell.error.text


def test_environments_by_name(conda_kernel, new_conda_environment):
    """The kernel's own is treated like one that is not named; another one is left to the user."""
    kernel, other = conda_kernel(), new_conda_environment("other")
    cell = kernel.run(f"%conda install -n {kernel.prefix.name} ourpkg=2.0")
    assert cell.status == "ok", cell
    assert "--prefix" not in cell.plain.splitlines()[0]
    assert "Updated: ourpkg 1.0 → 2.0" in cell.plain
    cell = kernel.run(f"%conda install -n{other.name} ourdep")
    assert cell.status == "ok", cell
    assert "Added" not in cell.plain
    assert list((other / "conda-meta").glob("ourdep-*.json"))
    assert not list((kernel.prefix / "conda-meta").glob("ourdep-*.json"))


def test_no_environment_is_taken_away_unasked(conda_kernel, new_conda_environment):
    kernel, other = conda_kernel(), new_conda_environment("other")
    for line in (f"env remove -n {kernel.prefix.name}", f"create -p {kernel.prefix} ourdep", "remove --all"):
        cell = kernel.run(f"%conda {line}")
        assert "--force-kernel" in cell.error.text
    # conda asks, and takes the end of its input for a no
    cell = kernel.run(f"%conda create -n {other.name} ourdep")
    assert "already exists" in cell.plain
    assert list((other / "conda-meta").glob("ourpkg-1.0-*.json"))
    new = other.with_name(f"{other.name}-new")
    try:
        cell = kernel.run(f"%conda create -q -p {new} ourdep")
        assert cell.status == "ok", cell
        assert list((new / "conda-meta").glob("ourdep-*.json"))
        assert kernel.run(f"%conda env remove -p {new}").status == "ok"
        assert not list(new.glob("conda-meta/*.json"))
    finally:
        shutil.rmtree(new, ignore_errors=True)


def test_variables_of_an_environment(conda_kernel):
    kernel = conda_kernel()
    assert kernel.run("%conda env config vars set OUR_SETTING=1").status == "ok"
    assert "OUR_SETTING" in (kernel.prefix / "conda-meta/state").read_text()
    assert "OUR_SETTING = 1" in kernel.run("%conda env config vars list").plain


def test_conda_is_not_misled_by_the_kernels_variables(conda, conda_kernel, tmp_path):
    """It has a Python of its own, and a notebook server is often started where another environment is active."""
    (tmp_path / "path").mkdir()
    (tmp_path / "path/requests.py").write_text("raise SystemExit('the requests of the kernel')")
    misleading = {"CONDA_PREFIX": str(conda.root), "CONDA_DEFAULT_ENV": "base", "CONDA_SHLVL": "1"}
    kernel = conda_kernel(env={"PYTHONPATH": str(tmp_path / "path"), **misleading})
    cell = kernel.run("%conda install ourdep")
    assert cell.status == "ok", cell
    assert "Added: ourdep 0.5" in cell.plain
    info = json.loads(kernel.run("%conda info --json").raw.partition("\n")[2])
    assert info["active_prefix"] == str(kernel.prefix)


def test_an_override_reaches_a_conda_that_does_not_know_the_option(conda_kernel):
    kernel = conda_kernel()
    (kernel.prefix / "conda-meta/frozen").write_text("{}")
    cell = kernel.run("%conda install ourpkg=2.0 --override-frozen")
    assert cell.status == "ok", cell
    assert "Updated: ourpkg 1.0 → 2.0" in cell.plain


@pytest.mark.parametrize("program", ["mamba", "micromamba"])
def test_what_mamba_and_micromamba_are_given(conda_kernel, tmp_path, program):
    """Neither can be had from PyPI: a program that writes down what it was given stands for them."""
    recorder = tmp_path / f"bin/{program}"
    recorder.parent.mkdir()
    recorder.write_text('#!/bin/sh\nfor word; do printf "<%s>" "$word"; done; echo; echo "yes=$MAMBA_ALWAYS_YES"\n')
    recorder.chmod(0o755)
    kernel = conda_kernel(env={"MAMBA_EXE": str(recorder)})
    cell = kernel.run(f"%{program} install 'ourdep >=0.5' ourpkg<3 -c conda-forge")
    assert cell.status == "ok", cell
    assert f"<install><--prefix><{kernel.prefix}><--yes><ourdep >=0.5><ourpkg<3><-c><conda-forge>" in cell.plain
    assert "yes=true" in cell.plain
    assert kernel.run(f"%{'micromamba' if program == 'mamba' else 'mamba'} list").status == "error"


def test_a_shell_cannot_be_moved_from_here(conda_kernel):
    cell = conda_kernel().run("%conda activate other")
    assert cell.error.ename == "LineError"
    assert "is for a shell" in cell.error.text
    assert cell.plain == ""


def test_a_check_mends_by_conda_what_conda_installed(conda_kernel):
    kernel = conda_kernel()
    code = "import importlib.util, os; place = importlib.util.find_spec('ourpkg').origin; place"
    assert kernel.run(code).result.startswith(f"'{kernel.prefix}")
    assert kernel.run("r = %envcheck ourpkg\nr.checks[0].installer, r.ok").result == "('conda', True)"
    kernel.check("os.remove(place)")
    cell = kernel.run("r = %envcheck ourpkg\n[(f.code, f.fix.magic) for f in r.findings]")
    assert cell.result == "[('files-missing', ('%conda install --force-reinstall ourpkg',))]", cell
    cell = kernel.run("r = %envcheck --fix ourpkg\nr.ok")
    assert (cell.status, cell.result) == ("ok", "True"), cell
    assert kernel.run("import ourpkg").status == "ok"


def test_other_environments_of_the_same_conda_are_found(conda_kernel, new_conda_environment):
    """What the kernel's environment lacks is in its sibling; which channel and build it came from is told."""
    other = new_conda_environment("sibling", "ourdep")
    kernel = conda_kernel()
    listed = json.loads(kernel.run("r = %envcheck --json --everywhere ourdep").stdout)["copies"]
    (copy,) = [copy for copy in listed if copy["environment"]["prefix"] == str(other)]
    assert copy["installer"].startswith("conda ourdep (conda-forge ")
    assert (copy["environment"]["name"], copy["imported"]) == (f"conda {other.name}", False)
    finding = kernel.value("get_ipython().run_line_magic('envcheck', 'ourdep').to_dict()['checks'][0]['findings'][0]")
    assert finding["code"] == "other-environment"
    assert finding["evidence"]["prefix"] == str(other)
    assert finding["fix"]["magic"] == ["%conda install ourdep"]
    kept = json.loads(kernel.run(f"r = %envcheck --json --diff {other.name}").stdout)
    assert "ourdep" in {row["name"] for row in kept["differences"] if row["kind"] == "only there"}
    assert kept["lines"] == ["%conda install ourdep=0.5"]


def test_who_put_things_into_a_conda_environment(conda, conda_kernel, wheelhouse):
    kernel = conda_kernel()
    kernel.check("%pip install -q envmagic-demo-a==1.0")
    by_name = {
        name: json.loads(kernel.run(f"r = %envcheck --json --everywhere {name}").stdout)["copies"][0]["installer"]
        for name in ("ourpkg", "envmagic-demo-a")
    }
    assert by_name["ourpkg"].startswith("conda ourpkg (conda-forge ")
    assert by_name["envmagic-demo-a"] == "pip in conda"
    cached = next((conda.root / "pkgs").glob("ourpkg-1.0-*/**/*.py"))
    where = Where(sys.platform, str(kernel.prefix), str(kernel.prefix), "/nowhere")
    assert str(put_by(str(cached), where)).startswith("conda package cache ourpkg-1.0-")


def test_a_conda_environment_becomes_a_kernel(conda_kernel, new_conda_environment, home, tmp_path):
    prefix = new_conda_environment("kernel")
    kernel = conda_kernel()
    words = f"!{{sys.executable}} -m ipy_envmagic kernel add {prefix.name} --name ours"
    kernel.check("import sys, os; os.environ['CONDA_PREFIX'] = sys.prefix")
    said = kernel.check(words).plain
    written = json.loads((home / ".local/share/jupyter/kernels/ours/kernel.json").read_text())
    assert written["env"] == {"PATH": f"{prefix}/bin:${{PATH}}", "CONDA_PREFIX": str(prefix)}, said
    with Kernel(home=home, cwd=tmp_path, spec="ours") as ours:
        ours.check("%load_ext ipy_envmagic")
        page = json.loads(ours.run("r = %envcheck --json").stdout)
        assert page["kernel"]["kind"] == "conda"
        assert page["kernel"]["kernelspec"] == "ours"
        python = next(program for program in page["environment"]["shell"] if program["name"] == "python")
        assert python["here"], python


def names(prefix):
    return sorted(path.name for path in (prefix / "conda-meta").glob("*.json"))


def test_the_way_back(conda_kernel):
    """Undo by the very files, a snapshot with its explicit list, and back to it."""
    kernel = conda_kernel()
    states = [names(kernel.prefix)]
    for line in ("%conda install needsdep", "%conda install ourpkg=2.0"):
        assert kernel.run(line).status == "ok"
        states.append(names(kernel.prefix))
    (line, _) = json.loads(kernel.run("%envcheck --history --json").stdout)["changes"]
    (change, _) = line["changes"]
    assert (change["name"], change["source"], change["before"]) == ("needsdep", "conda", None)
    assert change["after"]["build"] == "py_0"
    assert change["after"]["origin"]["channel"] == "conda-forge"
    cell = kernel.run("%envcheck --undo")
    assert cell.status == "ok", cell
    assert names(kernel.prefix) == states[1]
    assert kernel.run("import ourpkg, needsdep; ourpkg.__version__").result == "'1.0'"
    kernel.run("%envcheck --snapshot pylock.toml")
    listed = (kernel.cwd / "pylock.conda.txt").read_text().splitlines()
    assert listed[0] == "@EXPLICIT"
    assert len(listed) - 1 == len(states[1])
    assert kernel.run("%conda remove needsdep").status == "ok"
    cell = kernel.run("%envcheck --restore pylock.toml")
    assert cell.status == "ok", cell
    assert names(kernel.prefix) == states[1]
    cell = kernel.run("%envcheck --undo 1")
    assert cell.status == "ok", cell
    assert names(kernel.prefix) == states[0]
    assert kernel.run("%envcheck ourpkg").status == "ok"


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="processes are found in /proc")
@pytest.mark.parametrize("moment", ["Preparing transaction", "Executing transaction"])
def test_a_conda_that_is_killed_in_its_transaction(conda_kernel, moment):
    kernel = conda_kernel()
    before = names(kernel.prefix)
    pid = int(kernel.run("import os; os.getpid()").result)
    running = kernel.start("%conda install ourpkg=2.0 needsdep", stdin=True)
    running.wait_for(moment, 60)
    for child in of_mark(pid):
        with contextlib.suppress(OSError):
            if b"conda" in Path(f"/proc/{child}/cmdline").read_bytes():
                os.kill(child, signal.SIGKILL)
    cell = running.result(60)
    now = names(kernel.prefix)
    if cell.status == "ok":  # it had been quicker
        assert "needsdep-1.0-py_0.json" in now
        return
    assert cell.error.ename == "CommandFailed"
    assert now == before
    assert kernel.run("import ourpkg; ourpkg.__version__").result == "'1.0'"
    assert kernel.run("import needsdep").error.ename == "ModuleNotFoundError"
    assert kernel.run("%conda list").status == "ok"
    assert [path for path in (kernel.prefix / ".ipy_envmagic/pending").iterdir() if not path.suffix] == []
