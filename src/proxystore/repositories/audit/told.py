"""How far sinks have been told of the audit trail, and which host is telling them."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Final

import msgspec
from sqlalchemy import bindparam, insert, select, update

from proxystore.database import Database, Query, Statement
from proxystore.errors import Conflict
from proxystore.schema.audit import audit_head
from proxystore.schema.settings import settings

LEASE: Final = 30.0
"""Seconds after which another host takes over from one that has not been heard of."""

_NAME: Final = "audit.told"
_FIND: Final = Query(select(settings.c.value).where(settings.c.name == _NAME), lambda value: value)
_SWAP: Final = Statement(
    update(settings)
    .where(settings.c.name == _NAME, settings.c.value == bindparam("before"))
    .values(value=bindparam("after"), updated_at=bindparam("now", type_=settings.c.updated_at.type))
)
_ADD: Final = Statement(
    insert(settings).values(name=_NAME, value=bindparam("value"), updated_at=bindparam("updated_at"))
)
_HEAD: Final = Query(select(audit_head.c.seq), lambda seq: seq)


class _Told(msgspec.Struct, frozen=True):
    """Attributes: how far; by whom; until when that one is believed to be there, in seconds since 1970."""

    seq: int
    owner: str
    until: float


class Told:
    """The one place that says how far sinks have been told: moved by compare-and-set, so that one host does.

    Args:
        database: Where it is kept.
        owner: A name for this process.
    """

    def __init__(self, database: Database, owner: str) -> None:
        self._database = database
        self._owner = owner
        self._text = ""
        self._told = _Told(0, "", 0.0)

    async def take(self) -> int | None:
        """Return how far sinks have been told, if it is ours to go on; ``None`` if another host does."""
        text = await self._database.fetch_one(_FIND)
        if text is None:
            return await self._begin()
        self._text, self._told = text, msgspec.json.decode(text, type=_Told)
        now = time.time()
        if self._told.owner != self._owner and self._told.until > now:
            return None
        if self._told.owner == self._owner and self._told.until > now + LEASE / 2:
            return self._told.seq
        return self._told.seq if await self.move(self._told.seq) else None

    async def move(self, seq: int) -> bool:
        """Say that sinks have been told up to *seq*; return whether nobody else has said anything meanwhile."""
        after = _Told(seq, self._owner, time.time() + LEASE)
        text = msgspec.json.encode(after).decode()
        if not await self._database.execute(_SWAP, before=self._text, after=text, now=datetime.now(UTC)):
            return False
        self._text, self._told = text, after
        return True

    async def _begin(self) -> int | None:
        """Begin with what comes from now on."""
        told = _Told(await self._database.fetch_one(_HEAD) or 0, self._owner, time.time() + LEASE)
        text = msgspec.json.encode(told).decode()
        try:
            await self._database.execute(_ADD, value=text, updated_at=datetime.now(UTC))
        except Conflict:
            return None
        self._text, self._told = text, told
        return told.seq
