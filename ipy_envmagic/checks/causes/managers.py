"""Rules for who looks after an environment: a tool, a lock file, the system, nobody who may write there."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ipy_envmagic.checks.report import Finding, Fix
from ipy_envmagic.environments import tools
from ipy_envmagic.environments.distributions import installer, normalise

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ipy_envmagic.checks.whole import Whole
    from ipy_envmagic.environments.environment import Environment

__all__ = [
    "apt_managed",
    "conda_frozen",
    "externally_managed",
    "kernel_is_tool_env",
    "lock_managed",
    "no_conda",
    "no_pip",
    "not_writable",
    "pip_over_conda",
]

_OWN = (
    "Make an environment of your own and its kernel: python3 -m venv ~/envs/work, then python -m ipy_envmagic kernel "
)
_OWN += "add ~/envs/work --install-ipykernel, and choose that kernel."
_UV_CACHE = ("/archive-v", "/builds-v", "/environments-v")
_LOCKS = (  # the file, who writes it, and how a package gets into it
    ("uv.lock", "uv", "uv add"),
    ("poetry.lock", "poetry", "poetry add"),
    ("pdm.lock", "pdm", "pdm add"),
    ("Pipfile.lock", "pipenv", "pipenv install"),
    ("pixi.lock", "pixi", "pixi add"),
)
_MOST = 8  # names that a message lists


def kernel_is_tool_env(whole: Whole) -> Iterator[Finding]:
    """See that the kernel runs in the environment of a tool (pipx, ``uv tool``, ``uvx``, ``uv run --with``)."""
    environment = whole.environment
    prefix = environment.prefix.replace("\\", "/")
    if os.path.isfile(os.path.join(prefix, "pipx_metadata.json")):
        tool = "pipx"
    elif os.path.isfile(os.path.join(prefix, "uv-receipt.toml")):
        tool = "uv tool"
    elif "/uv/" in prefix and any(mark in prefix for mark in _UV_CACHE):
        tool = "uv's cache (uvx, or uv run --with)"
    else:
        return
    yield Finding(
        "kernel-is-tool-env",
        "warning",
        f"This kernel runs in {environment.prefix}, which {tool} made for a program: what is installed there goes with "
        "the program's next update.",
        {"prefix": environment.prefix, "tool": tool},
        Fix(
            (),
            steps="Use the environment of your project as a kernel: python -m ipy_envmagic kernel add .venv "
            "--install-ipykernel, and choose that kernel.",
        ),
    )


def externally_managed(whole: Whole) -> Iterator[Finding]:
    """See a Python that pip is told to leave alone (PEP 668)."""
    text = whole.environment.externally_managed
    if text is not None:
        yield Finding(
            "externally-managed",
            "warning",
            f"The Python in {whole.environment.prefix} is managed by {whole.environment.manager}: pip refuses to "
            "install into it.",
            {"prefix": whole.environment.prefix, "manager": whole.environment.manager, "says": text.partition("\n")[0]},
            Fix((), steps=_OWN),
        )


def not_writable(whole: Whole) -> Iterator[Finding]:
    """See an environment that this user may not write to, as on a shared server."""
    environment, session = whole.environment, whole.session
    if environment.writable:
        return
    user = next((site for site in environment.site_directories if _is_below(site, session.home)), None)
    steps = _OWN
    if session.user_site and user is not None:
        steps = f"%pip install --user NAME serves you alone, from {user}. For something that lasts: {_OWN}"
    yield Finding(
        "not-writable",
        "warning",
        f"You may not write to {environment.prefix}: it is shared, or belongs to somebody else.",
        {"prefix": environment.prefix, "user_site": user if session.user_site else None},
        Fix((), steps=steps),
    )


def no_pip(whole: Whole) -> Iterator[Finding]:
    """Say that there is no pip in the environment, and what serves ``%pip`` instead."""
    environment, session = whole.environment, whole.session
    if tools.pip_module(environment):
        return
    uv = tools.find_uv(environment, session.environ, session.home)
    serves = f"uv ({uv}) serves %pip" if uv else "%pip uses the pip that Python carries, or another Python's"
    fix = None if uv else Fix(("%pip install pip",), steps="Install pip here.")
    yield Finding("no-pip", "info", f"This environment has no pip: {serves}.", {"uv": uv}, fix)


def no_conda(whole: Whole) -> Iterator[Finding]:
    """See a conda environment for which no conda can be found."""
    environment, session = whole.environment, whole.session
    if environment.kind not in {"conda", "conda-base"}:
        return
    from ipy_envmagic.environments.conda import find_conda  # noqa: PLC0415 (only a conda environment needs it)

    if find_conda(environment, session.environ, session.home) is None:
        yield Finding(
            "no-conda",
            "warning",
            f"{environment.prefix} is a conda environment, and no conda, mamba or micromamba is found that could "
            "change it.",
            {"prefix": environment.prefix},
            Fix((), steps="%env CONDA_EXE=/path/to/bin/conda tells where it is. %pip works without it."),
        )


def pip_over_conda(whole: Whole) -> Iterator[Finding]:
    """See what pip put over conda's own packages: conda's records no longer tell the truth."""
    environment = whole.environment
    if not environment.is_conda:
        return
    from ipy_envmagic.environments.conda import installed  # noqa: PLC0415 (only a conda environment needs it)

    recorded = {normalise(name): version.partition(" ")[0] for name, version in installed(environment.prefix).items()}
    over = [
        distribution
        for key, distribution in whole.index.items()
        if key in recorded
        and distribution.version
        and recorded[key].replace("_", "-") != distribution.version
        and installer(distribution) not in {None, "conda"}
    ]
    if not over:
        return
    names = sorted(distribution.key for distribution in over)
    lines = () if environment.kind == "pixi" else (f"%conda install --force-reinstall {' '.join(names)}",)
    more = f" and {len(names) - _MOST} more" if len(names) > _MOST else ""
    yield Finding(
        "pip-over-conda",
        "warning",
        f"Another installer put its own version over what conda recorded: {', '.join(names[:_MOST])}{more}.",
        {one.key: f"{one.version} here, {recorded[one.key]} in conda's record" for one in over[:_MOST]},
        Fix(lines, restart=True, steps="Let conda bring its own back, or remove conda's package and keep pip's."),
    )


def apt_managed(whole: Whole) -> Iterator[Finding]:
    """Say that the system's package manager brings what is installed here."""
    environment = whole.environment
    if environment.kind == "system" and environment.manager != "pip":
        yield Finding(
            "apt-managed",
            "info",
            f"{environment.manager} looks after the Python in {environment.prefix}: the packages of the system come "
            "from it.",
            {"manager": environment.manager},
            None,
        )


