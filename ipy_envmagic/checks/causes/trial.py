"""What importing a module for trial says (``--deep``): an exception, a crash, a hang, a library that is not there."""

from __future__ import annotations

import re
import signal
from typing import TYPE_CHECKING

from ipy_envmagic.checks.report import Finding, Fix
from ipy_envmagic.environments.libraries import what_brings

if TYPE_CHECKING:
    from collections.abc import Callable

    from ipy_envmagic.checks.report import Check
    from ipy_envmagic.run.trial import Trial

__all__ = ["judge"]

_LIBRARY = re.compile(r"(?P<name>lib[^\s:/]+\.so[.\d]*): cannot open shared object file")
_LAST_LINES = 12
_SIGNALS = {
    "SIGSEGV": "a part of it that was built for something else, or a library that does not fit, is the usual reason",
    "SIGILL": "it was built for a processor that has instructions which this one has not",
    "SIGBUS": "a file of it is most often shorter than it should be",
    "SIGABRT": "it gave up by itself; what it printed says why",
    "SIGKILL": "most often the system ended it because memory was short",
}


def judge(trial: Trial, check: Check, explain: Callable[[str], Check]) -> Finding | None:
    """Say what a trial found.

    Parameters
    ----------
    trial : Trial
        How the import ended.
    check : Check
        The requirement it was for.
    explain : callable
        Checks another module by name: one that the import did not find.

    Returns
    -------
    Finding or None
        None where the module was imported.
    """
    if trial.ended == "imported":
        return None
    evidence = {
        "module": trial.module,
        "where": trial.where,
        "output": "\n".join(trial.output.strip().splitlines()[-_LAST_LINES:]),
        "seconds": round(trial.seconds, 2),
    }
    if trial.ended == "late":
        return Finding(
            "import-timeout",
            "error",
            f"Importing {trial.module} had not ended after {trial.seconds:.0f} s.",
            evidence,
            Fix((), steps="It may wait for a network, a lock or an answer. --timeout SECONDS gives it longer."),
        )
    if trial.ended == "not started":
        return Finding(
            "not-tried",
            "warning",
            f"Importing {trial.module} could not be tried: {trial.message}",
            {"exception": trial.exception},
        )
    if trial.ended == "crashed":
        return _crash(trial, check, evidence)
    return _exception(trial, check, explain, evidence)


def _crash(trial: Trial, check: Check, evidence: dict[str, object]) -> Finding:
    name = _signal_name(-trial.status) if trial.status < 0 else ""
    how = f"ends the process by {name}" if name else f"ends the process, with exit status {trial.status}"
    why = _SIGNALS.get(name, "")
    return Finding(
        "import-crash",
        "error",
        f"Importing {trial.module} {how}" + (f": {why}." if why else "."),
        {"signal": name or None, "status": trial.status, **evidence},
        Fix((), steps=f"Do not import it in this kernel, which would end too. {_again(check)}"),
    )


def _exception(trial: Trial, check: Check, explain: Callable[[str], Check], evidence: dict[str, object]) -> Finding:
    library = _LIBRARY.search(trial.message)
    if library:
        return _library(trial, library["name"], evidence)
    if trial.missing and trial.missing.partition(".")[0] != trial.module.partition(".")[0]:
        inner = next((one for one in explain(trial.missing).findings if one.severity == "error"), None)
        return Finding(
            "dependency-missing",
            "error",
            f"{trial.module} imports {trial.missing}, which cannot be imported here"
            + (f": {inner.message}" if inner else "."),
            {"missing": trial.missing, **evidence},
            inner.fix if inner else None,
        )
    first = trial.message.strip().partition("\n")[0]
    return Finding(
        "import-error",
        "error",
        f"Importing {trial.module} raises {trial.exception}" + (f": {first}" if first else "."),
        {"exception": trial.exception, "message": trial.message, **evidence},
        Fix((), steps=_again(check)),
    )


def _library(trial: Trial, name: str, evidence: dict[str, object]) -> Finding:
    return Finding(
        "shared-library-missing",
        "error",
        f"{trial.module} needs the shared library {name}, which this system has not.",
        {"library": name, **evidence},
        Fix(_lines(name), restart=True, steps=_where_from(name)),
    )


def _lines(name: str) -> tuple[str, ...]:
    source = what_brings(name)
    return (f"%pip install {source.distribution}",) if source and source.distribution else ()


def _where_from(name: str) -> str:
    source = what_brings(name)
    if source is None or not source.debian:
        return f"Install what brings {name}, then restart the kernel."
    return f"On Debian and Ubuntu: `sudo apt install {source.debian}` in a terminal, then restart the kernel."


def _again(check: Check) -> str:
    if check.distribution is None:
        return f"Look at what it does in {check.location}." if check.location else ""
    pin = f"{check.distribution}=={check.installed}" if check.installed else check.distribution
    return (
        f"%pip install --force-reinstall --no-deps {pin} puts its files back as they were; "
        f"%pip install --upgrade {check.distribution} brings a later one."
    )


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
