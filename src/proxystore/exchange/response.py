"""The way out."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple


class Edit(NamedTuple):
    """A rewriting of one whole response body that a plugin asked for."""

    function: Callable[[bytes], bytes]
    limit: int


class Response:
    """What the client is sent.

    Attributes:
        status: The HTTP status, once the response has started; 101 for an accepted WebSocket.
        headers: As the proxy sent them.
        added_headers: Go out on whatever answers: the proxy, a plugin or a refusal.
        offered_headers: Go out as well, but for those that the answer has itself.
        first_byte_ns, last_byte_ns: When the response started and ended, nanoseconds since 1970, UTC; 0 until then.
        finish_reason: Why the model stopped, if the wire format could tell; known in ``on_usage``.
        is_ended: Whether a stream came to its mark of the end, such as ``[DONE]``; known in ``on_usage``.
        chunks: What was sent, in ``on_response``, if :meth:`keep` was called and its limit held.
        wanted_edit: What :meth:`edit` was called with.
        is_kept: Whether somebody asked for the chunks.
    """

    __slots__ = (
        "_keep_limit",
        "_kept",
        "added_headers",
        "chunks",
        "finish_reason",
        "first_byte_ns",
        "headers",
        "is_ended",
        "is_kept",
        "last_byte_ns",
        "offered_headers",
        "status",
        "wanted_edit",
    )

    def __init__(self) -> None:
        self.status: int | None = None
        self.headers: list[tuple[bytes, bytes]] = []
        self.added_headers: list[tuple[bytes, bytes]] = []
        self.offered_headers: list[tuple[bytes, bytes]] = []
        self.first_byte_ns = 0
        self.last_byte_ns = 0
        self.finish_reason: str | None = None
        self.is_ended = False
        self.chunks: list[bytes] = []
        self.wanted_edit: Edit | None = None
        self.is_kept = False
        self._keep_limit = 0
        self._kept = 0

    def keep(self, limit: int) -> None:
        """Keep the chunks as they leave, for ``on_response``; none at all once they pass *limit* bytes."""
        self._keep_limit = max(self._keep_limit, limit)
        self.is_kept = self._keep_limit > 0

    def edit(self, function: Callable[[bytes], bytes], limit: int) -> None:
        """Hold this one response back whole and send what *function* makes of its body, with the new length.

        Streams of events, encoded bodies and bodies longer than *limit* bytes go out as they came.
        """
        self.wanted_edit = Edit(function, limit)

    def keep_chunk(self, data: bytes) -> None:
        """Take note of a chunk on its way (for the core)."""
        self._kept += len(data)
        if self._kept <= self._keep_limit:
            self.chunks.append(data)
        else:
            self.chunks.clear()
