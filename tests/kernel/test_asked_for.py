"""Files, notebooks and cells, checked in real kernels."""

import json

import pytest

pytestmark = pytest.mark.wheel


@pytest.fixture
def notebook(tmp_path):
    def write(*sources, name="nb.ipynb"):
        cells = [{"cell_type": "code", "source": source, "metadata": {}, "outputs": []} for source in sources]
        (tmp_path / name).write_text(json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}))
        return tmp_path / name

    return write


def statuses(kernel, line):
    cell = kernel.run(f"r = %envcheck --json {line}")
    assert cell.status == "ok", cell
    return {check["requirement"]: check["status"] for check in json.loads(cell.stdout)["checks"]}


def test_a_project_and_a_script(kernel, tmp_path):
    (tmp_path / "pyproject.toml").write_text(
        '[project]\nname="x"\ndependencies=["traitlets>=5"]\n[project.optional-dependencies]\nmore=["surely-nowhere"]\n'
    )
    (tmp_path / "script.py").write_text("import traitlets.config\n")
    assert statuses(kernel, f"-r {tmp_path}/pyproject.toml") == {"traitlets>=5": "ok"}
    both = statuses(kernel, f"-r {tmp_path}/pyproject.toml --extra more -r {tmp_path}/script.py")
    assert both == {"traitlets>=5": "ok", "surely-nowhere": "error", "traitlets.config": "ok"}


def test_a_notebook_and_a_folder(kernel, notebook, tmp_path):
    path = notebook(
        "%load_ext x\nimport traitlets, surely_nowhere", "%pip install other-nowhere", "import other_nowhere"
    )
    assert statuses(kernel, f"--notebook {path}") == {
        "traitlets": "ok",
        "surely_nowhere": "error",
        "other_nowhere": "ok",
    }
    notebook("import traitlets", name="second.ipynb")
    assert statuses(kernel, f"--notebook {tmp_path}") == statuses(kernel, f"--notebook {path}")
    many = statuses(kernel, f"--notebook {tmp_path}/second.ipynb {path}")
    assert set(many) == {"traitlets", "surely_nowhere", "other_nowhere"}


def test_a_cell_runs_where_all_is_well(kernel):
    cell = kernel.run("%%envcheck\nimport json, traitlets\nx = 20\nx + 1")
    assert (cell.status, cell.result, cell.displays) == ("ok", "21", [])
    assert kernel.run("x").result == "20"
    assert kernel.run("%%envcheck\n%time y = 1\n!true").status == "ok"
    assert kernel.run("y").result == "1"


def test_a_cell_is_stopped_before_its_first_line(kernel):
    cell = kernel.run("%%envcheck\nz = 1\nimport surely_nowhere")
    assert (cell.status, cell.error.ename) == ("error", "EnvCheckFailed")
    assert cell.error.text.startswith("EnvCheckFailed: the cell was not run: surely_nowhere cannot be used here")
    assert kernel.run("z").error.ename == "NameError"


def test_an_error_of_the_cell_is_its_own(kernel):
    cell = kernel.run("%%envcheck\nimport json\n1 / 0")
    assert cell.error.ename == "ZeroDivisionError"
    assert "1 / 0" in cell.error.text


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("%%envcheck --fix\nimport json", "%%envcheck takes names beside its body, and no options"),
        ("%%envcheck\nimport (", "the cell is no Python"),
        ("%envcheck --notebook", "--notebook takes a notebook: %envcheck --notebook analysis.ipynb"),
        ("%envcheck --notebook gone.ipynb", "gone.ipynb cannot be read: No such file or directory."),
        ("%envcheck -r gone.toml --extra", "--extra takes an extra's name: %envcheck -r pyproject.toml --extra test"),
    ],
)
def test_bad_input_gets_one_line(kernel, code, said):
    cell = kernel.run(code)
    assert said in cell.error.text.splitlines()[0], cell.error.text
