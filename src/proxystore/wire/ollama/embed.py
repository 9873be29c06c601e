"""``POST /api/embed``, and the older ``POST /api/embeddings``."""

from __future__ import annotations

from proxystore.values import Call, Denial
from proxystore.wire.format import Meter
from proxystore.wire.ollama.errors import refuse
from proxystore.wire.ollama.listener import AnswerListener
from proxystore.wire.ollama.request import read_call
from proxystore.wire.reading import DocumentReader


class Embed:
    """Embeddings: one document, whose usage the older path does not tell."""

    name: str = "ollama.embed"
    methods: frozenset[str] = frozenset({"POST"})
    paths: tuple[str, ...] = ("/api/embed", "/api/embeddings")

    def read(self, path: str, body: bytes) -> Call:
        """Return the model."""
        return Call(operation_name="embeddings", request_model=read_call("embeddings", body).request_model)

    def ask_for_usage(self, body: bytes) -> bytes:
        """Return *body*: what can be told is."""
        return body

    def meter(self, call: Call, *, content_type: bytes, is_stripping: bool) -> Meter:
        """Return a reader that passes over the vectors."""
        return DocumentReader(AnswerListener(), b'"total_duration"', b'"prompt_eval_count"')

    def refuse(self, denial: Denial) -> bytes:
        """Return Ollama's error object."""
        return refuse(denial)
