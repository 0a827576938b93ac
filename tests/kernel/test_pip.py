"""%pip in real kernels: what it installs, how it says what changed, and how it fails."""

import json
import os
import re
from pathlib import Path

import pytest
from kernels import ESCAPE
from wheels import make_project, make_sdist, make_wheel

pytestmark = pytest.mark.wheel


def test_install_then_import_in_the_next_cell(fresh_kernel, fresh_venv):
    assert fresh_kernel.run("import envmagic_demo_a").error.ename == "ModuleNotFoundError"
    cell = fresh_kernel.run("%pip install envmagic-demo-a>=1,<2")
    assert cell.status == "ok", cell
    assert "Added: envmagic-demo-a 1.0" in cell.plain
    assert "restart" not in cell.shown.lower()
    assert cell.data is None
    assert fresh_kernel.run("import envmagic_demo_a; envmagic_demo_a.__version__").result == "'1.0'"
    assert not list(Path(fresh_kernel.cwd).iterdir())  # no file named "=1,<2"


def test_the_value_tells_what_happened(fresh_kernel):
    fresh_kernel.run("r = %pip install -q envmagic-demo-b")
    cell = fresh_kernel.run(
        "(r.returncode, r.argv[1:], [(c.name, c.before, c.after, c.kind) for c in r.changes], r.stale, r.seconds > 0)"
    )
    returncode, argv, changes, stale, seconds = eval(cell.result)
    assert (returncode, stale, seconds) == (0, (), True)
    assert argv[-3:] == ("install", "-q", "envmagic-demo-b")
    assert changes == [("envmagic-demo-a", None, "2.0", "added"), ("envmagic-demo-b", None, "1.0", "added")]
    shown = fresh_kernel.run("r").plain
    assert "Added: envmagic-demo-a 2.0, envmagic-demo-b 1.0" in shown


def test_the_body_of_a_cell(fresh_kernel):
    cell = fresh_kernel.run(
        "%%pip install --quiet\n# what we need\nenvmagic-demo-a >= 1, < 2   # the old one\n"
        'envmagic-demo-renamed; python_version > "3"\nenvmagic-demo-nowhere; python_version < "3"\n'
    )
    assert cell.status == "ok", cell
    assert "Added: envmagic-demo-a 1.0, envmagic-demo-renamed 1.0" in cell.plain
    cell = fresh_kernel.run("%%pip list\nnumpy")
    assert cell.error.ename == "LineError"


def test_an_upgrade_of_a_loaded_module_names_it(fresh_kernel):
    fresh_kernel.run("%pip install -q envmagic-demo-package==1.0 envmagic-demo-a==1.0")
    fresh_kernel.run("import envmagic_demo_package.part")
    cell = fresh_kernel.run("%pip install -q -U envmagic-demo-package envmagic-demo-a")
    assert "Updated: envmagic-demo-a 1.0 → 2.0, envmagic-demo-package 1.0 → 2.0" in cell.plain
    (note,) = cell.displays
    assert "envmagic_demo_package 1.0 is loaded, 2.0 is on disk" in note["text/plain"]
    assert "demo_a" not in note["text/plain"]
    assert "<script" not in note["text/html"]
    assert "notebook:restart-kernel" not in note["text/html"]  # only where the front end knows it
    cell = fresh_kernel.run("%pip uninstall envmagic-demo-package")
    assert cell.status == "ok"
    assert "Removed: envmagic-demo-package 2.0" in cell.plain


def test_the_restart_button_is_there_in_lab(fresh_venv, new_kernel):
    kernel = new_kernel(fresh_venv.python, env={"JPY_SESSION_NAME": "/nb.ipynb"}, load=True)
    kernel.run("%pip install -q envmagic-demo-a==1.0\nimport envmagic_demo_a")
    (note,) = kernel.run("%pip install -q envmagic-demo-a==2.0").displays
    assert 'data-commandlinker-command="notebook:restart-kernel"' in note["text/html"]


