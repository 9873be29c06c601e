"""Writing a batch down on SQLite: the events, then what the new ones among them add to the roll-ups."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from sqlalchemy import LargeBinary, bindparam, func, select, true

from proxystore.database import Query, Statement, Transaction
from proxystore.ledger import latencies
from proxystore.ledger.rollups import PERIODS, added, insert_into
from proxystore.ledger.rows import (
    EVENT_COLUMNS,
    ROW_TYPES,
    TRACEPARENT_SIZE,
    Row,
    encoded,
    event_id,
    rows_in_arrays,
    stored,
    without_bytes,
)
from proxystore.schema.usage import usage_events

_SOURCE: Final = rows_in_arrays(ROW_TYPES)
_ID_SIZE: Final = 16
# Ids travel beside the JSON, which has no bytes: sixteen each, one after the other.
_EVENT_ID: Final = func.substr(
    bindparam("ids", type_=LargeBinary()), _SOURCE.c.position * _ID_SIZE + 1, _ID_SIZE, type_=LargeBinary()
)
_TRACEPARENT: Final = func.substr(
    bindparam("traces", type_=LargeBinary()), _SOURCE.c.traceparent, TRACEPARENT_SIZE, type_=LargeBinary()
)
_VALUES: Final = [_TRACEPARENT if name == "traceparent" else stored(name, _SOURCE) for name in EVENT_COLUMNS]
_INSERT: Final = Query(
    insert_into("sqlite", usage_events)
    .from_select(["event_id", *EVENT_COLUMNS], select(_EVENT_ID, *_VALUES).where(true()).order_by(_SOURCE.c.position))
    .on_conflict_do_nothing(index_elements=["event_id"])
    .returning(usage_events.c.event_id),
    lambda event_id: event_id,
)
_ADD: Final = [Statement(added("sqlite", period, _SOURCE)) for period in PERIODS]


async def record(transaction: Transaction, rows: Sequence[Row]) -> set[UUID]:
    """Write *rows* (in the order of their ids) down; return the events that were new."""
    ids = b"".join(event_id(row).bytes for row in rows)
    sent, traces = without_bytes(rows)
    everything = encoded(sent)
    new = set(await transaction.fetch_all(_INSERT, ids=ids, traces=traces, rows=everything))
    if len(new) < len(rows):
        everything = encoded(row for row in sent if event_id(row) in new)
    if new:
        for statement in _ADD:
            await transaction.execute(statement, rows=everything)
        await latencies.add(transaction, "sqlite", (row for row in rows if event_id(row) in new))
    return new
