"""A request body: read once, kept, handed on to the proxy as it came."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxystore.errors import BodyTooLarge, ProxyStoreError

if TYPE_CHECKING:
    from collections.abc import Callable

    from proxystore.exchange.asgi import Message, Receive


class ClientGone(ProxyStoreError):
    """The client went away before its request had arrived whole."""


class Body:
    """What was read of the body and what is still to come.

    Args:
        receive: The server's.
        limit: Bytes that may be held; more raise `BodyTooLarge`.
    """

    __slots__ = ("_limit", "_pending", "_receive", "is_gone", "whole")

    def __init__(self, receive: Receive, limit: int) -> None:
        self._receive = receive
        self._limit = limit
        self._pending: list[Message] = []
        self.whole: bytes | None = None
        self.is_gone = False

    async def read(self) -> bytes:
        """Return the whole body.

        Raises:
            BodyTooLarge: It is longer than the limit.
            ClientGone: The client went away before it was complete.
        """
        if self.whole is None:
            if not self._pending:
                await self._take()
            if len(self._pending) == 1 and not self._pending[0].get("more_body", False):
                self.whole = self._pending[0].get("body", b"")  # the usual case: not a byte is copied
            else:
                self.replace(await self._read_until(lambda _: False))
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
        self._pending = [{"type": "http.request", "body": body}]

    async def receive(self) -> Message:
        """Give the proxy its next message (ASGI)."""
        if self._pending:
            return self._pending.pop(0)
        message = await self._receive()
        if message["type"] == "http.disconnect":
            self.is_gone = True
        return message

    async def _read_until(self, is_enough: Callable[[bytearray], bool]) -> bytes:
        held = bytearray().join(message.get("body", b"") for message in self._pending)
        while not is_enough(held) and self._has_more:
            held += await self._take()
            if len(held) > self._limit:
                raise BodyTooLarge
        return bytes(held)

    @property
    def _has_more(self) -> bool:
        return not self._pending or bool(self._pending[-1].get("more_body", False))

    async def _take(self) -> bytes:
        message = await self._receive()
        if message["type"] == "http.disconnect":
            self.is_gone = True
            raise ClientGone
        self._pending.append(message)
        data: bytes = message.get("body", b"")
        if len(data) > self._limit:
            raise BodyTooLarge
        return data
