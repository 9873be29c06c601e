"""``POST /v1beta/models/{model}:countTokens``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from typing_extensions import override

from proxystore.wire.gemini.generate_content import GenerateContent
from proxystore.wire.gemini.request import read_call
from proxystore.wire.reading import FreeReader

if TYPE_CHECKING:
    from proxystore.values import Call
    from proxystore.wire.format import Meter


class CountTokens(GenerateContent):
    """How many tokens contents would be: recorded, and free."""

    name = "gemini.count_tokens"
    paths = (":countTokens",)

    @override
    def read(self, path: str, body: bytes) -> Call:
        """Return the model."""
        return read_call("count_tokens", path, b"", is_billable=False)

    @override
    def meter(self, call: Call, *, content_type: bytes, is_stripping: bool) -> Meter:
        """Return a reader that reports nothing used."""
        return FreeReader()
