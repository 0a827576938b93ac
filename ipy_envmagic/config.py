"""The configuration: what `%config EnvMagics` shows and `ipython_config.py` sets as `c.EnvMagics`."""

from __future__ import annotations

from traitlets import Bool, Enum, Float
from traitlets.config import Configurable

__all__ = ["Settings"]


class Settings(Configurable):
    """The traits of `EnvMagics`."""

    echo = Bool(default_value=True, help="Print each command, dimmed and with secrets masked, before it runs.").tag(
        config=True
    )
    raise_on_error = Bool(
        default_value=True,
        help="Fail the cell when a program ends with a status other than 0. False: the result tells it alone.",
    ).tag(config=True)
    pip_backend = Enum(
        ["auto", "pip", "uv"],
        "auto",
        help="What serves %pip: the environment's pip, uv, or (auto) pip where it is there and uv where it is not.",
    ).tag(config=True)
    interrupt_grace = Float(
        5.0, min=0.0, help="Seconds that an interrupted program has to clean up before it is ended with all it started."
    ).tag(config=True)
