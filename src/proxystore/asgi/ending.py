"""How one exchange ends: recorded once, before the client can see it; observed afterwards."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from proxystore.asgi.pricing import cost_of

if TYPE_CHECKING:
    from proxystore.asgi.house import House
    from proxystore.exchange import Exchange
    from proxystore.values import Outcome


class Ending:
    """The end of one exchange.

    Attributes:
        is_recorded: Whether ``on_usage`` has been called; it never is again.
        is_awaited: Whether the database has to have it before the client sees the end.
        is_observed: Whether ``on_response`` has been called, or will be by a task of its own.
    """

    __slots__ = ("_exchange", "_house", "_observing", "is_awaited", "is_observed", "is_recorded")

    def __init__(self, house: House, exchange: Exchange) -> None:
        self._house = house
        self._exchange = exchange
        self._observing: asyncio.Future[None] | None = None
        self.is_recorded = self.is_awaited = self.is_observed = False

    def record(self, outcome: Outcome) -> None:
        """Tell the recorders, unless they have been told."""
        if self.is_recorded:
            return
        self.is_recorded = True
        exchange = self._exchange
        exchange.outcome = outcome
        self._take_stock(outcome)
        exchange.response.last_byte_ns = exchange.now_ns()
        tell = self._house.chains.on_usage
        if tell is not None:
            if exchange.request.is_claimed:
                exchange.cost = cost_of(self._house, exchange)
            tell(exchange)
            self.is_awaited = self._house.awaits_commits

    def _take_stock(self, outcome: Outcome) -> None:
        """Note what has been used, as far as whoever reads along knows."""

    async def commit(self) -> None:
        """Wait until the database has it, or it has taken too long."""
        self.is_awaited = False
        await self._house.store.ledger.committed(self._exchange.id)

    def observe_apart(self) -> None:
        """Tell the observers; those that have to be waited for in a task of their own."""
        self.is_observed = True
        tell = self._house.chains.on_response
        rest = None if tell is None else tell(self._exchange)
        if rest is not None:
            self._observing = self._house.spawn(rest)

    async def observe(self) -> None:
        """Tell the observers, unless they have been, and wait for them where this task may wait."""
        if not self.is_observed:
            self.observe_apart()
        if self._observing is not None and isinstance(self._exchange.error, Exception | None):
            await asyncio.wait((self._observing,))


def broken_outcome(exchange: Exchange) -> Outcome:
    """Return how an exchange ended that did not come to its end: the client went away, or the proxy failed."""
    is_cancelled = isinstance(exchange.error, asyncio.CancelledError | GeneratorExit)
    return "disconnected" if is_cancelled or exchange.request.body.is_gone else "failed"
