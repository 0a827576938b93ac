"""Real virtual environments, made in a fraction of a second from a template.

The template is made once: `venv` with pip, and the distributions that a kernel needs, copied file by file (as their
RECORD lists them) from the environment that runs the tests. An environment for one test is a new `venv` with hard
links to them: an installer may replace and remove those files freely, but nothing may write into one in place (call
`Venv.own` first).
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import sys
import venv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from filelock import FileLock
from kernels import import_root

__all__ = ["Venv", "closure", "make_template", "make_venv"]

BIN = "Scripts" if os.name == "nt" else "bin"
NOT_COPIED = ("jedi/third_party/typeshed/stubs/", "jedi/third_party/django-stubs/", "tzdata/zoneinfo/")
"""Half of all files that come with a kernel, and that no test needs."""


@dataclass(frozen=True)
class Venv:
    """A virtual environment on disk."""

    path: Path

    @property
    def bin(self) -> Path:
        return self.path / BIN

    @property
    def python(self) -> str:
        return str(self.bin / ("python.exe" if os.name == "nt" else "python"))

    @property
    def site_packages(self) -> Path:
        version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
        return self.path / ("Lib/site-packages" if os.name == "nt" else f"lib/{version}/site-packages")

    def run(self, *arguments: str, check: bool = True, **keywords: Any) -> subprocess.CompletedProcess[str]:
        """Run the environment's Python with `arguments`, and return what it wrote."""
        options: dict[str, Any] = {"stdin": subprocess.DEVNULL, "timeout": 120, **keywords}
        done = subprocess.run(
            [self.python, *arguments], capture_output=True, encoding="utf-8", errors="replace", check=False, **options
        )
        assert not check or done.returncode == 0, f"{arguments}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    def pip(self, *arguments: str, check: bool = True, **keywords: Any) -> subprocess.CompletedProcess[str]:
        """Run the environment's pip, never with an index."""
        offline = {"PIP_NO_INDEX": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
        return self.run(
            "-m", "pip", *arguments, check=check, env={**os.environ, **offline, **keywords.pop("env", {})}, **keywords
        )

    def install(self, *wheels: str | os.PathLike[str]) -> None:
        """Install wheels with pip, without what they require."""
        self.pip("install", "--quiet", "--no-deps", "--no-compile", *(str(wheel) for wheel in wheels))

    def own(self, relative: str) -> Path:
        """Make a file of `site_packages` this environment's alone, so that it can be changed in place."""
        path = self.site_packages / relative
        content, mode = path.read_bytes(), path.stat().st_mode
        path.unlink()
        path.write_bytes(content)
        path.chmod(mode)
        return path


def closure(names: Iterable[str]) -> list[metadata.Distribution]:
    """Return the installed distributions `names` and all that they require here, each once."""
    from packaging.requirements import Requirement

    found: dict[str, metadata.Distribution] = {}
    wanted = [Requirement(name) for name in names]
    while wanted:
        requirement = wanted.pop()
        key = re.sub(r"[-_.]+", "-", requirement.name).lower()
        if key in found:
            continue
        found[key] = metadata.distribution(requirement.name)
        lines = [Requirement(line) for line in found[key].requires or ()]
        wanted += [line for line in lines if line.marker is None or line.marker.evaluate({"extra": ""})]
    return list(found.values())


def copy_distribution(distribution: metadata.Distribution, site_packages: Path) -> None:
    root = Path(str(distribution.locate_file("")))
    for file in distribution.files or ():
        # Scripts and shared data lie outside; a kernel does without them.
        if ".." in file.parts or file.as_posix().startswith(NOT_COPIED) or not (root / file).is_file():
            continue
        target = site_packages / file
        target.parent.mkdir(parents=True, exist_ok=True)
        target.unlink(missing_ok=True)  # it may be a link to the template's
        shutil.copy2(root / file, target)
        if file.name == "RECORD":
            lines = target.read_text(encoding="utf-8").splitlines(keepends=True)
            kept = [line for line in lines if not line.startswith(NOT_COPIED)]
            target.write_text("".join(kept), encoding="utf-8")


def make_template(folder: Path, *, kernel: bool) -> Venv:
    """Make the environment that others are copied from, or wait until another test process has made it."""
    template = Venv(folder / ("kernel" if kernel else "pip"))
    done = folder / f"{template.path.name}.done"
    with FileLock(folder / f"{template.path.name}.lock"):
        if done.exists():
            return template
        if kernel:
            clone(make_template(folder, kernel=False), template.path)
            needed = ["ipykernel", "ipython", "packaging", "filelock", "platformdirs"]
            installed = [] if import_root() else ["ipy-envmagic"]
            for distribution in closure([*needed, *installed]):
                copy_distribution(distribution, template.site_packages)
            if not (template.site_packages / "ipy_envmagic").exists():
                package = Path(__file__).resolve().parent.parent
                (template.site_packages / "_tested_package.pth").write_text(f"{package}\n")
            template.run("-m", "compileall", "-q", str(template.site_packages), check=False)
        else:
            subprocess.run([sys.executable, "-m", "venv", str(template.path)], check=True, stdin=subprocess.DEVNULL)
        done.touch()
    return template


def clone(template: Venv, path: Path) -> Venv:
    copy = Venv(path)
    venv.EnvBuilder(symlinks=os.name != "nt").create(path)
    shutil.copytree(template.site_packages, copy.site_packages, copy_function=link, dirs_exist_ok=True)
    for script in template.bin.glob("pip*"):
        text = script.read_text().replace(str(template.path), str(path)) if os.name != "nt" else None
        if text is not None:
            (copy.bin / script.name).write_text(text)
            (copy.bin / script.name).chmod(0o755)
    return copy


def link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def make_venv(
    path: Path,
    templates: Path,
    *,
    pip: bool = True,
    kernel: bool = False,
    system_site_packages: bool = False,
) -> Venv:
    """Make a virtual environment for one test.

    Parameters
    ----------
    path : path
        Where; its parents are made.
    templates : path
        A folder that all tests of the run share.
    pip : bool
        Whether it has pip (the one that Python brings).
    kernel : bool
        Whether it has ipykernel and `ipy_envmagic`, as real distributions.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if kernel or pip:
        made = clone(make_template(templates, kernel=kernel), path)
        if not pip:
            made.run("-m", "pip", "uninstall", "--quiet", "--yes", "pip")
    else:
        made = Venv(path)
        venv.EnvBuilder(symlinks=os.name != "nt").create(path)
    if system_site_packages:
        settings = path / "pyvenv.cfg"
        text = settings.read_text()
        settings.write_text(text.replace("include-system-site-packages = false", "include-system-site-packages = true"))
    return made


def environment_with(environment: Mapping[str, str], made: Venv) -> dict[str, str]:
    """Return variables as `activate` of the virtual environment leaves them."""
    path = f"{made.bin}{os.pathsep}{environment.get('PATH', '')}"
    changed = {**environment, "VIRTUAL_ENV": str(made.path), "PATH": path}
    with contextlib.suppress(KeyError):
        del changed["PYTHONHOME"]
    return changed
