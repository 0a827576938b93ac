"""Every example does what it says; the quickstart, which asks an index, is run by ``make demo``."""

import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
NEEDS_AN_INDEX = {"quickstart.ipynb"}
NEEDS_CONDA = {"conda.ipynb"}
NOTEBOOKS = sorted(path.name for path in EXAMPLES.glob("*.ipynb"))


@pytest.fixture(autouse=True)
def own_kernel(home):
    """Let the kernelspec "python3" be that of the tests' own Python."""
    if Path(sys.prefix, "share/jupyter/kernels/python3").exists():
        return
    pytest.skip("no kernelspec of this environment")


def run(name, tmp_path, **keywords):
    notebook = nbformat.read(EXAMPLES / name, as_version=4)
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(tmp_path)}}, **keywords).execute()
    return notebook


@pytest.mark.parametrize("name", [name for name in NOTEBOOKS if name not in NEEDS_AN_INDEX | NEEDS_CONDA])
def test_a_notebook(name, tmp_path):
    run(name, tmp_path)


@pytest.mark.conda
def test_the_notebook_about_conda(new_conda_environment, conda, tmp_path, home, monkeypatch):
    prefix = new_conda_environment("example")
    for key, value in conda.variables.items():
        monkeypatch.setenv(key, value)
    words = [sys.executable, "-m", "ipy_envmagic", "kernel", "add", str(prefix), "--name", "conda-example"]
    subprocess.run(words, check=True, capture_output=True, cwd=tmp_path)
    run("conda.ipynb", tmp_path, kernel_name="conda-example")


def test_the_unattended_run(tmp_path):
    words = [sys.executable, str(EXAMPLES / "unattended.py")]
    done = subprocess.run(words, capture_output=True, text=True, cwd=tmp_path, env=dict(os.environ), check=False)
    assert done.returncode == 0, done.stderr
    assert "ran with traitlets" in done.stdout


def test_no_example_has_outputs():
    for name in NOTEBOOKS:
        for cell in nbformat.read(EXAMPLES / name, as_version=4).cells:
            assert not cell.get("outputs"), name
