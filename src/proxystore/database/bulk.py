"""Rows by the thousand into SQLite, many with each statement.

A statement for each row gives up the interpreter's lock and takes it back for each row, and on a busy event loop waits
for it each time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from itertools import chain
from typing import Final

from sqlalchemy import Table

_AT_A_TIME: Final = 50


class Bulk:
    """Fills *table* on SQLite: every column of each row is given, in its order; nothing is checked or converted."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def filled(self, rows: Sequence[Sequence[object]]) -> Iterator[tuple[str, list[list[object]]]]:
        """Yield statements that insert *rows*, each with the arguments of every time it is to be run."""
        whole = len(rows) - len(rows) % _AT_A_TIME
        if whole:
            parts = (rows[begin : begin + _AT_A_TIME] for begin in range(0, whole, _AT_A_TIME))
            yield _text(self._table, _AT_A_TIME), [list(chain.from_iterable(part)) for part in parts]
        if whole < len(rows):
            yield _text(self._table, 1), [list(row) for row in rows[whole:]]


@cache
def _text(table: Table, count: int) -> str:
    one = f"({', '.join('?' * len(table.c))})"
    return f"INSERT INTO {table.name} VALUES {', '.join([one] * count)}"  # noqa: S608  both are ours
