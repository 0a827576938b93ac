"""Where a prefix keeps its interpreter, standard library and site directories, by platform; read from files alone.

The platform is always given, as `sys.platform` has it, so that a Windows or macOS tree can be read anywhere.
"""

from __future__ import annotations

import ntpath
import os
import posixpath
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = [
    "base_prefix_of",
    "installed_versions",
    "interpreter",
    "prefix_of",
    "read_settings",
    "resolve_executable",
    "site_packages",
    "standard_library",
    "upwards",
    "user_site",
    "version_of",
]

Version = tuple[int, int, int]

_LIBRARY = re.compile(r"(python|pypy)(\d+)\.(\d+)(t?)")
_DLL = re.compile(r"python(\d)(\d\d+)t?\.dll", re.IGNORECASE)
_NUMBERS = re.compile(r"(\d+)\.(\d+)(?:\.(\d+))?")
_PATCHLEVEL = re.compile(r'#define\s+PY_VERSION\s+"(\d+)\.(\d+)\.(\d+)')
_CONDA_PYTHON = re.compile(r"python-(\d+)\.(\d+)\.(\d+)[^-]*-[^-]+\.json")
_STUB = re.compile(r"/Python3?\.app/Contents/MacOS/Python3?$")
_LIMIT = 1 << 20
_CHUNK = 1 << 22


def read_text(path: str) -> str:
    """Return a small file's text, "" where it cannot be read."""
    try:
        with open(path, "rb") as file:
            return file.read(_LIMIT).decode("utf-8-sig", "replace")
    except (OSError, ValueError):
        return ""


def upwards(folder: str) -> Iterator[str]:
    """Yield a folder and all above it."""
    while folder:
        yield folder
        above = os.path.dirname(folder)
        if above == folder:
            return
        folder = above


def read_settings(prefix: str) -> dict[str, str]:
    """Read ``pyvenv.cfg`` (PEP 405): keys in lower case; empty where there is none."""
    lines = (line.partition("=") for line in read_text(os.path.join(prefix, "pyvenv.cfg")).splitlines())
    return {key.strip().lower(): value.strip() for key, equals, value in lines if equals}


def interpreter(prefix: str, version: tuple[int, ...], platform: str, *, plain: bool = True) -> str:
    """Return the interpreter of a prefix, "" where there is none.

    Parameters
    ----------
    prefix : str
        The prefix.
    version : tuple of int
        Its Python's version; in a shared prefix as /usr, ``bin/python`` may be another one's.
    platform : str
        As `sys.platform`.
    plain : bool
        Whether ``python`` is looked for before ``python3.12``: it is what the activated environment runs.
    """
    if platform == "win32":
        places = [("Scripts", "python.exe"), ("python.exe",), ("bin", "python.exe")]
    else:
        full = f"python{version[0]}.{version[1]}"
        names = ["python", "python3", full] if plain else [full, "python3", "python"]
        places = [("bin", name) for name in [*names, f"pypy{version[0]}.{version[1]}", "pypy3"]]
    paths = (os.path.join(prefix, *place) for place in places)
    return next((path for path in paths if os.path.isfile(path)), "")


def resolve_executable(executable: str | None, prefix: str, version: tuple[int, ...], platform: str) -> str:
    """Return the interpreter to start for a running Python.

    Parameters
    ----------
    executable : str or None
        What `sys.executable` says: it may be empty or None (embedded), the program that embeds Python, gone, the stub
        inside a macOS framework, which does not know of a virtual environment when it is started directly, or
        ``pythonw.exe``, which writes to no one.
    prefix : str
        `sys.prefix`.
    version : tuple of int
        Its version.
    platform : str
        As `sys.platform`.

    Returns
    -------
    str
        `executable` itself, links and all, wherever it is a Python; else the one in the prefix; "" where there is none.
    """
    if executable and os.path.isfile(executable) and not _STUB.search(executable):
        name = re.split(r"[\\/]", executable)[-1].lower()
        if name.startswith("pythonw") and platform == "win32":
            beside = os.path.join(os.path.dirname(executable), name.replace("pythonw", "python", 1))
            return beside if os.path.isfile(beside) else executable
        if "py" in name:
            return executable
    is_venv = os.path.isfile(os.path.join(prefix, "pyvenv.cfg"))
    return interpreter(prefix, version, platform, plain=is_venv)


def installed_versions(prefix: str) -> list[tuple[int, int]]:
    """Return the versions that have a library directory in a POSIX prefix, the newest first."""
    found = {(int(match[2]), int(match[3])) for match in _libraries(prefix)}
    return sorted(found, reverse=True)


