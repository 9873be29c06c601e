"""Dead letters: looked at, tried again, thrown away."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, TypeAlias
from uuid import UUID

import msgspec
from sqlalchemy import bindparam, delete, func, select

from proxystore.database import Counted, Database, Query, Script, Statement
from proxystore.ledger.entries import decode_end
from proxystore.ledger.recorder import BATCHES, POISON, Shaping
from proxystore.ledger.settling import settled
from proxystore.records.dead_letters import DeadLetter
from proxystore.schema.ledger import dead_letters

_COUNT: Final = Query(select(func.count().label("n")).select_from(dead_letters), lambda n: n)
_LIST: Final = Query(
    select(dead_letters).order_by(dead_letters.c.event_id.desc()).limit(bindparam("limit")), DeadLetter
)
_GET: Final = Query(select(dead_letters).where(dead_letters.c.event_id == bindparam("event_id")), DeadLetter)
_IDS: Final = Query(select(dead_letters.c.event_id).order_by(dead_letters.c.event_id), lambda event_id: event_id)
_DELETE: Final = Statement(delete(dead_letters).where(dead_letters.c.event_id == bindparam("event_id")))


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """Why a dead letter is one still."""

    event_id: UUID
    reason: str


Refusals: TypeAlias = list[Refusal]


class DeadLetters:
    """What the database could not hold as events."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._shaping = Shaping(database)

    async def count(self) -> int:
        """Return how many there are."""
        return await self._database.fetch_one(_COUNT) or 0

    async def list(self, *, limit: int) -> list[DeadLetter]:
        """Return at most *limit*, newest first."""
        return await self._database.fetch_all(_LIST, limit=limit)

    async def drop(self, event_ids: Iterable[UUID] | None = None) -> int:
        """Throw some away, or all; return how many there were."""
        dropped = 0
        for event_id in await self._chosen(event_ids):
            dropped += await self._database.execute(_DELETE, event_id=event_id)
        return dropped

    async def retry(self, event_ids: Iterable[UUID] | None = None) -> tuple[int, Refusals]:
        """Count some as events, or all.

        A letter goes in the transaction that counts its event, so that none is counted twice, whoever else tries.

        Returns:
            How many are events now, and why the others are not.
        """
        counted, refusals = 0, Refusals()
        for event_id in await self._chosen(event_ids):
            self._shaping.forget()  # what is tried now may have failed for a series or a partition
            try:
                counted += await self._retry(event_id)
            except (*POISON, ValueError) as error:
                refusals.append(Refusal(event_id=event_id, reason=str(error)))
        return counted, refusals

    async def _retry(self, event_id: UUID) -> int:
        letter = await self._database.fetch_one(_GET, event_id=event_id)
        if letter is None:
            return 0
        dialect = self._database.dialect
        # What it was promised has been given back since.
        entry = msgspec.structs.replace(decode_end(letter.entry.encode()), hold=None)
        batch = BATCHES[dialect](await self._shaping.rows([entry]))
        settle = settled(dialect, [entry], lambda event_id: event_id)

        def counted() -> Script[int]:
            (was_there,) = yield _DELETE, Counted({"event_id": event_id})
            if not was_there or (yield from batch.recorded()):
                return 0
            yield from settle()
            return 1

        return await self._database.perform(counted)

    async def _chosen(self, event_ids: Iterable[UUID] | None) -> Iterable[UUID]:
        return await self._database.fetch_all(_IDS) if event_ids is None else event_ids