def test_a_reinstall_of_the_same_wants_no_restart(fresh_kernel):
    fresh_kernel.run("%pip install -q envmagic-demo-a\nimport envmagic_demo_a")
    cell = fresh_kernel.run("%pip install -q --force-reinstall --no-deps envmagic-demo-a")
    assert "Reinstalled: envmagic-demo-a 2.0" in cell.plain
    assert cell.displays == []


def test_an_editable_install_can_be_imported_at_once(fresh_kernel, tmp_path):
    project = make_project(tmp_path / "my project", "envmagic-demo-editable")
    fresh_kernel.run(f"where = {str(project)!r}")
    cell = fresh_kernel.run('%pip install -q --no-build-isolation -e "{where}"')
    assert cell.status == "ok", cell
    assert fresh_kernel.run("import envmagic_demo_editable").status == "ok"


def test_a_failed_install_fails_the_cell_in_two_lines(fresh_kernel):
    cell = fresh_kernel.run("%pip install envmagic-demo-nowhere\nprint('not reached')")
    assert cell.status == "error"
    assert cell.error.ename == "CommandFailed"
    first, *rest = cell.error.text.splitlines()
    assert first.startswith("CommandFailed: pip install envmagic-demo-nowhere failed (exit status 1)")
    assert "No matching distribution found for envmagic-demo-nowhere" in first
    assert len(rest) <= 1
    assert "not reached" not in cell.text
    fresh_kernel.run("%config EnvMagics.raise_on_error = False")
    cell = fresh_kernel.run("r = %pip install envmagic-demo-nowhere\nprint('reached', r.returncode)")
    assert "reached 1" in cell.text


def test_a_conflict_and_a_wrong_python_say_so(fresh_kernel):
    cell = fresh_kernel.run("%pip install envmagic-demo-old envmagic-demo-new")
    assert cell.error.ename == "CommandFailed"
    assert len(cell.error.text.splitlines()) == 2, cell.error.text
    cell = fresh_kernel.run("%pip install envmagic-demo-future")
    assert "Python" in cell.error.text


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("%pip install", "Nothing to install was named"),
        ("%pip install 'a b", "is never closed"),
        ("%pip install numpy=2", "numpy==2"),
        ("%pip install nump~y!", "nump~y!"),
        ("%pip install x; rm -rf /", "environment marker"),
        ("%conda install numpy", "%pip"),
        ("%envcheck --nonsense", "--nonsense"),
    ],
)
def test_bad_input_is_one_clear_line_and_nothing_is_run(kernel, line, says):
    cell = kernel.run(line)
    assert cell.status == "error", cell
    assert says in cell.error.text
    assert len(cell.error.text.splitlines()) <= 2
    assert cell.plain == ""


# -- hostile working directories, values and environments


def test_modules_in_the_working_directory_are_not_imported(fresh_kernel):
    for name in ("pip", "logging", "random", "re", "site", "encodings", "json"):
        (Path(fresh_kernel.cwd) / f"{name}.py").write_text(f"open('imported-{name}', 'w')\nraise SystemExit(7)\n")
    cell = fresh_kernel.run("%pip install -q envmagic-demo-a")
    assert cell.status == "ok", cell
    assert [path.name for path in Path(fresh_kernel.cwd).iterdir() if path.name.startswith("imported")] == []
    assert fresh_kernel.run("%pip download -q --no-deps envmagic-demo-a==1.0").status == "ok"
    assert list(Path(fresh_kernel.cwd).glob("envmagic_demo_a-1.0*.whl"))  # it is still the working directory


@pytest.mark.parametrize("shell", ["/usr/sbin/nologin", "/no/such/shell", "/bin/false"])
def test_no_shell_is_needed(new_kernel, shell):
    kernel = new_kernel(env={"SHELL": shell}, load=True)
    cell = kernel.run("%pip --version")
    assert cell.status == "ok", cell
    assert "pip" in cell.text


