"""How far segments have been written down: moved by compare-and-set, in the transaction that counts their events."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from sqlalchemy import bindparam, select, update

from proxystore.database import Counted, Database, Query, Script, Statement, upsert
from proxystore.schema.ledger import ledger_segments

_FIND: Final = Query(
    select(ledger_segments.c.segment_id, ledger_segments.c.acked).where(
        ledger_segments.c.segment_id.in_(bindparam("segment_ids", expanding=True))
    ),
    lambda segment_id, acked: (segment_id, acked),
)
_BEGIN: Final = Statement(
    upsert(ledger_segments)
    .values(segment_id=bindparam("segment_id"), acked=bindparam("acked"), updated_at=bindparam("updated_at"))
    .on_conflict_do_nothing(index_elements=["segment_id"])
)
_MOVE: Final = Statement(
    update(ledger_segments)
    .where(ledger_segments.c.segment_id == bindparam("segment"), ledger_segments.c.acked == bindparam("since"))
    .values(acked=bindparam("acked"), updated_at=bindparam("updated_at"))
)


class Overtaken(Exception):
    """Somebody else has written a segment down from where we were."""


async def find(database: Database, segment_ids: Collection[UUID]) -> Mapping[UUID, int]:
    """Return how far each of *segment_ids* has been written down; those the database has not heard of are missing."""
    return dict(await database.fetch_all(_FIND, segment_ids=list(segment_ids))) if segment_ids else {}


def moved(steps: Iterable[tuple[UUID, int, int]]) -> Script[None]:
    """Move segments from where they must be to where they will be, in the transaction that counts what is in between.

    Args:
        steps: For each segment its id, from, to; from 0 is a segment the database has not heard of.

    Raises:
        Overtaken: A segment is not where it must be; undo the transaction and look again.
    """
    now = datetime.now(UTC)
    for segment_id, since, until in sorted(steps):
        if since == 0:
            values = {"segment_id": segment_id, "acked": until, "updated_at": now}
            (count,) = yield _BEGIN, Counted(values)
        else:
            values = {"segment": segment_id, "since": since, "acked": until, "updated_at": now}
            (count,) = yield _MOVE, Counted(values)
        if not count:
            raise Overtaken
