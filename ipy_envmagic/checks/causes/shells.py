"""Rules for a shell that acts elsewhere than the kernel: by its PATH, or by variables that name an environment."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ipy_envmagic.checks.report import Finding, Fix
from ipy_envmagic.checks.whole import same_prefix

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ipy_envmagic.checks.whole import Whole

__all__ = ["conda_not_activated", "env_vars_elsewhere", "shell_mismatch"]

SYNC = "%config EnvMagics.sync_shell = True"
_VARIABLES = ("VIRTUAL_ENV", "CONDA_PREFIX", "UV_PROJECT_ENVIRONMENT")


def shell_mismatch(whole: Whole) -> Iterator[Finding]:
    """See that ``!python``, ``!pip``, ``!conda`` or ``!uv`` act on another environment than the kernel's."""
    by_variable = {finding.evidence["prefix"] for finding in env_vars_elsewhere(whole)}
    elsewhere = [
        program
        for program in whole.programs
        if whole.acts_here(program) is False
        and (program.name != "conda" or whole.environment.is_conda)
        and not (program.why in _VARIABLES and program.prefix in by_variable)
    ]
    if not elsewhere:
        return
    places = {program.prefix for program in elsewhere}
    names = [f"!{program.name}" for program in elsewhere]
    told = f"{', '.join(names[:-1])} and {names[-1]} act" if len(names) > 1 else f"{names[0]} acts"
    where = ", ".join(filter(None, dict.fromkeys(program.prefix for program in elsewhere)))
    yield Finding(
        "shell-mismatch",
        "warning",
        f"In this notebook's shell {told} on {where}, not on this kernel's environment.",
        {
            "prefix": whole.environment.prefix,
            **{program.name: f"{program.path} ({program.why})" for program in elsewhere},
            "elsewhere": sorted(filter(None, places)),
        },
        Fix((SYNC,), steps="Write %pip, %conda and %uv, which act on this kernel; or let the shell follow the kernel."),
    )


def env_vars_elsewhere(whole: Whole) -> Iterator[Finding]:
    """See a variable that names another environment as the active one, as the server's shell has left it."""
    environ = whole.session.environ
    prefix = whole.environment.prefix
    active = environ.get("VIRTUAL_ENV")
    for variable in _VARIABLES:
        value = environ.get(variable)
        if not value or not os.path.isabs(value) or same_prefix(value, prefix) or not os.path.isdir(value):
            continue
        if variable == "CONDA_PREFIX" and active and same_prefix(active, prefix):
            continue  # a virtual environment activated over conda's
        if variable == "CONDA_PREFIX" and same_prefix(value, whole.environment.base_prefix):
            continue  # it was made from that conda's Python
        yield Finding(
            "env-vars-elsewhere",
            "warning",
            f"{variable} names {value}, and this kernel runs in {prefix}: tools that read it act there.",
            {"variable": variable, "value": value, "prefix": value, "kernel": prefix},
            Fix(
                (SYNC,) if variable != "UV_PROJECT_ENVIRONMENT" else (f"%env {variable}={prefix}",),
                steps=f"Write %pip, %conda and %uv; or let {variable} follow the kernel.",
            ),
        )


def conda_not_activated(whole: Whole) -> Iterator[Finding]:
    """See a conda environment whose kernel was started without activation, where that leaves something out."""
    environment = whole.environment
    if not environment.is_conda or whole.session.environ.get("CONDA_PREFIX"):
        return
    prefix, windows = environment.prefix, environment.platform == "win32"
    missing = _scripts_of(os.path.join(prefix, "etc", "conda", "activate.d"))
    needed = os.path.join(prefix, *(("Library", "bin") if windows else ("bin",)))
    on_path = any(
        same_prefix(entry, needed)
        for entry in whole.session.environ.get("PATH", "").split(";" if windows else os.pathsep)
        if entry
    )
    if not missing and (on_path or not windows):
        return
    what = f"what {', '.join(missing[:3])} would set is not set" if missing else f"{needed} is not on PATH"
    yield Finding(
        "conda-not-activated",
        "warning",
        f"This kernel runs in the conda environment {prefix} without its activation: {what}.",
        {"prefix": prefix, "scripts": missing, "on_path": on_path},
        Fix(
            (),
            restart=True,
            steps=f"Register it with its shell: python -m ipy_envmagic kernel add {prefix}; then choose that kernel. "
            "What its scripts set goes into the kernelspec's env.",
        ),
    )


def _scripts_of(folder: str) -> list[str]:
    try:
        return sorted(name for name in os.listdir(folder) if name.endswith((".sh", ".bat")))
    except OSError:
        return []
