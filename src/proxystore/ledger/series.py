"""The dimensions of events, each combination kept once and named by a number."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Any, Final, TypeAlias

from sqlalchemy import Text, and_, select, true

from proxystore.database import Database, Query, Rowset, Statement, Transaction
from proxystore.ledger.entries import UsageEntry
from proxystore.ledger.rollups import insert_into
from proxystore.ledger.rows import DIALECTS, Dialect
from proxystore.schema.usage import usage_series

Dimensions: TypeAlias = tuple[str, ...]

DIMENSIONS: Final = tuple(column.name for column in usage_series.c if column.name != "id")
_values_of: Final = attrgetter(*DIMENSIONS)
_MOST_REMEMBERED: Final = 50_000


def dimensions_of(entry: UsageEntry) -> Dimensions:
    """Return what *entry* is counted under; '' stands for none."""
    project, key, credential, provider, operation, request, response = _values_of(entry)
    return project or "", key or "", credential or "", provider, operation, request or "", response or ""


class Series:
    """Numbers for dimensions: remembered, looked up, made. They are never taken back."""

    def __init__(self) -> None:
        self._known: dict[Dimensions, int] = {}

    async def intern(self, database: Database, wanted: Iterable[Dimensions]) -> Mapping[Dimensions, int]:
        """Return a number for each of *wanted*; new ones are made in a transaction of their own."""
        wanted = set(wanted)
        missing = sorted(wanted - self._known.keys())
        if len(self._known) + len(missing) > _MOST_REMEMBERED:
            self._known.clear()
            missing = sorted(wanted)
        if missing:
            async with database.transaction() as transaction:
                self._known.update(await _interned(transaction, database.dialect, missing))
        return self._known


async def _interned(
    transaction: Transaction, dialect: Dialect, missing: Sequence[Dimensions]
) -> Mapping[Dimensions, int]:
    rows = _ROWS.encoded(dialect, missing)
    await transaction.execute(_INSERT[dialect], rows=rows)
    return dict(await transaction.fetch_all(_FIND[dialect], rows=rows))


def _insert(dialect: Dialect) -> Statement:
    source = _ROWS.table(dialect)
    values = [source.c[name] for name in DIMENSIONS]
    insert = insert_into(dialect, usage_series).from_select(DIMENSIONS, select(*values).where(true()).order_by(*values))
    return Statement(insert.on_conflict_do_nothing(index_elements=DIMENSIONS))


def _find(dialect: Dialect) -> Query[tuple[Dimensions, int]]:
    source = _ROWS.table(dialect)
    is_same = and_(*(usage_series.c[name] == source.c[name] for name in DIMENSIONS))
    return Query(select(usage_series).join(source, is_same), _pair)


def _pair(**row: Any) -> tuple[Dimensions, int]:
    return tuple(row[name] for name in DIMENSIONS), row["id"]


_ROWS: Final = Rowset(dict.fromkeys(DIMENSIONS, Text()))
_INSERT: Final = {dialect: _insert(dialect) for dialect in DIALECTS}
_FIND: Final = {dialect: _find(dialect) for dialect in DIALECTS}
