"""The house as the promises see it: its files, and what a syntax tree tells of them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
CORE: Final = ROOT / "src" / "proxystore"
CODE: Final = sorted(file for folder in ("src", "plugins", "migrations") for file in (ROOT / folder).rglob("*.py"))
TESTS: Final = sorted((ROOT / "tests").rglob("*.py"))
EXAMPLES: Final = sorted((ROOT / "examples").rglob("*.py"))
PAGES: Final = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def name(file: Path) -> str:
    """Return what a message calls *file*."""
    return file.relative_to(ROOT).as_posix()


def is_in(file: Path, *rooms: str) -> bool:
    """Return whether *file* belongs to one of these rooms of the core."""
    return any(file.is_relative_to(CORE / room) or file == CORE / f"{room}.py" for room in rooms)


def tree(file: Path) -> ast.Module:
    """Return the syntax tree of *file*."""
    return ast.parse(file.read_text(encoding="utf-8"), str(file))


def calls(node: ast.AST) -> Iterator[ast.Call]:
    """Return every call below *node*."""
    return (child for child in ast.walk(node) if isinstance(child, ast.Call))


def imports(node: ast.AST) -> Iterator[tuple[int, str]]:
    """Return the line and the module of every import below *node*."""
    for child in ast.walk(node):
        if isinstance(child, ast.Import):
            yield from ((child.lineno, alias.name) for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            yield child.lineno, child.module or ""


def texts(module: ast.Module) -> Iterator[tuple[int, str]]:
    """Return the line and the value of every string of *module* that is no docstring."""
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    statements = (child.body[0] for child in ast.walk(module) if isinstance(child, documented) and child.body)
    docstrings = {id(statement.value) for statement in statements if isinstance(statement, ast.Expr)}
    for child in ast.walk(module):
        if isinstance(child, ast.Constant) and isinstance(child.value, str) and id(child) not in docstrings:
            yield child.lineno, child.value
