"""The packages that notebooks use most, installed for real: not one false alarm.

Opt-in, for it installs from an index: `make test-wide`. It runs in the environment that has them.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ipy_envmagic.checks.check import check
from ipy_envmagic.checks.session import Session
from ipy_envmagic.environments.distributions import installed, metadata_headers, normalise, top_level
from ipy_envmagic.environments.environment import Environment
from ipy_envmagic.environments.names import distribution_for, modules_for

# What is installed (by the Makefile, from packages.txt beside this file), and a name that each is imported by.
LIST = Path(__file__).with_name("packages.txt").read_text(encoding="utf-8")
NAMES = [line.split() for line in LIST.splitlines() if line.strip() and not line.startswith("#")]
ENVIRONMENT = Environment.current()
TRY = "import sys, importlib; importlib.import_module(sys.argv[1])"


def problems(asked, modules=None):
    session = Session.current()
    report = check((asked,), ENVIRONMENT, session)
    # that a distribution has nothing to import is so, for some that others need
    return [
        (one.code, one.message) for one in report.findings if one.code not in {"name-mismatch", "empty-distribution"}
    ]


def can_be_imported(module):
    done = subprocess.run([sys.executable, "-c", TRY, module], capture_output=True, text=True, check=False, timeout=120)
    return done.returncode == 0, done.stderr[-300:]


@pytest.mark.parametrize(("distribution", "module"), NAMES)
def test_a_healthy_package_raises_nothing(distribution, module):
    works, said = can_be_imported(module)
    for asked in (distribution, module, f"{distribution}>=0"):
        found = problems(asked)
        if works:
            assert found == [], asked
        else:
            assert found, f"{module} cannot be imported, and nothing was said: {said}"


def test_every_distribution_and_every_module_of_it():
    wrong = {}
    for distribution in installed(ENVIRONMENT.site_directories).values():
        name = metadata_headers(distribution).get("name", [distribution.name])[0]
        found = problems(name)
        if found:
            wrong[name] = found
        for module in top_level(distribution):
            if (
                module.isidentifier()
                and not module.startswith("_")
                and os.path.exists(os.path.join(distribution.site_directory, module, "__init__.py"))
            ):
                found = problems(module)
                if found:
                    wrong[module] = found
    assert wrong == {}


@pytest.mark.parametrize(("distribution", "module"), NAMES)
def test_what_is_loaded_is_as_healthy(distribution, module):
    code = (
        "import sys, json, importlib\n"
        "from ipy_envmagic.checks.check import check\n"
        "from ipy_envmagic.checks.session import Session\n"
        "from ipy_envmagic.environments.environment import Environment\n"
        "try:\n    importlib.import_module(sys.argv[2])\nexcept Exception:\n    print('[]'); raise SystemExit\n"
        "found = check(sys.argv[1:], Environment.current(), Session.current()).findings\n"
        "print(json.dumps([(one.code, one.message) for one in found if one.code != 'name-mismatch']))"
    )
    command = [sys.executable, "-W", "ignore", "-c", code, distribution, module]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert json.loads(done.stdout.splitlines()[-1]) == []


def test_the_standard_library():
    wrong = {}
    for name in sorted(sys.stdlib_module_names - {"antigravity", "this", "idlelib"}):
        works, said = can_be_imported(name)
        found = problems(name)
        if bool(found) == works and (works or "ModuleNotFoundError" in said):
            wrong[name] = found
    assert wrong == {}


def test_no_check_takes_long():
    slow = {}
    for distribution, module in NAMES:
        for asked in (distribution, module):
            began = time.perf_counter()
            problems(asked)
            taken = time.perf_counter() - began
            if taken > 0.3:  # the bound is 30 ms; another process may run beside this one
                slow[asked] = taken
    assert slow == {}


def test_the_table_of_names_is_right_nearly_always():
    """Of all modules of all that is installed: what would the table, or else the name itself, have us install?

    A namespace (`google`, `azure`) is nobody's own, and what one of several brings (`cv2`) is right for each of them.
    """
    owners = {}
    for distribution in installed(ENVIRONMENT.site_directories).values():
        for module in top_level(distribution):
            place = Path(distribution.site_directory, module)
            if (
                module.isidentifier()
                and not module.startswith("_")
                and (not place.is_dir() or (place / "__init__.py").exists())
            ):
                owners.setdefault(module, set()).add(distribution.key)
    said = {module: normalise(distribution_for(module) or module) for module in owners}
    wrong = {
        module: (said[module], sorted(keys))
        for module, keys in owners.items()
        if said[module] not in keys and not any(module in modules_for(key) for key in keys)
    }
    by_name = sum(normalise(module) in keys for module, keys in owners.items())
    right = len(owners) - len(wrong)
    share = f"the table {right / len(owners):.1%}, the name itself {by_name / len(owners):.1%}"
    print(f"\n{len(owners)} modules: {share}; {wrong}")
    assert right / len(owners) > 0.97, wrong
