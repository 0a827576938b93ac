"""Who put a path there: the paths of every installer, reversed.

What a path's shape tells is decided without a look at the disk, by the rules of the platform that is given, so that a
path of Windows or macOS can be read anywhere; the metadata beside it is read by small functions that answer nothing
where there is none.
"""

from __future__ import annotations

import ntpath
import os
import posixpath
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ipy_envmagic.environments import conda_meta
from ipy_envmagic.environments.distributions import Distribution, direct_url, installer, listed, normalise
from ipy_envmagic.environments.dpkg import owner_of as package_of
from ipy_envmagic.environments.layout import read_text

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["PutBy", "Where", "owner_in", "put_by", "put_by_distribution"]

_SITE = re.compile(r"^(?P<root>.*?)/(?P<name>site-packages|dist-packages)(?=/|$)", re.IGNORECASE)
_DEBIAN = re.compile(r"^/usr/lib/(?:python3|python3\.\d+|pymodules/python[\d.]+)/dist-packages(?:/|$)")
_DEBIAN_LOCAL = re.compile(r"^/usr/local/lib/python\d\.\d+/dist-packages(?:/|$)")
_FEDORA = re.compile(r"^/usr/lib(?:64)?/python\d\.\d+/site-packages(?:/|$)")
_FEDORA_LOCAL = re.compile(r"^/usr/local/lib(?:64)?/python\d\.\d+/site-packages(?:/|$)")
_CELLAR = re.compile(r"/Cellar/(?P<package>[^/]+)/")
_HOMEBREW = re.compile(r"^/opt/homebrew/(?:lib|opt)/|/\.linuxbrew/")
_EGG = re.compile(r"/[^/]+\.egg(?:/|$)", re.IGNORECASE)
_ZIP = re.compile(r"\.(?:zip|whl|pyz|egg)(?:/|$)", re.IGNORECASE)
_USER_POSIX = re.compile(r"/lib/python\d\.\d+/site-packages(?:/|$)")
_USER_MAC = re.compile(r"/Library/Python/\d\.\d+/lib/python/site-packages(?:/|$)")
_USER_WINDOWS = re.compile(r"/Roaming/Python/Python\d+/site-packages(?:/|$)", re.IGNORECASE)
_STORE = re.compile(r"/Packages/PythonSoftwareFoundation\.Python\.\d[^/]*/LocalCache/local-packages/", re.IGNORECASE)
_STANDARD = re.compile(r"/lib(?:64)?/(?:python|pypy)\d\.\d+t?/(?!(?:site|dist)-packages(?:/|$))")
_STANDARD_WINDOWS = re.compile(r"^[A-Z]:/.*/Lib/(?!site-packages(?:/|$))|^[A-Z]:/[^/]*/Lib/(?!site-)", re.IGNORECASE)
_CACHE = re.compile(r"/pkgs/(?P<package>[^/]+-[^/-]+-[^/-]+)/")
_EDITABLE_FINDER = re.compile(r"__editable__\.|__editable___|_editable_impl_|\.egg-link$")


@dataclass(frozen=True, slots=True)
class PutBy:
    """Who put something there.

    Parameters
    ----------
    name : str
        "pip", "uv", "conda", "pip in conda", "conda package cache", "pip --user", "sudo pip", "apt", "dnf", "homebrew",
        "easy_install", "editable", "zip", "virtualenv", "PYTHONPATH", "working directory", "standard library", or the
        word that an INSTALLER file has.
    package : str or None
        The package of the system or of conda that it came in.
    detail : str
        What else is known: conda's channel and build, the folder of an editable install.
    """

    name: str
    package: str | None = None
    detail: str = ""

    def __str__(self) -> str:
        return " ".join(filter(None, (self.name, self.package, f"({self.detail})" if self.detail else "")))


@dataclass(frozen=True, slots=True)
class Where:
    """What the process knows of the places that tell.

    Parameters
    ----------
    platform : str
        As `sys.platform`: decides how a path is read.
    prefix, base_prefix : str
        Of the Python in question.
    home, cwd : str
        The user's home and the working directory.
    pythonpath : tuple of str
        The entries of PYTHONPATH.
    user_site : str or None
        The user site directory of that Python.
    root : str
        Where the system's files are.
    """

    platform: str
    prefix: str
    base_prefix: str
    home: str = ""
    cwd: str = ""
    pythonpath: tuple[str, ...] = ()
    user_site: str | None = None
    root: str = "/"


def put_by(path: str, where: Where) -> PutBy | None:
    """Return who put a file or a folder there.

    Parameters
    ----------
    path : str
        A module's file, a package's folder, a metadata folder, or anything below a site directory; absolute.
    where : Where
        What the process knows.

    Returns
    -------
    PutBy or None
        None where nothing tells.
    """
    seen = _Seen(path, path.replace("\\", "/") if where.platform == "win32" else path, where)
    return next((found for rule in _RULES if (found := rule(seen)) is not None), None)


