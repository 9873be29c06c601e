"""Where entries go that the database cannot hold as events: a table of their own, for people to look at."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Final
from uuid import UUID

import msgspec
from sqlalchemy import bindparam

from proxystore.changes.fitting import fitted
from proxystore.database import Counted, Script, Statement
from proxystore.database.upsert import upsert
from proxystore.ledger.entries import encode, identity_in
from proxystore.ledger.tail import Item
from proxystore.records.dead_letters import DeadLetter
from proxystore.schema.ledger import dead_letters

_FIELDS: Final = DeadLetter.__struct_fields__
_BURY: Final = Statement(
    upsert(dead_letters)
    .values({name: bindparam(name) for name in _FIELDS})
    .on_conflict_do_nothing(index_elements=["event_id"])
)
_log: Final = logging.getLogger(__name__)


def letter_of(item: Item, reason: str) -> DeadLetter:
    """Return *item* as a dead letter; the same one however often it is read."""
    data = _data_of(item)
    return DeadLetter(
        event_id=identity_in(data) or _named_after(f"{item.segment_id} {item.end}"),
        segment_id=item.segment_id,
        kind="event" if item.entry is not None else "audit" if item.audit is not None else "unreadable",
        entry=data.decode("utf-8", "backslashreplace").replace("\0", "\\x00"),
        reason=reason.replace("\0", ""),
        recorded_at=datetime.now(UTC),
    )


def _named_after(place: str) -> UUID:
    """Return an id for what has none, always the same: a UUIDv8, which `UUID` makes itself only from Python 3.14 on."""
    digest = bytearray(blake2b(place.encode(), digest_size=16).digest())
    digest[6], digest[8] = digest[6] & 0x0F | 0x80, digest[8] & 0x3F | 0x80
    return UUID(bytes=bytes(digest))


def _data_of(item: Item) -> bytes:
    if item.audit is not None:
        return msgspec.json.encode(fitted(item.audit))
    return encode(item.entry) if item.entry is not None else item.raw or b""


def buried(letters: Sequence[DeadLetter]) -> Script[int]:
    """Write *letters* down, in the transaction that reads on behind them; return how many were new."""
    new = 0
    for letter in letters:
        (count,) = yield _BURY, Counted({name: getattr(letter, name) for name in _FIELDS})
        new += count
        _log.error("an entry became the dead letter %s: %s", letter.event_id, letter.reason)
    return new
