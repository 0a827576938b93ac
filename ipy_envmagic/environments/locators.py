"""Where each tool keeps its environments: one small locator each, which proposes prefixes and decides nothing.

The places are those of the tools' own documentation. A locator reads a few directories and small files, nothing below.
"""

from __future__ import annotations

import os
import re
from itertools import islice
from typing import TYPE_CHECKING

from ipy_envmagic.environments.layout import prefix_of, read_text, upwards
from ipy_envmagic.environments.locate import Located

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ipy_envmagic.environments.locate import Surroundings

__all__ = ["LOCATORS"]

_MOST = 512  # entries of one folder that are looked at
_ON_PATH = 64  # folders of PATH
_IN_PROJECT = (".venv", "venv", "env", ".env")
_INSTALLERS = ("miniforge3", "mambaforge", "miniconda3", "anaconda3", "micromamba", ".micromamba")
_USER_SITE = re.compile(r"python(\d)\.?(\d+)", re.IGNORECASE)


def _kernels(around: Surroundings) -> Iterator[str]:
    for executable in around.kernels:
        prefix = prefix_of(executable, around.platform) if os.path.isfile(executable) else None
        if prefix:
            yield prefix


def _path(around: Surroundings) -> Iterator[str]:
    """Propose what has a Python on PATH: through links, but not through a virtual environment's own."""
    separator = ";" if around.platform == "win32" else ":"
    name = "python.exe" if around.platform == "win32" else "python3"
    for folder in around.environ.get("PATH", "").split(separator)[:_ON_PATH]:
        executable = os.path.join(folder, name)
        if os.path.isabs(folder) and os.path.isfile(executable):
            prefix = prefix_of(executable, around.platform)
            if prefix:
                yield prefix


def _project(around: Surroundings) -> Iterator[str]:
    """Propose the environment folders in the working directory and above it."""
    for folder in upwards(around.cwd):
        for name in _IN_PROJECT:
            if os.path.isfile(os.path.join(folder, name, "pyvenv.cfg")):
                yield os.path.join(folder, name)
        if os.path.isdir(os.path.join(folder, ".conda", "conda-meta")):
            yield os.path.join(folder, ".conda")


def _named_by_pdm(around: Surroundings) -> Iterator[str]:
    """Propose what ``.pdm-python`` names (PDM, "Working with virtual environments"), then PDM's own folder."""
    for folder in upwards(around.cwd):
        executable = read_text(os.path.join(folder, ".pdm-python")).strip()
        prefix = prefix_of(executable, around.platform) if os.path.isabs(executable) else None
        if prefix:
            yield prefix
    yield from _children(os.path.join(_data(around, "pdm"), "venvs"))


def _active(around: Surroundings) -> Iterator[str]:
    for variable in ("VIRTUAL_ENV", "CONDA_PREFIX", "UV_PROJECT_ENVIRONMENT"):
        value = around.environ.get(variable, "")
        if os.path.isabs(value):
            yield value


def _conda_listed(around: Surroundings) -> Iterator[str]:
    text = read_text(os.path.join(around.home, ".conda", "environments.txt"))
    yield from islice((line.strip() for line in text.splitlines() if os.path.isabs(line.strip())), _MOST)


def _conda_folders(around: Surroundings) -> Iterator[str]:
    """Propose what lies in conda's ``envs_dirs``: of the variables, of ``.condarc``, and ``~/.conda/envs``."""
    environ = around.environ
    separator = ";" if around.platform == "win32" else ":"
    named = [entry for key in ("CONDA_ENVS_DIRS", "CONDA_ENVS_PATH") for entry in environ.get(key, "").split(separator)]
    files = [environ.get("CONDARC", ""), os.path.join(around.home, ".condarc")]
    files.append(os.path.join(around.home, ".conda", ".condarc"))
    for file in filter(None, files):
        named += _list_in_yaml(read_text(file), "envs_dirs") + _list_in_yaml(read_text(file), "envs_path")
    folders = [entry.replace("~", around.home, 1) if entry.startswith("~") else entry for entry in named]
    for folder in (*folders, os.path.join(around.home, ".conda", "envs")):
        if os.path.isabs(folder):
            yield from _children(folder)


def _conda_roots(around: Surroundings) -> Iterator[str]:
    """Propose conda's and micromamba's installations and what lies in their ``envs``."""
    for root in dict.fromkeys(_roots(around)):
        if os.path.isdir(os.path.join(root, "conda-meta")) or os.path.isdir(os.path.join(root, "envs")):
            yield root
            yield from _children(os.path.join(root, "envs"))


