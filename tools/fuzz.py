"""Fuzz the readers of files and lines with atheris, one target after the other.

    python tools/fuzz.py [--runs N] [TARGET ...]

The inputs that told something new are kept in ``.fuzz/TARGET`` for the next time; one that fails is written into
``tests/fuzz/corpus/TARGET``, where the tests try it from then on.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CHILD = """
import sys
import atheris
with atheris.instrument_imports(include=["ipy_envmagic"]):
    import fuzz_targets
name = sys.argv.pop(1)
atheris.Setup(sys.argv, lambda data: fuzz_targets.run(name, data))
atheris.Fuzz()
"""


def main() -> int:
    sys.path.insert(0, str(ROOT / "tests"))
    from fuzz_targets import CORPUS, TARGETS  # noqa: PLC0415 (found in the tests)

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=60_000, help="inputs for each target")
    parser.add_argument("targets", nargs="*", metavar="TARGET")
    asked = parser.parse_args()
    failed = []
    for name in asked.targets or TARGETS:
        kept, found = ROOT / ".fuzz" / name, Path(CORPUS) / name
        for folder in (kept, found):
            folder.mkdir(parents=True, exist_ok=True)
        for number, data in enumerate(TARGETS[name][1]):
            (kept / f"seed{number}").write_bytes(data)
        options = [f"-runs={asked.runs}", "-max_len=2000", "-timeout=10", "-rss_limit_mb=4096", "-print_final_stats=1"]
        command = [sys.executable, "-c", CHILD, name, *options, f"-artifact_prefix={found}/", str(kept), str(found)]
        done = subprocess.run(
            command, cwd=ROOT / "tests", capture_output=True, text=True, errors="replace", check=False
        )
        stats = [line for line in done.stderr.splitlines() if "number_of_executed_units" in line]
        executed = stats[0].rpartition(" ")[2] if stats else "?"
        print(f"{name:16} {executed:>8} inputs: {'FAILED' if done.returncode else 'well'}", flush=True)
        if done.returncode:
            failed.append(name)
            print(done.stderr[-3000:])
        if not any(found.iterdir()):
            found.rmdir()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
