"""What is sent in the proxy's place: a plugin's answer, or a refusal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxystore.asgi.cors import with_cors
from proxystore.asgi.refusing import worded
from proxystore.values import Denial

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Iterable

    from proxystore.asgi.house import House
    from proxystore.asgi.outbound import Outbound
    from proxystore.exchange import Exchange
    from proxystore.values import Answer


async def respond(house: House, exchange: Exchange, outbound: Outbound, decision: Answer | Denial) -> None:
    """Send what was decided; a denial in the shape of the API that was called."""
    outbound.is_metered = False
    headers: Iterable[tuple[bytes, bytes]]
    last = b""
    if isinstance(decision, Denial):
        exchange.denial, exchange.outcome = decision, "refused"
        headers, body = worded(decision, exchange.request)
        chunks: Iterable[bytes] | AsyncIterable[bytes] = [body]
    else:
        exchange.outcome, exchange.usage = decision.outcome, decision.usage
        headers, chunks = decision.headers, decision.chunks
    told = with_cors(headers, exchange.request, house.settings.cors_origins)
    await outbound.send({"type": "http.response.start", "status": decision.status, "headers": told})
    if hasattr(chunks, "__aiter__"):
        async for chunk in chunks:
            await outbound.send({"type": "http.response.body", "body": chunk, "more_body": True})
    else:
        if isinstance(chunks, list | tuple) and chunks:
            *chunks, last = chunks  # a message less: each costs the server more than it costs us
        for chunk in chunks:
            await outbound.send({"type": "http.response.body", "body": chunk, "more_body": True})
    await outbound.send({"type": "http.response.body", "body": last})
