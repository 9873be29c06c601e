"""Holding one response back whole, to send what a plugin makes of it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from proxystore.exchange.asgi import Message
    from proxystore.exchange.response import Edit

logger = logging.getLogger(__name__)


class Editing:
    """Keeps the start and the body of one response until the body is whole, or longer than the edit's limit."""

    __slots__ = ("_edit", "_held", "_is_over", "_start")

    def __init__(self, edit: Edit, start: Message) -> None:
        self._edit = edit
        self._start = start
        self._held = bytearray()
        self._is_over = False

    def take(self, message: Message) -> list[Message]:
        """Return what can be sent once *message* (of the body) has been looked at."""
        if self._is_over:
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
