"""``POST /api/embed``, and the older ``POST /api/embeddings``."""

from __future__ import annotations

from typing_extensions import override

from proxystore.values import Call, Denial, Usage
from proxystore.wire.estimating import estimated_input_tokens
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
        """Return the model, and about how much is to be embedded."""
        model = read_call("embeddings", body).request_model
        return Call(
            operation_name="embeddings", request_model=model, estimated_input_tokens=estimated_input_tokens(body)
        )

    def ask_for_usage(self, body: bytes) -> bytes:
        """Return *body*: what can be told is."""
        return body

    def meter(self, call: Call, *, content_type: bytes, is_stripping: bool) -> Meter:
        """Return a reader that passes over the vectors."""
        return DocumentReader(_EmbedListener(call.estimated_input_tokens), b'"total_duration"', b'"prompt_eval_count"')

    def refuse(self, denial: Denial) -> bytes:
        """Return Ollama's error object."""
        return refuse(denial)


class _EmbedListener(AnswerListener):
    """Hears of embeddings; what nobody tells of them is estimated.

    Args:
        estimated: About how many tokens were asked to be embedded.
    """

    __slots__ = ("_estimated",)

    def __init__(self, estimated: int | None) -> None:
        super().__init__()
        self._estimated = estimated

    @override
    def hear(self, said: bytes) -> bool:
        """Take note of the document."""
        is_read = super().hear(said)
        if is_read and self._usage.quality == "missing" and not self.is_failed and self._estimated is not None:
            model = self._usage.response_model
            self._usage = Usage(input_tokens=self._estimated, quality="estimated", response_model=model)
        return is_read
