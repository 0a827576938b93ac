"""What a file asks for: requirements.txt, pyproject.toml, pylock.toml, setup.cfg, environment.yml, or a script."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ipy_envmagic.requirements.asked_for import Wanted

__all__ = ["read", "wanted_by"]


def read(path: str, environ: Mapping[str, str], cwd: str = "") -> list[str]:
    """Return the requirements of a file alone; as `wanted_by`."""
    return list(wanted_by(path, environ, cwd).requirements)


def wanted_by(
    path: str, environ: Mapping[str, str], cwd: str = "", *, extras: Sequence[str] = (), groups: Sequence[str] = ()
) -> Wanted:
    """Return what a file asks for.

    Parameters
    ----------
    path : str
        Relative to `cwd`. Its name tells the kind: ``pyproject.toml``, ``pylock.toml`` and ``pylock.NAME.toml``,
        ``setup.cfg``, ``*.yml`` and ``*.yaml`` (an environment of conda), ``*.py`` (a script with inline metadata);
        all else is read as a requirements file.
    environ : mapping of str to str
        Variables for ``${NAME}`` in a requirements file.
    cwd : str
        The working directory.
    extras : sequence of str
        Of pyproject.toml and setup.cfg: the extras that are wanted too.
    groups : sequence of str
        Of pyproject.toml and pylock.toml: the dependency groups (PEP 735) that are wanted too.

    Raises
    ------
    EnvMagicError
        A file cannot be read, or says nothing that can be checked.
    """
    place = os.path.join(cwd, os.path.expanduser(path))
    name = os.path.basename(place).lower()
    if name == "pyproject.toml":
        from ipy_envmagic.requirements.pyproject import of_pyproject  # noqa: PLC0415 (one kind of file at a time)

        return of_pyproject(place, extras, groups)
    if name == "pylock.toml" or (name.startswith("pylock.") and name.endswith(".toml")):
        from ipy_envmagic.requirements.pyproject import of_pylock  # noqa: PLC0415 (as above)

        return of_pylock(place, extras, groups)
    if name == "setup.cfg":
        from ipy_envmagic.requirements.pyproject import of_setup_cfg  # noqa: PLC0415 (as above)

        return of_setup_cfg(place, extras)
    return _BY_ENDING.get(os.path.splitext(name)[1], _of_requirements)(place, environ)


def _of_requirements(path: str, environ: Mapping[str, str]) -> Wanted:
    from ipy_envmagic.requirements.requirements_txt import of_requirements  # noqa: PLC0415 (as above)

    return of_requirements(path, environ)


def _of_script(path: str, _environ: Mapping[str, str]) -> Wanted:
    from ipy_envmagic.requirements.script import of_script  # noqa: PLC0415 (as above)

    return of_script(path)


def _of_environment(path: str, _environ: Mapping[str, str]) -> Wanted:
    from ipy_envmagic.requirements.environment_yml import of_environment  # noqa: PLC0415 (as above)

    return of_environment(path)


def _of_notebook(path: str, _environ: Mapping[str, str]) -> Wanted:
    from ipy_envmagic.requirements.notebook import of_notebook  # noqa: PLC0415 (as above)

    return of_notebook(path)


_BY_ENDING: Mapping[str, Callable[[str, Mapping[str, str]], Wanted]] = {
    ".ipynb": _of_notebook,
    ".py": _of_script,
    ".yml": _of_environment,
    ".yaml": _of_environment,
}
