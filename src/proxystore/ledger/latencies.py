"""Adding latencies to the histograms of their hours and days: read, add up, written back, for no database can."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, TypeAlias

from sqlalchemy import Integer, LargeBinary, Table, and_, select, true

from proxystore import histograms
from proxystore.database import Bulk, Query, Rowset, Script, Statement, upsert
from proxystore.ledger.rows import DIALECTS, Dialect, Row, digits, place_of
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
    for hour, series_id, bin_ in map(place_of, rows):
        if bin_ is None:
            continue
        counts = hours.get((hour, series_id))
        if counts is None:
            hours[hour, series_id] = {bin_: 1}
        else:
            counts[bin_] = counts.get(bin_, 0) + 1
    return {"hour": hours, "day": by_day(hours)}


def by_day(hours: Mapping[Key, Counts]) -> Mapping[Key, Counts]:
    """Return what is counted by *hours* by their days."""
    days: dict[Key, Counts] = {}
    for (hour, series_id), places in hours.items():
        key = (hour // _HOURS, series_id)
        if key not in days:
            days[key] = places
            continue
        counts = days[key] = dict(days[key])
        for place, count in places.items():
            counts[place] = counts.get(place, 0) + count
    return days


def added(dialect: Dialect, counts: Mapping[str, Mapping[Key, Counts]]) -> Script[None]:
    """Add what was `counted`, all of it new; the rows of its roll-ups must be locked."""
    for period, given in counts.items():
        if given:
            found = yield _FIND[dialect, period], {"rows": _KEYS.encoded(dialect, given)}
            known = {(number, series_id): histogram for number, series_id, histogram in found}
            packed = [
                (*key, histograms.grown(known[key], new) if key in known else histograms.pack(new))
                for key, new in sorted(given.items())
            ]
            yield from _stored(dialect, period, packed)


def written(dialect: Dialect, period: str, counts: Mapping[Key, Counts]) -> Script[None]:
    """Write the histograms of *counts* in place of those there."""
    yield from _stored(dialect, period, [(*key, histograms.pack(places)) for key, places in sorted(counts.items())])


def _stored(dialect: Dialect, period: str, packed: Sequence[tuple[int, int, bytes]]) -> Script[None]:
    if dialect == "sqlite":
        yield _FILL[period], packed
    elif packed:
        rows = [(number, series_id, digits(histogram)) for number, series_id, histogram in packed]
        yield _STORE[period], {"rows": _PACKED.encoded(dialect, rows)}


def _find(dialect: Dialect, period: str) -> Query[tuple[Any, ...]]:
    table, given = TABLES[period], _KEYS.table(dialect)
    is_same = and_(table.c[period] == given.c.period, table.c.series_id == given.c.series_id)
    columns = (table.c[period].label("period"), table.c.series_id, table.c.histogram)
    return Query.of_tuples(select(*columns).join(given, is_same))


def _store(period: str) -> Statement:
    names = [column.name for column in TABLES[period].c]
    given = _PACKED.table("postgresql")
    insert = upsert(TABLES[period]).from_select(names, select(*given.c).where(true()))
    return Statement(
        insert.on_conflict_do_update(
            index_elements=[period, "series_id"], set_={"histogram": insert.excluded.histogram}
        )
    )


_KEYS: Final = Rowset(dict.fromkeys(("period", "series_id"), Integer()))
_PACKED: Final = Rowset({**dict.fromkeys(("period", "series_id"), Integer()), "histogram": LargeBinary()})
_FIND: Final = {(dialect, period): _find(dialect, period) for dialect in DIALECTS for period in TABLES}
_FILL: Final = {period: Bulk(table, key=(period, "series_id")) for period, table in TABLES.items()}
_STORE: Final = {period: _store(period) for period in TABLES}
