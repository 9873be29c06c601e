"""A small streaming reverse proxy, as anybody might have written it: it knows nothing of proxystore."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Final

import httpx

_HOP_BY_HOP: Final = {
    b"connection",
    b"host",
    b"keep-alive",
    b"te",
    b"trailer",
    b"transfer-encoding",
    b"upgrade",
}


class Gateway:
    """Passes every request on to *upstream*, and every chunk of the answer back as it comes."""

    def __init__(self, upstream: str) -> None:
        self._client = httpx.AsyncClient(base_url=upstream, timeout=30.0)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve (ASGI)."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            await self._pass_on(scope, receive, send)

    async def _pass_on(self, scope: Any, receive: Any, send: Any) -> None:
        request = self._client.build_request(
            scope["method"],
            httpx.URL(path=scope["path"], query=scope["query_string"]),
            headers=_end_to_end(scope["headers"]),
            content=_chunks(receive),
        )
        try:
            response = await self._client.send(request, stream=True)
        except httpx.TransportError:
            await send({"type": "http.response.start", "status": 502, "headers": []})
            await send({"type": "http.response.body", "body": b"the upstream cannot be reached"})
            return
        try:
            headers = _end_to_end(response.headers.raw)
            await send({"type": "http.response.start", "status": response.status_code, "headers": headers})
            async for chunk in response.aiter_raw():
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
        finally:
            await response.aclose()

    async def _live(self, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self._client.aclose()
        await send({"type": "lifespan.shutdown.complete"})


def _end_to_end(headers: Any) -> list[tuple[bytes, bytes]]:
    return [(name.lower(), value) for name, value in headers if name.lower() not in _HOP_BY_HOP]


async def _chunks(receive: Any) -> AsyncIterator[bytes]:
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        yield message.get("body", b"")
        if not message.get("more_body", False):
            return
