"""A small proxy in Starlette, wrapped as one of its middlewares.

UPSTREAM=https://api.openai.com uvicorn proxy:app
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import httpx
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.routing import Route

from proxystore import ProxyStoreMiddleware

UPSTREAM: Final = os.environ.get("UPSTREAM", "https://api.openai.com")
_FORWARDED: Final = ("authorization", "content-type", "accept")


@asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[None]:
    """Keep one client for the proxy's life."""
    async with httpx.AsyncClient(base_url=UPSTREAM, timeout=600) as client:
        app.state.client = client
        yield


async def forward(request: Request) -> StreamingResponse:
    """Pass the call on, and each piece of the answer back as it comes."""
    client: httpx.AsyncClient = request.app.state.client
    headers = {name: request.headers[name] for name in _FORWARDED if name in request.headers}
    call = client.build_request(request.method, request.url.path, content=await request.body(), headers=headers)
    answer = await client.send(call, stream=True)

    async def pieces() -> AsyncIterator[bytes]:
        try:
            async for piece in answer.aiter_bytes():
                yield piece
        finally:
            await answer.aclose()

    return StreamingResponse(pieces(), answer.status_code, media_type=answer.headers.get("content-type"))


app = Starlette(
    routes=[Route("/v1/{path:path}", forward, methods=["GET", "POST"])],
    middleware=[Middleware(ProxyStoreMiddleware)],
    lifespan=lifespan,
)
