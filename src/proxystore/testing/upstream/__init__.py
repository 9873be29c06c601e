"""A fake upstream that speaks every wire format, as an ASGI application; needs no pytest and no network.

It counts a word as a token, so that what a client was told can be checked by hand.
"""

from __future__ import annotations

from proxystore.testing.upstream.question import Seen
from proxystore.testing.upstream.upstream import ANSWER, MODELS, FakeUpstream

__all__ = ["ANSWER", "MODELS", "FakeUpstream", "Seen"]
