"""Tab in a kernel and in terminal IPython."""

import subprocess
import sys

import pytest


def tab(kernel, code, cursor=None):
    reply = kernel.client.complete(code, len(code) if cursor is None else cursor, reply=True, timeout=20)["content"]
    head = code[: reply["cursor_start"]]
    return [head + match for match in reply["matches"]]


@pytest.mark.parametrize(
    ("code", "one"),
    [
        ("%pip ins", "%pip install"),
        ("%pip install --upg", "%pip install --upgrade"),
        ("x = 1\n%conda rem", "x = 1\n%conda remove"),
        ("%envcheck --every", "%envcheck --everywhere"),
        ("%pip uninstall trait", "%pip uninstall traitlets"),
        ("%%pip install\nscikit-l", "%%pip install\nscikit-learn"),
        ("%uv pip inst", "%uv pip install"),
    ],
)
def test_tab_in_a_kernel(kernel, code, one):
    assert one in tab(kernel, code)


def test_python_is_completed_as_ever(kernel):
    kernel.run("import json as some_module")
    assert "some_module.dumps" in tab(kernel, "some_module.dum")
    assert tab(kernel, "%pip install nothing_begins_so") == []


def test_unloaded_it_offers_nothing(new_kernel):
    kernel = new_kernel(load=True)
    assert tab(kernel, "%pip unins") == ["%pip uninstall"]
    kernel.run("%reload_ext ipy_envmagic")
    assert kernel.run("sum('EnvMagics' in str(m) for m in get_ipython().Completer.custom_matchers)").result == "1"
    kernel.run("%unload_ext ipy_envmagic")
    assert "%pip uninstall" not in tab(kernel, "%pip unins")


def test_tab_in_a_terminal(tmp_path):
    code = (
        "from IPython.core.interactiveshell import InteractiveShell\n"
        "shell = InteractiveShell.instance()\n"
        "shell.run_line_magic('load_ext', 'ipy_envmagic')\n"
        "from IPython.core.completer import provisionalcompleter\n"
        "with provisionalcompleter():\n"
        "    print([c.text for c in shell.Completer.completions('%pip unin', 9)])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert "'uninstall'" in done.stdout, done
