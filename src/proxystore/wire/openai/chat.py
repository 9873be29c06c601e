"""``POST /v1/chat/completions``."""

from __future__ import annotations

from proxystore.values import Call, Denial
from proxystore.wire.format import Meter
from proxystore.wire.openai.asking import ask_for_usage
from proxystore.wire.openai.errors import refuse
from proxystore.wire.openai.metering import meter_for
from proxystore.wire.openai.request import read_call


class ChatCompletions:
    """Chat: one document, or a stream that tells its usage only if asked to."""

    name: str = "openai.chat"
    methods: frozenset[str] = frozenset({"POST"})
    paths: tuple[str, ...] = ("/chat/completions",)
    operation_name: str = "chat"

    def read(self, path: str, body: bytes) -> Call:
        """Return model, stream flag, whether usage was asked for, and the bound on generated tokens."""
        return read_call(self.operation_name, path, body)

    def ask_for_usage(self, body: bytes) -> bytes:
        """Return *body* with ``stream_options.include_usage`` put in; every other byte stays."""
        return ask_for_usage(body)

    def meter(self, call: Call, *, content_type: bytes, is_stripping: bool) -> Meter:
        """Return a reader for a document or a stream."""
        return meter_for(call, content_type, is_stripping=is_stripping)

    def refuse(self, denial: Denial) -> bytes:
        """Return OpenAI's error object."""
        return refuse(denial)
