"""Every copy of a package on this machine: its version, its place, who put it there, which one this kernel takes."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from ipy_envmagic.checks.around import describe, kernels_of, neighbours, where_of
from ipy_envmagic.checks.asked import parse
from ipy_envmagic.checks.check import check
from ipy_envmagic.checks.copies import Copy, copies_in, wanted
from ipy_envmagic.checks.listing import Listing
from ipy_envmagic.checks.whole import kernelspecs_of, same_prefix
from ipy_envmagic.environments.candidates import same_file
from ipy_envmagic.environments.installers import PutBy, Where, put_by, put_by_distribution
from ipy_envmagic.environments.locate import Located

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ipy_envmagic.checks.around import Neighbour
    from ipy_envmagic.checks.session import Session
    from ipy_envmagic.environments.environment import Environment

__all__ = ["everywhere"]

_COLUMNS = ("Package", "Version", "Environment", "Python", "Installed by", "Kernels", "Where")


def everywhere(names: Sequence[str], environment: Environment, session: Session) -> Listing:
    """List every copy of some packages.

    Parameters
    ----------
    names : sequence of str
        Import names and distribution names; of a requirement its name.
    environment, session
        The kernel's.

    Returns
    -------
    Listing
        The copies of this kernel's path first, in its order; that which an import takes is marked.

    Raises
    ------
    BadRequirement
        A name that is none.
    """
    specs = kernelspecs_of(environment, session)
    found = neighbours(environment, session, specs)
    described: dict[str, Neighbour] = {}
    copies: list[dict[str, Any]] = []
    for text in names:
        asked = parse(text, session.cwd)
        taken = check((asked.name,), environment, session).checks[0]
        what = wanted(asked.name)
        for located, copy in _all(what, found.environments, environment, session):
            neighbour = described.setdefault(located.prefix, describe(located, session, environment.platform))
            where = where_of(neighbour.environment, session, environment.platform, located.prefix)
            by = _put_by(copy, where)
            copies.append(
                {
                    "requirement": asked.name,
                    "version": copy.distribution.version if copy.distribution else None,
                    "location": copy.path,
                    "installer": str(by) if by else None,
                    "environment": {
                        "prefix": located.prefix,
                        "name": neighbour.title,
                        "python": neighbour.version or None,
                        "found_by": located.how,
                    },
                    "kernelspecs": list(kernels_of(located.prefix, specs)),
                    "imported": _is_taken(copy, taken.location),
                }
            )
    note = ("The time was up before every place had been looked at.",) if found.stopped_short else ()
    return Listing(
        _verdict(names, copies),
        _COLUMNS if len(names) > 1 else _COLUMNS[1:],
        tuple(_row(copy)[0 if len(names) > 1 else 1 :] for copy in copies),
        frozenset(index for index, copy in enumerate(copies) if copy["imported"]),
        notes=note,
        data={"copies": copies, "environments": len(found.environments), "stopped_short": found.stopped_short},
        home=session.home,
    )


def _all(
    what: Any, located: tuple[Located, ...], environment: Environment, session: Session
) -> Iterator[tuple[Located, Copy]]:
    """Yield the copies on the kernel's own path, then those of every other environment."""
    own = Located(environment.prefix, "this kernel", tuple(session.path), environment.version[:2])
    seen: set[str] = set()
    for copy in copies_in(dict.fromkeys(session.path), what):
        seen.add(os.path.realpath(copy.site_directory))
        holder = next((one for one in located if copy.site_directory in one.site_directories), own)
        yield (own if same_prefix(holder.prefix, environment.prefix) else holder), copy
    for one in located:
        for copy in copies_in(one.site_directories, what):
            if os.path.realpath(copy.site_directory) not in seen:
                yield one, copy


def _put_by(copy: Copy, where: Where) -> PutBy | None:
    return put_by_distribution(copy.distribution, where) if copy.distribution else put_by(copy.path, where)


def _is_taken(copy: Copy, location: str | None) -> bool:
    if location is None:
        return False
    return same_file(copy.module, location) or same_file(
        copy.distribution.path if copy.distribution else None, location
    )


def _verdict(names: Sequence[str], copies: list[dict[str, Any]]) -> str:
    said = ", ".join(names)
    if not copies:
        return f"no copy of {said} on this machine"
    count = len({copy["environment"]["prefix"] for copy in copies})
    copies_said = f"{len(copies)} {'copies' if len(copies) > 1 else 'copy'} of {said}"
    where = f"in {count} environments" if count > 1 else "in one environment"
    taken = [copy for copy in copies if copy["imported"]]
    mine = "the marked one is imported here" if taken else "none is imported here"
    return f"{copies_said} {where}; {mine if len(taken) < 2 else 'the marked ones are imported here'}"  # noqa: PLR2004


def _row(copy: dict[str, Any]) -> tuple[str, ...]:
    there = copy["environment"]
    return (
        copy["requirement"],
        copy["version"] or "?",
        there["name"],
        there["python"] or "",
        copy["installer"] or "?",
        ", ".join(copy["kernelspecs"]),
        copy["location"],
    )
