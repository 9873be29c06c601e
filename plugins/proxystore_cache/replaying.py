"""Answers from the cache, and what every answer says of it."""

from __future__ import annotations

from typing import Final

from proxystore import Answer, Denial, Exchange
from proxystore_cache.keeping import Kept

BYPASS: Final = ((b"x-cache", b"BYPASS"), (b"cache-status", b"proxystore; fwd=bypass"))
MISS: Final = ((b"x-cache", b"MISS"), (b"cache-status", b"proxystore; fwd=miss"))
REFRESH: Final = ((b"x-cache", b"MISS"), (b"cache-status", b"proxystore; fwd=request"))
NOT_CACHED: Final = Denial(
    status=504,
    code="not_cached",
    message="There is no answer to this in the cache, and the request asks for nothing else (only-if-cached).",
    headers=((b"x-should-retry", b"false"), *MISS),
)


def replay(exchange: Exchange, kept: Kept, *, age: int, ttl: int, is_collapsed: bool) -> Answer:
    """Return *kept* as an answer to *exchange*.

    Args:
        exchange: Whose answer it is.
        kept: What is replayed, chunk by chunk.
        age: Seconds since it was complete.
        ttl: Seconds it is good for still.
        is_collapsed: Whether it was waited for, while somebody else asked for it.
    """
    exchange.response.finish_reason = kept.finish_reason
    status = b"proxystore; fwd=miss; collapsed" if is_collapsed else b"proxystore; hit; ttl=%d" % ttl
    headers = [*kept.headers, (b"age", b"%d" % age), (b"x-cache", b"HIT"), (b"cache-status", status)]
    if not kept.is_stream:
        headers.append((b"content-length", b"%d" % len(kept.chunks[0])))
    return Answer(headers=tuple(headers), chunks=kept.chunks, usage=kept.usage)
