"""PostgreSQL keeps events in one partition a month, made ahead of time, or by whoever needs it first.

A partition is made apart and then attached: ``CREATE TABLE .. PARTITION OF`` would stop every writer meanwhile, and a
default partition would stop attaching. It goes by being emptied, detached and dropped: who reads that month may wait
for that, a fifth of a second at most; writers of other months never do.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final, NamedTuple
from uuid import UUID

from sqlalchemy import BigInteger, Boolean, Text, bindparam, column, func, literal, select, text

from proxystore.database import Database, Query, Statement, Transaction
from proxystore.ids import first_id, milliseconds_of
from proxystore.ledger.completeness import set_complete_since
from proxystore.schema.usage import usage_events

_AHEAD: Final = 3
_ADVISORY_LOCK: Final = 0x70726F7879  # any number of ours: writers of other hosts want the same month at the same time
_LOCK: Final = Statement(select(func.pg_advisory_xact_lock(literal(_ADVISORY_LOCK))))
_PATIENCE: Final = Statement(text("SET LOCAL lock_timeout = '200ms'"))
_LIST: Final = text(
    """
    SELECT relname AS name, inhrelid IS NOT NULL AS is_attached, coalesce(inhdetachpending, false) AS is_leaving,
           CAST(reltuples AS bigint) AS rows
    FROM pg_class LEFT JOIN pg_inherits ON inhrelid = pg_class.oid
    WHERE relnamespace = to_regnamespace(:schema) AND relname ~ :pattern AND relkind = 'r'
    ORDER BY relname
    """
).bindparams(bindparam("schema", type_=Text()), bindparam("pattern", type_=Text()))


class Partition(NamedTuple):
    """One month of events.

    Attributes:
        name: The table's.
        is_attached: Whether it is a part of ``usage_events``.
        is_leaving: Whether somebody began to detach it and did not finish.
        rows: How many it has, as far as the server knows; -1 if it does not.
    """

    name: str
    is_attached: bool
    is_leaving: bool
    rows: int

    @property
    def month(self) -> date:
        """The first day of it."""
        return datetime.strptime(self.name[-6:], "%Y%m").replace(tzinfo=UTC).date()


_FIND: Final = Query(
    _LIST.columns(
        column("name", Text()),
        column("is_attached", Boolean()),
        column("is_leaving", Boolean()),
        column("rows", BigInteger()),
    ),
    Partition,
)


class Partitions:
    """Makes sure that every month that is written to has its partition."""

    def __init__(self) -> None:
        self._known: set[date] = set()

    async def ensure(self, database: Database, event_ids: Iterable[UUID]) -> None:
        """Make the partitions that *event_ids* fall into, where they are missing."""
        months = {month_of(milliseconds_of(event_id)) for event_id in event_ids}
        for month in sorted(months - self._known):
            await _make(database, month)
            self._known.add(month)


async def make_ahead(database: Database, today: date | None = None) -> None:
    """Make the partitions of this month and the next three, where they are missing; on SQLite there are none."""
    if database.dialect == "postgresql":
        month = (today or datetime.now(UTC).date()).replace(day=1)
        for _ in range(_AHEAD + 1):
            await _make(database, month)
            month = next_month(month)


async def list_partitions(database: Database) -> list[Partition]:
    """Return every month there is, the oldest first."""
    pattern = f"^{usage_events.name}_[0-9]{{6}}$"
    return await database.fetch_all(_FIND, schema=f'"{database.schema}"', pattern=pattern)


async def empty(database: Database, partition: Partition) -> int:
    """Empty a month and say that events from before the next one are not all there; return how many went.

    Raises:
        StoreBusy: Somebody reads it.
    """
    table = _qualified(database, partition.name)
    async with database.transaction() as transaction:
        await transaction.execute(_PATIENCE)
        count = partition.rows
        if count < 0:
            count = await transaction.fetch_one(_counting(table)) or 0
        await transaction.execute(Statement(text(f"TRUNCATE {table}")))
        await set_complete_since(transaction, next_month(partition.month))
    return count


async def drop(database: Database, partition: Partition) -> None:
    """Detach a month and drop it; what was begun before is finished.

    Raises:
        StoreError: It could not be; try again.
    """
    parent, table = _qualified(database, usage_events.name), _qualified(database, partition.name)
    if partition.is_attached:
        how = "FINALIZE" if partition.is_leaving else "CONCURRENTLY"
        await database.execute(Statement(text(f"ALTER TABLE {parent} DETACH PARTITION {table} {how}")))
    elif await database.fetch_one(_counting(table)):
        return  # somebody else detached it, to keep it
    async with database.transaction() as transaction:
        await transaction.execute(_LOCK)
        if not await _is_attached(
            transaction, database.schema, partition.name
        ):  # a late event may have brought it back
            await transaction.execute(Statement(text(f"DROP TABLE {table}")))


def month_of(milliseconds: int) -> date:
    """Return the first day of the month (UTC) of a time in milliseconds since 1970."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC).date().replace(day=1)


def next_month(month: date) -> date:
    """Return the first day of the month after *month*."""
    return (month + timedelta(days=31)).replace(day=1)


async def _make(database: Database, month: date) -> None:
    name = f"{usage_events.name}_{month:%Y%m}"
    parent, partition = _qualified(database, usage_events.name), _qualified(database, name)
    async with database.transaction() as transaction:
        await transaction.execute(_LOCK)
        is_attached = await _is_attached(transaction, database.schema, name)
        if is_attached:
            return
        if is_attached is None:
            await transaction.execute(Statement(text(f"CREATE TABLE {partition} (LIKE {parent} INCLUDING ALL)")))
        since, until = (first_id(_milliseconds(moment)) for moment in (month, next_month(month)))
        bounds = f"FOR VALUES FROM ('{since}') TO ('{until}')"
        await transaction.execute(Statement(text(f"ALTER TABLE {parent} ATTACH PARTITION {partition} {bounds}")))


async def _is_attached(transaction: Transaction, schema: str, name: str) -> bool | None:
    """Return whether a table is attached; ``None`` if there is none."""
    found = await transaction.fetch_one(_FIND, schema=f'"{schema}"', pattern=f"^{name}$")
    return None if found is None else found.is_attached


def _milliseconds(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp() * 1000)


def _qualified(database: Database, name: str) -> str:
    return f'"{database.schema}".{name}'  # a schema's name has no quotes: settings see to that


def _counting(table: str) -> Query[Any]:
    counting = text(f"SELECT count(*) AS rows FROM {table}")  # noqa: S608  the name is ours
    return Query(counting.columns(column("rows", BigInteger())), lambda rows: rows)