def _roots(around: Surroundings) -> Iterator[str]:
    environ = around.environ
    yield from around.installations
    for variable in ("CONDA_EXE", "_CONDA_EXE", "MAMBA_EXE"):
        if os.path.isabs(environ.get(variable, "")):
            yield os.path.dirname(os.path.dirname(environ[variable]))
    for variable in ("CONDA_ROOT", "_CONDA_ROOT", "MAMBA_ROOT_PREFIX"):
        if os.path.isabs(environ.get(variable, "")):
            yield environ[variable]
    for prefix in _conda_listed(around):
        folder = os.path.dirname(prefix)
        yield os.path.dirname(folder) if os.path.basename(folder) == "envs" else prefix
    if around.platform == "win32":
        bases = [around.home, *(environ.get(name, "") for name in ("LOCALAPPDATA", "PROGRAMDATA"))]
        yield os.path.join(environ.get("LOCALAPPDATA") or around.home, "mamba")
    else:
        bases = [around.home, _of_system(around, "opt"), _of_system(around, "usr/local")]
        bases.append(os.path.join(around.home, "opt"))
        yield _of_system(around, "opt/conda")
        yield os.path.join(_data_home(around), "mamba")  # micromamba 2
    for base in filter(None, bases):
        for name in _INSTALLERS:
            yield os.path.join(base, name)
            yield os.path.join(base, name.capitalize())
    if around.platform == "darwin":
        for cask in ("miniforge", "miniconda", "mambaforge"):
            yield _of_system(around, f"opt/homebrew/Caskroom/{cask}/base")
            yield _of_system(around, f"usr/local/Caskroom/{cask}/base")


def _pixi(around: Surroundings) -> Iterator[str]:
    """Propose a project's environments, and those of ``pixi global`` (pixi, "Environments")."""
    for folder in upwards(around.cwd):
        yield from _children(os.path.join(folder, ".pixi", "envs"))
    root = around.environ.get("PIXI_HOME") or os.path.join(around.home, ".pixi")
    yield from _children(os.path.join(root, "envs"))
    cache = around.environ.get("PIXI_CACHE_DIR") or os.path.join(_cache(around, "rattler"), "cache")
    for project in _children(os.path.join(cache, "envs")):  # "detached-environments"
        yield from _children(os.path.join(project, "envs"))


def _pyenv(around: Surroundings) -> Iterator[str]:
    """Propose pyenv's versions, and the environments of pyenv-virtualenv inside them."""
    default = (".pyenv", "pyenv-win") if around.platform == "win32" else (".pyenv",)
    root = around.environ.get("PYENV_ROOT") or os.path.join(around.home, *default)
    for version in _children(os.path.join(root, "versions")):
        yield version
        yield from _children(os.path.join(version, "envs"))


def _uv_pythons(around: Surroundings) -> Iterator[str]:
    yield from _children(around.environ.get("UV_PYTHON_INSTALL_DIR") or os.path.join(_data(around, "uv"), "python"))


def _uv_tools(around: Surroundings) -> Iterator[str]:
    yield from _children(around.environ.get("UV_TOOL_DIR") or os.path.join(_data(around, "uv"), "tools"))


def _pipx(around: Surroundings) -> Iterator[str]:
    homes = [around.environ.get("PIPX_HOME", ""), _data(around, "pipx"), os.path.join(around.home, ".local", "pipx")]
    homes.append(os.path.join(around.home, "pipx"))
    for home in filter(None, homes):
        yield from _children(os.path.join(home, "venvs"))


def _virtualenvwrapper(around: Surroundings) -> Iterator[str]:
    default = "Envs" if around.platform == "win32" else ".virtualenvs"
    for folder in (around.environ.get("WORKON_HOME", ""), os.path.join(around.home, default)):
        if folder:
            yield from _children(folder)


def _pipenv(around: Surroundings) -> Iterator[str]:
    """Propose pipenv's folder: WORKON_HOME, which it shares with virtualenvwrapper, or its own default."""
    folder = around.environ.get("WORKON_HOME")
    if not folder and around.platform != "win32":
        folder = os.path.join(_data_home(around), "virtualenvs")
    yield from _children(folder or os.path.join(around.home, ".virtualenvs"))


def _poetry(around: Surroundings) -> Iterator[str]:
    """Propose ``virtualenvs.path`` and the place below the cache that is its default (Poetry, "Configuration")."""
    environ = around.environ
    folders = [environ.get("POETRY_VIRTUALENVS_PATH", "")]
    if environ.get("POETRY_CACHE_DIR"):
        folders.append(os.path.join(environ["POETRY_CACHE_DIR"], "virtualenvs"))
    cache = _cache(around, "pypoetry")
    folders.append(os.path.join(cache, *(("Cache",) if around.platform == "win32" else ()), "virtualenvs"))
    for folder in filter(None, folders):
        yield from _children(folder)


def _hatch(around: Surroundings) -> Iterator[str]:
    """Propose ``env/virtual/PROJECT/ID/NAME`` below hatch's data, older ones ``env/virtual/NAME`` too."""
    data = around.environ.get("HATCH_DATA_DIR") or _data(around, "hatch")
    for project in _children(os.path.join(data, "env", "virtual")):
        yield project
        for identity in _children(project):
            yield from _children(identity)


