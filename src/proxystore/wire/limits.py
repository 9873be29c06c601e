"""Telling callers what is left of their limits, in the headers of the API that they called."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol, cast

from proxystore.values import Headers, Quota
from proxystore.wire.format import WireFormat
from proxystore.wire.openai.limits import limit_headers as most_do


class NamesLimits(Protocol):
    """A wire format whose API has names of its own for the headers that tell what is left of a limit."""

    def limit_headers(self, quotas: Sequence[Quota], now: datetime) -> Headers:
        """Return headers that tell *quotas*; *now* is UTC."""


def limit_headers(format: WireFormat, quotas: Sequence[Quota], now: datetime) -> Headers:
    """Return headers that tell *quotas* as *format* names them, and as OpenAI does if it has no names for them."""
    own: NamesLimits | None = getattr(format, "limit_headers", None) and cast("NamesLimits", format)
    return most_do(quotas) if own is None else own.limit_headers(quotas, now)
