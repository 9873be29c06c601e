"""A bare reverse proxy on aiohttp's client, as one writes it oneself: nothing buffered, nothing counted."""

from __future__ import annotations

import aiohttp

from proxystore.exchange.asgi import ASGIApp, Receive, Scope, Send

_HOP_BY_HOP = frozenset({b"connection", b"keep-alive", b"transfer-encoding", b"te", b"trailer", b"upgrade"})
_NOT_FORWARDED = _HOP_BY_HOP | {b"host", b"content-length"}


def relay(upstream: str) -> ASGIApp:
    """Return an application that asks *upstream* (such as ``http://127.0.0.1:8000``) and passes the answer on."""
    session: aiohttp.ClientSession

    async def live(receive: Receive, send: Send) -> None:
        nonlocal session
        await receive()
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(connector=connector, auto_decompress=False) as session:
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await live(receive, send)
            return
        url = f"{upstream}{scope['path']}?{scope['query_string'].decode()}".rstrip("?")
        headers = [(name.decode(), value.decode()) for name, value in scope["headers"] if name not in _NOT_FORWARDED]
        body = await _read(receive)
        async with session.request(scope["method"], url, data=body, headers=headers) as response:
            told = [(name.lower(), value) for name, value in response.raw_headers]
            passed = [header for header in told if header[0] not in _HOP_BY_HOP]
            await send({"type": "http.response.start", "status": response.status, "headers": passed})
            async for chunk in response.content.iter_any():
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    return app


async def _read(receive: Receive) -> bytes:
    parts, has_more = [], True
    while has_more:
        message = await receive()
        parts.append(message.get("body", b""))
        has_more = message.get("more_body", False)
    return b"".join(parts)
