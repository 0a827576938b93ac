"""Our command line run by another environment's interpreter: it alone knows its own path, flags and finders."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

from ipy_envmagic.errors import EnvMagicError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ipy_envmagic.environments.environment import Environment

__all__ = ["run_in"]

_OLDEST = (3, 10)
# We and what we need are found at the end of that interpreter's path, and gone from it before we look.
_START = """\
import sys
before = sys.path[:]
sys.path += sys.argv.pop(1).splitlines()
import ipy_envmagic.__main__, packaging
sys.path[:] = before
sys.exit(ipy_envmagic.__main__.main(sys.argv[1:]))
"""


def run_in(environment: Environment, arguments: Sequence[str]) -> int:
    """Run a command of ours in another environment.

    Parameters
    ----------
    environment : Environment
        The other one; we need not be installed there.
    arguments : sequence of str
        As of ``python -m ipy_envmagic``.

    Returns
    -------
    int
        The exit status.

    Raises
    ------
    EnvMagicError
        There is no interpreter, or one that is too old for us.
    """
    if not environment.executable:
        raise EnvMagicError(f"{environment.prefix} has no interpreter")
    if environment.version[:2] < _OLDEST:
        version = ".".join(map(str, environment.version[:2]))
        raise EnvMagicError(f"{environment.prefix} has Python {version}; a check needs 3.10 or later")
    import packaging  # noqa: PLC0415 (to see where it is)

    ours = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    places = "\n".join((ours, os.path.dirname(os.path.dirname(os.path.abspath(packaging.__file__)))))
    try:
        done = subprocess.run([environment.executable, "-c", _START, places, *arguments], check=False)
    except OSError as error:
        raise EnvMagicError(f"{environment.executable} cannot be started: {error.strerror}") from None
    return done.returncode
