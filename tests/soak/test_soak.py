"""Many kernels change one environment at once: nothing is corrupted, nothing hangs, nothing is left behind.

``make soak`` runs it for ten minutes with eight kernels; without the variable it is skipped.
"""

import contextlib
import gc
import json
import os
import random
import threading
import time
import warnings
from collections import Counter

import pytest
from survival import Survivor, make_wheels, put_back

SECONDS = float(os.environ.get("IPY_ENVMAGIC_TEST_SOAK", "0"))
KERNELS = int(os.environ.get("IPY_ENVMAGIC_TEST_SOAK_KERNELS", "8"))
LONGEST = 180  # seconds that a cell may take: as many others may be ahead of it

pytestmark = [
    pytest.mark.skipif(not SECONDS, reason="make soak runs it"),
    pytest.mark.timeout(SECONDS + 600),
]


def line(rng):
    """Return a random cell, and whether it changes the environment."""
    name = rng.choice(["a", "c", "tool"])
    version = rng.choice(["1.0", "2.0"])
    both = f"envmagic-kill-{name}=={version}" + (f" envmagic-kill-b=={version}" if name == "a" else "")
    return rng.choices(
        [
            (f"%pip install {both}", True),
            (f"%pip uninstall envmagic-kill-{name}", True),
            (f"%uv pip install {both}", True),
            ("%pip list", False),
            (f"%envcheck envmagic-kill-{name}", False),
            ("%envcheck", False),
            ("%envcheck --history 3", False),
            ("%envcheck --undo", True),
        ],
        weights=[6, 2, 2, 2, 3, 2, 1, 1],
    )[0]


def work(kernel, until, seed, told, interrupts):
    rng = random.Random(seed)
    while time.monotonic() < until:
        cell, changes = line(rng)
        began = time.monotonic()
        running = kernel.start(cell, stdin=True)
        if changes and interrupts and rng.random() < 0.25:
            for _ in range(rng.randint(1, 2)):
                time.sleep(rng.random() * 2)
                with contextlib.suppress(Exception):
                    kernel.interrupt()
        try:
            result = running.result(LONGEST)
        except Exception as error:  # noqa: BLE001 (a thread cannot fail the test itself)
            told.append((cell, "HUNG", repr(error), time.monotonic() - began))
            return
        name = result.error.ename if result.error else "ok"
        told.append((cell, name, result.error.text if result.error else "", time.monotonic() - began))


def test_soak(new_venv, new_kernel, tmp_path, home):
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    make_wheels(wheels)
    survivor = Survivor(new_venv("soak", kernel=True), wheels, home)
    put_back(survivor)
    names = ("PIP_NO_INDEX", "PIP_FIND_LINKS", "UV", "UV_OFFLINE", "UV_NO_INDEX", "UV_FIND_LINKS")
    variables = {name: survivor.variables[name] for name in names}
    kernels = [new_kernel(survivor.venv.python, env=variables, load=True) for _ in range(KERNELS)]
    told, until = [], time.monotonic() + SECONDS
    seeds = [random.SystemRandom().randrange(1 << 32) for _ in kernels]
    threads = [
        threading.Thread(target=work, args=(kernel, until, seed, told, True))
        for kernel, seed in zip(kernels, seeds, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for kernel in kernels:
        kernel.shutdown(now=True)
    with warnings.catch_warnings():  # the client's event loop of each thread is left to the collector
        warnings.simplefilter("ignore")
        del threads
        gc.collect()
    counts = Counter((cell.split(" envmagic")[0], name) for cell, name, _, _ in told)
    longest = max(seconds for *_, seconds in told)
    print(f"\n{len(told)} cells, the longest took {longest:.1f} s; seeds {seeds}")
    for (cell, name), count in sorted(counts.items()):
        print(f"{count:5} {cell}: {name}")
    expected = {"ok", "CommandFailed", "CommandInterrupted", "KeyboardInterrupt", "EnvMagicError", "LineError"}
    assert [one for one in told if one[1] not in expected] == []
    versions, checked, strange, infos, whole = survivor.look()
    assert all(version in {None, "1.0", "2.0"} for version in versions.values()), versions
    assert (strange, whole) == ([], True), (strange, infos)
    assert "No broken requirements" in checked or "envmagic-kill-a" in checked
    assert survivor.kept() == []
    lines = (survivor.venv.path / ".ipy_envmagic/history.jsonl").read_text().splitlines()
    numbers = [json.loads(text)["number"] for text in lines]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    print(f"{len(lines)} lines in the journal; at the end {versions}")
