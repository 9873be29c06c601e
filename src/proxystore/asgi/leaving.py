"""Clients that leave before their answer is complete: what is recorded, and whether the answer goes on without them."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

from proxystore.asgi.estimating import estimate, most_written
from proxystore.values import Cost, Disconnect, Usage

if TYPE_CHECKING:
    from proxystore.asgi.house import House
    from proxystore.exchange import Exchange, Request


def bill(exchange: Exchange, policy: Disconnect, seen_tokens: int) -> None:
    """Settle what *exchange*, whose client has left, has used.

    Args:
        exchange: Its usage is what was told so far.
        policy: The caller's, or the setting ``disconnect``.
        seen_tokens: About how many tokens of the answer have passed.
    """
    if policy == "void":
        exchange.usage = Usage(response_model=exchange.usage.response_model)
        exchange.cost = Cost(nanousd=0)
    elif exchange.usage.quality == "missing" and exchange.request.is_claimed:
        is_background = exchange.request.call.is_background  # it goes on, and the rest may be fetched
        estimate(exchange, max(seen_tokens, most_written(exchange)) if is_background else seen_tokens)


class Draining:
    """Lets answers finish that nobody waits for any more, so that their usage is known exactly; bounded."""

    __slots__ = ("_count", "_limit", "_seconds")

    def __init__(self, limit: int, seconds: float) -> None:
        self._limit = limit
        self._seconds = seconds
        self._count = 0

    async def carry(self, house: House, work: Coroutine[Any, Any, None], request: Request) -> None:
        """Do *work*, the rest of *request*'s way; a server that cancels it because the client left is not obeyed."""
        request.body.hold = self._hold
        task = house.loop.create_task(work)
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            request.body.is_gone = True
            if task.done() or self._count >= self._limit:
                task.cancel()
            else:
                house.spawn(self._finish(task))
            raise

    async def _finish(self, task: asyncio.Task[None]) -> None:
        self._count += 1
        try:
            await asyncio.wait({task}, timeout=self._seconds)
            task.cancel()
        finally:
            self._count -= 1

    async def _hold(self) -> None:
        """Keep from the proxy, for a while, that its client has left."""
        if self._count >= self._limit:
            return
        self._count += 1
        try:
            await asyncio.sleep(self._seconds)
        finally:
            self._count -= 1