def standard_library(prefix: str, version: tuple[int, ...], platform: str) -> str:
    """Return the directory of the standard library under a base prefix, as ``sysconfig`` calls "stdlib"."""
    if platform == "win32":
        return os.path.join(prefix, "Lib")
    folders = [os.path.join(prefix, libraries, name) for libraries in ("lib64", "lib") for name in _names(version)]
    return next(
        (folder for folder in folders if os.path.isfile(os.path.join(folder, "os.py"))),
        os.path.join(prefix, "lib", _names(version)[0]),
    )


def site_packages(prefix: str, base: str, version: tuple[int, ...], platform: str) -> list[str]:
    """Return the site directories of a prefix in the order of `site.getsitepackages`, existing or not.

    Parameters
    ----------
    prefix, base : str
        The prefix and the prefix of its base installation; the same outside a virtual environment.
    version : tuple of int
        The version.
    platform : str
        As `sys.platform`.
    """
    if platform == "win32":
        return [os.path.join(prefix, "Lib", "site-packages")]
    major, minor = version[:2]
    if prefix == base and os.path.isdir(os.path.join(prefix, "lib", "python3", "dist-packages")):
        # Debian keeps what apt installs apart from what pip installs.
        local = os.path.join(prefix, "local", "lib", f"python{major}.{minor}", "dist-packages")
        return [local, os.path.join(prefix, "lib", "python3", "dist-packages")]
    library = standard_library(base, version, platform)
    name = os.path.basename(library)
    libraries = ["lib64", "lib"] if os.path.basename(os.path.dirname(library)) == "lib64" else ["lib"]
    roots = [prefix]
    if prefix == base == "/usr" and len(libraries) > 1:
        # Fedora and its kin look into /usr/local first, where their pip installs.
        roots.insert(0, "/usr/local")
    return [os.path.join(root, folder, name, "site-packages") for root in roots for folder in libraries]


def user_site(base: str, version: tuple[int, ...], platform: str, environ: Mapping[str, str], home: str) -> str | None:
    """Return the user site directory (PEP 370), None where PYTHONNOUSERSITE turns it off or no home is known."""
    if environ.get("PYTHONNOUSERSITE"):
        return None
    major, minor = version[:2]
    join = ntpath.join if platform == "win32" else posixpath.join
    root = environ.get("PYTHONUSERBASE")
    if platform == "win32":
        root = root or join(environ.get("APPDATA") or home, "Python")
        return join(root, f"Python{major}{minor}", "site-packages")
    if not root and platform == "darwin" and re.search(r"/Python3?\.framework/", f"{base}/"):
        root = join(home, "Library", "Python", f"{major}.{minor}")
        return join(root, "lib", "python", "site-packages")
    return join(root or join(home, ".local"), "lib", f"python{major}.{minor}", "site-packages")


_NESTED = 8  # environments made from one another that are followed: two may name each other


def base_prefix_of(prefix: str, settings: Mapping[str, str], platform: str) -> str:
    """Return the prefix of the Python that a virtual environment was made from.

    Parameters
    ----------
    prefix : str
        The environment's.
    settings : mapping of str to str
        Its pyvenv.cfg; without one the prefix is its own base.
    platform : str
        As `sys.platform`.
    """
    home = settings.get("home")
    if not home:
        return settings.get("base-prefix") or prefix
    if platform == "win32":
        return home
    # The interpreter in `home` may be a link into the installation, as ~/.local/bin/python3.12 is for uv's Pythons.
    above = os.path.dirname(home.rstrip("/"))
    for _ in range(_NESTED):  # made by the interpreter of another virtual environment
        further = read_settings(above).get("home")
        if not further:
            break
        home, above = further, os.path.dirname(further.rstrip("/"))
    if installed_versions(above):
        return above
    names = [f"python{'.'.join(_version_words(settings)[:2])}", "python3", "python"]
    links = (os.path.join(home, name) for name in names)
    found = (prefix_of(link, platform) for link in links if os.path.isfile(link))
    return settings.get("base-prefix") or next(filter(None, found), None) or above


def prefix_of(executable: str, platform: str) -> str | None:
    """Return the prefix of an interpreter, as it would find it when it is started (PEP 405), None where there is none.

    Parameters
    ----------
    executable : str
        Its path; the links to a virtual environment's base are not followed, others are.
    platform : str
        As `sys.platform`.
    """
    if not executable:
        return None
    folder = os.path.dirname(os.path.abspath(executable))
    for place in (folder, os.path.dirname(folder)):
        if os.path.isfile(os.path.join(place, "pyvenv.cfg")):
            return place
    try:
        folder = os.path.dirname(os.path.realpath(executable))
    except (OSError, ValueError):
        return None
    for place in (folder, os.path.dirname(folder)):
        if os.path.isdir(os.path.join(place, "Lib")) if platform == "win32" else installed_versions(place):
            return place
    return None


