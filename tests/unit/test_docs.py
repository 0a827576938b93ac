"""The documentation names what the code says, and nothing else."""

import ast
import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import ipy_envmagic

PACKAGE = Path(ipy_envmagic.__file__).parent
DOCS = Path(__file__).resolve().parents[2] / "docs"
CODE = re.compile(r"[a-z]+(?:-[a-z0-9]+)*")


def codes_of(path):
    """Return the codes that a module gives: the first argument of Finding, or of a function that makes one."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and "inding" in node.func.id and node.args:
            first = node.args[0]
            if isinstance(first, ast.Constant) and isinstance(first.value, str) and CODE.fullmatch(first.value):
                yield first.value


@pytest.mark.skipif(importlib.util.find_spec("mkdocs") is None, reason="mkdocs is not installed (the extra docs)")
def test_the_site_builds_without_a_warning(tmp_path):
    words = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path / "site")]
    done = subprocess.run(
        words,
        cwd=DOCS.parent,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr
    assert (tmp_path / "site/causes/index.html").exists()


def test_every_cause_is_documented():
    given = {code for path in (PACKAGE / "checks").rglob("*.py") for code in codes_of(path)}
    assert len(given) > 60
    documented = set(
        re.findall(r"^\| `([a-z0-9-]+)` \|", (DOCS / "causes.md").read_text(encoding="utf-8"), re.MULTILINE)
    )
    assert given == documented


def test_the_configuration_of_the_readme_is_the_traits():
    readme = (DOCS.parent / "README.md").read_text(encoding="utf-8")
    from ipy_envmagic.magics import EnvMagics

    documented = set(re.findall(r"^\| `c\.EnvMagics\.(\w+)`", readme, re.MULTILINE))
    assert documented == set(EnvMagics.class_trait_names(config=True))