def put_by_distribution(distribution: Distribution, where: Where) -> PutBy | None:
    """Return who put a distribution there.

    Parameters
    ----------
    distribution : Distribution
        An installed one.
    where : Where
        What the process knows.
    """
    return put_by(distribution.path, where)


def owner_in(site: str, top: str) -> Distribution | None:
    """Return the distribution that brought something at the top of a site directory: by its name, then by RECORD.

    Parameters
    ----------
    site : str
        The site directory.
    top : str
        The name of the file or folder in it.
    """
    stem = top.partition(".")[0]
    distributions = listed(site)
    named = next((one for one in distributions if one.key == normalise(stem)), None)
    if named is not None:
        return named
    for one in distributions:
        text = read_text(os.path.join(one.path, "RECORD"))
        if f"\n{top}/" in f"\n{text}" or f"\n{top}," in f"\n{text}":
            return one
    return None


@dataclass(frozen=True, slots=True)
class _Seen:
    """A path with "/" in every case, and where it is looked at from."""

    path: str
    words: str
    where: Where

    def is_below(self, folder: str | None) -> bool:
        flavour = ntpath if self.where.platform == "win32" else posixpath
        if not folder:
            return False
        mine, above = (flavour.normcase(flavour.normpath(one)) for one in (self.path, folder))
        return mine == above or bool(mine.startswith(above.rstrip("/\\") + flavour.sep))

    @property
    def site(self) -> str | None:
        """The site directory that it lies in."""
        match = _SITE.match(self.words)
        return match[0] if match else None


# -- the rules, in the order in which they are asked: what is sure first


def _of_cache(seen: _Seen) -> PutBy | None:
    """See conda's package cache: a folder that is called after a package, beside others, with ``info`` in it."""
    match = _CACHE.search(f"{seen.words}/")
    return PutBy("conda package cache", match["package"]) if match else None


def _of_editable(seen: _Seen) -> PutBy | None:
    """See an editable install: by its ``direct_url.json`` (PEP 610), an ``.egg-link``, or the finder in its place."""
    if seen.words.endswith(".egg-link"):
        return PutBy("editable", None, read_text(seen.path).partition("\n")[0].strip())
    if _EDITABLE_FINDER.search(posixpath.basename(seen.words)):
        return PutBy("editable")
    distribution = _distribution(seen)
    url = direct_url(distribution) if distribution else None
    information = (url or {}).get("dir_info")
    if isinstance(information, dict) and information.get("editable") is True:
        address = str((url or {}).get("url", ""))
        return PutBy("editable", None, address.removeprefix("file://"))
    return None


def _of_easy_install(seen: _Seen) -> PutBy | None:
    """See an egg in a site directory: a folder or a zip file that ``easy_install`` or ``setup.py install`` made."""
    if seen.site and _EGG.search(seen.words[len(seen.site) :]):
        return PutBy("easy_install")
    return None


def _of_zip(seen: _Seen) -> PutBy | None:
    return PutBy("zip") if _ZIP.search(seen.words) and not seen.words.lower().endswith("-info") else None


def _of_apt(seen: _Seen) -> PutBy | None:
    """See what Debian's packages bring: they alone use this folder; the database has the package's name."""
    if not _DEBIAN.match(_in_root(seen)):
        return None
    return PutBy("apt", _package(seen))


def _of_sudo_pip(seen: _Seen) -> PutBy | None:
    """See what root's pip puts beside Debian's or Fedora's own packages (``/usr/local``)."""
    words = _in_root(seen)
    if _DEBIAN_LOCAL.match(words) or (_FEDORA_LOCAL.match(words) and _is_system(seen)):
        return PutBy("sudo pip")
    return None


def _of_dnf(seen: _Seen) -> PutBy | None:
    """See the system's own site directory of Fedora and its kin: what pip put there says so in INSTALLER."""
    if not _FEDORA.match(_in_root(seen)):
        return None
    written = _written(seen)
    return PutBy("dnf") if written in {None, "rpm"} else PutBy("sudo pip")


def _of_homebrew(seen: _Seen) -> PutBy | None:
    cellar = _CELLAR.search(seen.words)
    if cellar is None and _HOMEBREW.search(seen.words) is None:
        return None
    written = _written(seen)
    if written and written != "brew":
        return PutBy(written)
    return PutBy("homebrew", cellar["package"] if cellar else None)


def _of_conda(seen: _Seen) -> PutBy | None:
    """See what a record in ``conda-meta`` lists, and what pip put beside that."""
    prefix = _conda_prefix(seen)
    if prefix is None or seen.site is None:
        return None
    package = None if (named := _distribution(seen)) else _listing(prefix, seen)
    distribution = named or (_of_top(seen) if package is None else None)
    if distribution is not None:
        package = conda_meta.owner_of(prefix, distribution.name)
    written = installer(distribution) if distribution else None
    if package is not None and written in {None, "conda"}:
        record = conda_meta.records(prefix).get(package)
        return PutBy("conda", package, f"{record.channel} {record.build}".strip() if record else "")
    if written == "conda":
        return PutBy("conda")
    if distribution is None:
        return None
    return PutBy(f"{written or 'pip'} in conda", package)


