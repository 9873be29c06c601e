"""What no file of ours does, however handy it looks: docs/decisions says why for each."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from proxystore.schema import metadata
from tests.promises.house import CODE, calls, imports, is_in, name, texts, tree

_UNPICKLING: Final = {"cloudpickle", "dill", "marshal", "pickle", "shelve"}
_RAW: Final = re.compile(r"(^|[._])raw(_connection)?$")


def _called(file: Path, *, text: str) -> Iterator[str]:
    for call in calls(tree(file)):
        if ast.unparse(call.func) == text:
            yield f"{name(file)}:{call.lineno}: {text}"


def test_the_librarys_own_transactions_are_not_used() -> None:
    """They leak the connection when their task is cancelled, and when their COMMIT fails."""
    found = [
        f"{name(file)}:{call.lineno}: {ast.unparse(call.func)}"
        for file in CODE
        if is_in(file, "database")
        for call in calls(tree(file))
        if isinstance(call.func, ast.Attribute)
        and call.func.attr == "transaction"
        and not _RAW.search(ast.unparse(call.func.value))
    ]

    assert not found


def test_force_rollback_is_not_used() -> None:
    """It funnels all tasks through one connection, which hides the bugs that a test should find."""
    assert not [name(file) for file in CODE if "force_rollback" in file.read_text(encoding="utf-8")]


def test_no_statement_ignores_its_conflicts() -> None:
    """INSERT OR IGNORE swallows every violated constraint, ON CONFLICT DO NOTHING only the one it names."""
    found = [
        f"{name(file)}:{line}: {value}"
        for file in CODE
        for line, value in texts(tree(file))
        if re.search(r"\bOR\s+(IGNORE|REPLACE)\b", value, re.IGNORECASE)
    ]

    assert not found


def test_no_column_has_a_default_in_python() -> None:
    """Statements run raw, so a default that SQLAlchemy would fill in is never filled in."""
    columns = [column for table in metadata.sorted_tables for column in table.columns]

    assert columns
    assert not [str(column) for column in columns if column.default is not None or column.onupdate is not None]


def test_every_foreign_key_says_what_happens_when_its_target_goes() -> None:
    """Left unsaid, it is decided by whoever deletes first."""
    keys = [key for table in metadata.sorted_tables for key in table.foreign_key_constraints]

    assert not [str(key.name) for key in keys if key.ondelete is None]


def test_nothing_is_unpickled() -> None:
    """To unpickle is to run what somebody else wrote."""
    found = [f"{name(file)}:{line}" for file in CODE for line, module in imports(tree(file)) if module in _UNPICKLING]

    assert not found


def test_only_the_command_line_prints() -> None:
    """The rest logs: standard output belongs to the wrapped proxy."""
    assert not [found for file in CODE if not is_in(file, "cli", "demo") for found in _called(file, text="print")]


def test_no_coroutine_puts_its_loop_to_sleep() -> None:
    """One that did would hold up every request of its process."""
    found = [
        f"{name(file)}:{call.lineno}"
        for file in CODE
        for function in ast.walk(tree(file))
        if isinstance(function, ast.AsyncFunctionDef)
        for call in calls(function)
        if ast.unparse(call.func) in {"time.sleep", "sleep"}
    ]

    assert not found


def test_no_deadline_waits_for_a_driver_to_give_up() -> None:
    """`asyncio.wait_for` returns when the cancelled call has ended; with a frozen server that is never."""
    assert not [found for file in CODE if is_in(file, "database") for found in _called(file, text="asyncio.wait_for")]
