"""An environment registered as a kernel with its shell activated, and taken away again."""

from __future__ import annotations

import os
import re
import tempfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ipy_envmagic.checks.causes.kernelspecs import ipykernel_of
from ipy_envmagic.commands.activation import activation
from ipy_envmagic.commands.line import quote
from ipy_envmagic.errors import EnvMagicError

if TYPE_CHECKING:
    from collections.abc import Callable

    from ipy_envmagic.environments.environment import Environment

__all__ = ["Registered", "add", "kernel_name", "remove", "specification"]

_NAME = re.compile(r"[a-z0-9._-]+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Registered:
    """A kernelspec that was written.

    Parameters
    ----------
    name, display_name : str
        What Jupyter calls it, and what people see.
    directory : str
        The folder that holds ``kernel.json``.
    """

    name: str
    display_name: str
    directory: str


def add(
    environment: Environment,
    *,
    name: str | None = None,
    display_name: str | None = None,
    prefix: str | None = None,
    force: bool = False,
    install: Callable[[Environment], None] | None = None,
) -> Registered:
    """Register an environment as a kernel in whose shell ``!pip`` and ``!conda`` act on it too.

    Parameters
    ----------
    environment : Environment
        What the kernel shall run in.
    name : str, optional
        The kernelspec's name; by default made of the environment's.
    display_name : str, optional
        What people see; by default "Python 3.12 (analysis)".
    prefix : str, optional
        The environment whose ``share/jupyter`` gets it; by default the user's own folder does.
    force : bool
        Whether one of that name is replaced.
    install : callable, optional
        Installs ipykernel into the environment where it has none.

    Returns
    -------
    Registered

    Raises
    ------
    EnvMagicError
        Nothing was written: there is no interpreter or no ipykernel, the name is taken or is none, the folder cannot be
        written.
    """
    if not environment.executable:
        raise EnvMagicError(f"{environment.prefix} has no interpreter that a kernel could run")
    name = name or kernel_name(environment)
    if not _NAME.fullmatch(name):
        raise EnvMagicError(
            f"{name!r} is no name for a kernel",
            "Use letters, digits, dots, dashes and underscores; --display-name is what people see, and takes anything.",
        )
    from jupyter_client.kernelspec import KernelSpecManager  # noqa: PLC0415 (a tenth of a second)

    manager = KernelSpecManager()
    folder = os.path.join(_data_folder(manager, prefix), "kernels", name.lower())
    if os.path.lexists(folder) and not force:
        raise EnvMagicError(
            f"A kernel is called {name} already: {folder}", "Choose another with --name, or replace it with --force."
        )
    if ipykernel_of(environment.prefix, environment.platform) is None:
        if install is None:
            raise EnvMagicError(
                f"{environment.prefix} has no ipykernel, which a kernel needs",
                f"Add --install-ipykernel, or run {quote(environment.executable)} -m pip install ipykernel",
            )
        install(environment)
    title = display_name or _title(environment)
    with tempfile.TemporaryDirectory(prefix="ipy-envmagic-") as place:
        source = os.path.join(place, "spec")
        _write(source, specification(environment, title))
        try:
            written = manager.install_kernel_spec(source, name, user=prefix is None, prefix=prefix)
        except OSError as error:
            raise EnvMagicError(
                f"The kernel cannot be written to {folder}: {error.strerror or error}",
                "Give --user for a folder of your own." if prefix is not None else None,
            ) from None
    return Registered(name.lower(), title, str(written))


def remove(name: str) -> str:
    """Take a kernelspec away, the one that Jupyter takes for that name; the environment stays.

    Parameters
    ----------
    name : str
        The kernelspec's.

    Returns
    -------
    str
        The folder that was removed.

    Raises
    ------
    EnvMagicError
        There is none, or it cannot be removed.
    """
    from jupyter_client.kernelspec import KernelSpecManager  # noqa: PLC0415 (as above)

    manager = KernelSpecManager(ensure_native_kernel=False)
    try:
        return str(manager.remove_kernel_spec(name))
    except KeyError:
        known = ", ".join(sorted(manager.find_kernel_specs())) or "none"
        raise EnvMagicError(f"No kernel is called {name}", f"There are: {known}") from None
    except OSError as error:
        raise EnvMagicError(
            f"The kernel {name} cannot be removed: {error.strerror or error} ({error.filename})"
        ) from None


def specification(environment: Environment, display_name: str) -> dict[str, object]:
    """Return the contents of ``kernel.json`` ("Kernel specs" in jupyter_client's documentation).

    Parameters
    ----------
    environment : Environment
        What the kernel shall run in.
    display_name : str
        What people see.
    """
    shell = {key: value for key, value in activation(environment, "${PATH}").items() if value is not None}
    return {
        "argv": [environment.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
        "display_name": display_name,
        "language": "python",
        "env": shell,
        "metadata": {"debugger": True},
    }


def kernel_name(environment: Environment) -> str:
    """Return a name for the kernelspec of an environment: its own, in the letters that Jupyter takes."""
    name = re.sub(r"[^a-z0-9._-]+", "-", environment.name.lower()).strip("-.")
    return name or "python"


def _title(environment: Environment) -> str:
    version = ".".join(map(str, environment.version[:2]))
    return environment.name if environment.name == f"Python {version}" else f"Python {version} ({environment.name})"


def _data_folder(manager: object, prefix: str | None) -> str:
    return os.path.join(prefix, "share", "jupyter") if prefix is not None else str(getattr(manager, "data_dir", ""))


def _write(folder: str, contents: dict[str, object]) -> None:
    from ipykernel.kernelspec import write_kernel_spec  # noqa: PLC0415 (only a kernel that is written needs it)

    write_kernel_spec(folder, overrides=contents)