def test_hostile_values_and_globs_reach_pip_as_text(fresh_kernel):
    work = Path(fresh_kernel.cwd)
    (work / "pkge").touch()  # what the glob pkg[extra] would match
    fresh_kernel.run("value = 'x; touch pwned | tee pwned > pwned && `touch pwned` $(touch pwned)'")
    for line in (
        "%pip show {value}",
        '%pip show "{value}"',
        "%pip show $value",
        "%pip show pkg[extra] `touch pwned` $(touch)",
    ):
        assert fresh_kernel.run(line).status == "error"
    cell = fresh_kernel.run('%pip list | cat - "{value}"')
    assert "No such file" in cell.text
    assert sorted(path.name for path in work.iterdir()) == ["pkge"]


def test_a_shell_tail_is_the_users_own(fresh_kernel):
    cell = fresh_kernel.run("%pip list | grep -c ipykernel")
    assert cell.text.splitlines()[-1] == "1", cell
    assert fresh_kernel.run("%pip list | grep nothing-like-it").status == "ok"
    assert fresh_kernel.run("%pip freeze > 'frozen here.txt'").status == "ok"
    assert "ipykernel==" in (Path(fresh_kernel.cwd) / "frozen here.txt").read_text()
    cell = fresh_kernel.run("%pip show envmagic-demo-nowhere | cat")
    assert cell.error.ename == "CommandFailed"
    assert fresh_kernel.run("%pip show envmagic-demo-nowhere || true").status == "ok"
    assert fresh_kernel.run("%pip list | no-such-program").status == "error"
    cell = fresh_kernel.run("%pip list --format json | cat")
    assert json.loads(cell.text.splitlines()[-1])


def test_json_has_no_colours(fresh_kernel):
    cell = fresh_kernel.run("%pip install -q --dry-run --report - envmagic-demo-a")
    assert cell.status == "ok", cell
    text = cell.raw.partition("\n")[2]
    assert "\x1b" not in text
    assert json.loads(text)["install"][0]["metadata"]["name"] == "envmagic-demo-a"


def test_a_secret_in_an_index_url_is_nowhere(fresh_kernel):
    url = "http://user:s3cr3t-pass@127.0.0.1:9/simple"
    cell = fresh_kernel.run(
        f"%pip install -v --retries 0 --timeout 1 --index-url {url} nothing "
        "--extra-index-url http://tok3n-abcdef123@127.0.0.1:9/"
    )
    assert cell.status == "error"
    everything = json.dumps(cell.outputs)
    assert "s3cr3t" not in everything
    assert "tok3n" not in everything
    assert "127.0.0.1:9" in everything


def test_pip_target_is_told(fresh_venv, new_kernel, tmp_path):
    kernel = new_kernel(fresh_venv.python, env={"PIP_TARGET": str(tmp_path / "elsewhere")}, load=True)
    cell = kernel.run("%pip install envmagic-demo-a")
    assert str(tmp_path / "elsewhere") in cell.plain.partition("Successfully")[0]
    assert "PIP_TARGET" in cell.plain
    assert "Added" not in cell.plain


def test_uninstall_does_not_ask(fresh_kernel):
    fresh_kernel.run("%pip install -q envmagic-demo-a")
    cell = fresh_kernel.run("%pip uninstall envmagic-demo-a")
    assert cell.status == "ok", cell
    assert "Removed: envmagic-demo-a" in cell.plain


@pytest.mark.parametrize("name", ["comm", "ipykernel", "IPython", "traitlets", "pyzmq", "jupyter_client", "pip"])
def test_what_the_kernel_needs_is_not_removed(fresh_kernel, fresh_venv, name):
    if not list(fresh_venv.site_packages.glob(f"{name.lower()}-*.dist-info")):
        pytest.skip(f"this kernel does without {name}")
    cell = fresh_kernel.run(f"%pip uninstall -y {name}")
    assert cell.status == "error", cell
    assert name.lower().replace("_", "-") in cell.error.text.lower()
    assert "--force-kernel" in cell.error.text
    assert "Uninstalling" not in cell.plain