def _user_sites(around: Surroundings) -> Iterator[Located]:
    """Propose every user site directory (PEP 370), of whatever version of Python."""
    if around.platform == "win32":
        base = around.environ.get("PYTHONUSERBASE") or os.path.join(
            around.environ.get("APPDATA") or around.home, "Python"
        )
        folders = [(child, os.path.join(child, "site-packages")) for child in _children(base)]
    else:
        base = around.environ.get("PYTHONUSERBASE") or os.path.join(around.home, ".local")
        folders = [(child, os.path.join(child, "site-packages")) for child in _children(os.path.join(base, "lib"))]
        if around.platform == "darwin":
            library = os.path.join(around.home, "Library", "Python")
            folders += [
                (f"python{os.path.basename(child)}", os.path.join(child, "lib", "python", "site-packages"))
                for child in _children(library)
            ]
    for child, site in folders:
        match = _USER_SITE.fullmatch(os.path.basename(child))
        if match and os.path.isdir(site):
            yield Located(base, "user site", (site,), (int(match[1]), int(match[2])), is_user_site=True)


def _system(around: Surroundings) -> Iterator[str]:
    if around.platform == "win32":
        for variable in ("LOCALAPPDATA", "PROGRAMFILES"):
            folder = around.environ.get(variable, "")
            inside = ("Programs", "Python") if variable == "LOCALAPPDATA" else ()
            yield from (child for child in _children(os.path.join(folder, *inside)) if "Python3" in child)
        return
    yield from (_of_system(around, "usr"), _of_system(around, "usr/local"))
    if around.platform == "darwin":
        for root in ("opt/homebrew/", "usr/local/", "Library/"):
            yield from _children(_of_system(around, f"{root}Frameworks/Python.framework/Versions"))
    else:
        yield _of_system(around, "home/linuxbrew/.linuxbrew")


LOCATORS: tuple[tuple[str, Callable[[Surroundings], Iterator[str | Located]]], ...] = (
    ("kernelspec", _kernels),
    ("active", _active),
    ("project folder", _project),
    ("pixi", _pixi),
    ("pdm", _named_by_pdm),
    ("poetry", _poetry),
    ("hatch", _hatch),
    ("conda's environments.txt", _conda_listed),
    ("conda's envs_dirs", _conda_folders),
    ("conda", _conda_roots),
    ("pipenv", _pipenv),
    ("virtualenvwrapper", _virtualenvwrapper),
    ("pyenv", _pyenv),
    ("uv's Pythons", _uv_pythons),
    ("uv tool", _uv_tools),
    ("pipx", _pipx),
    ("user site", _user_sites),
    ("PATH", _path),
    ("system", _system),
)


def _of_system(around: Surroundings, path: str) -> str:
    return os.path.join(around.root, *path.split("/"))


def _children(folder: str) -> Iterator[str]:
    """Return the folders in a folder, in order, links included; not more than `_MOST` are looked at."""
    try:
        with os.scandir(folder) as entries:
            found = [entry.path for entry in islice(entries, _MOST) if not entry.is_file()]
    except (OSError, ValueError):
        return
    yield from sorted(found)


def _data_home(around: Surroundings) -> str:
    return around.environ.get("XDG_DATA_HOME") or os.path.join(around.home, ".local", "share")


def _data(around: Surroundings, tool: str) -> str:
    """Return where a tool keeps its data, as platformdirs has it; uv and pdm keep to these places too."""
    if around.platform == "win32":
        roaming = around.environ.get("APPDATA") if tool == "uv" else around.environ.get("LOCALAPPDATA")
        return os.path.join(roaming or around.home, tool, *(() if tool == "uv" else (tool,) if tool == "pipx" else ()))
    if around.platform == "darwin" and tool not in {"uv", "pipx"}:
        return os.path.join(around.home, "Library", "Application Support", tool)
    return os.path.join(_data_home(around), tool)


def _cache(around: Surroundings, tool: str) -> str:
    if around.platform == "win32":
        return os.path.join(around.environ.get("LOCALAPPDATA") or around.home, tool)
    if around.platform == "darwin":
        return os.path.join(around.home, "Library", "Caches", tool)
    return os.path.join(around.environ.get("XDG_CACHE_HOME") or os.path.join(around.home, ".cache"), tool)


def _list_in_yaml(text: str, key: str) -> list[str]:
    """Read a list of plain words out of a ``.condarc``, in YAML's block or flow style; that is all its users write."""
    match = re.search(rf"^{key}\s*:[ \t]*(?P<flow>\[[^\]]*\])?(?P<block>(?:\n[ \t]*-[^\n]*)*)", text, re.MULTILINE)
    if not match:
        return []
    words = match["flow"].strip("[]").split(",") if match["flow"] else re.findall(r"-\s*([^\n#]+)", match["block"])
    return [word.strip().strip("\"'") for word in words if word.strip()]
