"""Writing a batch down on SQLite: the events, then what the new ones among them add to the roll-ups.

The batch lies in a table of the connection's own meanwhile. To have SQLite take it apart from JSON, once for each of
the three tables it goes into, took three times as long. Columns that no row of a batch has anything in, such as sounds
and images mostly are, go nowhere: half of an event's columns are of that kind, and each costs something five times.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from operator import itemgetter
from typing import Any, Final, NamedTuple
from uuid import UUID

from sqlalchemy import Column, LargeBinary, MetaData, Table, delete, insert, select
from sqlalchemy.schema import CreateTable

from proxystore.database import Bulk, Query, Script, Statement
from proxystore.ledger import latencies
from proxystore.ledger.rollups import PERIODS, added
from proxystore.ledger.rows import EVENT_COLUMNS, ROW_TYPES, Row, empty_columns, event_id, stored
from proxystore.schema.usage import OUTCOMES, QUALITIES, ROLLUP_TOTALS, usage_events

_BATCH: Final = Table(
    "ledger_batch",
    MetaData(),
    *(Column(name, LargeBinary() if name == "event_id" else kind) for name, kind in ROW_TYPES.items()),
    prefixes=["TEMPORARY"],
)
_CREATE: Final = Statement(CreateTable(_BATCH, if_not_exists=True))
_CLEAR: Final = Statement(delete(_BATCH))
_FIND_KNOWN: Final = Query(
    select(usage_events.c.event_id).where(usage_events.c.event_id.in_(select(_BATCH.c.event_id))),
    lambda event_id: event_id,
)
_DROP_KNOWN: Final = Statement(delete(_BATCH).where(_BATCH.c.event_id.in_(select(usage_events.c.event_id))))

_ENDS: Final = ("refusals", "cache_hits", "unpriced", "estimated")
"""Totals that are of no column of their own, and mostly 0."""

_UNUSUAL: Final = {OUTCOMES.index("refused"), OUTCOMES.index("cached")}
_PLACES: Final = {name: place for place, name in enumerate(ROW_TYPES)}
_end_of: Final = itemgetter(*map(_PLACES.__getitem__, ("outcome", "quality", "cost_nanousd")))


class _Statements(NamedTuple):
    """What writes down batches that have something in the same columns."""

    values: itemgetter[Any]
    fill: Bulk
    insert: Statement
    add: Sequence[Statement]


class Batch:
    """*rows*, in the order of their ids, ready to be written down: all that can be reckoned before others wait is."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self._rows = rows
        self._statements = _statements(empty_columns(rows), has_ends=any(map(_is_unusual, map(_end_of, rows))))
        values = self._statements.values
        self._filling = [(event_id(row).bytes, *values(row)) for row in rows]
        self._latencies = latencies.counted(rows)

    def recorded(self) -> Script[list[UUID]]:
        """Write it down; return those events that were there already."""
        if not self._rows:
            return []
        yield _CREATE, {}
        yield _CLEAR, {}
        yield self._statements.fill, self._filling
        known: list[UUID] = yield _FIND_KNOWN, {}
        if len(known) == len(self._rows):
            return known
        counts = self._latencies
        if known:
            yield _DROP_KNOWN, {}
            counts = latencies.counted(row for row in self._rows if event_id(row) not in known)
        for statement in (self._statements.insert, *self._statements.add):
            yield statement, {}
        yield from latencies.added("sqlite", counts)
        return known


def _is_unusual(end: tuple[int, int, int | None]) -> bool:
    outcome, quality, cost = end
    return cost is None or outcome in _UNUSUAL or quality == QUALITIES.index("estimated")


@cache
def _statements(missing: frozenset[str], *, has_ends: bool) -> _Statements:
    given = [name for name in ROW_TYPES if name != "event_id" and name not in missing]
    columns = [name for name in EVENT_COLUMNS if name not in missing]
    totals = [name for name in ROLLUP_TOTALS if name not in missing and (has_ends or name not in _ENDS)]
    chosen = select(_BATCH.c.event_id, *(stored(name, _BATCH) for name in columns))
    return _Statements(
        itemgetter(*(_PLACES[name] for name in given)),
        Bulk(_BATCH, ["event_id", *given]),
        Statement(insert(usage_events).from_select(["event_id", *columns], chosen)),
        [Statement(added("sqlite", period, _BATCH, totals)) for period in PERIODS],
    )
