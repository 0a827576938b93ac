"""Kernelspecs: where Jupyter looks for them, and which interpreter and environment each really starts.

Read from files ("Making kernels for Jupyter" and "Common directories and file locations" in Jupyter's documentation);
nothing of Jupyter is imported, which would cost a tenth of a second.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ipy_envmagic.environments.launchers import Launched, behind
from ipy_envmagic.environments.layout import interpreter, prefix_of, read_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["Kernelspec", "Search", "kernelspec_name", "kernelspecs", "search_path", "server_of"]

_BARE = re.compile(r"python(?:\d(?:\.\d+)?)?(?:\.exe)?")
_NAME = re.compile(r"[a-z0-9._-]+", re.IGNORECASE)
_MOST = 256  # entries of one folder of kernelspecs
_NO = frozenset({"no", "n", "false", "off", "0", "0.0"})  # what turns one of Jupyter's variables off


@dataclass(frozen=True, slots=True)
class Search:
    """What the process knows of where kernelspecs may be.

    Parameters
    ----------
    prefix, base_prefix : str
        Of the Python that runs the server; of the kernel's, where the server's is not known.
    environ : mapping of str to str
        With JUPYTER_PATH, JUPYTER_DATA_DIR, JUPYTER_PREFER_ENV_PATH, IPYTHONDIR, ...
    home : str
        The user's home.
    platform : str
        As `sys.platform`.
    server : str or None
        The interpreter that runs the server, where that is known: a kernelspec that names a bare ``python`` starts it.
    """

    prefix: str
    base_prefix: str
    environ: Mapping[str, str]
    home: str
    platform: str
    server: str | None = None


@dataclass(frozen=True, slots=True)
class Kernelspec:
    """A kernelspec and what it comes to.

    Parameters
    ----------
    name : str
        What Jupyter calls it: the folder's name in lower case.
    directory : str
        The folder that holds ``kernel.json``.
    display_name, language : str
        As in the file; the name where it has none.
    argv : tuple of str
        The command.
    env : mapping of str to str
        The variables that the kernel gets.
    executable : str or None
        The interpreter that is started in the end, whether it is there or not; None where that cannot be told.
    prefix : str or None
        That interpreter's environment, None where there is none or it cannot be told.
    wrapper : str or None
        The script or program that starts it, where it is not the interpreter itself.
    problem : str or None
        Why it cannot start.
    hidden_by : str or None
        The folder of the kernelspec of the same name that Jupyter takes instead.
    """

    name: str
    directory: str
    display_name: str
    language: str
    argv: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    executable: str | None = None
    prefix: str | None = None
    wrapper: str | None = None
    problem: str | None = None
    hidden_by: str | None = None

    @property
    def is_python(self) -> bool:
        """Whether it is a kernel for Python."""
        return self.language.lower() == "python"

    @property
    def is_bare(self) -> bool:
        """Whether its command names no interpreter but ``python``, for which Jupyter takes the server's own."""
        return bool(self.argv) and _BARE.fullmatch(self.argv[0]) is not None


def kernelspecs(search: Search) -> tuple[Kernelspec, ...]:
    """Read every kernelspec that is there.

    Parameters
    ----------
    search : Search
        Where to look.

    Returns
    -------
    tuple of Kernelspec
        In Jupyter's order, those that another of the same name hides included. One that cannot be read has a problem.
    """
    found: list[Kernelspec] = []
    first: dict[str, str] = {}
    for folder in search_path(search):
        for name, directory in _in_folder(folder):
            found.append(_read(name, directory, search, first.get(name)))
            first.setdefault(name, directory)
    return tuple(found)


def search_path(search: Search) -> list[str]:
    """Return the folders that Jupyter looks for kernelspecs in, in order, existing or not.

    Parameters
    ----------
    search : Search
        For which Python and user.
    """
    environ = search.environ
    user = [_data_folder(search)]
    if search.prefix == search.base_prefix and not environ.get("PYTHONNOUSERSITE"):
        user.append(os.path.join(_user_base(search), "share", "jupyter"))
    own = [os.path.join(search.prefix, "share", "jupyter")]
    system = _system_folders(search)
    own = own if own == system else [folder for folder in own if folder not in system]
    named = [entry.rstrip(os.sep) for entry in environ.get("JUPYTER_PATH", "").split(os.pathsep) if entry]
    ordered = [*named, *(own + user if _prefers_environment(search) else user + own), *system]
    ipython = environ.get("IPYTHONDIR") or os.path.join(search.home, ".ipython")
    folders = [os.path.join(folder, "kernels") for folder in (*ordered, ipython)]
    return list(dict.fromkeys(folders))


def server_of(environ: Mapping[str, str]) -> str | None:
    """Return the interpreter of the Jupyter server that started this kernel, None where nothing tells.

    Parameters
    ----------
    environ : mapping of str to str
        The kernel's, with JPY_PARENT_PID, which Jupyter sets. Only Linux has the files that tell.
    """
    pid = environ.get("JPY_PARENT_PID", "")
    if not pid.isdigit():
        return None
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            first = os.fsdecode(file.read().partition(b"\0")[0])
        # The command keeps the link of a virtual environment, the process's own link does not.
        return first if os.path.isabs(first) and os.path.isfile(first) else os.readlink(f"/proc/{pid}/exe")
    except OSError:
        return None


def kernelspec_name(connection_file: str) -> str | None:
    """Return the name of the kernelspec that started a kernel, as Jupyter writes it into the connection file.

    Parameters
    ----------
    connection_file : str
        Its path.
    """
    name = _object(connection_file).get("kernel_name")
    return name if isinstance(name, str) and name else None


