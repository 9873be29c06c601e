"""Choosing the reader for a response."""

from __future__ import annotations

from proxystore.values import Call
from proxystore.wire.format import Meter
from proxystore.wire.openai.document import Document
from proxystore.wire.openai.stream import Stream


def meter_for(call: Call, content_type: bytes, *, is_stripping: bool) -> Meter:
    """Return a reader of events or of one document, as *content_type* says, else as *call* asked."""
    return Stream(is_stripping=is_stripping) if is_stream(call, content_type) else Document()


def is_stream(call: Call, content_type: bytes) -> bool:
    """Return whether a response is a stream of events: as *content_type* says, else as *call* asked."""
    if content_type == b"application/json":
        return False
    kind = content_type.strip().lower()
    return kind.startswith(b"text/event-stream") or (call.is_streaming and not kind.startswith(b"application/json"))
