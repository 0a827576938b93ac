import json

import pytest

from ipy_envmagic.errors import EnvMagicError
from ipy_envmagic.requirements.files import wanted_by
from ipy_envmagic.requirements.imports import imports_of
from ipy_envmagic.requirements.notebook import files_in, read_notebook


@pytest.fixture
def write(tmp_path):
    def write(*sources, name="nb.ipynb", metadata=None, **more):
        cells = [{"cell_type": "code", "source": source, "outputs": [], "metadata": {}} for source in sources]
        cells.append({"cell_type": "markdown", "source": "import markdown_is_no_code", "metadata": {}})
        path = tmp_path / name
        path.write_text(
            json.dumps({"cells": cells, "metadata": metadata or {}, "nbformat": 4, "nbformat_minor": 5, **more})
        )
        return str(path)

    return write


def transform(source):
    from IPython.core.inputtransformer2 import TransformerManager

    return TransformerManager().transform_cell(source)


def read(path):
    return read_notebook(path, transform)


def test_the_imports_of_its_code(write, tmp_path):
    (tmp_path / "helper.py").write_text("")
    path = write(
        "import os, numpy as np\nfrom pandas.core import frame",
        ["import importlib\n", "importlib.import_module('yaml')\n", "def f():\n", "    import scipy.stats\n"],
        "%matplotlib inline\nimport matplotlib.pyplot as plt\n!ls\nx = !pwd\nplt.plot?",
        "import helper, json",
        "await something()\nimport aiohttp",
        "%%time\nimport requests",
        "%%bash\nimport not_python",
    )
    assert read(path).imports.names == (
        *("numpy", "pandas.core", "yaml", "scipy.stats", "matplotlib.pyplot", "aiohttp", "requests"),
    )
    assert wanted_by(path, {}).requirements


def test_what_it_does_without(write):
    found = read(
        write(
            "try:\n    import cupy as np\nexcept ImportError:\n    import numpy as np",
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import polars",
            "try:\n    import rich\nexcept ValueError:\n    pass",
            "try:\n    import ujson as json\nexcept (ModuleNotFoundError, OSError):\n    import json",
            "try:\n    import later\nexcept ImportError:\n    pass",
            "import later",
        )
    ).imports
    assert found.names == ("cupy", "numpy", "polars", "rich", "ujson", "later")
    assert found.optional == {"cupy", "numpy", "polars", "ujson"}


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("%pip install numpy pandas>=2", {"numpy", "pandas"}),
        ("%pip install -q -r more.txt 'scikit-learn[all]'", {"scikit-learn"}),
        ("!pip install numpy", {"numpy"}),
        ("!{sys.executable} -m pip install numpy", {"numpy"}),
        ("%conda install -c conda-forge gdal", {"gdal"}),
        ("%uv pip install polars", {"polars"}),
        ("%%pip install\nnumpy>=2  # arrays\nsix", {"numpy", "six"}),
        ("# %pip install numpy", set()),
        ("%pip list", set()),
    ],
)
def test_what_it_installs_itself(write, source, names):
    assert set(read(write(source)).installs) == names


def test_what_its_metadata_says(write):
    metadata = {
        "kernelspec": {"name": "work", "language": "python"},
        "language_info": {"name": "python", "version": "3.9.1"},
    }
    found = read(write(metadata=metadata))
    assert (found.kernelspec, found.language, found.version) == ("work", "python", "3.9.1")
    for odd in ({"kernelspec": 3, "language_info": []}, {"kernelspec": {"name": 1}}, [], None, "x"):
        assert read(write(metadata=odd)).kernelspec is None


def test_a_cell_that_is_no_python_is_counted(write):
    found = read(write("import numpy", "this is no python", "import pandas"))
    assert (found.unread, found.imports.names) == ((2,), ("numpy", "pandas"))


def test_notebooks_of_the_third_format(tmp_path):
    path = tmp_path / "old.ipynb"
    cells = [{"cell_type": "code", "input": ["import numpy\n"], "language": "python"}]
    path.write_text(json.dumps({"worksheets": [{"cells": cells}], "nbformat": 3, "metadata": {}}))
    assert read(str(path)).imports.names == ("numpy",)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "3", "{}", '{"cells": 3}' * 2, "[" * 100000, '{"cell": []}', "null", "\x00"]
)
def test_what_is_no_notebook(tmp_path, text):
    path = tmp_path / "nb.ipynb"
    path.write_text(text)
    with pytest.raises(EnvMagicError, match=r"is no notebook|is no text"):
        read(str(path))


@pytest.mark.parametrize("cells", [3, [3], [{}], [{"cell_type": "code"}], [{"cell_type": "code", "source": [1, None]}]])
def test_odd_cells_are_passed_over(tmp_path, cells):
    path = tmp_path / "nb.ipynb"
    path.write_text(json.dumps({"cells": cells, "metadata": {}}))
    assert read(str(path)).imports.names == ()


def test_the_files_of_a_folder(tmp_path):
    for name in (
        "a.ipynb",
        "b.py",
        "c.txt",
        "deep/d.ipynb",
        ".hidden/e.py",
        ".venv/f.py",
        "env2/g.py",
        "__pycache__/h.py",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    (tmp_path / "env2/pyvenv.cfg").write_text("")
    assert [path.removeprefix(f"{tmp_path}/") for path in files_in(str(tmp_path))] == [
        "a.ipynb",
        "b.py",
        "deep/d.ipynb",
    ]
    assert files_in(str(tmp_path / "nowhere")) == []


@pytest.mark.parametrize(
    ("code", "names"),
    [
        ("import a.b.c\nimport a.b\nimport a", ("a.b.c",)),
        ("from . import x\nfrom .y import z", ()),
        ("from a import b", ("a",)),
        ("__import__('a')", ("a",)),
        ("import_module('a.b')", ("a.b",)),
        ("import_module(name)", ()),
        ("import_module('not a name')", ()),
        ("import_module('.relative', 'pkg')", ()),
        ("import __future__, __main__, sys, xml.dom", ()),
        ("", ()),
    ],
)
def test_what_code_imports(code, names):
    assert imports_of(code, "x", "").names == names
