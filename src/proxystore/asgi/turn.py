"""One response in a conversation over a WebSocket: decided on, metered and recorded as a request of its own is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from typing_extensions import override

from proxystore.asgi.ending import Ending, broken_outcome
from proxystore.asgi.estimating import settle
from proxystore.asgi.leaving import bill
from proxystore.asgi.pricing import look_up_answer

if TYPE_CHECKING:
    from proxystore.asgi.house import House
    from proxystore.exchange import Exchange
    from proxystore.values import Outcome
    from proxystore.wire import SocketFormat


class Turn(Ending):
    """What was asked, and what has been heard in answer to it."""

    __slots__ = ("_listener", "_seen", "exchange")

    def __init__(self, house: House, exchange: Exchange, socket: SocketFormat) -> None:
        super().__init__(house, exchange)
        self.exchange = exchange
        self._listener = socket.listener()
        self._seen = 0

    async def hear(self, message: bytes, *, says_more: bool) -> None:
        """Take note of what the proxy says; record the turn if that is its end."""
        response = self.exchange.response
        if response.status is None:
            response.status, response.first_byte_ns = 200, self.exchange.now_ns()
        if not says_more:
            self._seen += 1
            return
        self._listener.hear(message)
        if self._listener.is_ended:
            model = self.exchange.model
            if model is None or not model.tariff.prices:
                await look_up_answer(self._house, self.exchange, self._listener.usage(0).response_model)
            self.record("failed" if self._listener.is_failed else "complete")

    def break_off(self, *, is_gone: bool, error: BaseException | None) -> None:
        """Record a turn that did not come to its end."""
        self.exchange.error = error
        self.exchange.request.body.is_gone = is_gone
        self.record(broken_outcome(self.exchange))

    @override
    def _take_stock(self, outcome: Outcome) -> None:
        exchange = self.exchange
        if outcome != "refused":
            exchange.usage = self._listener.usage(self._seen)
            exchange.response.finish_reason = self._listener.finish_reason
        if outcome == "disconnected" and exchange.request.is_dispatched:
            who = exchange.principal
            policy = self._house.disconnect if who is None or who.disconnect is None else who.disconnect
            bill(exchange, policy, self._seen)
        elif outcome == "complete" or (outcome == "failed" and self._seen):
            settle(exchange, self._seen)
