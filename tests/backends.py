"""Real editable installs, made without a network by the build back ends that the tests' own environment has."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest
from venvs import Venv, copy_distribution

__all__ = ["BACKENDS", "install_editable", "lend", "make_source"]

# What each is called, how it is asked for in pyproject.toml, and what it needs there beside the project's name.
BACKENDS: dict[str, tuple[str, str]] = {
    "setuptools": ("setuptools.build_meta", ""),
    "setuptools-finder": ("setuptools.build_meta", '[tool.setuptools]\npackages = ["NAME"]\n'),
    "hatchling": ("hatchling.build", ""),
    "hatchling-exact": ("hatchling.build", "[tool.hatch.build]\ndev-mode-exact = true\n"),
    "flit": ("flit_core.buildapi", ""),
    "pdm": ("pdm.backend", ""),
    "pdm-editables": ("pdm.backend", '[tool.pdm.build]\neditable-backend = "editables"\n'),
    "scikit-build-core": ("scikit_build_core.build", "[tool.scikit-build]\nwheel.cmake = false\n"),
    "uv": ("uv_build", ""),
    "meson-python": ("mesonpy", ""),
}


MESON = """\
project('NAME', version: '0.1')
py = import('python').find_installation(pure: true)
py.install_sources(['src/NAME/__init__.py', 'src/NAME/part.py'], subdir: 'NAME')
"""


def make_source(folder: Path, name: str, kind: str) -> Path:
    """Write a project for a back end: a package `name` with a module `part`."""
    backend, more = BACKENDS[kind]
    package = folder / name if kind == "setuptools-finder" else folder / "src" / name
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(f'"""A project."""\n__version__ = "0.1"\nname = {name!r}\n')
    (package / "part.py").write_text("x = 1\n")
    project = f'[project]\nname = "{name}"\nversion = "0.1"\ndescription = "a project"\n'
    system = f'[build-system]\nrequires = []\nbuild-backend = "{backend}"\n'
    if kind == "meson-python":
        (folder / "meson.build").write_text(MESON.replace("NAME", name))
    (folder / "pyproject.toml").write_text(f"{system}{project}{more.replace('NAME', name)}")
    return folder


def install_editable(venv: Venv, project: Path, kind: str) -> None:
    """Let the back end build its editable wheel (PEP 660), and pip install that."""
    backend = BACKENDS[kind][0]
    if importlib.util.find_spec(backend.partition(".")[0]) is None or not _is_there(backend):
        pytest.skip(f"{backend} is not installed")
    folder = project.parent / f"{project.name}-wheel"
    folder.mkdir()
    code = f"import sys, {backend} as backend; print(backend.build_editable(sys.argv[1]))"
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code, str(folder)],
        cwd=project,
        env={**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (wheel,) = folder.glob("*.whl")
    url = f"{project.name.replace('-', '_')} @ {wheel.as_uri()}"
    venv.pip("install", "--quiet", "--no-deps", url.partition(" @ ")[2])
    if kind in {"hatchling-exact", "pdm-editables"}:
        lend(venv, "editables")
    _mark_editable(venv, wheel.name.partition("-")[0], project)


def lend(venv: Venv, *names: str) -> None:
    """Copy distributions of the tests' own environment into another."""
    for name in names:
        try:
            copy_distribution(metadata.distribution(name), venv.site_packages)
        except metadata.PackageNotFoundError:
            pytest.skip(f"{name} is not installed")


def _is_there(backend: str) -> bool:
    try:
        return importlib.util.find_spec(backend) is not None
    except ModuleNotFoundError:
        return False


def _mark_editable(venv: Venv, name: str, project: Path) -> None:
    """Write what pip writes for ``-e`` (PEP 610): here it was given the wheel."""
    (info,) = venv.site_packages.glob(f"{name}-*.dist-info")
    (info / "direct_url.json").write_text(f'{{"url": "{project.as_uri()}", "dir_info": {{"editable": true}}}}')
