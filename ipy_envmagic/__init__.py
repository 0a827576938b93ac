"""%pip, %conda, %uv and %envcheck that act on the Python your notebook is running.

Load it with ``%load_ext ipy_envmagic``, or for every kernel with
``c.InteractiveShellApp.extensions = ["ipy_envmagic"]``.
"""

from __future__ import annotations

import _thread
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

__all__ = ["__version__", "load_ipython_extension", "unload_ipython_extension"]
__version__ = "0.1.0"

_LATER = 0.2  # seconds: the cell that loads us has ended by then


def load_ipython_extension(ipython: InteractiveShell) -> None:
    """Register the magics; IPython calls it for ``%load_ext`` and again for ``%reload_ext``."""
    from ipy_envmagic.magics import EnvMagics  # noqa: PLC0415 so that importing the package alone costs nothing

    unload_ipython_extension(ipython)
    EnvMagics(ipython).register()
    try:
        changing = any("." not in name for name in os.listdir(os.path.join(sys.prefix, ".ipy_envmagic", "pending")))
    except OSError:  # mostly: nothing has been changed here yet, or not by us
        changing = False
    if changing:
        _tell_cut_off()
    if sys.platform != "emscripten":  # a browser has no threads
        _thread.start_new_thread(_warm, ())


def unload_ipython_extension(ipython: InteractiveShell) -> None:
    """Put back what had the names before."""
    mine = ipython.magics_manager.registry.get("EnvMagics")
    if mine is not None:
        mine.unregister()


def _tell_cut_off() -> None:
    """Say which change of this environment was cut off, and how to mend it; loading us fails for nothing."""
    import contextlib  # noqa: PLC0415 nothing of this is needed where all is well

    with contextlib.suppress(Exception):
        from ipy_envmagic import frontend, wayback  # noqa: PLC0415

        for told in wayback.cut_off(sys.prefix):
            frontend.show(f"{told} %envcheck --repair puts back what it broke.")


def _warm() -> None:
    """Load what the first check needs while nobody waits; the bare thread costs the load a tenth of a real one."""
    import contextlib  # noqa: PLC0415 nothing of this is needed before
    import time  # noqa: PLC0415

    time.sleep(_LATER)
    with contextlib.suppress(Exception):  # a check that is asked for says itself what is wrong
        from ipy_envmagic.envcheck import warm  # noqa: PLC0415

        warm()
