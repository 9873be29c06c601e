"""Refusals in Ollama's words, so that its clients raise their own error."""

from __future__ import annotations

from proxystore.values import Denial
from proxystore.wire.lenient import encode


def refuse(denial: Denial) -> bytes:
    """Return ``{"error": …}`` with a sentence; the status says the rest."""
    return encode({"error": denial.message})
