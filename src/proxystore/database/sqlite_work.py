"""What is done in the thread of a SQLite connection, all of it at once."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from proxystore.database.session import Arguments, BoundScript, Rows

T = TypeVar("T")


def begin(raw: sqlite3.Connection) -> None:
    """Begin to write."""
    raw.execute("BEGIN IMMEDIATE")


def commit(raw: sqlite3.Connection) -> None:
    """Make it last."""
    raw.execute("COMMIT")


def rollback(raw: sqlite3.Connection) -> None:
    """Undo what has begun, if anything has."""
    if raw.in_transaction:
        raw.execute("ROLLBACK")


# Closures, not partials: aiosqlite logs what it runs, and a partial shows its arguments.
def whole(work: Callable[[sqlite3.Connection], T], done: Callable[[], None]) -> Callable[[sqlite3.Connection], T]:
    """Return *work* as a transaction; *done* is called at once, before the way back, on which a busy loop may lie."""

    def transaction(raw: sqlite3.Connection) -> T:
        begin(raw)
        try:
            result = work(raw)
            commit(raw)
        except BaseException:
            rollback(raw)
            raise
        done()
        return result

    return transaction


def then(work: Callable[[sqlite3.Connection], T], done: Callable[[], None]) -> Callable[[sqlite3.Connection], T]:
    """Return *work* with *done* called right after it."""

    def both(raw: sqlite3.Connection) -> T:
        result = work(raw)
        done()
        return result

    return both


def fetch(sql: str, arguments: Arguments) -> Callable[[sqlite3.Connection], list[Any]]:
    """Return what returns every row."""
    return lambda raw: raw.execute(sql, arguments).fetchall()


def drive(script: Callable[[], BoundScript[T]]) -> Callable[[sqlite3.Connection], T]:
    """Return what runs a script; see `Session.perform`."""

    def run(raw: sqlite3.Connection) -> T:
        steps = script()
        rows: Rows | None = None
        while True:
            try:
                step = next(steps) if rows is None else steps.send(rows)
            except StopIteration as end:
                result: T = end.value
                return result
            cursor = (raw.executemany if step.is_repeated else raw.execute)(step.sql, step.arguments)
            rows = [(count(cursor),)] if step.is_counted else cursor.fetchall()

    return run


def execute(sql: str, arguments: Arguments) -> Callable[[sqlite3.Connection], int]:
    """Return what returns how many rows were touched."""
    return lambda raw: count(raw.execute(sql, arguments))


def execute_many(sql: str, rows: Sequence[Arguments]) -> Callable[[sqlite3.Connection], int]:
    """Return what runs *sql* for each of *rows*, and returns how many were touched."""
    return lambda raw: raw.executemany(sql, rows).rowcount


def execute_each(sql: str, rows: Sequence[Arguments]) -> Callable[[sqlite3.Connection], int]:
    """Do the same for what returns rows."""
    return lambda raw: sum(count(raw.execute(sql, row)) for row in rows)


def count(cursor: sqlite3.Cursor) -> int:
    """Return how many rows a statement returned or touched."""
    return len(cursor.fetchall()) if cursor.description else max(cursor.rowcount, 0)
