"""Rows by the thousand into SQLite, many with each statement.

A statement for each row gives up the interpreter's lock and takes it back for each row, and on a busy event loop waits
for it each time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import chain
from typing import Final

from sqlalchemy import Table

_AT_A_TIME: Final = (50, 7, 1)


class Bulk:
    """Fills *table* on SQLite; nothing is checked or converted.

    Args:
        table: What is filled.
        columns: The names of those that are given, all by default; rows have them in this order.
        key: The names of the columns by which a row that is there already is told, to be replaced.
    """

    def __init__(self, table: Table, columns: Sequence[str] | None = None, *, key: Sequence[str] = ()) -> None:
        self._table = table.name
        self._columns = tuple(columns or (column.name for column in table.c))
        self._key = tuple(key)

    def filled(self, rows: Sequence[Sequence[object]]) -> Iterator[tuple[str, list[list[object]]]]:
        """Yield statements that insert *rows*, each with the arguments of every time it is to be run."""
        begin = 0
        for count in _AT_A_TIME:
            end = len(rows) - (len(rows) - begin) % count
            if begin < end:
                parts = (rows[first : first + count] for first in range(begin, end, count))
                arguments = [list(chain.from_iterable(part)) for part in parts]
                yield _text(self._table, self._columns, self._key, count), arguments
            begin = end


@lru_cache(maxsize=256)
def _text(table: str, columns: tuple[str, ...], key: tuple[str, ...], count: int) -> str:
    one = f"({', '.join('?' * len(columns))})"
    text = f"INSERT INTO {table} ({', '.join(columns)}) VALUES {', '.join([one] * count)}"  # noqa: S608  all are ours
    if not key:
        return text
    new = ", ".join(f"{name} = excluded.{name}" for name in columns if name not in key)
    return f"{text} ON CONFLICT ({', '.join(key)}) DO UPDATE SET {new}"
