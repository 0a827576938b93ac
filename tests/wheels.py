"""Real wheels, source distributions and projects, made on the spot without a network.

Only the standard library is used: this file goes into every source distribution made here, beside the build backend
`BACKEND` below, so that pip and uv build for real and download nothing.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import re
import tarfile
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path

__all__ = ["make_project", "make_sdist", "make_wheel", "wheel_name"]

Files = Mapping[str, "str | bytes"]


def normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def wheel_name(name: str, version: str, tag: str = "py3-none-any") -> str:
    """Return the file name that a wheel has, e.g. ``my_pkg-1.0-py3-none-any.whl``."""
    return f"{normalised(name).replace('-', '_')}-{version}-{tag}.whl"


def default_modules(name: str, version: str, import_name: str | None) -> dict[str, str]:
    return {f"{import_name or normalised(name).replace('-', '_')}.py": f"__version__ = {version!r}\n"}


def metadata(
    name: str,
    version: str,
    *,
    requires: Iterable[str] = (),
    extras: Mapping[str, Iterable[str]] | None = None,
    requires_python: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> str:
    lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}", "Summary: made by a test"]
    lines += [f"Requires-Python: {requires_python}"] if requires_python else []
    lines += [f"Requires-Dist: {requirement}" for requirement in requires]
    for extra, wanted in (extras or {}).items():
        lines.append(f"Provides-Extra: {extra}")
        for requirement in wanted:
            base, _, marker = requirement.partition(";")
            lines.append(
                f"Requires-Dist: {base.strip()}; {f'({marker.strip()}) and ' if marker else ''}extra == {extra!r}"
            )
    lines += [f"{key}: {value}" for key, value in (headers or {}).items()]
    return "\n".join([*lines, "", ""])


def make_wheel(
    directory: str | os.PathLike[str],
    name: str,
    version: str,
    *,
    modules: Files | None = None,
    import_name: str | None = None,
    requires: Iterable[str] = (),
    extras: Mapping[str, Iterable[str]] | None = None,
    requires_python: str | None = None,
    entry_points: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
    data: Files | None = None,
    bloat: int = 0,
    tag: str = "py3-none-any",
) -> Path:
    """Write a wheel that pip and uv install, and return its path.

    Parameters
    ----------
    directory : path
        Where to write it; made if it is not there.
    modules : mapping of path to text or bytes, optional
        What goes to site-packages, by path in the wheel; one module with ``__version__`` where none is given.
    import_name : str, optional
        The name of that one module, where it is not the distribution's.
    requires, extras, requires_python
        ``Requires-Dist`` lines, extras with theirs, ``Requires-Python``.
    entry_points : mapping of str to str, optional
        Console scripts: ``{"hello": "module:function"}``.
    headers : mapping of str to str, optional
        Any other header of METADATA, e.g. ``{"Import-Name": "x"}``.
    data : mapping of path to text or bytes, optional
        Files of the wheel's ``.data`` folder: ``{"scripts/x": "#!python\\n...", "data/share/y": "..."}``.
    bloat : int
        Bytes that cannot be compressed, for an install that takes its time.
    """
    files: dict[str, str | bytes] = dict(
        modules if modules is not None else default_modules(name, version, import_name)
    )
    stem = f"{normalised(name).replace('-', '_')}-{version}"
    files |= {f"{stem}.data/{path}": content for path, content in (data or {}).items()}
    if bloat:
        files[f"{normalised(name).replace('-', '_')}_bloat.bin"] = os.urandom(bloat)
    info = f"{stem}.dist-info"
    files[f"{info}/METADATA"] = metadata(
        name, version, requires=requires, extras=extras, requires_python=requires_python, headers=headers
    )
    files[f"{info}/WHEEL"] = f"Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: {tag}\n"
    if entry_points:
        scripts = "\n".join(f"{script} = {target}" for script, target in entry_points.items())
        files[f"{info}/entry_points.txt"] = f"[console_scripts]\n{scripts}\n"
    path = Path(directory) / wheel_name(name, version, tag)
    path.parent.mkdir(parents=True, exist_ok=True)
    record = ""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for inside, content in files.items():
            raw = content.encode() if isinstance(content, str) else content
            archive.writestr(zipfile.ZipInfo(inside, (2020, 1, 1, 0, 0, 0)), raw)
            digest = base64.urlsafe_b64encode(hashlib.sha256(raw).digest()).rstrip(b"=").decode()
            record += f"{inside},sha256={digest},{len(raw)}\n"
        archive.writestr(f"{info}/RECORD", f"{record}{info}/RECORD,,\n")
    return path


BACKEND = '''
"""A build backend that does as backend.json says."""
import json, os, pathlib, signal, subprocess, sys, time
import wheels

HERE = pathlib.Path(__file__).parent
PLAN = json.loads((HERE / "backend.json").read_text())
SLEEPER = """import signal, time
for s in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(s, signal.SIG_IGN)
time.sleep(300)"""


def build_wheel(directory, config_settings=None, metadata_directory=None):
    build = PLAN["build"]
    if build == "fails":
        print("the compiler says no", file=sys.stderr, flush=True)
        raise SystemExit("error: no compiler for you")
    if build in ("hangs", "sleeps"):
        ignored = ("SIGINT", "SIGTERM", "SIGHUP") if build == "hangs" else ()
        for name in ignored:
            signal.signal(getattr(signal, name), signal.SIG_IGN)
        child = subprocess.Popen([sys.executable, "-c", SLEEPER if ignored else "import time; time.sleep(300)"],
                                 start_new_session=PLAN["detached"])
        partial = pathlib.Path(PLAN["pids"] + ".part")
        partial.write_text(f"{os.getpid()}\\n{child.pid}\\n")
        os.replace(partial, PLAN["pids"])
        print("sleeping in the build", flush=True)
        end = time.monotonic() + 300
        while time.monotonic() < end:
            time.sleep(1)
    if build == "slow":
        for number in range(PLAN["lines"]):
            print(f"build line {number}", flush=True)
            time.sleep(PLAN["pause"])
    return wheels.make_wheel(directory, PLAN["name"], PLAN["version"], **PLAN["wheel"]).name


def build_editable(directory, config_settings=None, metadata_directory=None):
    stem = PLAN["name"].replace("-", "_")
    source = str((HERE / PLAN["source"]).resolve())
    keywords = {**PLAN["wheel"], "modules": {f"__editable__.{stem}-{PLAN['version']}.pth": source + "\\n"}}
    return wheels.make_wheel(directory, PLAN["name"], PLAN["version"], **keywords).name
'''


def make_plan(
    name: str, version: str, modules: Mapping[str, str], requires: Iterable[str], **how: object
) -> dict[str, object]:
    """Return what the build backend reads from backend.json."""
    wheel = {"modules": modules, "requires": list(requires)}
    return {"name": name, "version": version, "wheel": wheel, "source": "..", "pids": "", "detached": False, **how}


def project_files(name: str, version: str, plan: Mapping[str, object], modules: Files, source: str) -> Files:
    head = f'[project]\nname = "{name}"\nversion = "{version}"\n'
    system = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["_build"]\n'
    return {
        "pyproject.toml": f"{head}\n{system}",
        "PKG-INFO": metadata(name, version),
        "_build/backend.py": BACKEND,
        "_build/wheels.py": Path(__file__).read_text(encoding="utf-8"),
        "_build/backend.json": json.dumps(plan),
        **{f"{source}/{path}" if source else path: content for path, content in modules.items()},
    }


def make_sdist(
    directory: str | os.PathLike[str],
    name: str,
    version: str,
    *,
    build: str = "works",
    pids: str | os.PathLike[str] | None = None,
    detached: bool = False,
    lines: int = 20,
    pause: float = 0.1,
    modules: Mapping[str, str] | None = None,
    requires: Iterable[str] = (),
) -> Path:
    """Write a source distribution that builds without a network, and return its path.

    Parameters
    ----------
    build : {"works", "fails", "sleeps", "hangs", "slow"}
        What its build does. "sleeps" and "hangs" start a child, write their own and the child's process number to
        `pids`, a line each, and sleep for five minutes; with "hangs" both ignore SIGINT, SIGTERM and SIGHUP. "slow"
        prints `lines` lines with `pause` seconds between them (pip shows them with ``-v``).
    pids : path, optional
        The file for "sleeps" and "hangs".
    detached : bool
        The child leads a session of its own.
    """
    contents = dict(modules) if modules is not None else default_modules(name, version, None)
    plan = make_plan(
        name, version, contents, requires, build=build, pids=str(pids), detached=detached, lines=lines, pause=pause
    )
    stem = f"{normalised(name).replace('-', '_')}-{version}"
    path = Path(directory) / f"{stem}.tar.gz"
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w:gz") as archive:
        for inside, content in project_files(name, version, plan, contents, "").items():
            raw = content.encode() if isinstance(content, str) else content
            member = tarfile.TarInfo(f"{stem}/{inside}")
            member.size = len(raw)
            archive.addfile(member, io.BytesIO(raw))
    return path


def make_project(
    directory: str | os.PathLike[str],
    name: str,
    version: str = "0.1",
    *,
    source: str = "src",
    modules: Mapping[str, str] | None = None,
    requires: Iterable[str] = (),
    build: str = "works",
) -> Path:
    """Write a project that ``pip install -e`` installs through a ``.pth`` file, and return its folder.

    Parameters
    ----------
    source : str
        The folder with the modules, inside the project; "" for a flat layout.
    """
    contents = dict(modules) if modules is not None else default_modules(name, version, None)
    plan = make_plan(name, version, contents, requires, build=build, source=f"../{source}")
    for inside, content in project_files(name, version, plan, contents, source).items():
        path = Path(directory) / inside
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return Path(directory)
