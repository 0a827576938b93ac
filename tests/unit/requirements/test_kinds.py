"""Each kind of file that asks for something."""

import importlib.util

import pytest

from ipy_envmagic.errors import EnvMagicError
from ipy_envmagic.requirements.environment_yml import parse_spec
from ipy_envmagic.requirements.files import wanted_by

lock_reader = pytest.mark.skipif(
    importlib.util.find_spec("packaging.pylock") is None, reason="the installed packaging reads no lock files (26.1)"
)


@pytest.fixture
def write(tmp_path):
    def write(name, text):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return str(path)

    return write


def asked(path, **keywords):
    return list(wanted_by(path, {}, **keywords).requirements)


# -- requirements.txt


def test_constraints_narrow_what_is_asked_for(write):
    write("constraints.txt", "numpy<2\nunasked==1\nPandas==2.*\n")
    path = write("requirements.txt", "-c constraints.txt\nnumpy>=1.20\npandas[excel] ; python_version>'3'\nsix\n")
    assert asked(path) == ["numpy>=1.20,<2", "pandas[excel]==2.* ; python_version>'3'", "six"]


def test_editable_and_local_projects_by_their_own_names(write):
    write("mine/pyproject.toml", '[project]\nname = "my-project"\nversion = "1"\n[tool.x]\nname = "other"\n')
    write("old/setup.cfg", "[metadata]\nname = old-project\n[options]\n")
    write("bare/setup.py", "")
    path = write(
        "requirements.txt",
        "-e ./mine\n--editable old[extra]\n-e bare\n-e git+https://host/x.git#egg=from-egg\n"
        "./wheels/wheel_name-1.5-py3-none-any.whl\nhttps://host/other-2.0-py3-none-any.whl#sha256=aa\n",
    )
    assert asked(path) == ["my-project", "old-project[extra]", "from-egg", "wheel-name==1.5", "other==2.0"]


def test_a_file_on_the_network_is_not_fetched(write):
    with pytest.raises(EnvMagicError, match="which is not on this machine"):
        asked(write("requirements.txt", "-r https://host/requirements.txt\n"))


def test_a_constraint_file_that_is_gone(write):
    with pytest.raises(EnvMagicError, match="cannot be read: No such file"):
        asked(write("requirements.txt", "-c gone.txt\nnumpy\n"))


# -- pyproject.toml

PROJECT = """
[project]
name = "mine"
requires-python = ">=3.10"
dependencies = ["numpy>=2", "pandas; python_version < '3'"]
[project.optional-dependencies]
Plot_All = ["matplotlib", "mine[more]"]
more = ["seaborn"]
[dependency-groups]
base = ["pytest>=8"]
dev = [{include-group = "base"}, "ruff"]
"""


def test_a_project(write):
    path = write("pyproject.toml", PROJECT)
    found = wanted_by(path, {})
    assert found.requirements == ("numpy>=2", "pandas; python_version < '3'")
    assert found.python == ">=3.10"
    assert asked(path, extras=["plot-all"]) == [*found.requirements, "matplotlib", "seaborn"]


@lock_reader
def test_dependency_groups_include_one_another(write):
    path = write("pyproject.toml", PROJECT)
    assert asked(path, groups=["dev"])[-2:] == ["pytest>=8", "ruff"]
    with pytest.raises(EnvMagicError, match="it has base, dev"):
        asked(path, groups=["nothing"])


@pytest.mark.skipif(importlib.util.find_spec("packaging.pylock") is not None, reason="the installed packaging is new")
def test_an_older_packaging_is_told_of(write):
    with pytest.raises(EnvMagicError, match="which the installed packaging cannot read"):
        asked(write("pyproject.toml", PROJECT), groups=["dev"])
    with pytest.raises(EnvMagicError, match="which the installed packaging cannot read"):
        asked(write("pylock.toml", 'lock-version = "1.0"\n'))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[tool.poetry]\n", "has no \\[project\\] table"),
        ("[project]\nname='x'\ndynamic=['dependencies']\n", "leaves its dependencies to its build backend"),
        ("[project]\nname='x'\ndependencies='numpy'\n", "dependencies are a list of texts"),
        ("[project]\nname='x'\ndependencies=[1]\n", "dependencies are a list of texts"),
        ("[project\n", "is no TOML"),
        ("a = " + "[" * 5000, "is no TOML"),
    ],
)
def test_a_project_that_says_nothing_to_check(write, text, said):
    with pytest.raises(EnvMagicError, match=said):
        asked(write("pyproject.toml", text))


def test_an_extra_that_is_none(write):
    with pytest.raises(EnvMagicError, match="has no extra 'plot'; it has more, plot-all"):
        asked(write("pyproject.toml", PROJECT), extras=["plot"])


# -- pylock.toml

LOCK = """
lock-version = "1.0"
requires-python = ">=3.10"
created-by = "test"
[[packages]]
name = "numpy"
version = "2.1.0"
wheels = [{url = "https://host/numpy-2.1.0-py3-none-any.whl", hashes = {sha256 = "aa"}}]
[[packages]]
name = "tomli"
version = "2.0"
marker = "python_version < '3'"
wheels = [{url = "https://host/tomli-2.0-py3-none-any.whl", hashes = {sha256 = "aa"}}]
"""


