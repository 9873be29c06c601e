"""``POST /v1/embeddings``."""

from __future__ import annotations

from proxystore.values import Call, Denial
from proxystore.wire.format import Meter
from proxystore.wire.openai.document import Document
from proxystore.wire.openai.errors import refuse
from proxystore.wire.openai.request import read_call


class Embeddings:
    """Embeddings: one document, large, with its usage at the end or the start."""

    name: str = "openai.embeddings"
    methods: frozenset[str] = frozenset({"POST"})
    paths: tuple[str, ...] = ("/embeddings",)

    def read(self, path: str, body: bytes) -> Call:
        """Return the model."""
        return Call(operation_name="embeddings", request_model=read_call("embeddings", path, body).request_model)

    def ask_for_usage(self, body: bytes) -> bytes:
        """Return *body*: usage is always told."""
        return body

    def meter(self, call: Call, *, content_type: bytes, is_stripping: bool) -> Meter:
        """Return a reader that passes over the vectors."""
        return Document()

    def refuse(self, denial: Denial) -> bytes:
        """Return OpenAI's error object."""
        return refuse(denial)
