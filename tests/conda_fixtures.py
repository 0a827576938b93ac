"""A real conda: a channel on disk, a base installation and environments.

Where IPY_ENVMAGIC_TEST_CONDA names another real conda, that one serves, on environments from the same channel: the base
installation then has no conda of its own, which would come first.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import condakit
import pytest
from filelock import FileLock
from isolation import isolated
from kernels import Kernel

OTHER = os.environ.get("IPY_ENVMAGIC_TEST_CONDA")
NEEDED = (
    "rattler",
    "zstandard",
    "conda_lock",
    "pycosat",
    "conda_package_handling",
    "ruamel.yaml",
    "boltons",
    "archspec",
)


def missing() -> str | None:
    """Say why no conda can be made here; None where one can."""
    if os.name == "nt":
        return "the kit lays out conda's POSIX form only"
    gone = [name for name in NEEDED if importlib.util.find_spec(name.partition(".")[0]) is None]
    return f"a real conda needs {', '.join(gone)} (tests/requirements-conda.txt)" if gone else None


@dataclass(frozen=True)
class Conda:
    """A conda installation for tests."""

    root: Path
    executable: Path
    channel: condakit.Channel
    home: Path
    cache: Path

    @property
    def variables(self) -> dict[str, str]:
        """What each conda needs to see this channel and these environments, and nothing of the machine's own.

        Each test process has a package cache of its own to write to: two condas that unpack one package spoil it.
        """
        caches = os.pathsep.join([str(self.cache), str(self.root / "pkgs")])
        return {"CONDARC": str(self.root / ".condarc"), "CONDA_PKGS_DIRS": caches}

    def __call__(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [self.executable, *arguments],
            env=isolated(self.home) | self.variables,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert not check or done.returncode == 0, f"conda {arguments}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done


def make_channel(folder: Path) -> condakit.Channel:
    channel = condakit.Channel(folder)
    condakit.channel_python(channel)
    for distribution in condakit.closure_of(["pip", "ipykernel", "filelock", "platformdirs", *condakit.CONDA_NEEDS]):
        channel.add_installed(distribution)
    channel.add_conda()
    for version in ("1.0", "2.0"):
        channel.add_pure("ourpkg", version)
    channel.add_pure("ourdep", "0.5")
    channel.add_pure("needsdep", "1.0", depends=["ourdep >=0.5"])
    channel.index()
    return channel


def configure(root: Path, channel: condakit.Channel) -> None:
    lines = [
        f"channels: [{channel.folder.name}]",
        "default_channels: []",
        f"channel_alias: {channel.folder.parent.as_uri()}",
        f"envs_dirs: [{root / 'envs'}]",
        "offline: true",
        "notify_outdated_conda: false",
        "repodata_fns: [repodata.json]",
    ]
    if not OTHER:
        lines.append("solver: classic")  # the others are no part of the wheel
    (root / ".condarc").write_text("\n".join(lines) + "\n")


@pytest.fixture(scope="session")
def conda(shared_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Conda:
    """The base installation; all test processes of a run share it, so nobody changes it."""
    if reason := missing():
        pytest.skip(reason)
    folder = shared_folder / "conda"
    root = folder / "miniforge3"
    channel = condakit.Channel(folder / "channels" / "conda-forge")
    with FileLock(shared_folder / "conda.lock"):
        if not root.exists():
            make_channel(channel.folder)
            condakit.install(root, ["python", "pip", *([] if OTHER else ["conda"])], channel, root / "pkgs")
            (root / "envs").mkdir()
            configure(root, channel)
    executable = Path(OTHER) if OTHER else root / "bin/conda"
    own = tmp_path_factory.mktemp("conda-own")
    (own / "home").mkdir()
    return Conda(root, executable, channel, own / "home", own / "pkgs")


@pytest.fixture
def new_conda_environment(conda: Conda) -> Iterator[Callable[..., Path]]:
    """A function that makes an environment with a kernel, ourpkg 1.0 and this package; it gives its prefix."""
    made: list[Path] = []

    def make(name: str = "nb", *more: str) -> Path:
        prefix = conda.root / "envs" / f"{name}-{os.getpid()}"
        shutil.rmtree(prefix, ignore_errors=True)
        specs = ["python", "pip", "ipykernel", "filelock", "platformdirs", "packaging", "ourpkg =1.0", *more]
        condakit.install(prefix, specs, conda.channel, conda.root / "pkgs")
        found = importlib.util.find_spec("ipy_envmagic")
        assert found is not None
        assert found.origin is not None
        (prefix / condakit.SITE / "_tested_package.pth").write_text(f"{Path(found.origin).parent.parent}\n")
        made.append(prefix)
        return prefix

    yield make
    for prefix in made:
        shutil.rmtree(prefix, ignore_errors=True)


@pytest.fixture
def conda_kernel(
    conda: Conda, new_conda_environment: Callable[..., Path], new_kernel: Callable[..., Kernel], tmp_path: Path
) -> Callable[..., Kernel]:
    """A function that starts a kernel in an environment of its own; nothing on PATH, no variable tells of conda."""

    def start(prefix: Path | None = None, env: dict[str, str | None] | None = None) -> Kernel:
        place = prefix or new_conda_environment()
        work = tmp_path / f"work-{place.name}"
        work.mkdir(exist_ok=True)
        variables: dict[str, str | None] = {"PATH": "/usr/bin:/bin", **conda.variables}
        if OTHER:
            variables["CONDA_EXE"] = OTHER
        kernel = new_kernel(str(place / "bin/python"), cwd=work, env=variables | (env or {}), load=True)
        kernel.prefix = place
        return kernel

    return start
