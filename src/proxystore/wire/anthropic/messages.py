"""``POST /v1/messages``."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from proxystore.values import Call, Denial, Headers, Quota
from proxystore.wire.anthropic.errors import refuse
from proxystore.wire.anthropic.limits import limit_headers
from proxystore.wire.anthropic.listener import WORDS, MessageListener
from proxystore.wire.anthropic.request import read_call
from proxystore.wire.format import Meter
from proxystore.wire.reading import DocumentReader, EventReader


class Messages:
    """Messages: one document, or a stream of events that tells its usage at both ends."""

    name: str = "anthropic.messages"
    methods: frozenset[str] = frozenset({"POST"})
    paths: tuple[str, ...] = (
        "/v1/messages",
        "/publishers/anthropic/models/{}:rawPredict",
        "/publishers/anthropic/models/{}:streamRawPredict",
    )

    def read(self, path: str, body: bytes) -> Call:
        """Return model, stream flag and the bound on generated tokens."""
        return read_call("chat", path, body)

    def ask_for_usage(self, body: bytes) -> bytes:
        """Return *body*: usage is always told."""
        return body

    def meter(self, call: Call, *, content_type: bytes, is_stripping: bool) -> Meter:
        """Return a reader for a document or a stream, which ends with ``message_stop``."""
        kind = content_type.strip().lower()
        if kind.startswith(b"text/event-stream") or (call.is_streaming and not kind.startswith(b"application/json")):
            return EventReader(MessageListener(is_stream=True), *WORDS)
        return DocumentReader(MessageListener(is_stream=False), b'"usage"', b'"model"')

    def refuse(self, denial: Denial) -> bytes:
        """Return Anthropic's error object."""
        return refuse(denial)

    def limit_headers(self, quotas: Sequence[Quota], now: datetime) -> Headers:
        """Return ``anthropic-ratelimit-…`` headers."""
        return limit_headers(quotas, now)
