"""The environment, its shell, its neighbours and its kernels, from inside real kernels."""

import json
import os
import subprocess
import sys

import pytest
from jupyter_client.manager import KernelManager
from kernels import Kernel

PREFIX = "import sys; print(sys.prefix)"


@pytest.fixture
def kernel(new_kernel):
    """A kernel for one test alone, with the extension loaded: its variables are changed."""
    return new_kernel(load=True)


@pytest.fixture
def other(new_venv):
    """An environment with pip that is not the kernel's."""
    return new_venv("other", pip=True)


def test_the_shell_follows_the_kernel_and_goes_back(kernel, other):
    kernel.run(f"import os; os.environ['PATH'] = {str(other.bin)!r} + os.pathsep + os.environ['PATH']")
    kernel.run("os.environ['CONDA_PREFIX'] = '/conda'; before = dict(os.environ)")
    asks = f"!python -c '{PREFIX}'"
    assert kernel.run(asks).stdout.strip() == str(other.path)
    codes = kernel.run("r = %envcheck\n[f.code for f in r.findings]").result
    assert "shell-mismatch" in codes
    kernel.run("%config EnvMagics.sync_shell = True")
    assert kernel.run(asks).stdout.strip() == kernel.run("import sys; sys.prefix").result.strip("'")
    assert kernel.run("'CONDA_PREFIX' in os.environ").result == "False"
    assert "shell-mismatch" not in kernel.run("r = %envcheck\n[f.code for f in r.findings]").result
    kernel.run("os.environ['MINE'] = '1'")
    kernel.run("%config EnvMagics.sync_shell = False")
    assert kernel.run("{k: v for k, v in os.environ.items() if before.get(k) != v}").result == "{'MINE': '1'}"
    kernel.run("%config EnvMagics.sync_shell = True")
    kernel.run("%unload_ext ipy_envmagic")
    assert (
        kernel.run("os.environ['PATH'] == before['PATH'], os.environ.get('CONDA_PREFIX')").result == "(True, '/conda')"
    )


def test_the_shell_follows_from_the_start_where_the_configuration_says_so(new_kernel, other):
    path = f"{other.bin}{os.pathsep}{os.environ['PATH']}"
    kernel = new_kernel(arguments=["--EnvMagics.sync_shell=True"], env={"PATH": path}, load=True)
    asks = f"!python -c '{PREFIX}'"
    assert kernel.run(asks).stdout.strip() == kernel.run("import sys; sys.prefix").result.strip("'")
    kernel.run("%unload_ext ipy_envmagic")
    assert kernel.run(asks).stdout.strip() == str(other.path)


def test_the_fix_of_a_shell_that_acts_elsewhere(fresh_kernel, other):
    kernel = fresh_kernel
    kernel.run(f"import os; os.environ['PATH'] = {str(other.bin)!r} + os.pathsep + os.environ['PATH']")
    cell = kernel.run("r = %envcheck --fix\n'shell-mismatch' in [f.code for f in r.findings]")
    assert cell.result == "False", cell
    assert "shell-mismatch: %config EnvMagics.sync_shell = True" in cell.plain
    assert kernel.run(f"!python -c '{PREFIX}'").stdout.strip() == kernel.run("import sys; sys.prefix").result.strip("'")


def test_the_page_of_a_kernel(kernel):
    kernel.run("%config EnvMagics.sync_shell = True")
    cell = kernel.run("r = %envcheck")
    (shown,) = cell.displays
    page = json.loads(kernel.run("import json; print(json.dumps(r.to_dict()))").stdout)
    assert page["environment"]["site_directories"]
    assert page["environment"]["distributions"] > 10
    assert {program["name"] for program in page["environment"]["shell"]} == {"python", "pip", "conda", "uv"}
    assert next(program for program in page["environment"]["shell"] if program["name"] == "python")["here"]
    assert page["kernel"]["prefix"] == kernel.run("import sys; sys.prefix").result.strip("'")
    assert "<details>" in shown["text/html"]
    assert "<script" not in shown["text/html"]
    if page["ok"] and not page["findings"]:
        assert len(shown["text/plain"].splitlines()) == 3


def test_a_line_follows_an_install_by_the_shell(kernel, other):
    kernel.run(f"import os; os.environ['PATH'] = {str(other.bin)!r} + os.pathsep + os.environ['PATH']")
    cell = kernel.run("!pip install --no-index envmagic-demo-nowhere 2> /dev/null")
    assert "The shell's pip acts on" in cell.plain
    assert cell.plain.rstrip().endswith("For this kernel: %pip install --no-index envmagic-demo-nowhere 2> /dev/null")
    assert "The shell's pip" not in kernel.run("!pip list > /dev/null").plain
    assert "The shell's pip" not in kernel.run("x = 1").plain
    kernel.run("%config EnvMagics.hints = False")
    assert "The shell's pip" not in kernel.run("!pip install --no-index envmagic-demo-nowhere 2> /dev/null").plain
    kernel.run("%config EnvMagics.hints = True")
    kernel.run("%unload_ext ipy_envmagic")
    assert "The shell's pip" not in kernel.run("!pip install --no-index envmagic-demo-nowhere 2> /dev/null").plain


