"""An environment of variables in which nothing of the person who runs the tests can be seen or touched."""

from __future__ import annotations

import os
import uuid
from collections.abc import Mapping
from pathlib import Path

__all__ = ["MARKER", "home_files", "isolated", "leftover_processes", "new_mark"]

MARKER = "IPY_ENVMAGIC_TEST_MARK"
"""The variable that every process started by a test run carries, so that one that was left behind can be found."""

KEPT = ("IPY_ENVMAGIC_TEST_",)
DROPPED = (
    *(
        "PIP_",
        "UV_",
        "CONDA",
        "_CE_",
        "_CONDA_",
        "MAMBA_",
        "MICROMAMBA_",
        "PIXI_",
        "POETRY_",
        "PDM_",
        "HATCH_",
        "PIPX_",
        "PIPENV_",
    ),
    *("PYTHON", "PYENV_", "VIRTUAL_ENV", "VIRTUALENV_", "WORKON_HOME", "IPYTHON", "IPY_", "JUPYTER", "JPY_", "XDG_"),
    *("NO_COLOR", "FORCE_COLOR", "CLICOLOR", "COLUMNS", "LINES", "TERM", "DEBIAN_", "LC_", "LANG", "COLAB_", "VSCODE_"),
)


def isolated(home: str | os.PathLike[str], environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return `environ` with another home, and without what configures pip, uv, conda, Python, IPython or Jupyter.

    The home gets a folder for temporary files, so that what an interrupted program forgets there goes with it.
    """
    home = Path(home)
    (home / "tmp").mkdir(parents=True, exist_ok=True)
    kept = {key: value for key, value in environ.items() if key.startswith(KEPT) or not key.startswith(DROPPED)}
    return kept | {
        "HOME": str(home),
        "USERPROFILE": str(home),
        "TMPDIR": str(home / "tmp"),
        "IPYTHONDIR": str(home / ".ipython"),
        "JUPYTER_CONFIG_DIR": str(home / ".jupyter"),
        "JUPYTER_DATA_DIR": str(home / ".local/share/jupyter"),
        "JUPYTER_RUNTIME_DIR": str(home / ".local/share/jupyter/runtime"),
        "JUPYTER_PLATFORM_DIRS": "1",
        "XDG_CONFIG_HOME": str(home / ".config"),
        "XDG_DATA_HOME": str(home / ".local/share"),
        "XDG_STATE_HOME": str(home / ".local/state"),
        "XDG_CACHE_HOME": str(home / ".cache"),
        "XDG_RUNTIME_DIR": str(home / ".run"),
        "PIP_CONFIG_FILE": os.devnull,
        "LANG": "C.UTF-8",
        "TERM": "xterm",
    }


def new_mark() -> str:
    """Return a value for `MARKER` that no other run has."""
    return uuid.uuid4().hex


def leftover_processes(mark: str) -> dict[int, str]:
    """Return the living processes that carry `mark`: their number, and the command and test they come from.

    Reads ``/proc``; where there is none (macOS, Windows) it finds nothing.
    """
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            variables = (folder / "environ").read_bytes().split(b"\0")
            if f"{MARKER}={mark}".encode() not in variables or int(folder.name) == os.getpid():
                continue
            command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        test = next((v.decode(errors="replace") for v in variables if v.startswith(b"PYTEST_CURRENT_TEST=")), "")
        found[int(folder.name)] = f"{command.strip()} ({test or 'no test known'})"
    return found


def home_files(home: str | os.PathLike[str]) -> set[str]:
    """Return the files of IPython and Jupyter in a home, but for those that a running Jupyter makes and removes."""
    passing = ("/runtime/", "/history.sqlite", "/workspaces/", "/security/", "/nbsignatures", "/notebook_secret")
    folders = (
        ".ipython",
        ".jupyter",
        ".config/ipython",
        ".config/jupyter",
        ".local/share/jupyter",
        ".local/state/ipy_envmagic",
    )
    paths = (str(path) for folder in folders for path in Path(home, folder).rglob("*"))
    return {path for path in paths if not any(part in path for part in passing)}
