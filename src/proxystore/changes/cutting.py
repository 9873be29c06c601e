"""Cutting the audit chain: what is old goes, a little at a time, and the rest still verifies.

A cut is an event of the chain, and names the last event that goes, with its hash: from there the chain can be followed
on. So whoever takes events from the beginning is found out, unless it was us.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import bindparam, delete, func, insert, select

from proxystore.changes.chain import Chain, entry_now
from proxystore.changes.links import hash_in
from proxystore.database import Database, Query, Statement
from proxystore.schema.audit import audit_anchors, audit_events

CUT: Final = "audit.cut"
"""The action of the event that says where the chain was cut."""

_BATCH: Final = 500
_ANCHOR: Final = Query(select(func.coalesce(func.max(audit_anchors.c.seq), 0).label("seq")), lambda seq: seq)
_FIRST_KEPT: Final = Query(
    select(audit_events.c.seq)
    .where(audit_events.c.seq > bindparam("after"), audit_events.c.occurred_at >= bindparam("since"))
    .order_by(audit_events.c.seq)
    .limit(1),
    lambda seq: seq,
)
_LAST_BEFORE: Final = Query(
    select(audit_events.c.seq, audit_events.c.hash)
    .where(audit_events.c.seq > bindparam("after"), audit_events.c.seq < bindparam("before"))
    .order_by(audit_events.c.seq.desc())
    .limit(1),
    lambda seq, hash: (seq, hash_in(hash)),  # noqa: A006  the columns' names
)
_ADD_ANCHOR: Final = Statement(
    insert(audit_anchors).values(seq=bindparam("seq"), hash=bindparam("hash"), recorded_at=bindparam("recorded_at"))
)
_DELETE: Final = Statement(
    delete(audit_events).where(
        audit_events.c.seq.in_(
            select(audit_events.c.seq)
            .where(audit_events.c.seq <= bindparam("until"))
            .order_by(audit_events.c.seq)
            .limit(_BATCH)
        )
    )
)


async def cut(database: Database, chain: Chain, *, keep: int) -> AsyncIterator[int]:
    """Cut off events that are older than *keep* days, whole days at a time; yield how many rows went, step by step.

    They are cut off at once, and are in no list any more; their rows go after. An event stays as long as one that was
    recorded before it.
    """
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    anchor = await _cut(database, chain, midnight - timedelta(days=keep)) if keep else await database.fetch_one(_ANCHOR)
    count = _BATCH if anchor else 0
    while count == _BATCH:
        count = await database.execute(_DELETE, until=anchor)
        yield count


async def _cut(database: Database, chain: Chain, since: datetime) -> int:
    """Return up to where the chain has been cut off."""
    async with database.transaction() as transaction:
        end = await chain.lock_end(transaction)
        anchor = await transaction.fetch_one(_ANCHOR) or 0
        kept = await transaction.fetch_one(_FIRST_KEPT, after=anchor, since=since) or end.seq + 1
        last = await transaction.fetch_one(_LAST_BEFORE, after=anchor, before=kept)
        if last is None:
            return anchor
        seq, hash_ = int(last[0]), last[1]
        await transaction.execute(_ADD_ANCHOR, seq=seq, hash=hash_, recorded_at=datetime.now(UTC))
        said = {"seq": seq, "hash": hash_.hex(), "removed": seq - anchor, "before": since.isoformat()}
        await chain.append(transaction, [entry_now(CUT, metadata=said)], are_new=True)
    return seq
