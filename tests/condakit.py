"""Real conda packages, channels and prefixes, made from what the test environment has; nothing is downloaded.

Packages follow conda's package specification (``info/index.json``, ``info/paths.json``, ``info/link.json``) in the
``.conda`` form; rattler indexes the channel and links prefixes, so that these are genuine, records and all.
"""

from __future__ import annotations

import asyncio
import hashlib
import importlib.metadata
import io
import json
import os
import platform
import re
import sys
import tarfile
import time
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

__all__ = ["CONDA_NEEDS", "Channel", "Link", "Text", "channel_python", "closure_of", "install"]

PLACEHOLDER = "/" + "placeholder_of_the_prefix_" * 9  # long enough for every prefix of a test
PYTHON = f"{sys.version_info[0]}.{sys.version_info[1]}"
SITE = f"lib/python{PYTHON}/site-packages"
CONDA_NEEDS = [
    *("archspec", "boltons", "charset-normalizer", "conda-package-handling", "distro", "frozendict", "packaging"),
    *("platformdirs", "pluggy", "pycosat", "requests", "ruamel.yaml", "setuptools", "tqdm", "truststore", "zstandard"),
]
MACHINES = {"x86_64": "64", "amd64": "64", "aarch64": "aarch64", "arm64": "arm64", "ppc64le": "ppc64le"}


def subdir() -> str:
    """The platform's name in a channel, such as "linux-64"."""
    system = {"linux": "linux", "darwin": "osx", "win32": "win"}[sys.platform]
    return f"{system}-{MACHINES.get(platform.machine().lower(), platform.machine().lower())}"


@dataclass(frozen=True)
class Link:
    """A symbolic link."""

    target: str


@dataclass(frozen=True)
class Text:
    """A text file in which `PLACEHOLDER` becomes the prefix when it is linked."""

    content: str
    executable: bool = False


class Program(bytes):
    """The bytes of a program, which may be executed."""


Content = str | bytes | Path | Link | Text