def test_listings_are_shown_once_and_are_the_value(kernel, other):
    for line in ("--everywhere pip", f"--diff {other.path}", "--kernels"):
        cell = kernel.run(f"%envcheck {line}")
        assert cell.status == "ok", cell
        (shown,) = cell.displays
        assert shown["text/html"].startswith("<div>")
        assert cell.data is None
        kept = json.loads(kernel.run(f"r = %envcheck --json {line}").stdout)
        assert (kept["schema"], kept["ok"]) == (1, True)
    copies = json.loads(kernel.run("r = %envcheck --json --everywhere traitlets").stdout)["copies"]
    assert sum(copy["imported"] for copy in copies) == 1


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("--everywhere", "--everywhere takes names: %envcheck --everywhere numpy"),
        ("--diff", "--diff takes an environment: %envcheck --diff PATH, or a name, or shell"),
        ("--kernels numpy", "--kernels takes no names; take numpy away"),
        ("--diff shell numpy", "--diff takes no names; take numpy away"),
        ("--everywhere numpy --fix", "--everywhere lists and judges nothing; take --fix away"),
        ("--everywhere numpy --kernels", "--everywhere lists and judges nothing; take --kernels away"),
        ("--everywere numpy", "%envcheck knows no option --everywere. Did you mean --everywhere?"),
        ("--diff surely-nowhere", "No environment is called 'surely-nowhere'"),
    ],
)
def test_bad_input_gets_one_clear_line(kernel, line, said):
    cell = kernel.run(f"%envcheck {line}")
    assert cell.error.text.splitlines()[0].endswith(f": {said}"), cell.error.text
    assert len(cell.error.text.splitlines()) <= 2


def test_a_registered_kernel_has_its_own_shell(home, fresh_venv, tmp_path):
    """`kernel add` in one environment, the kernel started by Jupyter in another: all of it acts on the second."""
    venv = fresh_venv
    words = [sys.executable, "-m", "ipy_envmagic", "kernel", "add", str(venv.path), "--name", "private"]
    done = subprocess.run(words, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stderr
    manager = KernelManager(kernel_name="private")
    assert manager.kernel_spec.argv[0] == venv.python
    with Kernel(home=home, cwd=tmp_path, spec="private") as kernel:
        assert kernel.run("import sys; sys.prefix").result.strip("'") == str(venv.path)
        assert kernel.run(f"!python -c '{PREFIX}'").stdout.strip() == str(venv.path)
        assert f"from {venv.path}{os.sep}" in kernel.run("!pip --version").stdout
        kernel.run("%load_ext ipy_envmagic")
        report = json.loads(kernel.run("r = %envcheck --json").stdout)
        # An older jupyter_client does not write the name into the connection file: then nothing tells it.
        tells = bool(json.loads((kernel.folder / "k.json").read_text()).get("kernel_name"))
        assert report["kernel"]["kernelspec"] == ("private" if tells else None)
        assert "shell-mismatch" not in {finding["code"] for finding in report["findings"]}
        listed = json.loads(kernel.run("r = %envcheck --kernels --json").stdout)["kernelspecs"]
        assert [entry["name"] for entry in listed if entry["this_kernel"]] == (["private"] if tells else [])
        assert "private" in {entry["name"] for entry in listed}


def test_in_a_browser_s_python_only_envcheck_is_ours(tmp_path):
    code = (
        "import sys\n"
        "from IPython.core.interactiveshell import InteractiveShell\n"
        "shell = InteractiveShell.instance()\n"
        "before = shell.find_line_magic('pip')\n"
        "import threading\n"
        "sys.platform = 'emscripten'\n"
        "shell.run_line_magic('load_ext', 'ipy_envmagic')\n"
        "print(shell.find_line_magic('pip') == before, shell.find_line_magic('envcheck').__module__)\n"
        "shell.run_line_magic('unload_ext', 'ipy_envmagic')\n"
        "print(shell.find_line_magic('pip') == before, shell.find_line_magic('envcheck'))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.stdout.splitlines() == ["True ipy_envmagic.magics", "True None"], done.stderr


@pytest.mark.parametrize(
    ("code", "hinted"),
    [
        ("import surely_nowhere", True),
        ("def f():\n    import surely_nowhere\nf()", True),
        ("try:\n    import surely_nowhere\nexcept ImportError as e:\n    raise RuntimeError('x') from e", True),
        ("try:\n    import surely_nowhere\nexcept ImportError:\n    pass", False),
        ("1 / 0", False),
        ("raise ImportError('anything')", False),
        ("x = 1", False),
    ],
)
def test_a_hint_under_the_traceback(kernel, code, hinted):
    cell = kernel.run(code)
    assert cell.plain.count("Hint: surely_nowhere is not installed in this kernel's environment.") == int(hinted)
    assert cell.plain.count("\n") == int(hinted)


def test_hints_beside_other_hooks_and_without(kernel):
    kernel.run("def hook(shell, kind, value, tb, tb_offset=None): print('mine')")
    kernel.run("get_ipython().set_custom_exc((ImportError,), hook)")
    assert kernel.run("import surely_nowhere").plain.startswith("mine\nHint: surely_nowhere is not installed")
    kernel.run("%config EnvMagics.hints = False")
    assert kernel.run("import surely_nowhere").plain == "mine\n"
    kernel.run("%config EnvMagics.hints = True")
    kernel.run("import sys; sys.path.clear()")
    assert kernel.run("1 + 1").result == "2"
    assert kernel.run("import surely_nowhere").plain.startswith("mine\n")
