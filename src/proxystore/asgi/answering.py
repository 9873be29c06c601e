"""What is sent in the proxy's place: a plugin's answer, or a refusal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxystore.asgi.cors import with_cors
from proxystore.asgi.refusing import worded
from proxystore.values import Denial

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator, Iterable

    from proxystore.asgi.house import House
    from proxystore.asgi.outbound import Outbound
    from proxystore.exchange import Exchange
    from proxystore.values import Answer


async def respond(house: House, exchange: Exchange, outbound: Outbound, decision: Answer | Denial) -> None:
    """Send what was decided; a denial in the shape of the API that was called."""
    outbound.is_metered = False
    headers: Iterable[tuple[bytes, bytes]]
    if isinstance(decision, Denial):
        exchange.denial, exchange.outcome = decision, "refused"
        headers, body = worded(decision, exchange.request)
        chunks: Iterable[bytes] | AsyncIterable[bytes] = [body]
    else:
        exchange.outcome, exchange.usage = decision.outcome, decision.usage
        headers, chunks = decision.headers, decision.chunks
    told = with_cors(headers, exchange.request, house.settings.cors_origins)
    await outbound.send({"type": "http.response.start", "status": decision.status, "headers": told})
    async for chunk in _each(chunks):
        await outbound.send({"type": "http.response.body", "body": chunk, "more_body": True})
    await outbound.send({"type": "http.response.body", "body": b""})


async def _each(chunks: Iterable[bytes] | AsyncIterable[bytes]) -> AsyncIterator[bytes]:
    if hasattr(chunks, "__aiter__"):
        async for chunk in chunks:
            yield chunk
    else:
        for chunk in chunks:
            yield chunk
