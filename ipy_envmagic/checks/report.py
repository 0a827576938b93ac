"""What a check found: plain values that one model keeps for the terminal, the notebook and other programs."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

__all__ = ["SCHEMA", "About", "Check", "Finding", "Fix", "Kernel", "Report", "Severity", "ShellProgram", "Status"]

SCHEMA = 1
_NAMED = 4  # names in a verdict
Severity = Literal["error", "warning", "info"]
Status = Literal["ok", "warning", "error"]


@dataclass(frozen=True, slots=True)
class Fix:
    """What mends a finding.

    Parameters
    ----------
    magic : tuple of str
        Lines that run as they stand in the notebook's own kernel, in this order. Empty where no line can do it.
    restart : bool
        Whether the kernel must be restarted after them.
    steps : str
        The same in words; where `magic` is empty, what a person has to do.
    """

    magic: tuple[str, ...] = ()
    restart: bool = False
    steps: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return the plain values of schema 1."""
        return {"magic": list(self.magic), "restart": self.restart, "steps": self.steps}


@dataclass(frozen=True, slots=True)
class Finding:
    """One cause, with what shows it and what mends it.

    Parameters
    ----------
    code : str
        Kebab-case and stable: other programs may rely on it.
    severity : str
        "error" (it cannot be used), "warning" (it may fail) or "info" (worth knowing).
    message : str
        The cause in one sentence. Paths are absolute.
    evidence : mapping of str to object
        What was seen: strings, numbers, booleans, None, and lists and mappings of them.
    fix : Fix or None
        None where there is nothing to mend.
    """

    code: str
    severity: Severity
    message: str
    evidence: Mapping[str, Any] = field(default_factory=dict)
    fix: Fix | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the plain values of schema 1."""
        return {
            "code": self.code,
            "severity": self.severity,
            "message": self.message,
            "evidence": _plain(self.evidence),
            "fix": self.fix.to_dict() if self.fix else None,
        }


@dataclass(frozen=True, slots=True)
class Check:
    """One requirement and what is here of it.

    Parameters
    ----------
    requirement : str
        As it was asked.
    module : str or None
        What to import; None where that is not known.
    distribution : str or None
        The installed distribution that brings it, else the one that would.
    installed : str or None
        Its version here; None where it is not here or its version is not known.
    location : str or None
        The absolute path of the module's file or package folder, or of the distribution where no module is known.
    installer : str or None
        Who put it there: "pip", "uv", "conda", "apt", ..., "standard library"; None where nothing tells.
    findings : tuple of Finding
        The one that explains a failure comes first.
    partial : str or None
        How far its files were looked at, where the time was up before all had been.
    """

    requirement: str
    module: str | None = None
    distribution: str | None = None
    installed: str | None = None
    location: str | None = None
    installer: str | None = None
    findings: tuple[Finding, ...] = ()
    partial: str | None = None

    @property
    def status(self) -> Status:
        """The worst that was found: "error", "warning" or "ok"."""
        return _worst(self.findings)

    def to_dict(self) -> dict[str, Any]:
        """Return the plain values of schema 1; "partial" is there only where there is something to say."""
        return {
            **({"partial": self.partial} if self.partial else {}),
            "requirement": self.requirement,
            "module": self.module,
            "distribution": self.distribution,
            "installed": self.installed,
            "location": self.location,
            "installer": self.installer,
            "status": self.status,
            "findings": [finding.to_dict() for finding in self.findings],
        }


@dataclass(frozen=True, slots=True)
class Kernel:
    """The Python that was looked at.

    Parameters
    ----------
    executable, prefix, base_prefix : str
        As `sys` has them.
    version : str
        "3.12.1".
    kind, name, manager : str
        As in `ipy_envmagic.environments.environment.Environment`.
    kernelspec : str or None
        The name of the kernelspec that started it, where that is known.
    """

    executable: str
    prefix: str
    base_prefix: str
    version: str
    kind: str
    name: str
    manager: str
    kernelspec: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the plain values of schema 1."""
        return {
            "executable": self.executable,
            "prefix": self.prefix,
            "base_prefix": self.base_prefix,
            "version": self.version,
            "kind": self.kind,
            "name": self.name,
            "manager": self.manager,
            "kernelspec": self.kernelspec,
        }


@dataclass(frozen=True, slots=True)
class ShellProgram:
    """What a program of the notebook's shell is (``!pip``), and where it acts.

    Parameters
    ----------
    name : str
        "python", "pip", "conda" or "uv".
    path : str or None
        The file that the shell runs; None where there is none.
    prefix : str or None
        The environment that it acts on, where that can be told.
    here : bool or None
        Whether that is the kernel's; None where it cannot be told.
    why : str
        What decides it: "PATH", "pyenv", "VIRTUAL_ENV", ...
    """

    name: str
    path: str | None
    prefix: str | None
    here: bool | None
    why: str

    def to_dict(self) -> dict[str, Any]:
        """Return the plain values of schema 1."""
        return {"name": self.name, "path": self.path, "prefix": self.prefix, "here": self.here, "why": self.why}


