"""``POST /api/chat`` and ``POST /api/generate``."""

from __future__ import annotations

from typing import Final

from proxystore.values import Call, Denial
from proxystore.wire.format import Meter
from proxystore.wire.ollama.errors import refuse
from proxystore.wire.ollama.listener import PLAIN, WORDS, AnswerListener
from proxystore.wire.ollama.request import read_call
from proxystore.wire.openai.metering import meter_for
from proxystore.wire.reading import DocumentReader, LineReader

_LINES: Final = (b"application/x-ndjson", b"application/jsonl", b"application/stream+json")


class Chat:
    """Chat: a line for each token, unless one document is asked for; both tell what was used."""

    name: str = "ollama.chat"
    methods: frozenset[str] = frozenset({"POST"})
    paths: tuple[str, ...] = ("/api/chat",)
    operation_name: str = "chat"

    def read(self, path: str, body: bytes) -> Call:
        """Return model, stream flag and the bound on generated tokens."""
        return read_call(self.operation_name, body)

    def ask_for_usage(self, body: bytes) -> bytes:
        """Return *body*: usage is always told."""
        return body

    def meter(self, call: Call, *, content_type: bytes, is_stripping: bool) -> Meter:
        """Return a reader for lines or a document; a document where a stream was asked for is one line.

        Llama.cpp answers here as OpenAI does.
        """
        kind = content_type.strip().lower()
        if kind.startswith(b"text/event-stream"):
            return meter_for(call, kind, is_stripping=False)
        if call.is_streaming or kind.startswith(_LINES):
            return LineReader(AnswerListener(), *WORDS, plain=PLAIN)
        return DocumentReader(AnswerListener(), b'"total_duration"', b'"prompt_eval_count"')

    def refuse(self, denial: Denial) -> bytes:
        """Return Ollama's error object."""
        return refuse(denial)


class Generate(Chat):
    """Completions of a prompt; apart from the content they are said as chats are."""

    name = "ollama.generate"
    paths = ("/api/generate",)
    operation_name = "text_completion"
