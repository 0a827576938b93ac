"""Coming and going: our magics take their names, keep them, and give them back, on every supported IPython."""

import re
import shutil
import sys
from pathlib import Path

import IPython
import pytest

pytestmark = pytest.mark.wheel
NAMES = ("pip", "conda", "mamba", "micromamba", "uv", "envcheck")
OWNERS = (
    "{n: [getattr(getattr(m.get(n), '__self__', None), '__class__', type(None)).__module__ "
    "for m in get_ipython().magics_manager.magics.values()] for n in " + repr(NAMES) + "}"
)
OURS = "ipy_envmagic.magics"


def owners(kernel):
    cell = kernel.run(OWNERS)
    assert cell.status == "ok", cell
    return eval(cell.result)


def all_ours(kernel):
    found = owners(kernel)
    return all(found[name][0] == OURS for name in NAMES) and all(found[name][1] == OURS for name in NAMES[:-1])


def test_load_takes_the_names_and_says_nothing(new_kernel):
    kernel = new_kernel()
    cell = kernel.run("%load_ext ipy_envmagic")
    assert (cell.status, cell.shown) == ("ok", "")
    assert all_ours(kernel)


def test_nothing_heavy_is_imported_at_load(new_kernel):
    kernel = new_kernel()
    new = eval(
        kernel.run(
            "import sys; before = set(sys.modules)\n%load_ext ipy_envmagic\nsorted(set(sys.modules) - before)"
        ).result
    )
    others = [name for name in new if not name.startswith("ipy_envmagic") and not name.startswith("IPython.core.magic")]
    assert others == []
    assert [name for name in new if name.startswith("ipy_envmagic")] == [
        "ipy_envmagic",
        "ipy_envmagic.magics",
    ]


def test_what_the_first_check_needs_is_loaded_while_nobody_waits(new_kernel):
    kernel = new_kernel(load=True)
    code = """
import sys, time
end = time.monotonic() + 20
while "ipy_envmagic.checks.html" not in sys.modules and time.monotonic() < end:
    time.sleep(0.01)
"ipy_envmagic.checks.html" in sys.modules
"""
    assert kernel.run(code).result == "True"


@pytest.mark.parametrize(
    "used", ["%config", "%magic", "%uv --version", "%mamba --version", "%lsmagic", "%pip --version"]
)
def test_what_is_used_afterwards_does_not_put_the_built_in_back(new_kernel, used):
    kernel = new_kernel(load=True)
    kernel.run(used)
    assert all_ours(kernel), used


@pytest.mark.parametrize("used", ["%config", "%magic", "%uv --version", "%pip --version"])
def test_what_was_used_before_does_not_hinder(new_kernel, used):
    kernel = new_kernel()
    kernel.run(used)
    kernel.run("%load_ext ipy_envmagic")
    assert all_ours(kernel)


@pytest.mark.parametrize("used", ["", "%magic", "%config", "%pip --version"])
def test_unload_gives_back_what_was_there(new_kernel, used):
    kernel = new_kernel(load=True)
    kernel.run(used)
    assert kernel.run("%unload_ext ipy_envmagic").shown == ""
    assert kernel.run("%lsmagic").status == "ok"
    found = owners(kernel)
    assert found["envcheck"] == ["builtins", "builtins"]  # nobody has it
    assert found["pip"][0].startswith("IPython.")
    cell = kernel.run("%pip --version")
    assert "Note: you may need to restart" in cell.text  # the built-in's own words
    cell = kernel.run("get_ipython().magics_manager.registry.get('EnvMagics') is None")
    assert cell.result == "True"


def test_load_again_after_unload_and_reload(new_kernel):
    kernel = new_kernel(load=True)
    for line in (
        "%load_ext ipy_envmagic",
        "%reload_ext ipy_envmagic",
        "%unload_ext ipy_envmagic\n%load_ext ipy_envmagic",
    ):
        assert kernel.run(line).status == "ok"
        assert all_ours(kernel), line
    kernel.run("import ipy_envmagic; ipy_envmagic.load_ipython_extension(get_ipython())")
    assert all_ours(kernel)
    kernel.run("%unload_ext ipy_envmagic")
    assert owners(kernel)["pip"][0].startswith("IPython.")


