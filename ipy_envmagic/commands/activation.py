"""The variables with which a shell acts on an environment, as its activation would set them."""

from __future__ import annotations

import ntpath
import posixpath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ipy_envmagic.environments.environment import Environment

__all__ = ["activation"]


def activation(environment: Environment, path: str) -> Mapping[str, str | None]:
    """Return what PATH, VIRTUAL_ENV and CONDA_PREFIX are in a shell that acts on an environment.

    Parameters
    ----------
    environment : Environment
        Whose interpreter, pip and scripts come first.
    path : str
        PATH as it was; in a kernelspec the placeholder ``${PATH}``.

    Returns
    -------
    mapping of str to str or None
        None for a variable that must not be set: it would name another environment.
    """
    windows = environment.platform == "win32"
    flavour, separator = (ntpath, ";") if windows else (posixpath, ":")
    folders = [flavour.join(environment.prefix, "Scripts" if windows else "bin")]
    if windows and environment.is_conda:  # as conda's own activation has it
        inside = ((), ("Library", "mingw-w64", "bin"), ("Library", "usr", "bin"), ("Library", "bin"), ("Scripts",))
        folders = [flavour.join(environment.prefix, *parts) for parts in inside]
    elif windows and environment.prefix == environment.base_prefix:
        folders = [environment.prefix, *folders]
    rest = [entry for entry in path.split(separator) if entry and entry not in folders]
    own: dict[str, str | None] = {"VIRTUAL_ENV": None, "CONDA_PREFIX": None}
    if environment.is_conda:
        own["CONDA_PREFIX"] = environment.prefix
    elif environment.prefix != environment.base_prefix:
        own["VIRTUAL_ENV"] = environment.prefix
    return {"PATH": separator.join([*folders, *rest]), **own}
