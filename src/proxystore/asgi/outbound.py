"""The response on its way out: each message forwarded at once, the meter reading along."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from typing_extensions import override

from proxystore.asgi.asking import REFUSALS
from proxystore.asgi.editing import Editing
from proxystore.asgi.ending import Ending, broken_outcome
from proxystore.asgi.estimating import settle
from proxystore.asgi.leaving import bill
from proxystore.asgi.pricing import look_up_answer
from proxystore.asgi.refusing import request_id_header
from proxystore.wire import decoded

if TYPE_CHECKING:
    from proxystore.asgi.house import House
    from proxystore.exchange import Exchange
    from proxystore.exchange.asgi import Message, Send
    from proxystore.values import Disconnect, Outcome
    from proxystore.wire import Meter

_BODILESS: Final = frozenset({204, 304})
_EVENTS: Final = b"text/event-stream"
_MOMENT_NS: Final = 20_000_000


class Outbound(Ending):
    """What one response passes through, to its end.

    Args:
        house: Where it comes from.
        exchange: Whose response it is.
        send: The server's.

    Attributes:
        is_asked: Whether we put a question for usage into the request, so that the event it causes has to go.
        is_refused: Whether the server refused the question; its response is then dropped, not a byte has left.
        is_metered: Whether the proxy answers; what a plugin answers was metered when it was paid for.
    """

    __slots__ = (
        "_is_over",
        "_is_streaming",
        "_left",
        "_meter",
        "_send",
        "is_asked",
        "is_metered",
        "is_refused",
    )

    def __init__(self, house: House, exchange: Exchange, send: Send) -> None:
        super().__init__(house, exchange)
        self._send = send
        self._meter: Meter | None = None
        self._is_streaming = False
        self._is_over = False
        self._left = -1  # bytes of the body still to come, where content-length told
        self.is_asked = False
        self.is_refused = False
        self.is_metered = True

    @property
    def disconnect(self) -> Disconnect:
        """What to do when the client leaves before the end."""
        who = self._exchange.principal
        return self._house.disconnect if who is None or who.disconnect is None else who.disconnect

    async def send(self, message: Message) -> None:
        """Take the proxy's next message (ASGI)."""
        kind = message["type"]
        passing: Message | None = message
        is_last = False
        if kind == "http.response.body":
            is_last = not message.get("more_body", False)
            passing = self._read_along(message, has_more=not is_last)
            if self._is_over and not self.is_recorded:
                if self._is_doubtful:
                    await self._make_sure()
                self.record(self._outcome())
            self._is_streaming = True
        elif kind == "http.response.start":
            passing = self._started(message)
        elif kind == "http.response.pathsend" and not self.is_refused:  # the whole body, sent from a file
            self.record(self._outcome())
        if passing is None or self.is_refused:
            return
        if self.is_awaited:
            await self.commit()
        try:
            await self._send(passing)
        except OSError as error:  # what servers raise when there is nobody to send to
            self._note_gone(error)
        if is_last and not self.is_observed:  # the proxy may go on for long: it has tasks for the background
            self.observe_apart()

    def _note_gone(self, error: OSError) -> None:
        body = self._exchange.request.body
        body.is_gone = True
        if body.hold is None:
            raise error

    def _read_along(self, message: Message, *, has_more: bool) -> Message | None:
        """Let the meter read a piece of the body; return what is left to forward, if anything."""
        if self.is_refused:
            return None
        given = message.get("body", b"")
        if type(given) is not bytes:  # a view, or a buffer that may be written to again
            message = {**message, "body": (given := bytes(given))}
        data: bytes = given
        self._left -= len(data)
        # The end is where the client sees it, not where the proxy says so.
        self._is_over = not has_more or self._left == 0
        meter = self._meter
        if meter is not None:
            kept = meter.feed(data, is_last=self._is_over)
            if meter.is_ended:
                self._is_over = True
            if kept is not data:
                if not kept and has_more:
                    return None  # all of it was taken out, or is held back
                message, data = {**message, "body": kept}, kept
        response = self._exchange.response
        if response.is_kept:
            response.keep_chunk(data)
        return message

    def _started(self, message: Message) -> Message | None:
        """Take note of how the response starts; return what to forward now, if anything."""
        exchange = self._exchange
        response = exchange.response
        status: int = message["status"]
        if self.is_asked and status in REFUSALS:
            self.is_refused = True
            return None
        response.status = status
        response.first_byte_ns = exchange.now_ns()
        response.headers = list(message.get("headers", ()))
        told = dict(response.headers)
        if not b"".join(told).islower():  # as Django sends them; ASGI, and HTTP/2, have small letters alone
            response.headers = [(name.lower(), value) for name, value in response.headers]
            told = dict(response.headers)
        length = told.get(b"content-length", b"")
        self._left = int(length) if length.isdigit() else -1
        if self.is_metered and status < 300:
            self._meter = self._meter_for(told)
        message = {**message, "headers": self._headers_out(told)}
        if self._left == 0 or status in _BODILESS or exchange.request.method == "HEAD":
            self.record(self._outcome())
        elif response.wanted_edit is not None and _is_editable(told):
            self._send = Editing(response.wanted_edit, self._send).send
        return message

    @property
    def _is_doubtful(self) -> bool:
        """Whether something may have to be asked before the end can be recorded."""
        exchange = self._exchange
        model = exchange.model
        return self._is_streaming or model is None or not model.tariff.prices

    async def _make_sure(self) -> None:
        exchange = self._exchange
        # Looking costs a task: what is over in a moment is complete, whether or not somebody stayed to see it.
        if self._is_streaming and exchange.now_ns() - exchange.response.first_byte_ns > _MOMENT_NS:
            await exchange.request.body.look_for_disconnect()
        if (
            (exchange.model is None or not exchange.model.tariff.prices)
            and self._meter is not None
            and self._house.chains.on_usage is not None
        ):
            await look_up_answer(self._house, exchange, self._meter.usage.response_model)

    def _meter_for(self, told: dict[bytes, bytes]) -> Meter | None:
        request = self._exchange.request
        content_type = told.get(b"content-type", b"")
        meter = request.format.meter(request.call, content_type=content_type, is_stripping=self.is_asked)
        encoding = told.get(b"content-encoding")
        return decoded(meter, encoding) if meter is not None and encoding else meter

    def _headers_out(self, told: dict[bytes, bytes]) -> list[tuple[bytes, bytes]]:
        response = self._exchange.response
        headers = response.headers
        if self.is_asked and self._meter is not None and b"content-length" in told and not _is_document(told):
            headers = [header for header in headers if header[0] != b"content-length"]  # one event will be missing
        offered = response.offered_headers
        if offered:
            headers = [*headers, *(header for header in offered if header[0] not in told)]
        return [*headers, *response.added_headers, request_id_header(self._exchange.id)]

    def break_off(self) -> None:
        """Record an exchange that did not come to its end, with what the meter has seen of it."""
        self.record(broken_outcome(self._exchange))

    @override
    def _take_stock(self, outcome: Outcome) -> None:
        exchange, meter = self._exchange, self._meter
        if meter is not None:
            exchange.usage = meter.usage
            exchange.response.finish_reason = meter.finish_reason
            exchange.response.is_ended = meter.is_ended
        if exchange.usage.quality == "missing" or outcome == "disconnected":
            self._settle(outcome, meter.estimated_output_tokens if meter is not None else 0)

    def _settle(self, outcome: Outcome, seen_tokens: int) -> None:
        """Settle what has been used where that was not told, or where the client has left."""
        exchange = self._exchange
        if outcome == "disconnected" and exchange.request.is_dispatched:
            bill(exchange, self.disconnect, seen_tokens)
        elif self.is_metered and (outcome == "complete" or seen_tokens):
            settle(exchange, seen_tokens)

    def _outcome(self) -> Outcome:
        exchange = self._exchange
        if not self.is_metered:
            return exchange.outcome  # a refusal's, or what the plugin said of its answer
        if exchange.request.body.is_gone:
            return "disconnected"
        is_failed = (exchange.response.status or 500) >= 400 or (self._meter is not None and self._meter.is_failed)
        return "failed" if is_failed else "complete"


def _is_document(told: dict[bytes, bytes]) -> bool:
    return told.get(b"content-type", b"").strip().lower().startswith(b"application/json")


def _is_editable(told: dict[bytes, bytes]) -> bool:
    return not told.get(b"content-type", b"").startswith(_EVENTS) and b"content-encoding" not in told
