"""The three floors: a module imports only what lies on its own floor or below."""

import ast
from pathlib import Path

import pytest

import ipy_envmagic

PACKAGE = Path(ipy_envmagic.__file__).parent
FLOORS = {"environments": 1, "requirements": 1, "errors": 0, "commands": 2, "run": 2, "checks": 2}
TOP = 3
SHELL = {"IPython", "ipykernel", "traitlets"}


def floor_of(parts):
    return FLOORS.get(parts[0], TOP) if parts else TOP


def imports(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_module_imports_only_what_lies_below(path):
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    mine = floor_of(parts)
    for name in imports(path):
        root, *rest = name.split(".")
        if root == "ipy_envmagic":
            assert floor_of(rest) <= mine, f"{path.name} (floor {mine}) imports {name}"
        if mine < TOP:
            assert root not in SHELL, f"{path.name} (floor {mine}) imports {name}"
        if mine < TOP and parts[0] != "run":
            assert root != "subprocess", f"{path.name} starts processes"


def test_the_test_sees_what_it_should():
    assert floor_of(("magics",)) == TOP
    assert "ipy_envmagic.run.process" in {name.rpartition(".")[0] for name in imports(PACKAGE / "frontend.py")}