@dataclass(frozen=True)
class Channel:
    """A channel on disk; its folder's name is its name."""

    folder: Path

    def add(
        self,
        name: str,
        version: str,
        files: Mapping[str, Content],
        *,
        depends: Iterable[str] = (),
        build: str = "0",
        noarch: bool = False,
    ) -> None:
        """Write a package; the paths of a noarch one begin with ``site-packages/``."""
        place = "noarch" if noarch else subdir()
        index: dict[str, object] = {
            "name": name,
            "version": version,
            "build": build,
            "build_number": 0,
            "depends": list(depends),
            "subdir": place,
            "timestamp": 1_700_000_000_000,
        }
        entries, paths = [], []
        for path, content in sorted(files.items()):
            member, raw, path_type = self._member(path, content)
            entries.append((member, raw))
            told: dict[str, object] = {"_path": path, "path_type": path_type}
            if raw is not None:
                told |= {"sha256": hashlib.sha256(raw).hexdigest(), "size_in_bytes": len(raw)}
            if isinstance(content, Text) and PLACEHOLDER in content.content:
                told |= {"file_mode": "text", "prefix_placeholder": PLACEHOLDER}
            paths.append(told)
        about = {
            "info/index.json": index | ({"noarch": "python"} if noarch else {}),
            "info/paths.json": {"paths": paths, "paths_version": 1},
            "info/about.json": {},
        }
        if noarch:
            link = {"noarch": {"type": "python", "entry_points": []}, "package_metadata_version": 1}
            about["info/link.json"] = link
        info = [(tarfile.TarInfo(path), json.dumps(value).encode()) for path, value in about.items()]
        stem = f"{name}-{version}-{build}"
        target = self.folder / place / f"{stem}.conda"
        target.parent.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
            archive.writestr("metadata.json", '{"conda_pkg_format_version": 2}')
            archive.writestr(f"pkg-{stem}.tar.zst", compressed(entries))
            archive.writestr(f"info-{stem}.tar.zst", compressed(info))

    @staticmethod
    def _member(path: str, content: Content) -> tuple[tarfile.TarInfo, bytes | None, str]:
        member = tarfile.TarInfo(path)
        member.mtime, member.mode = int(time.time()) - 3600, 0o644
        if isinstance(content, Link):
            member.type, member.linkname = tarfile.SYMTYPE, content.target
            return member, None, "softlink"
        if isinstance(content, Path):
            status = content.stat()
            member.mtime, member.mode = int(status.st_mtime), 0o755 if status.st_mode & 0o100 else 0o644
            return member, content.read_bytes(), "hardlink"
        if isinstance(content, Text):
            member.mode = 0o755 if content.executable else 0o644
            return member, content.content.encode(), "hardlink"
        if isinstance(content, Program):
            member.mode = 0o755
        return member, content.encode() if isinstance(content, str) else content, "hardlink"

    def add_pure(self, name: str, version: str, *, body: str | None = None, depends: Iterable[str] = ()) -> None:
        """Add a noarch Python package with one module, visible to `importlib.metadata`."""
        module = name.replace("-", "_")
        info = f"site-packages/{module}-{version}.dist-info"
        record = f"{module}.py,,\n" + "".join(f"{module}-{version}.dist-info/{f},,\n" for f in ("METADATA", "RECORD"))
        files = {
            f"site-packages/{module}.py": body or f"__version__ = {version!r}\n",
            f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
            f"{info}/INSTALLER": "conda\n",
            f"{info}/RECORD": record,
        }
        self.add(name, version, files, depends=["python", *depends], build="py_0", noarch=True)

    def add_installed(self, distribution: importlib.metadata.Distribution) -> None:
        """Add a distribution of this environment as it is installed here, with what it requires."""
        from packaging.requirements import Requirement

        files: dict[str, Content] = {}
        for file in distribution.files or ():
            source = Path(str(distribution.locate_file(file)))
            outside = re.sub(r"^(?:\.\./)+", "", file.as_posix())
            if not source.is_file() or file.name in ("INSTALLER", "direct_url.json", "RECORD"):
                continue
            if file.parts[0] != "..":
                files[f"{SITE}/{file.as_posix()}"] = source
            elif outside.startswith("share/jupyter/kernels/") and outside.endswith(".json"):
                files[outside] = Text(source.read_text().replace(sys.prefix, PLACEHOLDER))
        folder = next(path for path in files if path.endswith(".dist-info/METADATA")).rpartition("/")[0]
        files[f"{folder}/INSTALLER"] = "conda\n"
        listed = [path.removeprefix(f"{SITE}/") for path in files if path.startswith(SITE)]
        files[f"{folder}/RECORD"] = "".join(
            f"{path},,\n" for path in [*listed, f"{folder}/RECORD".removeprefix(f"{SITE}/")]
        )
        for entry in distribution.entry_points:
            if entry.group == "console_scripts":
                module, _, function = entry.value.partition(":")
                files[f"bin/{entry.name}"] = script(f"from {module} import {function} as main", "sys.exit(main())")
        depends = [f"python {PYTHON}.*"]
        for line in distribution.requires or ():
            requirement = Requirement(line)
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                depends.append(key_of(requirement.name))
        name, version = key_of(distribution.metadata["Name"]), distribution.version.replace("-", "_")
        self.add(name, version, files, depends=depends, build=f"py{PYTHON.replace('.', '')}_0")

    def add_conda(self) -> None:
        """Add the conda that the wheel of conda-lock carries."""
        from importlib.metadata import distribution

        source = Path(str(distribution("conda-lock").locate_file("conda_lock/_vendor/conda")))
        version = re.search(r"^__version__ = version = '([^']+)'", (source / "_version.py").read_text(), re.MULTILINE)
        assert version is not None
        files: dict[str, Content] = {}
        for path in source.rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                raw = path.read_bytes().replace(b"conda_lock._vendor.conda", b"conda")
                files[f"{SITE}/conda/{path.relative_to(source).as_posix()}"] = raw
        files[f"{SITE}/conda-{version[1]}.dist-info/METADATA"] = (
            f"Metadata-Version: 2.1\nName: conda\nVersion: {version[1]}\n"
        )
        # The wheel has no shell scripts; `conda run` sources this one.
        files[f"{SITE}/conda/shell/etc/profile.d/conda.sh"] = (
            'conda() {\n  if [ "$1" = activate ]; then eval "$("$CONDA_EXE" shell.posix "$@")"\n'
            '  else "$CONDA_EXE" "$@"; fi\n}\n'
        )
        # This conda is older than the newest Pythons: they warn of it, and 3.13 has lost two names that it uses.
        lock = (
            "import logging, warnings\nwarnings.simplefilter('ignore')\nif not hasattr(logging, '_acquireLock'):\n"
            "    logging._acquireLock, logging._releaseLock = logging._lock.acquire, logging._lock.release"
        )
        for path in ("bin/conda", "condabin/conda"):
            files[path] = script(f"{lock}\nfrom conda.cli import main", "sys.exit(main())")
        depends = [f"python {PYTHON}.*", *map(key_of, CONDA_NEEDS)]
        self.add("conda", version[1], files, depends=depends, build=f"py{PYTHON.replace('.', '')}_0")

    def index(self) -> None:
        """Write ``repodata.json``, with rattler."""
        from rattler.index import index_fs

        (self.folder / "noarch").mkdir(exist_ok=True)
        asyncio.run(index_fs(self.folder, write_zst=False, write_shards=False, force=True))


