"""What OpenAI answers without billing it."""

from __future__ import annotations

import msgspec

from proxystore.values import Call, Denial
from proxystore.wire.format import Meter
from proxystore.wire.openai.errors import refuse
from proxystore.wire.openai.request import read_call
from proxystore.wire.reading import FreeReader


class Free:
    """An exchange that is recorded with no tokens at all."""

    name: str
    methods: frozenset[str] = frozenset({"POST"})
    paths: tuple[str, ...]
    operation_name: str

    def read(self, path: str, body: bytes) -> Call:
        """Return the model, if one is named."""
        return msgspec.structs.replace(read_call(self.operation_name, path, body, is_told=True), is_billable=False)

    def ask_for_usage(self, body: bytes) -> bytes:
        """Return *body*."""
        return body

    def meter(self, call: Call, *, content_type: bytes, is_stripping: bool) -> Meter:
        """Return a reader that reports nothing used."""
        return FreeReader()

    def refuse(self, denial: Denial) -> bytes:
        """Return OpenAI's error object."""
        return refuse(denial)
