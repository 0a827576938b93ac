"""Import names and the distributions that bring them, where the two are called differently."""

from __future__ import annotations

import functools

from ipy_envmagic.environments.distributions import normalise
from ipy_envmagic.environments.tables import rows

__all__ = ["conda_name", "distribution_for", "modules_for"]

_SAME = "-"


def distribution_for(module: str) -> str | None:
    """Return the distribution to install for an import name.

    Parameters
    ----------
    module : str
        As in an import statement, in its exact case; of a dotted name the longest part that is known counts:
        ``sklearn.svm`` is scikit-learn's, ``google.cloud.storage.blob`` google-cloud-storage's.

    Returns
    -------
    str or None
        None where the table has nothing: then the same name is a guess.
    """
    known = _table()[0]
    name = module
    while name:
        if name in known:
            return known[name]
        name = name.rpartition(".")[0]
    return None


def modules_for(distribution: str) -> tuple[str, ...]:
    """Return the import names that a distribution is known to bring, where they are not its own name.

    Parameters
    ----------
    distribution : str
        In any spelling (PEP 503).
    """
    return _table()[1].get(normalise(distribution), ())


def conda_name(distribution: str) -> str | None:
    """Return conda's package for a distribution, where it is known to be called otherwise.

    Parameters
    ----------
    distribution : str
        In any spelling.
    """
    key = normalise(distribution)
    return next((package for name, package in rows("conda", 2) if name == key), None)


@functools.cache
def _table() -> tuple[dict[str, str], dict[str, tuple[str, ...]]]:
    """Read the table at its first use, both ways round."""
    known: dict[str, str] = {}
    reverse: dict[str, tuple[str, ...]] = {}
    for module, distribution, others in rows("names", 3):
        if distribution != _SAME:
            known[module] = distribution
        brings = {normalise(name): None for name in [distribution, *others.split()] if name != _SAME}
        for key in brings:
            reverse[key] = (*reverse.get(key, ()), module)
    return known, reverse
