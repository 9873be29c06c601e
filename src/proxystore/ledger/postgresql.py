"""Writing a batch down on PostgreSQL: one statement, in which only the rows that were new reach the roll-ups.

Histograms follow: databases cannot add those up.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from sqlalchemy import CTE, Subquery, func, literal, select

from proxystore.database import Query, Rowset, Script, Statement
from proxystore.ledger import latencies
from proxystore.ledger.rollups import PERIODS, added, insert_into
from proxystore.ledger.rows import EVENT_COLUMNS, ROW_TYPES, Row, empty_columns, event_id, stored, with_digits
from proxystore.schema.usage import ROLLUPS_LOCK, usage_events

_ROWS: Final = Rowset(ROW_TYPES)
_PARSED: Final = select(*_ROWS.table("postgresql").c).cte("parsed")
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
    select(_PARSED.c.event_id)
    .outerjoin(_NEW, _NEW.c.event_id == _PARSED.c.event_id)
    .where(_NEW.c.event_id.is_(None))
    .add_cte(*(_rolled_up(period) for period in PERIODS)),
    lambda event_id: event_id,
)
_SHARE: Final = Statement(select(func.pg_advisory_xact_lock_shared(literal(ROLLUPS_LOCK))))


class Batch:
    """*rows*, in the order of their ids, ready to be written down: all that can be reckoned before others wait is."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self._rows = rows
        missing = empty_columns(rows)
        given = rows if "traceparent" in missing else with_digits(rows)
        self._encoded = _ROWS.encoded("postgresql", given, without=missing)
        self._latencies = latencies.counted(rows)

    def recorded(self) -> Script[list[UUID]]:
        """Write it down; return those events that were there already."""
        if not self._rows:
            return []
        yield _SHARE, {}
        known: list[UUID] = yield _RECORD, {"rows": self._encoded}
        counts = self._latencies
        if known:
            counts = latencies.counted(row for row in self._rows if event_id(row) not in known)
        # The roll-ups' rows are locked now, each by its key, so nobody else is at the histograms of the same keys.
        yield from latencies.added("postgresql", counts)
        return known
