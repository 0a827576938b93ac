"""What code imports, read from its text: nothing of it is run."""

from __future__ import annotations

import ast
import os
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ipy_envmagic.errors import EnvMagicError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["Imports", "collect", "imports_of", "without_local"]

_CAUGHT = frozenset({"ImportError", "ModuleNotFoundError", "Exception", "BaseException"})
_CALLS = frozenset({"import_module", "__import__"})


@dataclass(frozen=True, slots=True)
class Imports:
    """The modules that code imports.

    Parameters
    ----------
    names : tuple of str
        Dotted names, in the order of the code; of two that begin alike the longer.
    optional : frozenset of str
        Those that the code does without: in a ``try`` that catches the failure, or for type checkers only.
    """

    names: tuple[str, ...] = ()
    optional: frozenset[str] = frozenset()


def imports_of(text: str, path: str, folder: str) -> Imports:
    """Return what a text of Python imports, without what comes with Python or lies beside it.

    Parameters
    ----------
    text : str
        The code.
    path : str
        Where it comes from, for the error.
    folder : str
        Where it is run: modules that lie there are its own.

    Raises
    ------
    EnvMagicError
        It is no Python.
    """
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line = getattr(error, "lineno", None)
        raise EnvMagicError(f"{path} is no Python{f' (line {line})' if line else ''}: {error}") from None
    return without_local(collect(tree), folder)


@dataclass(slots=True)
class _Seen:
    needed: dict[str, None] = field(default_factory=dict)
    optional: dict[str, None] = field(default_factory=dict)


def collect(tree: ast.AST) -> Imports:
    """Return every absolute import of a syntax tree, in functions and classes too.

    Parameters
    ----------
    tree : ast.AST
        Of a module or a cell.
    """
    seen = _Seen()
    _visit(tree, seen, optional=False)
    needed = dict.fromkeys(seen.needed)
    return Imports(tuple({**needed, **seen.optional}), frozenset(set(seen.optional) - set(needed)))


def without_local(found: Imports, folder: str) -> Imports:
    """Leave out what comes with Python and what lies in the folder, and of two that begin alike the shorter.

    Parameters
    ----------
    found : Imports
        What code imports.
    folder : str
        Where the code is run.
    """
    names = [name for name in found.names if not _is_own(name.partition(".")[0], folder)]
    kept = [name for name in names if not any(other.startswith(f"{name}.") for other in names)]
    needed = {name for name in names if name not in found.optional}
    optional = {name for name in kept if not any(one == name or one.startswith(f"{name}.") for one in needed)}
    return Imports(tuple(kept), frozenset(optional & found.optional))


def _visit(node: ast.AST, seen: _Seen, *, optional: bool) -> None:
    into = seen.optional if optional else seen.needed
    into.update(dict.fromkeys(_imported(node)))
    if isinstance(node, ast.Try) and any(_catches(handler) for handler in node.handlers):
        for tried in (*node.body, *node.handlers):
            _visit(tried, seen, optional=True)
        for other in (*node.orelse, *node.finalbody):
            _visit(other, seen, optional=optional)
        return
    if isinstance(node, ast.If) and _is_for_type_checkers(node.test):
        for guarded in node.body:
            _visit(guarded, seen, optional=True)
        for other in node.orelse:
            _visit(other, seen, optional=optional)
        return
    for child in ast.iter_child_nodes(node):
        _visit(child, seen, optional=optional)


def _imported(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
        yield node.module
    elif isinstance(node, ast.Call) and node.args:
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        first = node.args[0]
        literal = first.value if isinstance(first, ast.Constant) else None
        if name in _CALLS and isinstance(literal, str) and all(part.isidentifier() for part in literal.split(".")):
            yield literal


def _catches(handler: ast.ExceptHandler) -> bool:
    kinds: Iterable[ast.expr | None] = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(kind is None or getattr(kind, "id", getattr(kind, "attr", "")) in _CAUGHT for kind in kinds)


def _is_for_type_checkers(test: ast.expr) -> bool:
    return getattr(test, "id", getattr(test, "attr", "")) == "TYPE_CHECKING"


def _is_own(root: str, folder: str) -> bool:
    if root in sys.stdlib_module_names or root in {"__main__", "__future__"}:
        return True
    if not folder:
        return False
    return os.path.isfile(os.path.join(folder, f"{root}.py")) or os.path.isfile(
        os.path.join(folder, root, "__init__.py")
    )