WRAPPER = """
def load_ipython_extension(ip):
    was = ip.find_line_magic("pip")
    def pip(line):
        print("before", line)
        return was(line)
    ip.register_magic_function(pip, "line", "pip")
def unload_ipython_extension(ip): pass
"""


@pytest.mark.parametrize("order", [("wrapping", "ipy_envmagic"), ("ipy_envmagic", "wrapping")])
def test_beside_an_extension_that_wraps_pip(new_kernel, tmp_path, order):
    (tmp_path / "wrapping.py").write_text(WRAPPER)
    kernel = new_kernel(cwd=tmp_path)
    for name in order:
        assert kernel.run(f"%load_ext {name}").status == "ok"
    cell = kernel.run("%pip --version")
    assert re.search(r"pip \d+", cell.text), cell
    assert ("before --version" in cell.text) == (order[-1] == "wrapping")
    kernel.run("%unload_ext ipy_envmagic")
    cell = kernel.run("%pip --version")
    assert "before --version" in cell.text  # the other's wrapper is its own affair
    # What it wraps is IPython's own again, which loses a program's last words now and then, but not its own note.
    assert "you may need to restart the kernel" in cell.text or re.search(r"pip \d+", cell.text), cell


def test_loaded_for_every_kernel_by_a_configuration_file(new_kernel, home):
    profile = home / ".ipython/profile_default"
    profile.mkdir(parents=True)
    example = Path(__file__).resolve().parents[2] / "examples/ipython_config.py"
    shutil.copy(example, profile / "ipython_config.py")
    kernel = new_kernel()
    assert all_ours(kernel)
    assert kernel.run("%pip --version").status == "ok"


def test_configuration_is_shown_and_set(new_kernel):
    kernel = new_kernel(load=True)
    shown = kernel.run("%config EnvMagics").text
    for trait in ("EnvMagics.echo", "EnvMagics.raise_on_error", "EnvMagics.pip_backend", "EnvMagics.interrupt_grace"):
        assert trait in shown
    assert "secrets masked" in shown
    assert "$ " in kernel.run("%pip --version").plain
    kernel.run("%config EnvMagics.echo = False")
    assert "$ " not in kernel.run("%pip --version").plain
    assert "EnvMagics" in kernel.run("%config").text


@pytest.mark.parametrize("name", NAMES)
def test_every_magic_explains_itself_with_examples(kernel, name):
    cell = kernel.run(f"get_ipython().inspector.info(get_ipython().find_line_magic({name!r}))['docstring']")
    assert f"%{name}" in cell.result
    shown = kernel.client.execute  # the front end's own way: a payload of the reply
    assert shown is not None
    running = kernel.start(f"%{name}?")
    running.result()
    assert f"%{name} " in running.reply["payload"][0]["data"]["text/plain"]


# -- ways to write a line


def test_all_the_ways_to_write_it(kernel):
    version = re.compile(r"pip \d+\S* from")
    for code in (
        "%pip --version",
        "%pip --version;",
        "pip --version",
        "r = %pip --version",
        "%%time\n%pip --version",
        "def f():\n    %pip --version\nf()",
        "for _ in range(1):\n    %pip --version",
        "if True:\n    %pip --version",
        'get_ipython().run_line_magic("pip", "--version")',
        "%time get_ipython().run_line_magic('pip', '--version')",
    ):
        cell = kernel.run(code)
        assert cell.status == "ok", cell
        assert len(version.findall(cell.text)) == 1, cell
        assert cell.data is None, cell


def test_variables_of_a_function_are_seen(kernel):
    cell = kernel.run("def f(flag):\n    %pip {flag}\nf('--version')")
    assert "pip " in cell.text
    assert cell.status == "ok"


def test_something_undefined_is_an_error_that_names_it(kernel):
    cell = kernel.run("%pip install {nowhere_defined}")
    assert cell.status == "error"
    assert cell.error.ename == "LineError"
    assert cell.error.text.splitlines() == [
        "LineError: {nowhere_defined} is not defined",
        "Define it first; where the text itself is meant, write {{nowhere_defined}}.",
    ]
    assert "$ " not in cell.plain  # nothing was run


def test_the_tested_ipython_is_said(record_property):
    record_property("ipython", IPython.__version__)
    record_property("python", sys.version)
