"""One WebSocket on its way through: asked who is calling, and recorded once.

What is spoken on it passes unread, unless its messages are understood: then each request among them is recorded in the
connection's place.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from proxystore.asgi.conversation import Conversation
from proxystore.asgi.deciding import authenticate
from proxystore.asgi.ending import Ending, broken_outcome
from proxystore.asgi.refusing import request_id_header, worded
from proxystore.values import Denial
from proxystore.wire import SOCKETS, is_unmetered, spoken_on

if TYPE_CHECKING:
    from proxystore.asgi.house import House
    from proxystore.exchange.asgi import Message, Receive, Scope, Send
    from proxystore.values import Outcome

_NORMAL_CLOSURES: Final = frozenset({1000, 1001, 1005})  # RFC 6455, section 7.4.1: done, going away, no code given
_POLICY_VIOLATION: Final = 1008
_UNMETERED: Final = Denial(
    status=426,
    code="websocket_unmetered",
    message="What is used on this WebSocket cannot be counted, and there is a limit. Use HTTP instead.",
)


class WebSocketPassage:
    """Holds what only the way through needs; plugins see its exchange."""

    __slots__ = ("_conversation", "_ending", "_exchange", "_house", "_receive", "_send", "_taking")

    def __init__(self, house: House, scope: Scope, path: str, receive: Receive, send: Send) -> None:
        self._house = house
        self._receive = receive
        self._send = send
        socket = spoken_on(path, SOCKETS)
        self._exchange = house.exchange(scope, path, receive, None if socket is None else socket.format)
        self._ending = Ending(house, self._exchange)
        self._conversation = None if socket is None else Conversation(house, scope, path, socket, send)
        self._taking: asyncio.Task[Message | None] | None = None

    async def run(self) -> None:
        """Carry the connection through the house."""
        try:
            denial = await authenticate(self._house, self._exchange) or self._unmetered()
            if denial is not None:
                await self._refuse(denial)
            else:
                request = self._exchange.request
                request.is_dispatched = True
                await self._house.app(request.scope, self._pass_in, self._pass_out)
                if self._exchange.response.status == 101:  # the proxy is done; the server closes for it
                    self._record("complete")
        except BaseException as error:
            self._exchange.error = error
            raise
        finally:
            await self._break_off()

    def _unmetered(self) -> Denial | None:
        """Return why a caller who is held to limits or models may not speak what cannot be read."""
        who = self._exchange.principal
        if (
            who is None
            or not (who.limits or who.models is not None)
            or self._house.settings.websocket_unmetered == "allow"
        ):
            return None
        return _UNMETERED if is_unmetered(self._exchange.request.path) else None

    async def _break_off(self) -> None:
        exchange = self._exchange
        if self._taking is not None:
            self._taking.cancel()
            await asyncio.wait({self._taking})
        if self._conversation is not None:
            await self._conversation.break_off(is_gone=exchange.request.body.is_gone, error=exchange.error)
        self._record(broken_outcome(exchange))
        if self._ending.is_recorded:
            await self._ending.observe()

    def _record(self, outcome: Outcome) -> None:
        """Record the connection, unless its turns have been, each by itself."""
        if self._conversation is None or self._exchange.response.status != 101:
            self._ending.record(outcome)

    async def _pass_in(self) -> Message:
        while True:
            if self._taking is None:
                message = await self._receive()
                if self._conversation is None or message["type"] != "websocket.receive":
                    return await self._noted(message)
                self._taking = self._house.loop.create_task(self._conversation.take(message))
            await asyncio.wait({self._taking})  # a proxy that gives up waiting gets the message when it asks again
            taken, self._taking = self._taking.result(), None
            if taken is not None:
                return taken

    async def _noted(self, message: Message) -> Message:
        if message["type"] == "websocket.disconnect":
            is_normal = message.get("code", 1005) in _NORMAL_CLOSURES
            self._exchange.request.body.is_gone = not is_normal
            if self._conversation is not None:
                await self._conversation.break_off(is_gone=True)
            self._record("complete" if is_normal else "disconnected")
        return message

    async def _pass_out(self, message: Message) -> None:
        kind, response = message["type"], self._exchange.response
        if kind == "websocket.send" and self._conversation is not None:
            await self._conversation.give(message)
            return
        if kind == "websocket.accept":
            self._start(101)
            message = {**message, "headers": [*message.get("headers", ()), *self._added_headers()]}
        elif kind == "websocket.http.response.start":
            self._start(message["status"])
            message = {**message, "headers": [*message.get("headers", ()), *self._added_headers()]}
        elif kind == "websocket.http.response.body" and not message.get("more_body", False):
            self._ending.record("failed")
        elif kind == "websocket.close":
            if response.status is None:  # before it was accepted: the server answers 403
                self._start(403)
            if self._conversation is not None:
                await self._conversation.break_off(is_gone=False)
            self._record("complete" if response.status == 101 else "failed")
        if self._ending.is_awaited:
            await self._ending.commit()
        await self._send(message)

    def _start(self, status: int) -> None:
        response = self._exchange.response
        response.status = status
        response.first_byte_ns = self._exchange.now_ns()

    def _added_headers(self) -> list[tuple[bytes, bytes]]:
        return [*self._exchange.response.added_headers, request_id_header(self._exchange.id)]

    async def _refuse(self, denial: Denial) -> None:
        exchange = self._exchange
        exchange.denial = denial
        await self._receive()  # websocket.connect: an answer before it is out of turn
        self._start(denial.status)
        self._ending.record("refused")
        if "websocket.http.response" in (exchange.request.scope.get("extensions") or {}):
            headers, body = worded(denial, exchange.request)
            start = {"status": denial.status, "headers": [*headers, *self._added_headers()]}
            await self._send({"type": "websocket.http.response.start", **start})
            await self._send({"type": "websocket.http.response.body", "body": body})
        else:
            await self._send({"type": "websocket.close", "code": _POLICY_VIOLATION, "reason": denial.message})
