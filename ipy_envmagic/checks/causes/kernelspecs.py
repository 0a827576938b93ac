"""Rules for kernelspecs: those that cannot start, that hide one another, or that start something else than they say."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from ipy_envmagic.checks.report import Finding, Fix
from ipy_envmagic.checks.whole import same_prefix
from ipy_envmagic.environments import layout

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ipy_envmagic.checks.whole import Whole
    from ipy_envmagic.environments.kernels import Kernelspec

__all__ = [
    "ipykernel_of",
    "kernelspec_bare_python",
    "kernelspec_broken",
    "kernelspec_environment",
    "kernelspec_misnamed",
    "kernelspec_overridden",
]

_IN_DISPLAY = re.compile(r"\(([^()]+)\)")


def kernelspec_broken(whole: Whole) -> Iterator[Finding]:
    """See a kernelspec whose Python is gone, whose file cannot be read, or whose environment has no ipykernel."""
    for spec in _effective(whole):
        problem = spec.problem or _without_ipykernel(spec, whole.environment.platform)
        if problem is None:
            continue
        python = spec.executable if spec.executable and os.path.exists(spec.executable) else None
        again = f"{python} -m pip install ipykernel" if python else f"python -m ipy_envmagic kernel remove {spec.name}"
        yield Finding(
            "kernelspec-broken",
            "warning",
            f"The kernel {spec.display_name!r} cannot start: {problem}.",
            {"kernelspec": spec.name, "location": spec.directory, "executable": spec.executable},
            Fix((), steps=f"In a terminal: {again}" + ("" if python else ", or put back what is missing.")),
        )


def kernelspec_overridden(whole: Whole) -> Iterator[Finding]:
    """See that the kernelspec of this environment, or of the server's, is hidden by one that starts another Python."""
    first = {spec.name: spec for spec in whole.kernelspecs if spec.hidden_by is None}
    for spec in whole.kernelspecs:
        other = first.get(spec.name)
        if spec.hidden_by is None or other is None or not spec.prefix or not other.prefix:
            continue
        if same_prefix(spec.prefix, other.prefix) or not _lies_in(spec.directory, spec.prefix):
            continue
        yield Finding(
            "kernelspec-overridden",
            "warning",
            f"The kernel {spec.name} of {spec.prefix} is hidden by {other.directory}, which starts {other.prefix}.",
            {"kernelspec": spec.name, "hidden": spec.directory, "taken": other.directory, "starts": other.executable},
            Fix(
                (),
                steps=f"In a terminal: python -m ipy_envmagic kernel remove {spec.name} takes the first away; or give "
                "it a name of its own with kernel add --name.",
            ),
        )


def kernelspec_bare_python(whole: Whole) -> Iterator[Finding]:
    """See a kernelspec outside of any environment that names just ``python``: it starts whatever runs the server."""
    for spec in _effective(whole):
        if spec.is_bare and spec.is_python and not (spec.prefix and _lies_in(spec.directory, spec.prefix)):
            yield Finding(
                "kernelspec-bare-python",
                "warning",
                f"The kernel {spec.display_name!r} names no interpreter but {spec.argv[0]!r}: it starts the Python of "
                "whatever server lists it.",
                {"kernelspec": spec.name, "location": spec.directory, "starts": spec.executable},
                Fix(
                    (), steps=f"Register what it shall start: python -m ipy_envmagic kernel add ENV --name {spec.name}"
                ),
            )


def kernelspec_misnamed(whole: Whole) -> Iterator[Finding]:
    """See a kernelspec that is called after one environment and starts another."""
    for spec in _effective(whole):
        if not spec.prefix:
            continue
        folder, own = os.path.split(spec.prefix)
        titles = {spec.name, spec.display_name, *_IN_DISPLAY.findall(spec.display_name)}
        said = next(
            (title for title in sorted(titles) if title != own and _is_environment(os.path.join(folder, title))), None
        )
        if said is not None and own not in titles:
            yield Finding(
                "kernelspec-misnamed",
                "warning",
                f"The kernel {spec.display_name!r} is called after {os.path.join(folder, said)} and starts "
                f"{spec.prefix}.",
                {"kernelspec": spec.name, "location": spec.directory, "starts": spec.executable},
                Fix(
                    (),
                    steps=f"In a terminal: python -m ipy_envmagic kernel add {os.path.join(folder, said)} "
                    f"--name {spec.name} --force",
                ),
            )


def kernelspec_environment(whole: Whole) -> Iterator[Finding]:
    """See a kernelspec that sets PYTHONPATH or PYTHONHOME: its kernel imports from there first."""
    for spec in _effective(whole):
        for variable in ("PYTHONPATH", "PYTHONHOME"):
            if spec.env.get(variable):
                yield Finding(
                    "kernelspec-environment",
                    "warning",
                    f"The kernel {spec.display_name!r} sets {variable}={spec.env[variable]}, which comes before what "
                    "is installed for it.",
                    {"kernelspec": spec.name, "location": os.path.join(spec.directory, "kernel.json")},
                    Fix((), steps=f'Take {variable} out of "env" in {os.path.join(spec.directory, "kernel.json")}.'),
                )


def ipykernel_of(prefix: str, platform: str) -> str | None:
    """Return the version of ipykernel in an environment, "" where it is there without one, None where it is not.

    Parameters
    ----------
    prefix : str
        The environment's.
    platform : str
        As `sys.platform`.
    """
    from ipy_envmagic.environments.distributions import installed  # noqa: PLC0415 (few checks come here)
    from ipy_envmagic.environments.environment import Environment  # noqa: PLC0415
    from ipy_envmagic.errors import EnvMagicError  # noqa: PLC0415

    try:
        sites = Environment.from_prefix(prefix, platform=platform).site_directories
    except (EnvMagicError, OSError):
        return None
    found = installed(sites).get("ipykernel")
    if found is not None:
        return found.version or ""
    return "" if any(os.path.isdir(os.path.join(site, "ipykernel")) for site in sites) else None


def _without_ipykernel(spec: Kernelspec, platform: str) -> str | None:
    asks = "ipykernel" in " ".join(spec.argv)
    return (
        f"{spec.prefix} has no ipykernel"
        if asks and spec.prefix and ipykernel_of(spec.prefix, platform) is None
        else None
    )


def _effective(whole: Whole) -> list[Kernelspec]:
    return [spec for spec in whole.kernelspecs if spec.hidden_by is None and spec.is_python]


def _lies_in(directory: str, prefix: str) -> bool:
    return os.path.realpath(directory).startswith(os.path.realpath(prefix) + os.sep)


def _is_environment(prefix: str) -> bool:
    return bool(layout.read_settings(prefix)) or os.path.isdir(os.path.join(prefix, "conda-meta"))