@lock_reader
@pytest.mark.parametrize("name", ["pylock.toml", "pylock.dev.toml"])
def test_a_lock_file(write, name):
    found = wanted_by(write(name, LOCK), {})
    assert found.requirements == ("numpy==2.1.0",)
    assert found.python == ">=3.10"


@lock_reader
@pytest.mark.parametrize("text", ["", "lock-version = '9.0'\n", LOCK.replace('name = "numpy"', "")])
def test_a_damaged_lock_file(write, text):
    with pytest.raises(EnvMagicError, match="is no lock file"):
        asked(write("pylock.toml", text))


# -- setup.cfg


def test_setup_cfg(write):
    path = write(
        "setup.cfg",
        "[options]\npython_requires = >=3.8\ninstall_requires =\n    numpy>=2  # arrays\n    six\n"
        "[options.extras_require]\nTest = pytest; python_version > '3'\n",
    )
    found = wanted_by(path, {})
    assert (found.requirements, found.python) == (("numpy>=2", "six"), ">=3.8")
    assert asked(path, extras=["test"])[-1] == "pytest; python_version > '3'"
    with pytest.raises(EnvMagicError, match="has no extra"):
        asked(path, extras=["docs"])
    with pytest.raises(EnvMagicError, match="cannot be read"):
        asked(write("setup.cfg", "no section\n"))


# -- a script


def test_a_script_with_metadata(write):
    path = write(
        "script.py",
        '# /// script\n# requires-python = ">=3.11"\n# dependencies = [\n#   "rich>=13",\n# ]\n# ///\nimport numpy\n',
    )
    found = wanted_by(path, {})
    assert (found.requirements, found.python) == (("rich>=13",), ">=3.11")


def test_a_script_without_any_by_its_imports(write):
    write("helper.py", "")
    path = write(
        "script.py", "import os, numpy.linalg, helper\ntry:\n    import rich\nexcept ImportError:\n    rich = None\n"
    )
    found = wanted_by(path, {})
    assert found.requirements == ("numpy.linalg", "rich")
    assert found.optional == {"rich"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("# /// script\n# dependencies = 3\n# ///\n", "dependencies are a list of texts"),
        ("# /// script\n# [\n# ///\n", "is no TOML"),
        ("# /// script\n# a=1\n# ///\n\n# /// script\n# a=1\n# ///\n", "PEP 723 allows one"),
        ("def (", "is no Python"),
    ],
)
def test_a_script_that_is_damaged(write, text, said):
    with pytest.raises(EnvMagicError, match=said):
        asked(write("script.py", text))


# -- environment.yml


def test_an_environment_of_conda(write):
    found = wanted_by(
        write(
            "environment.yml",
            "name: x\nchannels: [conda-forge]\ndependencies:\n  - python=3.12\n  - conda-forge::numpy>=1.26,<3\n"
            "  - gdal\n  - pip\n  - pip:\n    - -r more.txt\n    - six>=1\n",
        ),
        {},
    )
    assert found.requirements == ("six>=1",)
    assert found.python == "==3.12.*"
    assert [(spec.name, spec.specifier) for spec in found.conda] == [
        ("python", "==3.12.*"),
        ("numpy", ">=1.26,<3"),
        ("gdal", ""),
        ("pip", ""),
    ]


@pytest.mark.parametrize(
    ("text", "name", "specifier"),
    [
        ("numpy", "numpy", ""),
        ("numpy=1.26", "numpy", "==1.26.*"),
        ("numpy=1.26.*", "numpy", "==1.26.*"),
        ("numpy==1.26.4", "numpy", "==1.26.4"),
        ("numpy=1.26.4=py312_0", "numpy", "==1.26.4.*"),
        ("numpy 1.26.4 py312_0", "numpy", "==1.26.4"),
        ("numpy 1.26*", "numpy", "==1.26.*"),
        ("numpy >=1.26,<3", "numpy", ">=1.26,<3"),
        ("numpy =1.26|=2.1", "numpy", "==1.26.*|==2.1.*"),
        ("numpy[version='>=1']", "numpy", ""),
        ("conda-forge::Numpy", "numpy", ""),
        ("numpy *", "numpy", ""),
        ("numpy!=2.0", "numpy", "!=2.0"),
    ],
)
def test_what_conda_is_asked_for(text, name, specifier):
    spec = parse_spec(text)
    assert (spec.name, spec.specifier) == (name, specifier)


@pytest.mark.parametrize("text", ["", "=1", "a b c d e f!", "[x]", "-r file"])
def test_what_conda_is_not_asked_for(text):
    assert parse_spec(text) is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name: x\n", "has no list of dependencies"),
        ("dependencies: numpy\n", "has no list of dependencies"),
        ("- a\n", "has no list of dependencies"),
        ("a: [\n", "is no YAML"),
        ("dependencies: ['=1']\n", "is no package of conda"),
        ("!!python/object/apply:os.system ['true']\n", "is no YAML"),
    ],
)
def test_an_environment_that_is_none(write, text, said):
    with pytest.raises(EnvMagicError, match=said):
        asked(write("environment.yml", text))