def version_of(prefix: str, base: str, settings: Mapping[str, str], platform: str) -> Version | None:
    """Return the version of a prefix's Python, None where there is no Python.

    Parameters
    ----------
    prefix, base : str
        The prefix and its base.
    settings : mapping of str to str
        Its pyvenv.cfg.
    platform : str
        As `sys.platform`.

    Returns
    -------
    tuple of int or None
        The base's own word comes before pyvenv.cfg's, which stays as it is when the base is updated. The third number
        is 0 where no file tells it.
    """
    said = _said(settings)
    short = _short_version(prefix, said, platform)
    if short is None:
        return None
    if platform != "win32" and short not in installed_versions(base):
        return (*short, said[2]) if said and said[:2] == short else (*short, 0)
    told = (*_of_headers(base, short, platform), *_of_conda(base), *((said,) if said else ()))
    matching = (version for version in told if version[:2] == short)
    return next(matching, None) or _of_binary(base, short, platform) or (*short, 0)


def _said(settings: Mapping[str, str]) -> Version | None:
    words = _version_words(settings)
    return (int(words[0]), int(words[1]), int(words[2] or 0)) if words else None


def _version_words(settings: Mapping[str, str]) -> tuple[str, ...]:
    match = _NUMBERS.match(settings.get("version_info") or settings.get("version") or "")
    return match.groups("") if match else ()


def _short_version(prefix: str, said: Version | None, platform: str) -> tuple[int, int] | None:
    if platform == "win32":
        found = [(int(match[1]), int(match[2])) for one in _list(prefix) if (match := _DLL.fullmatch(one))]
        conda = [version[:2] for version in _of_conda(prefix)]
        return said[:2] if said else next(iter([*found, *conda]), None)
    versions = installed_versions(prefix)
    if said and said[:2] in versions:
        return said[:2]
    for name in ("python3", "python"):
        match = _LIBRARY.match(os.path.basename(os.path.realpath(os.path.join(prefix, "bin", name))))
        if match and (int(match[2]), int(match[3])) in versions:
            return int(match[2]), int(match[3])
    with_interpreter = (
        one for one in versions if os.path.isfile(os.path.join(prefix, "bin", f"python{one[0]}.{one[1]}"))
    )
    return next(with_interpreter, versions[0] if versions else None)


def _of_headers(base: str, short: tuple[int, int], platform: str) -> Iterator[Version]:
    folders = ["include"] if platform == "win32" else [os.path.join("include", name) for name in _names(short)]
    for folder in folders:
        match = _PATCHLEVEL.search(read_text(os.path.join(base, folder, "patchlevel.h")))
        if match:
            yield int(match[1]), int(match[2]), int(match[3])


def _of_conda(prefix: str) -> Iterator[Version]:
    for entry in _list(os.path.join(prefix, "conda-meta")):
        match = _CONDA_PYTHON.fullmatch(entry)
        if match:
            yield int(match[1]), int(match[2]), int(match[3])


def _of_binary(base: str, short: tuple[int, int], platform: str) -> Version | None:
    """Search the interpreter itself for its version: a distribution's Python without headers says it nowhere else."""
    pattern = re.compile(rb"\x00%d\.%d\.(\d{1,3})[+a-z0-9]*\x00" % short)
    try:
        with open(interpreter(base, short, platform, plain=False), "rb") as file:
            rest = b""
            while chunk := file.read(_CHUNK):
                match = pattern.search(rest + chunk)
                if match:
                    return (*short, int(match[1]))
                rest = chunk[-64:]
    except (OSError, ValueError):
        pass
    return None


def _names(version: tuple[int, ...]) -> list[str]:
    """Return the names that a version's library directory may have: "t" marks a free-threaded build."""
    full = f"{version[0]}.{version[1]}"
    return [f"python{full}", f"python{full}t", f"pypy{full}"]


def _libraries(prefix: str) -> Iterator[re.Match[str]]:
    for libraries in ("lib", "lib64"):
        for entry in _list(os.path.join(prefix, libraries)):
            match = _LIBRARY.fullmatch(entry)
            if match and os.path.isdir(os.path.join(prefix, libraries, entry)):
                yield match


def _list(folder: str) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except (OSError, ValueError):
        return []