def test_what_the_kernel_needs_is_removed_where_it_is_forced(fresh_kernel):
    cell = fresh_kernel.run("%pip uninstall -y matplotlib-inline --force-kernel")
    assert cell.status == "ok", cell
    assert "Removed: matplotlib-inline" in cell.plain
    assert re.search(r"which is not installed: %pip install '?matplotlib-inline", cell.plain)  # and what mends it


@pytest.mark.parametrize("where", ["", "--prefix {__import__('sys').prefix}"])
def test_an_install_that_would_break_the_kernel_is_refused(fresh_kernel, where):
    cell = fresh_kernel.run(f"%pip install {where} traitlets<4")
    assert cell.status == "error"
    assert "--force-kernel" in cell.error.text
    assert cell.plain == ""


@pytest.mark.parametrize("where", ["-t", "--prefix", "--root"])
def test_an_install_that_goes_elsewhere_breaks_nothing(fresh_kernel, tmp_path, where):
    make_wheel(tmp_path, "traitlets", "3.0")
    cell = fresh_kernel.run(f"%pip install --find-links {tmp_path} --no-deps -I {where} {tmp_path}/else traitlets<4")
    assert cell.status == "ok", cell
    assert list((tmp_path / "else").rglob("traitlets-3.0.dist-info"))


def test_without_pip_uv_serves(new_venv, new_kernel, offline):
    uv = pytest.importorskip("uv")
    venv = new_venv("nopip", kernel=True)
    venv.run("-m", "pip", "uninstall", "-q", "-y", "pip")
    folder = str(Path(uv.find_uv_bin()).parent)
    kernel = new_kernel(venv.python, env={"PATH": f"{folder}{os.pathsep}/usr/bin:/bin"}, load=True)
    cell = kernel.run("%pip install envmagic-demo-b")
    assert cell.status == "ok", cell
    assert "uv serves" in cell.plain
    assert "Added: envmagic-demo-a 2.0, envmagic-demo-b 1.0" in cell.plain
    cell = kernel.run("%pip download -q --no-deps envmagic-demo-a")
    assert cell.status == "ok", cell
    assert "download" in cell.plain.splitlines()[1] + cell.plain.splitlines()[0]


def test_without_pip_and_without_uv_the_bundled_one_serves(new_venv, new_kernel):
    import ensurepip

    if not list((Path(ensurepip.__file__).parent / "_bundled").glob("pip-*.whl")):
        pytest.skip("this Python carries no pip")
    venv = new_venv("nopip", kernel=True)
    venv.run("-m", "pip", "uninstall", "-q", "-y", "pip")
    kernel = new_kernel(venv.python, env={"PATH": "/usr/bin:/bin"}, load=True)
    cell = kernel.run("%pip install envmagic-demo-a")
    assert cell.status == "ok", cell
    assert "has no pip" in cell.plain
    assert kernel.run("import envmagic_demo_a").status == "ok"


def test_two_kernels_wait_for_one_another(fresh_venv, new_kernel, tmp_path):
    slow = make_sdist(tmp_path, "envmagic-demo-slow", "1.0", build="slow")
    one = new_kernel(fresh_venv.python, load=True)
    two = new_kernel(fresh_venv.python, load=True)
    running = one.start(f"%pip install --no-build-isolation '{slow}'", stdin=True)
    running.wait_for("Processing")
    other = two.start("%pip install -q envmagic-demo-a", stdin=True)
    other.wait_for("Waiting for")
    assert running.result(90).status == "ok", running.cell
    cell = other.result(90)
    assert cell.status == "ok", cell
    assert re.search(r"Waiting for 'pip install .*' \(process \d+, since \d\d:\d\d:\d\d\)", cell.plain), cell
    assert "Added: envmagic-demo-a 2.0" in cell.plain


