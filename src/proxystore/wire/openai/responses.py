"""``POST /v1/responses`` and what lies below it."""

from __future__ import annotations

from proxystore.values import Call, Denial
from proxystore.wire.format import Meter
from proxystore.wire.openai.errors import refuse
from proxystore.wire.openai.free import Free
from proxystore.wire.openai.metering import is_stream
from proxystore.wire.openai.request import read_call
from proxystore.wire.openai.response_listener import WORDS, ResponseListener
from proxystore.wire.reading import DocumentReader, EventReader


class Responses:
    """Responses, and what compacts a conversation of them: usage is told without being asked for."""

    name: str = "openai.responses"
    methods: frozenset[str] = frozenset({"POST"})
    paths: tuple[str, ...] = ("/responses", "/responses/compact")

    def read(self, path: str, body: bytes) -> Call:
        """Return model, stream flag and the bound on generated tokens."""
        return read_call("chat", path, body, is_told=True)

    def ask_for_usage(self, body: bytes) -> bytes:
        """Return *body*: usage is always told."""
        return body

    def meter(self, call: Call, *, content_type: bytes, is_stripping: bool) -> Meter:
        """Return a reader for a document or a stream, which ends with ``response.completed`` or what stands for it."""
        listener = ResponseListener()
        if is_stream(call, content_type):
            return EventReader(listener, *WORDS)
        return DocumentReader(listener, b'"usage"', b'"model"')

    def refuse(self, denial: Denial) -> bytes:
        """Return OpenAI's error object."""
        return refuse(denial)


class CountInputTokens(Free):
    """How many tokens a response would read."""

    name = "openai.count_tokens"
    paths = ("/responses/input_tokens",)
    operation_name = "count_tokens"


class CancelResponse(Free):
    """Stops a response that goes on in the background; what it used is told by the one that asks for it."""

    name = "openai.cancel"
    paths = ("/responses/{}/cancel",)
    operation_name = "cancel"
