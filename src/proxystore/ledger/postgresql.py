"""Writing a batch down on PostgreSQL: one statement, in which only the rows that were new reach the roll-ups.

Histograms follow: databases cannot add those up.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from sqlalchemy import CTE, Subquery, func, literal, select

from proxystore.database import Query, Statement, Transaction
from proxystore.ledger import latencies
from proxystore.ledger.rollups import PERIODS, added, insert_into
from proxystore.ledger.rows import (
    EVENT_COLUMNS,
    ROW_TYPES,
    Row,
    encoded_with_names,
    event_id,
    rows_in_objects,
    stored,
    with_digits,
)
from proxystore.schema.usage import ROLLUPS_LOCK, usage_events

_SOURCE: Final = rows_in_objects(ROW_TYPES)
_PARSED: Final = select(*_SOURCE.c).cte("parsed")
_NEW: Final = (
    insert_into("postgresql", usage_events)
    .from_select(
        ["event_id", *EVENT_COLUMNS],
        select(*(stored(name, _PARSED) for name in ("event_id", *EVENT_COLUMNS))).order_by(_PARSED.c.event_id),
    )
    .on_conflict_do_nothing()
    .returning(usage_events.c.event_id)
    .cte("new")
)


def _new_rows() -> Subquery:
    return select(*_PARSED.c).join(_NEW, _NEW.c.event_id == _PARSED.c.event_id).subquery("source")


def _rolled_up(period: str) -> CTE:
    return added("postgresql", period, _new_rows()).cte(f"by_{period}")


_RECORD: Final = Query(
    select(_NEW.c.event_id).add_cte(*(_rolled_up(period) for period in PERIODS)), lambda event_id: event_id
)
_SHARE: Final = Statement(select(func.pg_advisory_xact_lock_shared(literal(ROLLUPS_LOCK))))


async def record(transaction: Transaction, rows: Sequence[Row]) -> set[UUID]:
    """Write *rows* (in the order of their ids) down; return the events that were new."""
    await transaction.execute(_SHARE)
    new = set(await transaction.fetch_all(_RECORD, rows=encoded_with_names(with_digits(rows), ROW_TYPES)))
    # The roll-ups' rows are locked now, each by its key, so nobody else is at the histograms of the same keys.
    await transaction.perform(latencies.added("postgresql", (row for row in rows if event_id(row) in new)))
    return new