def script(imports: str, call: str) -> Text:
    return Text(
        f"#!{PLACEHOLDER}/bin/python\nimport sys\n{imports}\nif __name__ == '__main__':\n    {call}\n", executable=True
    )


def key_of(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def compressed(entries: Iterable[tuple[tarfile.TarInfo, bytes | None]]) -> bytes:
    import zstandard

    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for member, raw in entries:
            member.size = len(raw or b"")
            archive.addfile(member, io.BytesIO(raw) if raw is not None else None)
    return zstandard.ZstdCompressor(level=1, threads=-1).compress(buffer.getvalue())


def channel_python(channel: Channel) -> None:
    """Add this machine's own Python as the package `python`."""
    base = Path(sys.base_prefix)
    library = base / "lib" / f"python{PYTHON}"
    files: dict[str, Content] = {"bin/python": Link(f"python{PYTHON}"), "bin/python3": Link(f"python{PYTHON}")}
    files[f"bin/python{PYTHON}"] = base / "bin" / f"python{PYTHON}"
    skipped = {"site-packages", "test", "tests", "idlelib", "turtledemo", "lib2to3", "tkinter", "ensurepip"}
    for folder, folders, names in os.walk(library):
        folders[:] = [name for name in folders if name not in skipped and not name.startswith("config-")]
        for name in names:
            path = Path(folder) / name
            if name != "EXTERNALLY-MANAGED":
                files[path.relative_to(base).as_posix()] = path
    for path in (base / "lib").glob(f"libpython{PYTHON}*"):
        if path.suffix != ".a":
            files[f"lib/{path.name}"] = Link(os.readlink(path)) if path.is_symlink() else path
    files[f"{SITE}/README.txt"] = "here be packages\n"
    movable = {
        path: _movable(content, base) for path, content in files.items() if path.startswith(("bin/python3.", "lib/lib"))
    }
    channel.add("python", "{}.{}.{}".format(*sys.version_info), files | movable, build=f"0_cp{PYTHON.replace('.', '')}")


def _movable(content: Content, base: Path) -> Content:
    """Let an ELF file look for its libraries beside itself, by shortening its RUNPATH in place."""
    if not isinstance(content, Path):
        return content
    old, new = f"{base}/lib".encode() + b"\0", b"$ORIGIN/../lib"
    raw = content.read_bytes()
    if old not in raw or len(new) >= len(old):
        return content
    return Program(raw.replace(old, new + b"\0" * (len(old) - len(new))))


def closure_of(names: Iterable[str]) -> list[importlib.metadata.Distribution]:
    """Give distributions of this environment with all that they require, each once."""
    from venvs import closure

    return closure(names)


def install(prefix: Path, specs: list[str], channel: Channel, cache: Path) -> None:
    """Link packages into a prefix, with rattler, and write the history that conda would have written."""
    import rattler

    async def link() -> None:
        wanted = [rattler.MatchSpec(spec) for spec in specs]
        solved = await rattler.solve(
            sources=[rattler.Channel(channel.folder.as_uri())],
            specs=wanted,
            platforms=[subdir(), "noarch"],
            virtual_packages=rattler.VirtualPackage.detect(),
        )
        how = {"target_prefix": str(prefix), "cache_dir": str(cache), "show_progress": False}
        try:
            await rattler.install(solved, requested_specs=wanted, **how)
        except TypeError:  # py-rattler 0.28 wants the wrapped values here
            await rattler.install(solved, requested_specs=[spec._match_spec for spec in wanted], **how)

    asyncio.run(link())
    # rattler writes no history; conda takes from it what was asked for, and would remove all else as no longer needed
    added = "".join(f"+{channel.folder.name}::{path.stem}\n" for path in sorted((prefix / "conda-meta").glob("*.json")))
    asked = [spec.replace(" ", "") for spec in specs]
    (prefix / "conda-meta" / "history").write_text(
        f"==> 2024-01-01 00:00:00 <==\n# cmd: conda create\n# conda version: 24.7.1\n{added}# update specs: {asked}\n"
    )