def _of_user(seen: _Seen) -> PutBy | None:
    """See the user site (PEP 370): given, or by its shape below the home."""
    home = seen.where.home.replace("\\", "/").rstrip("/")
    in_home = bool(home) and seen.words.lower().startswith(f"{home.lower()}/")
    local = seen.words[len(home) :] if in_home else ""
    shaped = (
        (local.startswith("/.local/lib/") and _USER_POSIX.search(local))
        or _USER_MAC.search(local)
        or _USER_WINDOWS.search(seen.words)
        or _STORE.search(seen.words)
    )
    if not shaped and not seen.is_below(seen.where.user_site):
        return None
    written = _written(seen)
    return PutBy(f"{written if written and written != 'pip' else 'pip'} --user")


def _of_installer(seen: _Seen) -> PutBy | None:
    """Take the word of the INSTALLER file (PEP 376); virtualenv seeds an environment and leaves its own name."""
    written = _written(seen)
    return PutBy(written) if written else None


def _of_module(seen: _Seen) -> PutBy | None:
    """Find the distribution that brought a module, and ask for that one."""
    owner = None if _distribution(seen) else _of_top(seen)
    return put_by(owner.path, seen.where) if owner and owner.path != seen.path else None


def _of_pythonpath(seen: _Seen) -> PutBy | None:
    return PutBy("PYTHONPATH") if any(seen.is_below(entry) for entry in seen.where.pythonpath) else None


def _of_standard_library(seen: _Seen) -> PutBy | None:
    shape = _STANDARD_WINDOWS if seen.where.platform == "win32" else _STANDARD
    if seen.site is None and shape.search(seen.words):
        return PutBy("standard library")
    return None


def _of_cwd(seen: _Seen) -> PutBy | None:
    return PutBy("working directory") if seen.is_below(seen.where.cwd) and seen.site is None else None


_RULES: tuple[Callable[[_Seen], PutBy | None], ...] = (
    _of_cache,
    _of_editable,
    _of_easy_install,
    _of_zip,
    _of_apt,
    _of_sudo_pip,
    _of_dnf,
    _of_homebrew,
    _of_conda,
    _of_user,
    _of_installer,
    _of_module,
    _of_pythonpath,
    _of_standard_library,
    _of_cwd,
)


# -- what lies beside a path


def _in_root(seen: _Seen) -> str:
    """Return the path as the system sees it, where its files were laid out below another root."""
    root = seen.where.root.rstrip("/")
    return seen.words[len(root) :] if root and seen.words.startswith(f"{root}/") else seen.words


def _is_system(seen: _Seen) -> bool:
    return seen.where.base_prefix in {"/usr", posixpath.join(seen.where.root, "usr")}


def _package(seen: _Seen) -> str | None:
    """Ask dpkg for the path, then for the distribution's metadata beside it: ``python3-NAME`` lists both."""
    path = _in_root(seen)
    found = package_of(path, seen.where.root)
    if found is None and path.startswith("/usr/lib/"):
        found = package_of(path[4:], seen.where.root)  # /lib was a folder of its own once
    return found


def _distribution(seen: _Seen) -> Distribution | None:
    """Return the distribution that a path is the metadata of."""
    if seen.site is None:
        return None
    top = seen.words[len(seen.site) + 1 :].partition("/")[0]
    if not top.endswith((".dist-info", ".egg-info")):
        return None
    site = seen.path[: len(seen.site)]
    stem = top.rpartition(".")[0]
    name, _, version = stem.partition("-")
    return Distribution(name.replace("_", "-"), version or None, os.path.join(site, top), site)


def _written(seen: _Seen) -> str | None:
    distribution = _distribution(seen) or _of_top(seen)
    return installer(distribution) if distribution else None


def _of_top(seen: _Seen) -> Distribution | None:
    """Return the distribution that brought the first part of the path in its site directory."""
    if seen.site is None:
        return None
    top = seen.words[len(seen.site) + 1 :].partition("/")[0]
    return owner_in(seen.path[: len(seen.site)], top) if top else None


def _conda_prefix(seen: _Seen) -> str | None:
    """Return the conda environment that a site directory belongs to."""
    if seen.site is None:
        return None
    prefix = seen.path[: len(seen.site)]
    for _ in range(3):  # lib/python3.12/site-packages; on Windows Lib/site-packages
        prefix = os.path.dirname(prefix)
        if os.path.isdir(os.path.join(prefix, "conda-meta")):
            return prefix
    return None


def _listing(prefix: str, seen: _Seen) -> str | None:
    """Return the conda package whose record lists a file, or a file below a folder."""
    relative = os.path.relpath(seen.path, prefix).replace("\\", "/")
    for name, record in conda_meta.records(prefix).items():
        if any(file == relative or file.startswith(f"{relative}/") for file in record.files):
            return name
    return None
