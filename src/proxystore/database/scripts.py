"""Several statements as one transaction, each made of what the ones before returned."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias, TypeVar

from proxystore.database.bulk import Bulk
from proxystore.database.compiling import Compiled
from proxystore.database.session import BoundScript, BoundStep
from proxystore.database.statement import Query, Statement

T = TypeVar("T")


class Counted(NamedTuple):
    """The values of a statement that is no query, of which is wanted how many rows it touched."""

    values: Mapping[str, object]


Step: TypeAlias = tuple[Statement, Mapping[str, object] | Counted] | tuple[Bulk, Sequence[Sequence[object]]]
Script: TypeAlias = Generator[Step, list[Any], T]
"""Yields statements with their values and is sent the records of each; of what is no query: how many rows, or nothing.

It never waits: on SQLite it runs in the connection's thread, all of it at once.
"""


def bound(script: Script[T], compiled: Callable[[Statement], Compiled]) -> BoundScript[T]:
    """Return *script* as a driver can run it."""
    records: list[Any] | None = None
    values: Any
    rows: Sequence[Sequence[Any]]
    while True:
        try:
            statement, values = next(script) if records is None else script.send(records)
        except StopIteration as end:
            result: T = end.value
            return result
        records = []
        if isinstance(statement, Bulk):
            for sql, arguments in statement.filled(values):
                yield BoundStep(sql, arguments, is_repeated=True)
            continue
        form = compiled(statement)
        if isinstance(values, Counted):
            rows = yield BoundStep(*form.bind(values.values), is_counted=True)
            records = [rows[0][0]]
            continue
        rows = yield BoundStep(*form.bind(values))
        if isinstance(statement, Query):
            records = statement.records(form, rows)
