"""What made a prefix, who looks after it and what it is called, by its path and the files beside it."""

import os

import pytest

from ipy_envmagic.environments.layout import read_settings
from ipy_envmagic.environments.ownership import Prefix, kind_of, manager_of, name_of

VENV = {"home": "/usr/bin"}


def at(path, settings=(), platform="linux"):
    return Prefix(str(path), dict(settings), (3, 12, 1), platform)


@pytest.mark.parametrize(
    ("path", "kind", "manager", "name"),
    [
        ("/home/me/.pyenv/versions/3.12.1", "pyenv", "pip", "Python 3.12"),
        ("/home/me/.local/share/uv/python/cpython-3.12.5-linux-x86_64-gnu", "uv", "uv", "Python 3.12"),
        ("C:\\Users\\me\\AppData\\Roaming\\uv\\python\\cpython-3.12.5-windows-x86_64-none", "uv", "uv", "Python 3.12"),
        (
            "/opt/homebrew/opt/python@3.12/Frameworks/Python.framework/Versions/3.12",
            "homebrew",
            "homebrew",
            "Python 3.12",
        ),
        (
            "/usr/local/Cellar/python@3.12/3.12.4/Frameworks/Python.framework/Versions/3.12",
            "homebrew",
            "homebrew",
            None,
        ),
        ("/home/linuxbrew/.linuxbrew/opt/python@3.12", "homebrew", "homebrew", None),
        ("/Library/Frameworks/Python.framework/Versions/3.12", "framework", "pip", None),
        (
            "/Library/Developer/CommandLineTools/Library/Frameworks/Python3.framework/Versions/3.9",
            "framework",
            "pip",
            None,
        ),
        ("/nix/store/abc-python3-3.12.4", "system", None, None),
        ("/usr", "system", None, "Python 3.12"),
        ("/usr/local", "user-built", "pip", "Python 3.12"),
        ("/home/me/opt/python", "user-built", "pip", None),
        ("C:\\Users\\me\\AppData\\Local\\Programs\\Python\\Python312", "user-built", "pip", None),
    ],
)
def test_installations_by_their_path(path, kind, manager, name):
    prefix = at(path, platform="win32" if path.startswith("C:") else "linux")
    assert kind_of(prefix) == kind
    assert manager is None or manager_of(prefix, kind) == manager
    assert name is None or name_of(prefix, kind) == name


@pytest.mark.skipif(not os.path.isdir("/var/lib/dpkg"), reason="no Debian here")
def test_the_system_of_debian_is_apts():
    assert manager_of(at("/usr"), "system") == "apt"


@pytest.mark.parametrize(
    ("settings", "kind"),
    [(VENV, "venv"), ({**VENV, "virtualenv": "20.1"}, "virtualenv"), ({**VENV, "uv": "0.5"}, "uv")],
)
def test_virtual_environments_by_who_made_them(tmp_path, settings, kind):
    assert kind_of(at(tmp_path, settings)) == kind


def test_an_empty_pyvenv_cfg_makes_a_virtual_environment(tmp_path):
    (tmp_path / "pyvenv.cfg").touch()
    assert kind_of(at(tmp_path)) == "venv"


@pytest.mark.parametrize(
    ("files", "where", "kind", "name"),
    [
        (["conda-meta/history"], "envs/nb", "conda", "nb"),
        (["conda-meta/history"], "project/.venv", "conda", "project"),
        (["conda-meta/history"], "anywhere", "conda", "anywhere"),
        (["conda-meta/python-3.12.1-h_0.json"], "made-by-rattler", "conda", "made-by-rattler"),
        (["conda-meta/history", "condabin/conda"], "miniforge3", "conda-base", "base"),
        (["conda-meta/history", "envs/x", "pkgs/x"], "micromamba", "conda-base", "base"),
        (["conda-meta/history", "conda-meta/pixi"], "shop/.pixi/envs/default", "pixi", "shop"),
        (["conda-meta/history", "conda-meta/pixi"], "shop/.pixi/envs/gpu", "pixi", "shop:gpu"),
        (["conda-meta/pixi"], "detached/shop-123", "pixi", "shop-123"),
        (["conda-meta/state"], "nothing", "user-built", "Python 3.12"),
    ],
)
def test_conda_and_pixi(tmp_path, files, where, kind, name):
    prefix = at(tmp_path / where)
    for file in files:
        path = tmp_path / where / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    assert kind_of(prefix) == kind
    assert name_of(prefix, kind) == name
    assert manager_of(prefix, kind) == {"pixi": "pixi", "user-built": "pip"}.get(kind, "conda")


