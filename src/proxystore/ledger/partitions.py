"""PostgreSQL keeps events in one partition a month, made by whoever needs it first.

A partition is made apart and then attached: ``CREATE TABLE .. PARTITION OF`` would stop every writer meanwhile, and a
default partition would stop attaching.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import bindparam, func, literal, select, text

from proxystore.database import Database, Query, Statement, Transaction
from proxystore.ids import first_id, milliseconds_of
from proxystore.schema.usage import usage_events

_ADVISORY_LOCK: Final = 0x70726F7879  # any number of ours: writers of other hosts want the same month at the same time
_LOCK: Final = Statement(select(func.pg_advisory_xact_lock(literal(_ADVISORY_LOCK))))
_FIND: Final = Query(select(func.to_regclass(bindparam("name")).is_not(None).label("exists")), lambda exists: exists)


class Partitions:
    """Makes sure that every month that is written to has its partition."""

    def __init__(self) -> None:
        self._known: set[datetime] = set()

    async def ensure(self, database: Database, event_ids: Iterable[UUID]) -> None:
        """Make the partitions that *event_ids* fall into, where they are missing."""
        months = {_month(milliseconds_of(event_id)) for event_id in event_ids}
        for month in sorted(months - self._known):
            async with database.transaction() as transaction:
                await _make(transaction, database.schema, month)
            self._known.add(month)


async def _make(transaction: Transaction, schema: str, month: datetime) -> None:
    parent = f'"{schema}".{usage_events.name}'  # a schema's name has no quotes: settings see to that
    partition = f"{parent}_{month:%Y%m}"
    await transaction.execute(_LOCK)
    if await transaction.fetch_one(_FIND, name=partition):
        return
    since, until = (first_id(int(moment.timestamp() * 1000)) for moment in (month, _next(month)))
    await transaction.execute(Statement(text(f"CREATE TABLE {partition} (LIKE {parent} INCLUDING ALL)")))
    await transaction.execute(
        Statement(text(f"ALTER TABLE {parent} ATTACH PARTITION {partition} FOR VALUES FROM ('{since}') TO ('{until}')"))
    )


def _month(milliseconds: int) -> datetime:
    moment = datetime.fromtimestamp(milliseconds / 1000, UTC)
    return datetime(moment.year, moment.month, 1, tzinfo=UTC)


def _next(month: datetime) -> datetime:
    return (month + timedelta(days=31)).replace(day=1)