def lock_managed(whole: Whole) -> Iterator[Finding]:
    """Say that a lock file decides what is here: what ``%pip`` adds goes with the next sync."""
    found = _lock(whole.environment)
    if found is not None:
        path, manager, add = found
        yield Finding(
            "lock-managed",
            "info",
            f"{path} decides what is here: what %pip adds goes with {manager}'s next sync.",
            {"lock": path, "manager": manager},
            Fix((), steps=f"`{add} NAME` in the project's folder keeps it."),
        )


def conda_frozen(whole: Whole) -> Iterator[Finding]:
    """See a conda environment that its owner has frozen (CEP 22)."""
    if not whole.environment.is_conda:
        return
    from ipy_envmagic.environments.conda import frozen  # noqa: PLC0415 (only a conda environment needs it)

    message = frozen(whole.environment.prefix)
    if message is not None:
        said = f" Its owner says: {message}" if message else ""
        yield Finding(
            "conda-frozen",
            "warning",
            f"The environment {whole.environment.prefix} is frozen: conda refuses to change it.{said}",
            {"location": os.path.join(whole.environment.prefix, "conda-meta", "frozen")},
            Fix((), steps=f"%conda install --override-frozen NAME, if it is yours to change. Else: {_OWN}"),
        )


def _lock(environment: Environment) -> tuple[str, str, str] | None:
    """Return the lock file that rules an environment, who writes it and how to add to it."""
    if environment.kind == "pixi":
        project = environment.prefix.replace("\\", "/").partition("/.pixi/envs/")[0]
    elif os.path.basename(environment.prefix) in {".venv", "venv", "env", ".env"}:
        project = os.path.dirname(environment.prefix)
    else:
        return None
    for name, manager, add in _LOCKS:
        path = os.path.join(project, name)
        if os.path.isfile(path):
            return path, manager, add
    return None


def _is_below(path: str, folder: str) -> bool:
    return len(folder) > 1 and os.path.normcase(path).startswith(os.path.normcase(folder.rstrip("/\\")) + os.sep)
