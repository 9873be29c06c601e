"""``POST /completion`` and ``POST /infill``."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from proxystore.values import Call, Denial
from proxystore.wire.format import Meter
from proxystore.wire.lenient import decode
from proxystore.wire.llamacpp.listener import WORDS, CompletionListener
from proxystore.wire.openai.errors import refuse
from proxystore.wire.openai.metering import is_stream
from proxystore.wire.openai.request import read_call
from proxystore.wire.openai.usage import LARGEST
from proxystore.wire.reading import DocumentReader, EventReader


class _Asked(msgspec.Struct):
    n_predict: Any = None


_decoder: Final = msgspec.json.Decoder(_Asked)
_NOTHING: Final = _Asked()


class Completion:
    """Completions of a prompt: one document, or a stream of events whose last one tells what was used."""

    name: str = "llamacpp.completion"
    methods: frozenset[str] = frozenset({"POST"})
    paths: tuple[str, ...] = ("/completion", "/infill")
    operation_name: str = "text_completion"

    def read(self, path: str, body: bytes) -> Call:
        """Return the model if one is named, stream flag and the bound on generated tokens."""
        call = read_call(self.operation_name, path, body, is_told=True)
        bound = (decode(_decoder, body) or _NOTHING).n_predict if body else None
        if isinstance(bound, int) and not isinstance(bound, bool) and 0 <= bound < LARGEST:
            return msgspec.structs.replace(call, max_output_tokens=bound)
        return call

    def ask_for_usage(self, body: bytes) -> bytes:
        """Return *body*: usage is always told."""
        return body

    def meter(self, call: Call, *, content_type: bytes, is_stripping: bool) -> Meter:
        """Return a reader for a document or a stream."""
        listener = CompletionListener()
        return (
            EventReader(listener, *WORDS) if is_stream(call, content_type) else DocumentReader(listener, b'"timings"')
        )

    def refuse(self, denial: Denial) -> bytes:
        """Return OpenAI's error object, as the server does."""
        return refuse(denial)