@pytest.mark.parametrize(
    ("mark", "name"),
    [
        ('{"manifest_path": "/home/me/shop/pixi.toml", "environment_name": "default"}', "shop"),
        ('{"manifest_path": "/home/me/shop/pixi.toml", "environment_name": "gpu"}', "shop:gpu"),
        ('{"manifest_path": 1}', "gpu"),
        ("[]", "gpu"),
        ("{", "gpu"),
        ("[" * 100_000, "gpu"),
    ],
)
def test_a_detached_environment_of_pixi_is_named_by_its_mark(tmp_path, mark, name):
    prefix = tmp_path / "shop-0123" / "envs" / "gpu"
    (prefix / "conda-meta").mkdir(parents=True)
    (prefix / "conda-meta" / "pixi").write_text(mark)
    assert name_of(at(prefix), "pixi") == name


def test_a_conda_inside_an_environment_makes_it_no_base(tmp_path):
    for file in ("conda-meta/history", "envs/nb/conda-meta/history", "envs/nb/condabin/conda"):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).touch()
    assert kind_of(at(tmp_path / "envs" / "nb")) == "conda"


def test_a_pyenv_root_of_any_name(tmp_path):
    (tmp_path / "shims").mkdir()
    prefix = tmp_path / "versions" / "3.12.1"
    prefix.mkdir(parents=True)
    assert kind_of(at(prefix)) == "pyenv"
    assert kind_of(at(prefix, VENV)) == "venv"


@pytest.mark.parametrize(
    ("where", "files", "more", "manager"),
    [
        ("p/.venv", [], {}, "pip"),
        ("p/.venv", [], {"uv": "0.5"}, "uv"),
        ("p/.venv", ["p/uv.lock"], {}, "uv"),
        ("p/.venv", ["p/poetry.lock"], {"virtualenv": "20"}, "poetry"),
        ("p/.venv", ["p/poetry.lock", "p/uv.lock"], {"uv": "0.5"}, "uv"),
        ("p/.venv", ["p/pdm.lock"], {"virtualenv": "20"}, "pdm"),
        ("p/.venv", ["p/.pdm-python"], {"uv": "0.5"}, "pdm"),
        ("p/.venv", ["p/Pipfile"], {"virtualenv": "20"}, "pipenv"),
        ("p/other", ["p/poetry.lock", "p/uv.lock", "p/Pipfile"], {}, "pip"),
        (".cache/pypoetry/virtualenvs/p-AbC-py3.12", [], {"virtualenv": "20"}, "poetry"),
        ("Library/Caches/pypoetry/virtualenvs/p-AbC-py3.12", [], {}, "poetry"),
        (".local/share/hatch/env/virtual/p/AbC/p", [], {"virtualenv": "20"}, "hatch"),
        ("pipx/venvs/tool", ["pipx/venvs/tool/pipx_metadata.json"], {}, "pipx"),
        ("uv/tools/tool", ["uv/tools/tool/uv-receipt.toml"], {"uv": "0.5"}, "uv"),
    ],
)
def test_who_looks_after_a_virtual_environment(tmp_path, where, files, more, manager):
    (tmp_path / where).mkdir(parents=True)
    for file in files:
        (tmp_path / file).touch()
    prefix = at(tmp_path / where, {**VENV, **more})
    assert manager_of(prefix, kind_of(prefix)) == manager


@pytest.mark.parametrize("has_pipfile", [True, False])
def test_pipenv_by_the_project_it_names(tmp_path, has_pipfile):
    project, prefix = tmp_path / "project", tmp_path / "virtualenvs" / "project-AbC"
    project.mkdir()
    prefix.mkdir(parents=True)
    (prefix / ".project").write_text(f"{project}\n")
    if has_pipfile:
        (project / "Pipfile").touch()
    assert manager_of(at(prefix, VENV), "virtualenv") == ("pipenv" if has_pipfile else "pip")


@pytest.mark.parametrize(
    ("where", "prompt", "name"),
    [
        ("shop/.venv", None, "shop"),
        ("shop/venv", None, "shop"),
        ("shop/env", None, "shop"),
        ("shop/analysis", None, "analysis"),
        ("shop/.venv", "'my shop'", "my shop"),
        ("shop/.venv", '"it\'s"', "it's"),
        ("shop/.venv", "plain", "plain"),
        ("shop/.venv", ".venv", "shop"),
        ("shop/.venv", "", "shop"),
        ("shop/.venv", "'", "'"),
    ],
)
def test_the_name_of_a_virtual_environment(tmp_path, where, prompt, name):
    prefix = tmp_path / where
    prefix.mkdir(parents=True)
    (prefix / "pyvenv.cfg").write_text("home = /x\n" + (f"prompt = {prompt}\n" if prompt is not None else ""))
    assert name_of(at(prefix, read_settings(str(prefix))), "venv") == name
