"""Several statements as one transaction, each made of what the ones before returned."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from typing import Any, TypeAlias, TypeVar

from proxystore.database.compiling import Compiled
from proxystore.database.session import Arguments, Rows
from proxystore.database.statement import Query, Statement

T = TypeVar("T")

Step: TypeAlias = tuple[Statement, Mapping[str, object]]
Script: TypeAlias = Generator[Step, list[Any], T]
"""Yields statements with their values and is sent the records of each (of what is no query: none); returns a result.

It never waits: on SQLite it runs in the connection's thread, all of it at once.
"""
BoundScript: TypeAlias = Generator[tuple[str, Arguments], Rows, T]


def bound(script: Script[T], compiled: Callable[[Statement], Compiled]) -> BoundScript[T]:
    """Return *script* as a driver can run it."""
    records: list[Any] | None = None
    while True:
        try:
            statement, values = next(script) if records is None else script.send(records)
        except StopIteration as end:
            result: T = end.value
            return result
        form = compiled(statement)
        rows: Sequence[Sequence[Any]] = yield form.bind(values)
        records = statement.records(form, rows) if isinstance(statement, Query) else []
