"""What made a prefix and who looks after it: one small rule each, from its path and the files beside it."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from ipy_envmagic.environments.layout import read_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["Kind", "Prefix", "kind_of", "manager_of", "name_of"]

Kind = Literal[
    "venv",
    "virtualenv",
    "uv",
    "conda-base",
    "conda",
    "pixi",
    "pyenv",
    "system",
    "homebrew",
    "framework",
    "user-built",
]


@dataclass(frozen=True, slots=True)
class Prefix:
    """What the rules look at.

    Parameters
    ----------
    path : str
        The prefix, absolute.
    settings : mapping of str to str
        Its pyvenv.cfg; empty where there is none.
    version : tuple of int
        Its Python's.
    platform : str
        As `sys.platform`.
    """

    path: str
    settings: Mapping[str, str]
    version: tuple[int, int, int]
    platform: str

    @property
    def words(self) -> str:
        """The path with "/", and one at its end, to look for a folder's name in it."""
        return self.path.replace("\\", "/").rstrip("/") + "/"

    def has(self, *names: str) -> bool:
        """Whether there is such a file or folder in the prefix."""
        return os.path.exists(os.path.join(self.path, *names))

    def has_beside(self, *names: str) -> bool:
        """Whether one of these lies in the project's folder, which an environment inside a project is made in."""
        return _is_in_project(self) and any(
            os.path.exists(os.path.join(os.path.dirname(self.path), one)) for one in names
        )


# What an environment inside a project's folder is called; the project's name then tells more.
_IN_PROJECT = frozenset({".venv", "venv", "env", ".env", ".conda"})
_UV_PYTHON = re.compile(r"/(?:cpython|pypy|graalpy)-\d+\.\d+[^/]*-(?:linux|macos|windows|darwin)-[^/]+/$")
_PYENV = re.compile(r"/(?:\.?pyenv|pyenv-win)/versions/[^/]+/$")
_HOMEBREW = re.compile(r"/Cellar/(?:python|pypy)|^/opt/homebrew/|/(?:home/|\.)linuxbrew/|^/usr/local/opt/python")
_FRAMEWORK = re.compile(r"/Python3?T?\.framework/")
_PACKAGE_MANAGERS = (
    ("/var/lib/dpkg", "apt"),
    ("/usr/bin/zypper", "zypper"),
    ("/usr/bin/dnf", "dnf"),
    ("/usr/bin/yum", "yum"),
    ("/var/lib/pacman", "pacman"),
    ("/lib/apk", "apk"),
)


def kind_of(prefix: Prefix) -> Kind:
    """Return what kind of environment a prefix is."""
    if prefix.settings or prefix.has("pyvenv.cfg"):
        return "uv" if "uv" in prefix.settings else "virtualenv" if "virtualenv" in prefix.settings else "venv"
    return next((kind for kind, holds in _KINDS if holds(prefix)), "user-built")


def manager_of(prefix: Prefix, kind: Kind) -> str:
    """Return the name of the program that looks after an environment, "pip" where no other does.

    Parameters
    ----------
    prefix : Prefix
        The prefix.
    kind : str
        Its kind.

    Returns
    -------
    str
        "pip", "uv", "conda", "pixi", "poetry", "pdm", "hatch", "pipenv", "pipx", "homebrew", "apt" or another system's.
    """
    if kind in {"venv", "virtualenv", "uv"}:
        return next((name for name, holds in _MANAGERS if holds(prefix)), "uv" if kind == "uv" else "pip")
    if kind == "system":
        return next((name for path, name in _PACKAGE_MANAGERS if os.path.exists(path)), "pip")
    if _is_uv_python(prefix):
        return "uv"
    return {"conda-base": "conda", "conda": "conda", "pixi": "pixi", "homebrew": "homebrew"}.get(kind, "pip")


def name_of(prefix: Prefix, kind: Kind) -> str:
    """Return what people call an environment.

    Parameters
    ----------
    prefix : Prefix
        The prefix.
    kind : str
        Its kind.

    Returns
    -------
    str
        The prompt or folder of a virtual environment, or the project's folder where the environment's own name is as
        good as none; "base" or the environment's name for conda; "project" or "project:environment" for pixi, as its
        prompt has it; else "Python 3.12".
    """
    folder = os.path.basename(prefix.path)
    if kind == "pixi":
        return _pixi_name(prefix, folder)
    if kind == "conda-base":
        return "base"
    if kind == "conda":
        return _project(prefix) or folder
    if kind == "uv" and not (prefix.settings or prefix.has("pyvenv.cfg")):
        return f"Python {prefix.version[0]}.{prefix.version[1]}"
    if kind in {"venv", "virtualenv", "uv"}:
        prompt = _unquoted(prefix.settings.get("prompt", ""))
        return (prompt if prompt not in _IN_PROJECT else "") or _project(prefix) or folder
    return f"Python {prefix.version[0]}.{prefix.version[1]}"


