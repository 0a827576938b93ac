"""A real environment in which something does not import: look at it as a kernel there would, run the cure, look again.

patient = Patient(venv, cwd)
cured = patient.cure("demo", proof="import demo")
assert cured.before.codes == ["files-missing"]      # and `import demo` failed, then `%envcheck` said this
assert cured.after.codes == []                      # the printed lines were run, the restart too where one was due
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from venvs import Venv

__all__ = ["Cured", "Patient", "Seen", "codes"]

SESSION = Path(__file__).with_name("patient_session.py")


def codes(check: Any) -> list[str]:
    """Return the codes of a check's findings, in their order."""
    return [finding.code for finding in check.findings]


@dataclass(frozen=True)
class Seen:
    """What was seen at one moment of a session: what importing led to, and what `%envcheck` said of it."""

    failure: str | None
    """The last line of the traceback of the proof; None where it worked."""
    report: dict[str, Any]
    text: str

    @property
    def findings(self) -> list[dict[str, Any]]:
        return [finding for check in self.report["checks"] for finding in check["findings"]]

    @property
    def codes(self) -> list[str]:
        return [finding["code"] for finding in self.findings]

    @property
    def fixes(self) -> list[str]:
        """The lines of all fixes, in their order."""
        return [line for finding in self.findings if finding["fix"] for line in finding["fix"]["magic"]]

    @property
    def restart(self) -> bool:
        return any(finding["fix"] and finding["fix"]["restart"] for finding in self.findings)


@dataclass(frozen=True)
class Cured:
    """Before and after the printed cure."""

    before: Seen
    after: Seen


@dataclass(frozen=True)
class Patient:
    """An environment with IPython and the extension, and how a session in it is started.

    Parameters
    ----------
    venv : Venv
        As the fixture `fresh_venv` makes it.
    cwd : path
        The working directory of the session.
    env : mapping of str to str
        The variables of the session; those of the test itself where nothing is given.
    options : list of str
        Options of the interpreter, e.g. ``-s``.
    """

    venv: Venv
    cwd: Path
    env: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    options: tuple[str, ...] = ()

    def see(self, requirement: str, *, proof: str = "", before: str = "") -> Seen:
        """Start a session, run `before` in it, try `proof` in a copy of it, and check the requirement.

        Parameters
        ----------
        requirement : str
            What to write after ``%envcheck``.
        proof : str
            Code that must work for the requirement to be usable, as ``import demo``.
        before : str
            Code of the person's own, a cell of the same session.
        """
        return self._session(requirement, proof, before, cure=False)[0]

    def cure(self, requirement: str, *, proof: str, before: str = "") -> Cured:
        """See that the proof fails, run the lines that `%envcheck` prints, restart where it asks to, and look again."""
        seen = self._session(requirement, proof, before, cure=True)
        assert seen[0].failure, f"{proof} works before the cure"
        assert seen[0].fixes or seen[0].restart, f"no line to run and no restart:\n{seen[0].text}"
        after = self._session(requirement, proof, "", cure=False)[0] if seen[0].restart else seen[1]
        assert after.failure is None, (
            f"after {seen[0].fixes}: {after.failure}\nBefore:\n{seen[0].text}\nNow:\n{after.text}"
        )
        return Cured(seen[0], after)

    def _session(self, requirement: str, proof: str, before: str, *, cure: bool) -> list[Seen]:
        with tempfile.TemporaryDirectory() as folder:
            answer = Path(folder) / "answer.json"
            asked = {"requirement": requirement, "proof": proof, "before": before, "cure": cure, "answer": str(answer)}
            done = subprocess.run(
                [self.venv.python, *self.options, "-W", "ignore", str(SESSION), json.dumps(asked)],
                cwd=self.cwd,
                env=dict(self.env),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                encoding="utf-8",
                errors="replace",
                timeout=120,
                check=False,
            )
            assert answer.exists(), f"the session ended with {done.returncode}:\n{done.stdout}\n{done.stderr}"
            values: Iterable[dict[str, Any]] = json.loads(answer.read_text(encoding="utf-8"))
        return [Seen(value["failure"], value["report"], value["text"]) for value in values]
