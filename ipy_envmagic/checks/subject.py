"""One requirement with everything that the rules look at, gathered once."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

from ipy_envmagic.checks.known import distribution_of
from ipy_envmagic.checks.place import Place, is_editable, locate
from ipy_envmagic.environments.distributions import Distribution, installer, metadata_headers, normalise, record
from ipy_envmagic.environments.resolve import Module, is_standard_library

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ipy_envmagic.checks.asked import Asked
    from ipy_envmagic.checks.elsewhere import Elsewhere
    from ipy_envmagic.checks.session import Session
    from ipy_envmagic.environments.environment import Environment
    from ipy_envmagic.environments.integrity import Integrity

T = TypeVar("T")
_SECONDS = 0.03

__all__ = ["Subject", "gather"]


@dataclass(frozen=True)  # without slots: what is read once for all rules is kept in the instance
class Subject:
    """What was asked, where, and what is here of it.

    Parameters
    ----------
    asked : Asked
        The requirement.
    environment : Environment
        The kernel's environment.
    session : Session
        What the kernel's process knows.
    index : mapping of str to Distribution
        What is installed on the kernel's path, by normalised name.
    place : Place
        What is on the kernel's path.
    wanted : str
        The distribution to install where it is not here.
    is_known : bool
        Whether `wanted` is known to bring it; otherwise that it has the same name is a guess.
    elsewhere : Elsewhere or None
        Another environment that has what is not here.
    """

    asked: Asked
    environment: Environment
    session: Session
    index: Mapping[str, Distribution]
    place: Place
    wanted: str
    is_known: bool
    elsewhere: Elsewhere | None = None

    def remembered(self, key: str, find: Callable[[], T]) -> T:
        """Return what `find` finds, which is called once for all rules that ask by this key."""
        values: dict[str, T] = self.__dict__
        if key not in values:
            values[key] = find()
        return values[key]

    @property
    def title(self) -> str:
        """The name to speak of it by."""
        return self.asked.name

    @property
    def is_loaded(self) -> bool:
        """Whether the kernel has loaded a module of it: then a change on the disk needs a restart."""
        return self.root in self.session.modules

    @property
    def root(self) -> str:
        """The first part of the module's name; of a distribution's name, what a module of that name is called."""
        return (self.place.module_name or self.title.replace("-", "_")).partition(".")[0]

    @property
    def distribution(self) -> Distribution | None:
        """What is installed for it."""
        return self.place.distribution

    @cached_property
    def headers(self) -> Mapping[str, list[str]]:
        """The head of the distribution's METADATA, by lower-case name; empty where there is none."""
        return metadata_headers(self.distribution) if self.distribution else {}

    @cached_property
    def record(self) -> list[str]:
        """The files that the distribution's RECORD names, relative to its site directory; empty where there is none."""
        if self.distribution is None:
            return []
        from ipy_envmagic.environments.integrity import entries  # noqa: PLC0415 (as above)

        return [entry.path for entry in entries(self.distribution)] or record(self.distribution)

    @cached_property
    def integrity(self) -> Integrity:
        """What its files are against its RECORD; nothing is looked at of what another tool may change."""
        from ipy_envmagic.environments.integrity import Integrity, examine  # noqa: PLC0415 (a name alone needs none)

        if self.distribution is None or self.is_editable:
            return Integrity()
        sizes = installer(self.distribution) != "conda"
        return examine(self.distribution, seconds=self.deadline - time.perf_counter(), sizes=sizes)

    @property
    def partial(self) -> str | None:
        """How far the files were looked at, where the time was up before all had been."""
        integrity = self.__dict__.get("integrity")
        if integrity is None or not integrity.stopped_short:
            return None
        return f"{integrity.looked_at} of its {integrity.listed} files were looked at, for the time was up."

    @cached_property
    def deadline(self) -> float:
        """When whatever looks at many files must stop, by `time.perf_counter`: 30 ms after the first of them began."""
        return time.perf_counter() + _SECONDS

    @cached_property
    def is_editable(self) -> bool:
        """Whether the distribution stands for a folder of its author's."""
        return self.distribution is not None and is_editable(self.distribution)


def gather(asked: Asked, environment: Environment, session: Session, index: Mapping[str, Distribution]) -> Subject:
    """Look for the requirement on the kernel's path; read files, import nothing.

    Parameters
    ----------
    asked : Asked
        The requirement.
    environment, session
        The kernel's.
    index : mapping of str to Distribution
        What is installed on the kernel's path, by normalised name.
    """
    place = locate(asked.name, index, session.path, session.modules, session.meta_path)
    if place.module is None:
        place = _or_loaded(place, session)
    if place.distribution is not None:
        return Subject(asked, environment, session, index, place, place.distribution.name, is_known=True)
    wanted, is_known = _wanted(asked)
    elsewhere = None
    if place.is_absent and not is_standard_library(asked.name):
        from ipy_envmagic.checks.elsewhere import find  # noqa: PLC0415 (only what is absent is looked for elsewhere)

        elsewhere = find(asked.name, wanted, environment, session)
    if elsewhere is not None and elsewhere.copy.distribution is not None:
        wanted, is_known = elsewhere.copy.distribution.name, True
    return Subject(asked, environment, session, index, place, wanted, is_known, elsewhere)


def names_agree(name: str, key: str) -> bool:
    """Whether an import name or distribution name is, but for spelling, the distribution's own or below it.

    Parameters
    ----------
    name : str
        As asked: ``numpy.linalg`` agrees with numpy, ``google.cloud.storage`` with google-cloud-storage.
    key : str
        The distribution's normalised name.
    """
    parts = name.split(".")
    return any(normalise(".".join(parts[:end])) == key for end in range(1, len(parts) + 1))


def _wanted(asked: Asked) -> tuple[str, bool]:
    known = distribution_of(asked.name)
    if known is not None:
        return known, True
    if asked.specifier or asked.extras or asked.url or not asked.is_importable_name:
        return asked.name, True  # a requirement names a distribution (PEP 508)
    return asked.name.partition(".")[0], False


def _or_loaded(place: Place, session: Session) -> Place:
    """Take what the kernel has loaded where the search does not see it: a package may make modules itself."""
    loaded = session.modules.get(place.module_name or "")
    if loaded is None or place.module_name is None:
        return place
    origin = getattr(loaded, "__file__", None)
    if origin is not None and not (isinstance(origin, str) and os.path.exists(origin)):
        return place
    module = Module(place.module_name, "source", origin, None)
    return Place(place.module_name, module, (), place.distribution, is_standard_library(place.module_name, module))