def test_a_read_does_not_wait(fresh_venv, new_kernel, tmp_path):
    slow = make_sdist(tmp_path, "envmagic-demo-slow", "1.0", build="slow")
    one, two = (new_kernel(fresh_venv.python, load=True) for _ in range(2))
    running = one.start(f"%pip install --no-build-isolation '{slow}'", stdin=True)
    running.wait_for("Processing")
    assert "Waiting" not in two.run("%pip list").plain
    assert not running.ended
    running.result(90)


# -- output


def test_the_command_is_echoed_once_and_dimmed(kernel):
    cell = kernel.run("%pip --version")
    assert len(re.findall(r"(?m)^\x1b\[38;5;244m\$ .* -m pip --version\x1b\[0m$", cell.text)) == 1
    assert sum(line.startswith("$ ") for line in cell.plain.splitlines()) == 1


def test_no_carriage_return_and_no_foreign_escape_is_saved(fresh_kernel):
    cell = fresh_kernel.run("%pip install envmagic-demo-b", stdin=True)
    assert "\r\n" not in cell.raw
    assert set(ESCAPE.findall(cell.raw)) <= {found for found in ESCAPE.findall(cell.raw) if found.endswith("m")}


def test_a_run_that_nobody_watches_has_whole_lines_only(fresh_kernel):
    cell = fresh_kernel.run("%pip install envmagic-demo-b")
    assert cell.status == "ok"
    assert "\r" not in cell.raw
    assert "Added: envmagic-demo-a" in cell.plain


def test_a_user_site_that_was_not_there_is_taken_up(new_venv, new_kernel, tmp_path):
    """`pip install --user` makes the directory after the kernel has started."""
    venv = new_venv("with-user-site", kernel=True, system_site_packages=True)
    kernel = new_kernel(venv.python, load=True, env={"PYTHONUSERBASE": str(tmp_path / "base")})
    assert kernel.run("import site; site.ENABLE_USER_SITE").result == "True"
    assert kernel.run("site.getusersitepackages() in __import__('sys').path").result == "False"
    cell = kernel.run("%pip install -q --user envmagic-demo-a")
    assert cell.status == "ok", cell
    assert "Added: envmagic-demo-a 2.0" in cell.plain
    assert kernel.run("import envmagic_demo_a; envmagic_demo_a.__file__").result.startswith(f"'{tmp_path / 'base'}")


def test_an_empty_requirements_file_is_told(fresh_kernel):
    (Path(fresh_kernel.cwd) / "requirements.txt").write_text("# nothing yet\n\n")
    cell = fresh_kernel.run("%pip install -r requirements.txt")
    assert cell.error.ename == "LineError"
    assert "requirements.txt asks for nothing" in cell.error.text


def test_a_kernel_that_does_not_name_its_python(fresh_kernel):
    fresh_kernel.run("import sys; sys.executable = ''")
    cell = fresh_kernel.run("%pip install -q envmagic-demo-a")
    assert cell.status == "ok", cell
    assert "Added: envmagic-demo-a 2.0" in cell.plain


def test_a_wheel_whose_name_has_spaces_in_its_path(fresh_kernel, tmp_path):
    folder = tmp_path / "wheels here & `there`"
    folder.mkdir()
    wheel = make_wheel(folder, "envmagic-demo-spaced", "1.0")
    fresh_kernel.run(f"wheel = {str(wheel)!r}; from pathlib import Path; path = Path(wheel)")
    assert fresh_kernel.run('%pip install -q "{wheel}"').status == "ok"
    assert fresh_kernel.run("%pip install -q --force-reinstall {path}").status == "ok"
    assert fresh_kernel.run("%pip install -q --force-reinstall {[wheel]}").status == "ok"
