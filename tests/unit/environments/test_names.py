"""The table of import names: its form, and both ways to look into it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from ipy_envmagic.environments import names
from ipy_envmagic.environments.distributions import normalise
from ipy_envmagic.environments.names import distribution_for, modules_for

FILE = Path(names.__file__).parent / "data" / "names.tsv"
LINES = FILE.read_text(encoding="utf-8").splitlines()
ROWS = [line.split("\t") for line in LINES if not line.startswith("#")]


@pytest.mark.parametrize(
    ("module", "distribution"),
    [
        ("cv2", "opencv-python"),
        ("sklearn", "scikit-learn"),
        ("sklearn.linear_model", "scikit-learn"),
        ("PIL", "pillow"),
        ("PIL.Image", "pillow"),
        ("yaml", "PyYAML"),
        ("win32com.client", "pywin32"),
        ("google.cloud.storage", "google-cloud-storage"),
        ("google.cloud.storage.blob", "google-cloud-storage"),
        ("google.protobuf", "protobuf"),
        ("mpl_toolkits.mplot3d", "matplotlib"),
        ("mpl_toolkits.basemap", "basemap"),
    ],
)
def test_a_known_import_name(module, distribution):
    assert distribution_for(module) == distribution


@pytest.mark.parametrize(
    "module",
    ["numpy", "pil", "google", "google.cloud", "google.cloud.storages", "sklearns", "tensorflow", "", ".", "a..b"],
)
def test_an_unknown_import_name(module):
    assert distribution_for(module) is None


@pytest.mark.parametrize(
    ("distribution", "modules"),
    [
        ("pillow", ("PIL",)),
        ("Pillow", ("PIL",)),
        ("opencv_python_headless", ("cv2",)),
        ("opencv-python", ("cv2",)),
        ("tensorflow-cpu", ("tensorflow",)),
        ("psycopg2", ("psycopg2",)),
        ("pymongo", ("bson", "gridfs")),
        ("numpy", ()),
        ("", ()),
        ("-", ()),
    ],
)
def test_a_distribution(distribution, modules):
    assert modules_for(distribution) == modules


def test_the_table_says_of_when_it_is():
    assert LINES[0].startswith("#")
    assert re.search(r"\b20\d\d-\d\d-\d\d\b", LINES[0])


def test_the_table_is_sorted_and_has_each_name_once():
    modules = [row[0] for row in ROWS]
    assert modules == sorted(set(modules))
    assert len(modules) > 150


def test_the_form_of_each_row():
    for module, distribution, *others in ROWS:
        assert len(others) <= 1, module
        assert all(part.isidentifier() for part in module.split(".")), module
        listed = [*([distribution] if distribution != "-" else []), *" ".join(others).split()]
        assert listed, f"the row of {module} says nothing"
        assert all(re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?", one) for one in listed), module
        # A dotted name cannot be guessed, so it stands there although the distribution has the same name.
        assert "." in module or normalise(module) != normalise(distribution), module


def test_the_table_is_read_at_first_use_only():
    code = (
        "import ipy_envmagic.environments.names as n; assert n._table.cache_info().currsize == 0; "
        "n.distribution_for('x'); n.modules_for('y'); print(n._table.cache_info().misses)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=FILE.parents[3])
    assert done.stdout.strip() == "1"


@pytest.mark.parametrize(
    ("distribution", "package"),
    [
        ("opencv-python", "opencv"),
        ("OpenCV_Python", "opencv"),
        ("tables", "pytables"),
        ("torch", "pytorch"),
        ("numpy", None),
    ],
)
def test_what_conda_calls_a_distribution(distribution, package):
    assert names.conda_name(distribution) == package


def test_the_table_of_conda_s_names():
    lines = [line for line in (FILE.parent / "conda.tsv").read_text(encoding="utf-8").splitlines() if line[0] != "#"]
    keys = [line.split("\t")[0] for line in lines]
    assert keys == sorted(set(keys))
    assert all(len(line.split("\t")) == 2 and normalise(key) == key for line, key in zip(lines, keys, strict=True))
