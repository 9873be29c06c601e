"""``POST /v1beta/models/{model}:generateContent`` and ``:streamGenerateContent``."""

from __future__ import annotations

from proxystore.values import Call, Denial
from proxystore.wire.format import Meter
from proxystore.wire.gemini.errors import refuse
from proxystore.wire.gemini.listener import ContentListener
from proxystore.wire.gemini.request import read_call
from proxystore.wire.reading import ArrayReader, DocumentReader, EventReader


class GenerateContent:
    """Content: one document, a stream of events, or, where nobody asked for events, an array that arrives bit by bit.

    Nearly every event tells the usage so far; the last one counts. A stream ends with its last byte.
    """

    name: str = "gemini.generate_content"
    methods: frozenset[str] = frozenset({"POST"})
    paths: tuple[str, ...] = (":generateContent", ":streamGenerateContent")
    operation_name: str = "generate_content"

    def read(self, path: str, body: bytes) -> Call:
        """Return model, stream flag and the bound on generated tokens."""
        return read_call(self.operation_name, path, body)

    def ask_for_usage(self, body: bytes) -> bytes:
        """Return *body*: usage is always told."""
        return body

    def meter(self, call: Call, *, content_type: bytes, is_stripping: bool) -> Meter:
        """Return a reader for a document, for events or for an array."""
        listener = ContentListener()
        if content_type.strip().lower().startswith(b"text/event-stream"):
            return EventReader(listener)
        if call.is_streaming:
            return ArrayReader(listener)
        return DocumentReader(listener, b'"usageMetadata"', b'"modelVersion"')

    def refuse(self, denial: Denial) -> bytes:
        """Return Google's error object."""
        return refuse(denial)