def _unquoted(prompt: str) -> str:
    """Return a prompt as it was given: `venv` writes its repr, others write it as it is."""
    quoted = len(prompt) > 1 and prompt[0] == prompt[-1] and prompt[0] in "'\""
    return prompt[1:-1] if quoted else prompt


def _is_in_project(prefix: Prefix) -> bool:
    return os.path.basename(prefix.path) in _IN_PROJECT


def _project(prefix: Prefix) -> str:
    return os.path.basename(os.path.dirname(prefix.path)) if _is_in_project(prefix) else ""


def _pixi_name(prefix: Prefix, folder: str) -> str:
    """Name it by its place in the project, or, where it is detached from it, by the mark that pixi leaves in it."""
    project, _, _ = prefix.words.rstrip("/").rpartition("/.pixi/envs/")
    name, environment = project.rpartition("/")[2], folder
    if not name:
        import json  # noqa: PLC0415 detached environments are rare

        try:
            mark = json.loads(read_text(os.path.join(prefix.path, "conda-meta", "pixi")))
            name = os.path.basename(os.path.dirname(mark["manifest_path"]))
            environment = str(mark.get("environment_name", folder))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            name = ""
    if not name:
        return folder
    return name if environment == "default" else f"{name}:{environment}"


def _is_conda(prefix: Prefix) -> bool:
    """CEP 32: conda-meta/history. rattler writes none, only the records."""
    if prefix.has("conda-meta", "history"):
        return True
    try:
        return any(entry.endswith(".json") for entry in os.listdir(os.path.join(prefix.path, "conda-meta")))
    except OSError:
        return False


def _is_conda_base(prefix: Prefix) -> bool:
    if not _is_conda(prefix):
        return False
    parent = os.path.dirname(prefix.path)
    if os.path.basename(parent) == "envs" and os.path.isdir(os.path.join(os.path.dirname(parent), "conda-meta")):
        # A conda that is installed into an environment brings a condabin there.
        return False
    return prefix.has("condabin") or (prefix.has("envs") and prefix.has("pkgs"))


def _is_pyenv(prefix: Prefix) -> bool:
    if _PYENV.search(prefix.words):
        return True
    versions = os.path.dirname(prefix.path)
    return os.path.basename(versions) == "versions" and os.path.isdir(os.path.join(os.path.dirname(versions), "shims"))


def _is_uv_python(prefix: Prefix) -> bool:
    """Whether it is one of the Pythons that uv downloads: named ``cpython-3.12.1-linux-x86_64-gnu``."""
    return _UV_PYTHON.search(prefix.words) is not None


def _is_system(prefix: Prefix) -> bool:
    return prefix.platform != "win32" and (prefix.words == "/usr/" or prefix.words.startswith("/nix/store/"))


_KINDS: tuple[tuple[Kind, Callable[[Prefix], bool]], ...] = (
    ("pixi", lambda prefix: prefix.has("conda-meta", "pixi")),
    ("conda-base", _is_conda_base),
    ("conda", _is_conda),
    ("pyenv", _is_pyenv),
    ("uv", _is_uv_python),
    ("homebrew", lambda prefix: _HOMEBREW.search(prefix.words) is not None),
    ("framework", lambda prefix: _FRAMEWORK.search(prefix.words) is not None),
    ("system", _is_system),
)


def _is_pipenv(prefix: Prefix) -> bool:
    if prefix.has_beside("Pipfile", "Pipfile.lock"):
        return True
    # pipenv writes the project's path there; virtualenvwrapper does too, but only where it was told to.
    project = read_text(os.path.join(prefix.path, ".project")).strip()
    return bool(project) and "\0" not in project and os.path.exists(os.path.join(project, "Pipfile"))


_MANAGERS: tuple[tuple[str, Callable[[Prefix], bool]], ...] = (
    ("pipx", lambda prefix: prefix.has("pipx_metadata.json")),
    ("uv", lambda prefix: prefix.has("uv-receipt.toml")),
    ("hatch", lambda prefix: "/hatch/env/virtual/" in prefix.words),
    ("poetry", lambda prefix: "/pypoetry/" in prefix.words and "/virtualenvs/" in prefix.words),
    ("uv", lambda prefix: "uv" in prefix.settings and prefix.has_beside("uv.lock")),
    ("poetry", lambda prefix: prefix.has_beside("poetry.lock")),
    ("pdm", lambda prefix: prefix.has_beside("pdm.lock", ".pdm-python")),
    ("pipenv", _is_pipenv),
    ("uv", lambda prefix: prefix.has_beside("uv.lock")),
)
