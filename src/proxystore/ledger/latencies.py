"""Adding latencies to the histograms of their hours and days: read, add up, written back, for no database can."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, TypeAlias

from sqlalchemy import ColumnElement, Integer, Table, and_, bindparam, select

from proxystore import histograms
from proxystore.database import Each, Query, Rowset, Script, Statement, Transaction, upsert
from proxystore.ledger.rows import DIALECTS, Dialect, Row, latency_bin
from proxystore.schema.usage import usage_latency_daily, usage_latency_hourly

Key: TypeAlias = tuple[int, int]
"""A period and a series."""
Counts: TypeAlias = dict[int, int]
"""How many are in each bin."""

TABLES: Final[Mapping[str, Table]] = {"hour": usage_latency_hourly, "day": usage_latency_daily}
_HOURS: Final = 24


def counted(rows: Iterable[Row]) -> Mapping[str, Mapping[Key, Counts]]:
    """Return what *rows* took, by hour and by day."""
    hours: dict[Key, Counts] = {}
    for row in rows:
        if (place := latency_bin(row)) is not None:
            counts = hours.setdefault((row[1], row[3]), {})
            counts[place] = counts.get(place, 0) + 1
    return {"hour": hours, "day": by_day(hours)}


def by_day(hours: Mapping[Key, Counts]) -> dict[Key, Counts]:
    """Return what is counted by *hours* by their days."""
    days: dict[Key, Counts] = {}
    for (hour, series_id), places in hours.items():
        counts = days.setdefault((hour // _HOURS, series_id), {})
        for place, count in places.items():
            counts[place] = counts.get(place, 0) + count
    return days


def added(dialect: Dialect, counts: Mapping[str, Mapping[Key, Counts]]) -> Script[None]:
    """Add what was `counted`, all of it new; the rows of its roll-ups must be locked."""
    for period, given in counts.items():
        if given:
            yield from _merged(dialect, period, given)


async def write(transaction: Transaction, period: str, counts: Mapping[Key, Counts]) -> None:
    """Write the histograms of *counts* in place of those there."""
    packed = {key: histograms.pack(places) for key, places in counts.items()}
    await transaction.execute_many(_WRITE[period], _values(packed))


def _merged(dialect: Dialect, period: str, counts: Mapping[Key, Counts]) -> Script[None]:
    known = dict((yield _FIND[dialect, period], {"rows": _KEYS.encoded(dialect, counts)}))
    packed = {
        key: histograms.grown(known[key], new) if key in known else histograms.pack(new) for key, new in counts.items()
    }
    yield _WRITE[period], Each(_values(packed))


def _values(packed: Mapping[Key, bytes]) -> list[dict[str, object]]:
    return [{"period": key[0], "series_id": key[1], "histogram": packed[key]} for key in sorted(packed)]


def _find(dialect: Dialect, period: str) -> Query[tuple[Key, bytes]]:
    table, given = TABLES[period], _KEYS.table(dialect)
    is_same = and_(table.c[period] == given.c.period, table.c.series_id == given.c.series_id)
    columns = (table.c[period].label("period"), table.c.series_id, table.c.histogram)
    return Query(
        select(*columns).join(given, is_same),
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


_KEYS: Final = Rowset(dict.fromkeys(("period", "series_id"), Integer()))
_FIND: Final = {(dialect, period): _find(dialect, period) for dialect in DIALECTS for period in TABLES}
_WRITE: Final = {period: _write(period) for period in TABLES}
