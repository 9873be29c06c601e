"""Making roll-ups anew from the events they were made of, a day at a time, also while events come in.

For one day's time writers wait: the roll-ups of that day are replaced by what its events add up to, so that they equal
those that the writers would have made, to the byte.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final, TypeAlias

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Integer,
    Select,
    Table,
    and_,
    bindparam,
    cast,
    delete,
    func,
    insert,
    literal,
    select,
)

from proxystore.database import Database, Query, Statement, Transaction
from proxystore.errors import InvalidRecord
from proxystore.ids import first_id, milliseconds_of
from proxystore.ledger import latencies
from proxystore.ledger.completeness import complete_since
from proxystore.ledger.rollups import sums
from proxystore.schema.usage import (
    ROLLUP_TOTALS,
    ROLLUPS_LOCK,
    usage_daily,
    usage_events,
    usage_hourly,
    usage_latency_daily,
    usage_latency_hourly,
)

Counts: TypeAlias = dict[latencies.Key, dict[int, int]]

_HOURS: Final = 24
_HOUR_MS: Final = 3_600_000
_EPOCH: Final = date(1970, 1, 1)


async def rebuild(database: Database, since: date | None = None, until: date | None = None) -> AsyncIterator[date]:
    """Make the roll-ups of each day anew and yield the day.

    Args:
        database: Where they are.
        since: The first day, UTC; ``None`` is the first whose events are all there.
        until: The day after the last; ``None`` is tomorrow.

    Raises:
        InvalidRecord: Events of the first day have been deleted: what is left of them is their roll-ups.
    """
    first = await _first_day(database) if since is None else await begun(database, since)
    last = until or datetime.now(UTC).date() + timedelta(days=2)  # a clock may be ahead
    day = first or last
    while day < last:
        async with database.transaction() as transaction:
            await lock_day(transaction, database, day)
            await rebuild_day(transaction, day)
        yield day
        day += timedelta(days=1)


async def _first_day(database: Database) -> date | None:
    """Return the first day that has events and misses none."""
    oldest = await database.fetch_one(_OLDEST)
    if oldest is None:
        return None
    first = _EPOCH + timedelta(milliseconds=milliseconds_of(oldest))
    complete = await complete_since(database)
    return first if complete is None else max(first, complete)


async def begun(database: Database, since: date) -> date | None:
    """Return *since*, or the first day after it that there is anything of; ``None`` if there is none.

    Raises:
        InvalidRecord: Events of that day have been deleted.
    """
    await _expect_events(database, since)
    oldest, counted = await database.fetch_one(_OLDEST), await database.fetch_one(_COUNTED)
    days = [] if oldest is None else [_EPOCH + timedelta(milliseconds=milliseconds_of(oldest))]
    if counted is not None:  # events may be gone, and their roll-ups be left
        days.append(_EPOCH + timedelta(days=counted))
    return max(since, min(days)) if days else None


async def lock_day(transaction: Transaction, database: Database, day: date) -> None:
    """Have all writers wait until *transaction* is over, in which a day is made anew.

    Raises:
        InvalidRecord: Events of that day have been deleted.
    """
    if database.dialect == "postgresql":
        await transaction.execute(_LOCK)
    await _expect_events(transaction, day)


async def _expect_events(source: Database | Transaction, day: date) -> None:
    complete = await complete_since(source)
    if complete is not None and day < complete:
        raise InvalidRecord(f"Events from before {complete} have been deleted: roll-ups of {day} cannot be made anew.")


async def rebuild_day(transaction: Transaction, day: date) -> None:
    """Replace the roll-ups of *day* by what its events add up to.

    Raises:
        InvalidRecord: Its events were deleted just before they were read; from then on they cannot be.
    """
    number = (day - _EPOCH).days
    hours = {"since": number * _HOURS, "until": (number + 1) * _HOURS}
    for statement in _CLEAR_HOURS:
        await transaction.execute(statement, **hours)
    for statement in _CLEAR_DAY:
        await transaction.execute(statement, day=number)
    counts = await _rebuild_hours(transaction, range(hours["since"], hours["until"]))
    await transaction.execute(_ADD_DAY, **hours)
    await transaction.perform(latencies.written(transaction.dialect, "hour", counts))
    await transaction.perform(latencies.written(transaction.dialect, "day", latencies.by_day(counts)))
    await _expect_events(transaction, day)


async def _rebuild_hours(transaction: Transaction, hours: range) -> Counts:
    """Write the totals of *hours*; return how long answers took in each."""
    counts: Counts = {}
    for hour in hours:
        ids = {"first": first_id(hour * _HOUR_MS), "last": first_id((hour + 1) * _HOUR_MS)}
        await transaction.execute(_ADD_HOUR, hour=hour, **ids)
        for series_id, place, n in await transaction.fetch_all(_LATENCIES, **ids):
            counts.setdefault((hour, series_id), {})[place] = n
    return counts


def _in_hour() -> Select[Any]:
    """Return the events of an hour, told by their ids, as the statement that adds up wants them."""
    columns = [column for column in usage_events.c if column.name != "event_id"]
    return select(bindparam("hour", type_=Integer()).label("hour"), *columns).where(_are_in_hour())


def _are_in_hour() -> ColumnElement[bool]:
    return and_(usage_events.c.event_id >= bindparam("first"), usage_events.c.event_id < bindparam("last"))


def _add_hour() -> Statement:
    source = _in_hour().subquery("source")
    return Statement(
        insert(usage_hourly).from_select(["hour", "series_id", *ROLLUP_TOTALS], sums(source.c.hour, source))
    )


def _add_day() -> Statement:
    hourly = usage_hourly.c
    day, totals = hourly.hour // _HOURS, (cast(func.sum(hourly[name]), BigInteger) for name in ROLLUP_TOTALS)
    chosen = select(day, hourly.series_id, *totals).where(_are(usage_hourly)).group_by(day, hourly.series_id)
    return Statement(insert(usage_daily).from_select(["day", "series_id", *ROLLUP_TOTALS], chosen))


def _are(table: Table) -> ColumnElement[bool]:
    return and_(table.c.hour >= bindparam("since"), table.c.hour < bindparam("until"))


_LOCK: Final = Statement(select(func.pg_advisory_xact_lock(literal(ROLLUPS_LOCK))))
_OLDEST: Final = Query(
    select(usage_events.c.event_id).order_by(usage_events.c.event_id).limit(1), lambda event_id: event_id
)
_COUNTED: Final = Query(select(usage_daily.c.day).order_by(usage_daily.c.day).limit(1), lambda day: day)
_CLEAR_HOURS: Final = [Statement(delete(table).where(_are(table))) for table in (usage_hourly, usage_latency_hourly)]
_CLEAR_DAY: Final = [
    Statement(delete(table).where(table.c.day == bindparam("day"))) for table in (usage_daily, usage_latency_daily)
]
_ADD_HOUR: Final = _add_hour()
_ADD_DAY: Final = _add_day()
_LATENCIES: Final = Query(
    select(usage_events.c.series_id, usage_events.c.latency_bin, func.count().label("n"))
    .where(_are_in_hour(), usage_events.c.latency_bin.is_not(None))
    .group_by(usage_events.c.series_id, usage_events.c.latency_bin),
    lambda series_id, latency_bin, n: (series_id, latency_bin, n),
)
