"""Deleting what was kept long enough, a little at a time: nobody waits for it, and roll-ups by day stay for ever."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final, TypeAlias

from sqlalchemy import ColumnElement, Table, bindparam, delete, select, tuple_

from proxystore.database import Database, Statement
from proxystore.errors import StoreBusy
from proxystore.ids import first_id
from proxystore.ledger import partitions
from proxystore.ledger.completeness import set_complete_since
from proxystore.schema.audit import audit_events
from proxystore.schema.ledger import ledger_segments
from proxystore.schema.usage import usage_events, usage_hourly, usage_latency_hourly

HOURS_KEPT: Final = timedelta(days=90)
"""For how long hours are known; days are known for ever."""

_SEGMENTS_KEPT: Final = timedelta(days=400)  # older events are not taken for new ones either
_BATCH: Final = 500


Cut: TypeAlias = Callable[[Database], AsyncIterator[int]]
"""Cuts the audit chain; yields how many rows went."""


async def cleaned(database: Database, *, events_keep: int, cut: Cut | None = None) -> AsyncIterator[tuple[str, int]]:
    """Delete what is old, in small steps; yield after each what went: a table's name, and how many rows.

    On PostgreSQL events go by whole months, once the last of one is old enough.

    Args:
        database: Where it is.
        events_keep: For how many days events are kept; 0 is for ever.
        cut: Cuts the audit chain, where that is wanted.
    """
    now = datetime.now(UTC)
    if events_keep:
        until = (now - timedelta(days=events_keep)).date()
        events = _months(database, until) if database.dialect == "postgresql" else _events(database, until)
        async for count in events:
            yield usage_events.name, count
    hour = int((now - HOURS_KEPT).timestamp()) // 3600
    for table in (usage_hourly, usage_latency_hourly):
        async for count in _rows(database, table, hour):
            yield table.name, count
    if cut is not None:
        async for count in cut(database):
            yield audit_events.name, count
    async for count in _rows(database, ledger_segments, now - _SEGMENTS_KEPT):
        yield ledger_segments.name, count


async def _events(database: Database, until: date) -> AsyncIterator[int]:
    midnight = datetime(until.year, until.month, until.day, tzinfo=UTC)
    before = first_id(int(midnight.timestamp() * 1000))
    count = _BATCH
    while count == _BATCH:
        async with database.transaction() as transaction:
            count = await transaction.execute(_DELETE[usage_events.name], before=before)
            if count:
                await set_complete_since(transaction, until)
        yield count


async def _months(database: Database, until: date) -> AsyncIterator[int]:
    for partition in await partitions.list_partitions(database):
        if partitions.next_month(partition.month) > until:
            continue
        if partition.is_attached and not partition.is_leaving:
            try:
                yield await partitions.empty(database, partition)
            except StoreBusy:
                continue  # somebody reads it: it is still there the next time
        await partitions.drop(database, partition)


async def _rows(database: Database, table: Table, before: object) -> AsyncIterator[int]:
    count = _BATCH
    while count == _BATCH:
        count = await database.execute(_DELETE[table.name], before=before)
        yield count


def _delete(table: Table, age: ColumnElement[Any]) -> Statement:
    """Return the statement that deletes the oldest rows of *table*, a batch at most."""
    key = list(table.primary_key.columns)
    old = select(*key).where(age < bindparam("before", type_=age.type)).order_by(*key).limit(_BATCH)
    return Statement(delete(table).where(tuple_(*key).in_(old) if len(key) > 1 else key[0].in_(old)))


_DELETE: Final = {
    column.table.name: _delete(column.table, column)
    for column in (
        usage_events.c.event_id,
        usage_hourly.c.hour,
        usage_latency_hourly.c.hour,
        ledger_segments.c.updated_at,
    )
}
