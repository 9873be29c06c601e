"""``POST /v1/messages/count_tokens``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from typing_extensions import override

from proxystore.wire.anthropic.messages import Messages
from proxystore.wire.anthropic.request import read_call
from proxystore.wire.reading import FreeReader

if TYPE_CHECKING:
    from proxystore.values import Call
    from proxystore.wire.format import Meter


class CountTokens(Messages):
    """How many tokens a message would read: recorded, and free."""

    name = "anthropic.count_tokens"
    paths = ("/v1/messages/count_tokens", "/publishers/anthropic/models/count-tokens:rawPredict")

    @override
    def read(self, path: str, body: bytes) -> Call:
        """Return the model."""
        return read_call("count_tokens", "", body, is_billable=False)

    @override
    def meter(self, call: Call, *, content_type: bytes, is_stripping: bool) -> Meter:
        """Return a reader that reports nothing used."""
        return FreeReader()
