"""A request body: read once, kept, handed on to the proxy as it came."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from proxystore.errors import BodyTooLarge, ProxyStoreError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from proxystore.exchange.asgi import Message, Receive


class ClientGone(ProxyStoreError):
    """The client went away before its request had arrived whole."""


class Body:
    """What was read of the body and what is still to come.

    Args:
        receive: The server's.
        limit: Bytes that may be held; more raise `BodyTooLarge`.

    Attributes:
        whole: All of it, once it has been read.
        is_gone: Whether the client has said, or shown, that it went away.
        hold: Awaited before the proxy is told that; ``None`` tells it at once.
    """

    __slots__ = ("_has_more", "_is_heard", "_is_replaced", "_limit", "_pending", "_receive", "hold", "is_gone", "whole")

    def __init__(self, receive: Receive, limit: int) -> None:
        self._receive = receive
        self._limit = limit
        self._pending: list[Message] = []
        self._has_more = True
        self._is_heard = False
        self._is_replaced = False
        self.whole: bytes | None = None
        self.is_gone = False
        self.hold: Callable[[], Awaitable[None]] | None = None

    async def read(self) -> bytes:
        """Return the whole body.

        Raises:
            BodyTooLarge: It is longer than the limit.
            ClientGone: The client went away before it was complete.
        """
        if self.whole is None:
            whole = self._take(await self._receive()) if not self._pending else None
            if self._has_more or whole is None:
                self.replace(await self._read_until(lambda _: False))
            else:
                self.whole = whole  # the usual case: not a byte is copied
        return self.whole or b""

    async def peek(self, is_enough: Callable[[bytearray], bool]) -> None:
        """Read as much of the body as *is_enough* wants to see; the proxy still gets every message.

        Raises:
            BodyTooLarge: It wanted more than the limit.
            ClientGone: The client went away before that.
        """
        await self._read_until(is_enough)

    def replace(self, body: bytes) -> None:
        """Let the proxy see *body* instead."""
        self.whole = body
        self._is_replaced = True
        self._pending = [{"type": "http.request", "body": body}]

    async def receive(self) -> Message:
        """Give the proxy its next message (ASGI)."""
        if self._pending:
            return self._pending.pop(0)
        self._is_heard = True
        try:
            # Some servers say only once that the client has left, and we may be who heard it.
            message = {"type": "http.disconnect"} if self.is_gone else self._noted(await self._receive())
            while self._is_replaced and message["type"] == "http.request":  # the rest of what was replaced
                message = self._noted(await self._receive())
            if self.is_gone and self.hold is not None:
                await self.hold()
            return message
        finally:
            self._is_heard = False

    async def look_for_disconnect(self) -> None:
        """Find out whether the client has left meanwhile, where the proxy is not listening for that itself."""
        if self.is_gone or self._has_more or self._is_heard:
            return
        listening = asyncio.ensure_future(self._receive())
        await asyncio.sleep(0)  # a server that has something to say says it at once
        if not listening.done():
            listening.cancel()
        elif not listening.cancelled() and listening.exception() is None:
            self._noted(listening.result())

    async def _read_until(self, is_enough: Callable[[bytearray], bool]) -> bytes:
        held = bytearray().join(message.get("body", b"") for message in self._pending)
        while not is_enough(held) and self._has_more:
            held += self._take(await self._receive())
            if len(held) > self._limit:
                raise BodyTooLarge
        return bytes(held)

    def _take(self, message: Message) -> bytes:
        """Keep a message of the body for the proxy; return what it holds."""
        if message["type"] == "http.disconnect":
            self.is_gone = True
            raise ClientGone
        self._has_more = message.get("more_body", False)
        self._pending.append(message)
        data: bytes = message.get("body", b"")
        if len(data) > self._limit:
            raise BodyTooLarge
        return data

    def _noted(self, message: Message) -> Message:
        self._has_more = message.get("more_body", False)
        if message["type"] == "http.disconnect":
            self.is_gone = True
        return message