def _in_folder(folder: str) -> Iterator[tuple[str, str]]:
    try:
        entries = sorted(os.listdir(folder))[:_MOST]
    except (OSError, ValueError):
        return
    for entry in entries:
        directory = os.path.join(folder, entry)
        if _NAME.fullmatch(entry) and os.path.isfile(os.path.join(directory, "kernel.json")):
            yield entry.lower(), directory


def _object(path: str) -> dict[str, Any]:
    try:
        value = json.loads(read_text(path))
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _read(name: str, directory: str, search: Search, hidden_by: str | None) -> Kernelspec:
    path = os.path.join(directory, "kernel.json")
    written = _object(path)
    argv = written.get("argv")
    title = _text(written, "display_name") or name
    language = _text(written, "language")
    if not isinstance(argv, list) or not argv or not all(isinstance(word, str) for word in argv):
        why = f'{path} has no list of words as "argv"' if written else f"{path} is no JSON object"
        return Kernelspec(name, directory, title, language or "python", problem=why, hidden_by=hidden_by)
    env = written.get("env")
    env = {str(key): str(value) for key, value in env.items()} if isinstance(env, dict) else {}
    words = tuple(argv)
    language = language or ("python" if "ipykernel" in " ".join(words) else "")
    started = _started(words, env, directory, search)
    problem = _problem(words[0], started)
    if problem is None and language.lower() == "python" and started.executable and started.prefix is None:
        problem = f"{started.executable} belongs to no Python environment"
    return Kernelspec(
        name,
        directory,
        title,
        language,
        words,
        env,
        started.executable,
        started.prefix,
        started.wrapper,
        problem,
        hidden_by,
    )


def _text(written: Mapping[str, Any], key: str) -> str:
    value = written.get(key)
    return value if isinstance(value, str) else ""


def _started(argv: tuple[str, ...], env: Mapping[str, str], directory: str, search: Search) -> Launched:
    """Follow a command to the interpreter, and to what stands before it."""
    program = argv[0].replace("{resource_dir}", directory)
    if _BARE.fullmatch(program):
        server = search.server or interpreter(search.prefix, (3, 0), search.platform) or program
        return Launched(server, prefix_of(server, search.platform) or search.prefix)
    words = (program, *(word.replace("{resource_dir}", directory) for word in argv[1:]))
    return behind(words, {**search.environ, **env}, search.home, search.platform)


def _problem(program: str, started: Launched) -> str | None:
    for path in filter(None, (started.wrapper, started.executable, program)):
        if not os.path.isabs(path):
            continue
        if not os.path.exists(path):
            return f"{path} does not exist"
        if path == started.executable and not os.access(path, os.X_OK):
            return f"{path} cannot be run"
    return None


def _data_folder(search: Search) -> str:
    environ, home = search.environ, search.home
    if environ.get("JUPYTER_DATA_DIR"):
        return environ["JUPYTER_DATA_DIR"]
    platform_folders = _is_set("JUPYTER_PLATFORM_DIRS", environ)
    if search.platform == "darwin":
        parent = ("Library", "Application Support", "Jupyter") if platform_folders else ("Library", "Jupyter")
        return os.path.join(home, *parent)
    if search.platform == "win32":
        if platform_folders and environ.get("LOCALAPPDATA"):
            return os.path.join(environ["LOCALAPPDATA"], "Jupyter")
        roaming = environ.get("APPDATA")
        return os.path.join(roaming, "jupyter") if roaming else os.path.join(home, ".jupyter", "data")
    return os.path.join(environ.get("XDG_DATA_HOME") or os.path.join(home, ".local", "share"), "jupyter")


def _system_folders(search: Search) -> list[str]:
    environ = search.environ
    if search.platform == "win32":
        shared = environ.get("PROGRAMDATA") if _is_set("JUPYTER_USE_PROGRAMDATA", environ) else None
        return [os.path.join(shared, "jupyter") if shared else os.path.join(search.prefix, "share", "jupyter")]
    if _is_set("JUPYTER_PLATFORM_DIRS", environ):
        if search.platform == "darwin":
            return ["/Library/Application Support/Jupyter"]
        roots = environ.get("XDG_DATA_DIRS") or "/usr/local/share:/usr/share"
        return [os.path.join(root, "jupyter") for root in roots.split(":") if root]
    return ["/usr/local/share/jupyter", "/usr/share/jupyter"]


def _user_base(search: Search) -> str:
    root = search.environ.get("PYTHONUSERBASE")
    if root:
        return root
    if search.platform == "win32":
        return os.path.join(search.environ.get("APPDATA") or search.home, "Python")
    return os.path.join(search.home, ".local")


def _prefers_environment(search: Search) -> bool:
    """Whether the environment's folder comes before the user's, as Jupyter decides it."""
    if "JUPYTER_PREFER_ENV_PATH" in search.environ:
        return _is_set("JUPYTER_PREFER_ENV_PATH", search.environ)
    if search.prefix != search.base_prefix:
        return _is_own(search.prefix)
    conda = search.environ.get("CONDA_PREFIX")
    named = search.environ.get("CONDA_DEFAULT_ENV", "base") != "base"
    return conda is not None and search.prefix.startswith(conda) and named and _is_own(search.prefix)


def _is_set(name: str, environ: Mapping[str, str]) -> bool:
    return name in environ and environ[name].lower() not in _NO


def _is_own(path: str) -> bool:
    try:
        return os.stat(path).st_uid == os.geteuid() if hasattr(os, "geteuid") else os.access(path, os.W_OK)
    except OSError:
        return False
