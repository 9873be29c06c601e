"""Verifying the audit chain of a database, a page at a time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import bindparam, func, select, type_coerce
from sqlalchemy.sql import ClauseElement
from sqlalchemy.types import NullType
from typing_extensions import override

from proxystore.changes.chain import End
from proxystore.changes.links import BEGINNING, FIELDS, hash_in, number_in
from proxystore.database import Database, Query
from proxystore.database.compiling import Compiled
from proxystore.errors import InvalidRecord, StoreBusy, StoreClosed, StoreError, StoreTimeout, StoreUnavailable
from proxystore.records.audit import AuditHead, AuditVerdict
from proxystore.repositories.audit.proving import Anchor, Link, Proof
from proxystore.schema.audit import audit_anchors, audit_events, audit_head

_PAGE: Final = 2_000
_MOST_TRIES: Final = 5
_PASSING: Final = (StoreBusy, StoreClosed, StoreTimeout, StoreUnavailable)


class _Links(Query[Link]):
    """Reads rows as they were hashed, whatever somebody has put into them, and a million of them in seconds."""

    def __init__(self, clause: ClauseElement) -> None:
        super().__init__(clause, Link)

    @override
    def records(self, compiled: Compiled, rows: Iterable[Sequence[Any]]) -> list[Link]:
        return [
            Link(row[0], row[1], (row[2] if type(row[2]) is bytes else getattr(row[2], "bytes", None), *row[3:]))
            for row in rows
        ]


class _State(NamedTuple):
    end: End | None
    anchor: Anchor
    last: int


_events: Final = audit_events.c
_PAGE_QUERY: Final = _Links(
    select(
        _events.seq,
        _events.hash,
        *(type_coerce(_events[name], NullType()).label(name) for name in FIELDS),  # as it is kept
    )
    .where(_events.seq > bindparam("after"), _events.seq <= bindparam("until"))
    .order_by(_events.seq)
    .limit(bindparam("limit"))
)
_NEXT: Final = Query(
    select(func.min(_events.seq).label("seq")).where(_events.seq > bindparam("after")), lambda seq: seq
)
_anchored: Final = select(func.coalesce(func.max(audit_anchors.c.seq), 0)).scalar_subquery()
_STATE: Final = Query(
    select(
        audit_head.c.seq,
        audit_head.c.hash,
        audit_head.c.seal,
        audit_anchors.c.seq.label("anchor_seq"),
        audit_anchors.c.hash.label("anchor_hash"),
        select(func.coalesce(func.max(_events.seq), 0)).scalar_subquery().label("last"),
    )
    .select_from(select(func.count().label("one")).select_from(audit_head).subquery())
    .join(audit_head, audit_head.c.id == 1, isouter=True)
    .join(audit_anchors, audit_anchors.c.seq == _anchored, isouter=True),
    lambda seq, hash, seal, anchor_seq, anchor_hash, last: _State(  # noqa: A006  the columns' names
        None if seq is None else End(number_in(seq), hash_in(hash), hash_in(seal)),
        Anchor() if anchor_seq is None else Anchor(number_in(anchor_seq), hash_in(anchor_hash)),
        last,
    ),
)


async def verify(database: Database, keys: Sequence[bytes], pin: AuditHead | None = None) -> AuditVerdict:
    """Follow the chain from its anchor to its end, while others go on appending to it."""
    for _ in range(_MOST_TRIES):
        before = await _state(database)
        proof = Proof(keys, before.anchor, pin)
        await _follow(database, proof, before.last)
        after = await _state(database)
        if after.last > proof.last:  # what came meanwhile
            await _follow(database, proof, after.last)
        if after.anchor == before.anchor:
            break  # else retention has taken away what we were about to read
    proof.end(after.end)
    return _verdict(proof, after)


async def find_head(database: Database) -> AuditHead:
    """Return the end of the chain."""
    state = await _state(database)
    return _head(state.end)


async def _state(database: Database) -> _State:
    return await database.fetch_one(_STATE) or _State(None, Anchor(), 0)


async def _follow(database: Database, proof: Proof, until: int) -> None:
    """Give *proof* all events up to *until*."""
    limit = _PAGE
    while proof.last < until:
        try:
            links = await database.fetch_all(_PAGE_QUERY, after=proof.last, until=until, limit=limit)
        except _PASSING:
            raise
        except StoreError as error:  # a text that is none: somebody has been here
            limit = await _narrowed(database, proof, limit, error)
            continue
        if not links:
            return
        proof.take(links)
        limit = min(_PAGE, limit * 2)


async def _narrowed(database: Database, proof: Proof, limit: int, error: StoreError) -> int:
    """Return how many events to ask for next; the one that cannot be read alone is skipped."""
    if limit > 1:
        return limit // 2
    seq = await database.fetch_one(_NEXT, after=proof.last)
    if seq is None:
        raise InvalidRecord("The audit trail cannot be read.") from error
    proof.skip(seq)
    return 1


def _head(end: End | None) -> AuditHead:
    return AuditHead(seq=end.seq, hash=end.hash.hex()) if end is not None else AuditHead(seq=0, hash=BEGINNING.hex())


def _verdict(proof: Proof, state: _State) -> AuditVerdict:
    return AuditVerdict(
        first_seq=proof.first,
        last_seq=proof.last if proof.first else 0,
        verified=proof.verified,
        problems=tuple(proof.problems),
        is_complete=proof.is_complete,
        head=_head(state.end),
    )