@dataclass(frozen=True, slots=True)
class About:
    """What an environment is, where it was looked at as a whole.

    Parameters
    ----------
    distributions : int
        How many are installed.
    site_directories : tuple of str
        Those that are there, in import order.
    shell : tuple of ShellProgram
        What the notebook's shell has.
    host : str
        "container", "WSL" or "": where the kernel runs, if that may be another machine than the person thinks.
    """

    distributions: int
    site_directories: tuple[str, ...]
    shell: tuple[ShellProgram, ...]
    host: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return the plain values of schema 1."""
        return {
            "distributions": self.distributions,
            "site_directories": list(self.site_directories),
            "shell": [program.to_dict() for program in self.shell],
            "host": self.host,
        }


@dataclass(frozen=True, slots=True, repr=False)
class Report:
    """Everything that one check found; displays itself as text in a terminal and as HTML in a notebook.

    Parameters
    ----------
    kernel : Kernel
        Where it was looked at.
    checks : tuple of Check
        One for each requirement, in the order asked.
    environment_findings : tuple of Finding
        What concerns the environment as a whole.
    seconds : float
        How long it took.
    home : str
        The home directory, which the text and the HTML show as ``~``.
    about : About or None
        What the environment is, where it was looked at as a whole.
    """

    kernel: Kernel
    checks: tuple[Check, ...] = ()
    environment_findings: tuple[Finding, ...] = ()
    seconds: float = 0.0
    home: str = ""
    about: About | None = None

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All of them: those of each requirement, then those of the environment as a whole."""
        return (*(finding for check in self.checks for finding in check.findings), *self.environment_findings)

    @property
    def status(self) -> Status:
        """The worst that was found: "error", "warning" or "ok"."""
        return _worst(self.findings)

    @property
    def ok(self) -> bool:
        """Whether nothing is an error."""
        return self.status != "error"

    def to_dict(self) -> dict[str, Any]:
        """Return the report as schema 1: dictionaries, lists and plain values, ready for JSON.

        Returns
        -------
        dict
            Keys "schema", "ok", "seconds", "kernel", "checks" and "findings" (those of the environment as a whole);
            "environment" where it was looked at as a whole.
        """
        return {
            "schema": SCHEMA,
            "ok": self.ok,
            "seconds": self.seconds,
            "kernel": self.kernel.to_dict(),
            "checks": [check.to_dict() for check in self.checks],
            "findings": [finding.to_dict() for finding in self.environment_findings],
            **({"environment": self.about.to_dict()} if self.about else {}),
        }

    @property
    def verdict(self) -> str:
        """The report in one line of words."""
        failed = [check.requirement for check in self.checks if check.status == "error"]
        count = len(self.checks)
        if failed:
            others = len(failed) - _NAMED
            names = ", ".join(failed[:_NAMED]) + (f" and {others} more" if others > 0 else "")
            return (
                f"{names} cannot be used here"
                if count == 1
                else f"{len(failed)} of {count} cannot be used here: {names}"
            )
        counts = [sum(one.severity == kind for one in self.environment_findings) for kind in ("error", "warning")]
        if counts[0] and not count:
            return f"{_counted(counts[0], 'problem')} in this environment{_with(counts[1])}"
        if counts[0]:
            return f"{_counted(counts[0], 'problem')}{_with(counts[1])}, though each name is usable here"
        warned = sum(check.status == "warning" for check in self.checks)
        more = "" if not warned else ", with a warning" if count == 1 else f", {warned} with a warning"
        if count == 1:
            return f"{self.checks[0].requirement} is usable here{more}"
        if count:
            return f"all {count} are usable here{more}"
        if counts[1]:
            return f"{_counted(counts[1], 'warning')} about this environment"
        among = f" in {_counted(self.about.distributions, 'distribution')}" if self.about else ""
        return f"nothing wrong was found{among}"

    def __repr__(self) -> str:
        return f"<Report: {self.verdict}>"

    def __str__(self) -> str:
        return self.to_text()

    def to_text(self, *, colour: bool = False, symbols: bool = True, width: int = 80) -> str:
        """Return the report for a terminal.

        Parameters
        ----------
        colour : bool
            Whether to colour the words of status.
        symbols : bool
            Whether to use symbols beyond ASCII.
        width : int
            Columns.
        """
        from ipy_envmagic.checks.text import render  # noqa: PLC0415 (a face is loaded when it is shown)

        return render(self, colour=colour, symbols=symbols, width=width)

    def to_html(self) -> str:
        """Return the report for a notebook: one element that needs no script and no style sheet."""
        from ipy_envmagic.checks.html import render  # noqa: PLC0415 (a face is loaded when it is shown)

        return render(self)

    def _repr_html_(self) -> str:
        return self.to_html()

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:  # noqa: FBT001 (IPython's protocol)
        """Write the text face (IPython's protocol), in colours where standard output is a terminal."""
        from ipy_envmagic.checks.text import for_stream  # noqa: PLC0415 (a face is loaded when it is shown)

        printer.text(repr(self) if cycle else self.to_text(**for_stream(sys.stdout)))


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'s' if number != 1 else ''}"


def _with(warnings: int) -> str:
    return f", and {_counted(warnings, 'warning')}" if warnings else ""


def _worst(findings: Sequence[Finding]) -> Status:
    severities = {finding.severity for finding in findings}
    return "error" if "error" in severities else "warning" if "warning" in severities else "ok"


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(item) for item in value]
    return value if value is None or isinstance(value, (str, int, float)) else str(value)
