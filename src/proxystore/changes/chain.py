"""Appending to the audit chain: one link after the other, whoever writes."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple
from uuid import UUID

from sqlalchemy import BigInteger, Text, bindparam, delete, func, insert, select, update
from sqlalchemy.types import TypeEngine

from proxystore.changes.fitting import content_of
from proxystore.changes.links import BEGINNING, FIELDS, hash_in, is_sealed, link, number_in, seal
from proxystore.credentials import Pepper
from proxystore.database import Query, Statement, Transaction, upsert
from proxystore.errors import StoreClosed, StoreUnavailable
from proxystore.ids import uuid7
from proxystore.records.audit import AuditEntry
from proxystore.schema.audit import audit_anchors, audit_events, audit_head
from proxystore.schema.settings import settings

TAMPERED: Final = "audit.tampered"
"""The action of the event that is written where the chain was not what we had left."""


class End(NamedTuple):
    """The end of the chain, as the database has it."""

    seq: int
    hash: bytes
    seal: bytes


_MOST_IDS: Final = 1_000  # a statement takes no more parameters than 32,767
_MOST_ROWS: Final = 5_000  # a statement has a deadline
_RAW: Final[Mapping[str, TypeEngine[Any]]] = {"occurred_at": BigInteger(), "metadata": Text()}  # as they are hashed
_END: Final = Query(
    select(audit_head.c.seq, audit_head.c.hash, audit_head.c.seal).where(audit_head.c.id == 1).with_for_update(),
    lambda seq, hash, seal: End(number_in(seq), hash_in(hash), hash_in(seal)),  # noqa: A006  the columns' names
)
_LAST: Final = Query(
    select(audit_events.c.seq, audit_events.c.hash).order_by(audit_events.c.seq.desc()).limit(1),
    lambda seq, hash: (seq, hash_in(hash)),  # noqa: A006  as above
)
_CUT_OFF: Final = func.coalesce(select(func.max(audit_anchors.c.seq)).scalar_subquery(), 0)
_KNOWN: Final = Query(
    select(audit_events.c.event_id, (audit_events.c.seq > _CUT_OFF).label("is_living")).where(
        audit_events.c.event_id.in_(bindparam("event_ids", expanding=True))
    ),
    lambda event_id, is_living: (event_id, bool(is_living)),
)
_REMOVE: Final = Statement(delete(audit_events).where(audit_events.c.event_id == bindparam("event_id")))
_BEYOND: Final = Query(
    select(audit_events.c.seq).where(audit_events.c.seq > bindparam("seq")).limit(1), lambda seq: seq
)
_APPEND: Final = Statement(
    insert(audit_events).values(
        seq=bindparam("seq"),
        hash=bindparam("hash"),
        **{name: bindparam(name, type_=_RAW.get(name, audit_events.c[name].type)) for name in FIELDS},
    )
)
_MOVE: Final = Statement(
    update(audit_head)
    .where(audit_head.c.id == 1)
    .values(seq=bindparam("seq"), hash=bindparam("hash"), seal=bindparam("seal"))
)
_NEW_HEAD: Final = upsert(audit_head).values(id=1, seq=0, hash=BEGINNING, seal=b"")
_RESTORE: Final = Statement(_NEW_HEAD.on_conflict_do_nothing(index_elements=["id"]))
_VERSIONS: Final = Query(
    select(settings.c.name).where(settings.c.name.like("audit_key_check_%")),
    lambda name: int(name.rpartition("_")[2]),
)
_OUTDATED: Final = (
    "The audit trail goes on under a newer key, which this process does not have: put that one before its own in"
    " PROXYSTORE_AUDIT_KEY and start it anew."
)


class Chain:
    """Appends audit entries in transactions of others, so that both happen or neither.

    The end of the chain is locked first and duplicates are looked for after, with a fresh look at the table: two that
    append at once come one after the other, however many hosts there are. It is the last lock a transaction takes.

    Args:
        keys: The keys, newest first: the first makes links, all of them verify. Or none yet, then see :meth:`use`.
    """

    def __init__(self, keys: Iterable[Pepper] = ()) -> None:
        self._seen = 0
        self._writing: Transaction | None = None
        self.use(keys)

    def use(self, keys: Iterable[Pepper]) -> None:
        """Take *keys*, newest first."""
        given = tuple(keys)
        self._keys = tuple(key.value for key in given)
        self._newest = max((key.version for key in given), default=0)

    @property
    def keys(self) -> Sequence[bytes]:
        """The keys, newest first.

        Raises:
            StoreClosed: There are none yet.
        """
        if not self._keys:
            raise StoreClosed
        return self._keys

    async def append(self, transaction: Transaction, entries: Iterable[AuditEntry], *, are_new: bool = False) -> int:
        """Append those *entries* that are not in the chain, in their order; return how many were not.

        Args:
            transaction: What they happen in.
            entries: What to append.
            are_new: Whether none of them can be there already.

        Raises:
            StoreUnavailable: The chain goes on under a newer key than this process has.
            StoreError: The database did not take them.
        """
        wanted = {entry.event_id: entry for entry in entries}
        if not wanted:
            return 0
        end = await self.lock_end(transaction)
        wrong = [] if end.is_ours else ["head_not_ours"]
        if self._is_shorter(transaction, end):
            wrong.append("put_back")
        known = {} if are_new else await _known(transaction, list(wanted))
        planted = [event_id for event_id, is_living in known.items() if not is_living]
        if planted:
            # Where nobody looks, and `verify` neither: somebody would keep these events out of the chain.
            await transaction.execute_many(_REMOVE, [{"event_id": event_id} for event_id in planted])
            wrong.append("planted")
        new = [entry for event_id, entry in wanted.items() if not known.get(event_id)]
        if new:
            self._writing = transaction
            await self._append(transaction, end, [*(_tampered(end, reason) for reason in wrong), *new])
        return len(new)

    async def lock_end(self, transaction: Transaction) -> LockedEnd:
        """Lock the end of the chain until *transaction* is over; return where to go on.

        Raises:
            StoreUnavailable: As :meth:`append`.
        """
        end = await transaction.fetch_one(_END)
        is_ours = end is not None and is_sealed(self.keys, *end)
        if not is_ours and max(await transaction.fetch_all(_VERSIONS), default=0) > self._newest:
            raise StoreUnavailable(_OUTDATED)  # our link behind a newer one would be taken for a forgery, and rightly
        if end is None:  # somebody removed it
            await transaction.execute(_RESTORE)
            end = await transaction.fetch_one(_END) or End(0, BEGINNING, b"")
        if is_ours and await transaction.fetch_one(_BEYOND, seq=end.seq) is None:
            return LockedEnd(end.seq, end.hash, is_ours=True)
        return await _resumed(transaction, end)

    def _is_shorter(self, transaction: Transaction, end: LockedEnd) -> bool:
        """Tell whether the chain has been longer: an older end has an older seal, which is ours as well."""
        if transaction is self._writing:
            return False  # what it has appended itself may yet be undone, and is nothing to compare with
        seen, self._seen = self._seen, end.seq
        return end.seq < seen

    async def _append(self, transaction: Transaction, end: LockedEnd, entries: Sequence[AuditEntry]) -> None:
        key, seq, hash_ = self.keys[0], end.seq, end.hash
        rows: list[dict[str, Any]] = []
        for entry in entries:
            seq += 1
            content = content_of(entry)
            hash_ = link(key, seq, hash_, content)
            rows.append(
                {"seq": seq, "hash": hash_, **dict(zip(FIELDS, content, strict=True)), "event_id": entry.event_id}
            )
        for begin in range(0, len(rows), _MOST_ROWS):
            await transaction.execute_many(_APPEND, rows[begin : begin + _MOST_ROWS])
        await transaction.execute(_MOVE, seq=seq, hash=hash_, seal=seal(key, seq, hash_))


class LockedEnd(NamedTuple):
    """Where to go on, in a transaction that alone may."""

    seq: int
    hash: bytes
    is_ours: bool
    """Whether the chain ends where we left it; if not, what is appended next says so."""


async def _known(transaction: Transaction, event_ids: Sequence[UUID]) -> dict[UUID, bool]:
    """Return those that have a row, and whether it is one of the chain; after its end was locked, for a fresh look."""
    known: dict[UUID, bool] = {}
    for begin in range(0, len(event_ids), _MOST_IDS):
        known.update(await transaction.fetch_all(_KNOWN, event_ids=event_ids[begin : begin + _MOST_IDS]))
    return known


async def _resumed(transaction: Transaction, end: End) -> LockedEnd:
    """Return where to go on, behind everything that is there, since somebody has been at the chain's end."""
    last = await transaction.fetch_one(_LAST) or (0, BEGINNING)
    seq, hash_ = last if last[0] >= end.seq else (end.seq, end.hash)
    return LockedEnd(seq, hash_, is_ours=False)


def entry_now(action: str, **fields: Any) -> AuditEntry:
    """Return an entry about what happens now, but for *fields*, which are those of `AuditEntry`."""
    now = time.time_ns() // 1_000
    return AuditEntry(**{"event_id": uuid7(now // 1_000), "occurred_at": now, "action": action, **fields})


def _tampered(end: LockedEnd, reason: str) -> AuditEntry:
    """Return what is written where somebody has been at the chain: it must not look sound again."""
    return entry_now(TAMPERED, outcome="error", reason=reason, metadata={"after": end.seq})
