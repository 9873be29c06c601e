"""Holding one response back whole, to send what a plugin makes of it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from proxystore.exchange.asgi import Message, Send
    from proxystore.exchange.response import Edit

logger = logging.getLogger(__name__)


class Editing:
    """Keeps the start and the body of one response until the body is whole, or longer than the edit's limit.

    Args:
        edit: What is asked for.
        send: What it is sent with.
    """

    __slots__ = ("_edit", "_held", "_is_over", "_send", "_start")

    def __init__(self, edit: Edit, send: Send) -> None:
        self._edit = edit
        self._send = send
        self._start: Message = {}
        self._held = bytearray()
        self._is_over = False

    async def send(self, message: Message) -> None:
        """Send what can be sent now (ASGI)."""
        for ready in self._take(message):
            await self._send(ready)

    def _take(self, message: Message) -> list[Message]:
        if message["type"] == "http.response.start":
            self._start = message
            return []
        if self._is_over or message["type"] != "http.response.body":
            return [message]
        self._held += message.get("body", b"")
        if len(self._held) > self._edit.limit:
            self._is_over = True
            return [self._start, {**message, "body": bytes(self._held)}]
        if message.get("more_body", False):
            return []
        body = self._edited(bytes(self._held))
        return [self._with_length(len(body)), {**message, "body": body}]

    def _edited(self, body: bytes) -> bytes:
        try:
            return self._edit.function(body)
        except Exception:
            logger.exception("a response could not be edited and went out as it came")
            return body

    def _with_length(self, length: int) -> Message:
        headers = [header for header in self._start["headers"] if header[0] != b"content-length"]
        return {**self._start, "headers": [*headers, (b"content-length", b"%d" % length)]}
