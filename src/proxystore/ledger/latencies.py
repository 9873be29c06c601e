"""Adding latencies to the histograms of their hours and days: read, add up, written back, for no database can."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, TypeAlias

from sqlalchemy import ColumnElement, FromClause, Integer, Table, and_, bindparam, select

from proxystore import histograms
from proxystore.database import Each, Query, Script, Statement, Transaction, upsert
from proxystore.ledger.rows import (
    Dialect,
    Row,
    encoded,
    encoded_with_names,
    latency_of,
    rows_in_arrays,
    rows_in_objects,
)
from proxystore.schema.usage import usage_latency_daily, usage_latency_hourly

Key: TypeAlias = tuple[int, int]
"""A period and a series."""
Counts: TypeAlias = dict[int, int]
"""How many are in each bin."""

TABLES: Final[Mapping[str, Table]] = {"hour": usage_latency_hourly, "day": usage_latency_daily}


def added(dialect: Dialect, rows: Iterable[Row]) -> Script[None]:
    """Add what *rows*, all of them new, took; the rows of their roll-ups must be locked."""
    hourly: dict[Key, Counts] = {}
    daily: dict[Key, Counts] = {}
    for row in rows:
        if (latency := latency_of(row)) is not None:
            hour, day, series_id, place = latency
            for counts in (hourly.setdefault((hour, series_id), {}), daily.setdefault((day, series_id), {})):
                counts[place] = counts.get(place, 0) + 1
    for period, given in (("hour", hourly), ("day", daily)):
        if given:
            yield from _merged(dialect, period, given)


async def write(transaction: Transaction, period: str, counts: Mapping[Key, Counts]) -> None:
    """Write the histograms of *counts* in place of those there."""
    packed = {key: histograms.pack(places) for key, places in counts.items()}
    await transaction.execute_many(_WRITE[period], _values(packed))


def _merged(dialect: Dialect, period: str, counts: Mapping[Key, Counts]) -> Script[None]:
    keys = encoded(counts) if dialect == "sqlite" else encoded_with_names(counts, _KEY)
    known = dict((yield _FIND[dialect, period], {"rows": keys}))
    packed = {
        key: histograms.grown(known[key], new) if key in known else histograms.pack(new) for key, new in counts.items()
    }
    yield _WRITE[period], Each(_values(packed))


def _values(packed: Mapping[Key, bytes]) -> list[dict[str, object]]:
    return [{"period": key[0], "series_id": key[1], "histogram": packed[key]} for key in sorted(packed)]


def _find(dialect: Dialect, period: str) -> Query[tuple[Key, bytes]]:
    table, source = TABLES[period], _SOURCES[dialect]
    is_same = and_(table.c[period] == source.c.period, table.c.series_id == source.c.series_id)
    columns = (table.c[period].label("period"), table.c.series_id, table.c.histogram)
    return Query(
        select(*columns).join(source, is_same),
        lambda period, series_id, histogram: ((period, series_id), histogram),
    )


def _write(period: str) -> Statement:
    table = TABLES[period]
    values: dict[str, ColumnElement[Any]] = {
        period: bindparam("period"),
        "series_id": bindparam("series_id"),
        "histogram": bindparam("histogram"),
    }
    insert = upsert(table).values(values)
    return Statement(
        insert.on_conflict_do_update(
            index_elements=[period, "series_id"], set_={"histogram": insert.excluded.histogram}
        )
    )


_KEY: Final = ("period", "series_id")
_TYPES: Final = dict.fromkeys(_KEY, Integer())
_SOURCES: Final[Mapping[Dialect, FromClause]] = {
    "sqlite": rows_in_arrays(_TYPES),
    "postgresql": rows_in_objects(_TYPES),
}
_FIND: Final = {(dialect, period): _find(dialect, period) for dialect in _SOURCES for period in TABLES}
_WRITE: Final = {period: _write(period) for period in TABLES}
