"""A response that costs nothing."""

from __future__ import annotations

from typing import Final

from proxystore.values import Usage

_FREE: Final = Usage(quality="reported")


class FreeReader:
    """Forwards an answer that nobody is billed for, such as a count of tokens (a `Meter`)."""

    __slots__ = ()

    usage = _FREE
    finish_reason: str | None = None
    estimated_output_tokens = 0
    is_ended = False
    is_failed = False

    def feed(self, data: bytes, *, is_last: bool) -> bytes:
        """Return *data*."""
        return data
