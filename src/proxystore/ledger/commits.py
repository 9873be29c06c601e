"""Waiting for the database: what ``durable = database`` asks before a client sees the end."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Final, TypeAlias
from uuid import UUID

from proxystore.ledger.journal import Position

_PAUSE: Final = 0.005  # seconds between questions, of which there is one for all who wait
_MOST_REMEMBERED: Final = 10_000

Ask: TypeAlias = Callable[[Collection[UUID]], Awaitable[Mapping[UUID, int]]]


class Commits:
    """Knows where entries lie, and waits until they are written down; for one event loop.

    Args:
        ask: Returns how far segments are written down.
        deadline: How many seconds one may wait.

    Attributes:
        late: How many waited in vain.
    """

    def __init__(self, ask: Ask, deadline: float) -> None:
        self.late = 0
        self._ask = ask
        self._deadline = deadline
        self._positions: dict[UUID, Position | None] = {}
        self._order: deque[UUID] = deque()
        self._waiting: dict[asyncio.Future[None], Position] = {}
        self._watching: asyncio.Task[None] | None = None

    def expect(self, event_id: UUID, position: Position | None) -> None:
        """Remember where an entry lies; ``None`` if the disk has not taken it."""
        self._positions[event_id] = position
        self._order.append(event_id)
        if len(self._order) > _MOST_REMEMBERED:  # nobody asks for those whose client has left
            self._positions.pop(self._order.popleft(), None)

    async def wait(self, event_id: UUID) -> bool:
        """Return whether an entry is in the database, as soon as it is, or the deadline has passed."""
        if event_id not in self._positions:
            return True  # nothing was written of it
        position = self._positions.pop(event_id)
        if position is not None and await self._reached(position):
            return True
        self.late += 1
        return False

    async def _reached(self, position: Position) -> bool:
        reached = asyncio.get_running_loop().create_future()
        self._waiting[reached] = position
        if self._watching is None or self._watching.done():
            self._watching = asyncio.create_task(self._watch())
        try:
            async with asyncio.timeout(self._deadline):
                await reached
        except TimeoutError:
            return False
        finally:
            self._waiting.pop(reached, None)
        return True

    async def _watch(self) -> None:
        while self._waiting:
            acked = await self._ask({segment_id for segment_id, _ in self._waiting.values()})
            for reached, (segment_id, end) in list(self._waiting.items()):
                if acked.get(segment_id, 0) >= end and not reached.done():
                    reached.set_result(None)
            await asyncio.sleep(_PAUSE)
