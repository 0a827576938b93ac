"""Every kernelspec that Jupyter sees: what it starts, whether it can, and which one is this kernel's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ipy_envmagic.checks.around import describe
from ipy_envmagic.checks.causes.kernelspecs import ipykernel_of
from ipy_envmagic.checks.listing import Listing
from ipy_envmagic.checks.whole import kernelspecs_of
from ipy_envmagic.environments.locate import look_at

if TYPE_CHECKING:
    from ipy_envmagic.checks.session import Session
    from ipy_envmagic.environments.environment import Environment
    from ipy_envmagic.environments.kernels import Kernelspec

__all__ = ["kernel_list"]


def kernel_list(environment: Environment, session: Session) -> Listing:
    """List the kernelspecs in Jupyter's search order.

    Parameters
    ----------
    environment, session
        The kernel's.

    Returns
    -------
    Listing
        The one that started this kernel is marked.
    """
    entries = [_entry(spec, environment, session) for spec in kernelspecs_of(environment, session)]
    mine = frozenset(index for index, entry in enumerate(entries) if entry["this_kernel"])
    broken = sum(entry["problem"] is not None and entry["overridden_by"] is None for entry in entries)
    count = f"{len(entries)} kernelspec{'s' if len(entries) != 1 else ''}"
    cannot = f", {broken} of them cannot start" if broken else ""
    return Listing(
        f"{count}{cannot}{'; the marked one started this kernel' if mine else ''}",
        ("Name", "Display name", "Environment", "ipykernel", "State", "Where"),
        tuple(_row(entry) for entry in entries),
        mine,
        data={"kernelspecs": entries},
        status="warning" if broken else "ok",
        home=session.home,
    )


def _entry(spec: Kernelspec, environment: Environment, session: Session) -> dict[str, Any]:
    platform = environment.platform
    located = look_at(spec.prefix, "kernelspec", platform) if spec.prefix else None
    title = describe(located, session, platform).title if located else None
    ipykernel = ipykernel_of(spec.prefix, platform) if spec.prefix and spec.is_python else None
    problem = spec.problem
    if problem is None and spec.is_python and spec.prefix and ipykernel is None and "ipykernel" in " ".join(spec.argv):
        problem = f"{spec.prefix} has no ipykernel"
    return {
        "name": spec.name,
        "display_name": spec.display_name,
        "language": spec.language,
        "directory": spec.directory,
        "argv": list(spec.argv),
        "env": dict(spec.env),
        "executable": spec.executable,
        "prefix": spec.prefix,
        "environment": title,
        "wrapper": spec.wrapper,
        "ipykernel": ipykernel,
        "overridden_by": spec.hidden_by,
        "problem": problem,
        "this_kernel": spec.name == session.kernelspec and spec.hidden_by is None,
    }


def _row(entry: dict[str, Any]) -> tuple[str, ...]:
    if entry["problem"]:
        state = f"cannot start: {entry['problem']}"
    elif entry["overridden_by"]:
        state = f"hidden by {entry['overridden_by']}"
    else:
        state = "ok"
        if entry["wrapper"]:
            state += f", through {entry['wrapper']}"
        if entry["env"]:
            state += f", sets {', '.join(entry['env'])}"
    place = entry["prefix"] or entry["executable"] or (entry["argv"][0] if entry["argv"] else "")
    where = f"{entry['directory']} -> {place}" if place else entry["directory"]
    return (
        entry["name"],
        entry["display_name"],
        entry["environment"] or entry["language"],
        entry["ipykernel"] or "",
        state,
        where,
    )
