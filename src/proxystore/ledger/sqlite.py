"""Writing a batch down on SQLite: the events, then what the new ones among them add to the roll-ups.

The batch lies in a table of the connection's own meanwhile. To have SQLite take it apart from JSON, once for each of
the three tables it goes into, took three times as long.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from sqlalchemy import Column, LargeBinary, MetaData, Table, delete, insert, select
from sqlalchemy.schema import CreateTable

from proxystore.database import Bulk, Query, Script, Statement
from proxystore.ledger import latencies
from proxystore.ledger.rollups import PERIODS, added
from proxystore.ledger.rows import EVENT_COLUMNS, ROW_TYPES, Row, event_id, stored
from proxystore.schema.usage import usage_events

_BATCH: Final = Table(
    "ledger_batch",
    MetaData(),
    *(Column(name, LargeBinary() if name == "event_id" else kind) for name, kind in ROW_TYPES.items()),
    prefixes=["TEMPORARY"],
)
_CREATE: Final = Statement(CreateTable(_BATCH, if_not_exists=True))
_FILL: Final = Bulk(_BATCH)
_CLEAR: Final = Statement(delete(_BATCH))
_FIND_KNOWN: Final = Query(
    select(usage_events.c.event_id).where(usage_events.c.event_id.in_(select(_BATCH.c.event_id))),
    lambda event_id: event_id,
)
_DROP_KNOWN: Final = Statement(delete(_BATCH).where(_BATCH.c.event_id.in_(select(usage_events.c.event_id))))
_INSERT: Final = Statement(
    insert(usage_events).from_select(
        ["event_id", *EVENT_COLUMNS], select(_BATCH.c.event_id, *(stored(name, _BATCH) for name in EVENT_COLUMNS))
    )
)
_ADD: Final = [Statement(added("sqlite", period, _BATCH)) for period in PERIODS]


class Batch:
    """*rows*, in the order of their ids, ready to be written down: all that can be reckoned before others wait is."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self._rows = rows
        self._filling = [(event_id(row).bytes, *row[1:]) for row in rows]
        self._latencies = latencies.counted(rows)

    def recorded(self) -> Script[list[UUID]]:
        """Write it down; return those events that were there already."""
        if not self._rows:
            return []
        yield _CREATE, {}
        yield _CLEAR, {}
        yield _FILL, self._filling
        known: list[UUID] = yield _FIND_KNOWN, {}
        if len(known) == len(self._rows):
            return known
        counts = self._latencies
        if known:
            yield _DROP_KNOWN, {}
            counts = latencies.counted(row for row in self._rows if event_id(row) not in known)
        for statement in (_INSERT, *_ADD):
            yield statement, {}
        yield from latencies.added("sqlite", counts)
        return known
