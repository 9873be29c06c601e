"""A proxy that counts, tenants, and a cache between."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from proxystore import Exchange, Principal, ProxyStoreMiddleware, Settings, Store, hookimpl
from proxystore.testing.asgi import Sent, call, http_scope
from proxystore_cache import Cache
from proxystore_usage import Usage

CHAT: dict[str, Any] = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hello"}]}
WANTED = (b"cache-control", b"max-age=3600")
JSON = (b"content-type", b"application/json")
EVENTS = (b"content-type", b"text/event-stream")


class Doorman:
    """Believes whatever the header ``x-who`` says: ``key@project``, for how long answers are good after a slash."""

    name = "doorman"

    @hookimpl
    def on_auth(self, exchange: Exchange) -> Principal | None:
        told = exchange.request.header(b"x-who")
        if told is None:
            return None
        exchange.request.remove_header(b"x-who")
        who, _, ttl = told.decode().partition("/")
        key, _, project = who.partition("@")
        return Principal(key_id=key or None, project_id=project or None, cache_ttl=float(ttl) if ttl else None)


def answer(text: str = "hi", *, reason: str | None = "stop", **more: Any) -> bytes:
    message = {"role": "assistant", "content": text, **more}
    return json.dumps(
        {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "model": "gpt-4o",
            "choices": [{"index": 0, "message": message, "finish_reason": reason}],
            "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5},
        }
    ).encode()


def event(data: dict[str, Any] | str) -> bytes:
    return f"data: {data if isinstance(data, str) else json.dumps(data)}\n\n".encode()


def part(text: str, reason: str | None = None, **more: Any) -> bytes:
    choice = {"index": 0, "delta": {"content": text, **more}, "finish_reason": reason}
    return event({"id": "chatcmpl-1", "object": "chat.completion.chunk", "model": "gpt-4o", "choices": [choice]})


class Proxy:
    """Answers what it is told, and numbers its answers unless told otherwise."""

    def __init__(self) -> None:
        self.count = 0
        self.status = 200
        self.headers: list[tuple[bytes, bytes]] = [JSON]
        self.chunks: Sequence[bytes] | None = None
        self.gate: asyncio.Event | None = None
        self.arrived = asyncio.Event()
        self.error: Exception | None = None
        self.seen: list[dict[bytes, bytes]] = []

    async def __call__(self, scope, receive, send) -> None:
        self.count += 1
        number = self.count
        self.seen.append(dict(scope["headers"]))
        while (await receive()).get("more_body"):
            pass
        self.arrived.set()
        if self.gate is not None:
            await self.gate.wait()
        if self.error is not None:
            raise self.error
        await send({"type": "http.response.start", "status": self.status, "headers": self.headers})
        chunks = self.chunks if self.chunks is not None else [answer(f"answer {number}")]
        for chunk in chunks:
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b""})


@asynccontextmanager
async def wrapped(
    settings: Settings, proxy: Proxy, *plugins: object, **section: Any
) -> AsyncIterator[tuple[Store, ProxyStoreMiddleware]]:
    """Give a store, open, and the proxy wrapped with a cache."""
    async with Store(settings=settings) as store:
        cache = Cache(Cache.Settings(**section))
        yield store, ProxyStoreMiddleware(proxy, store=store, plugins=(Doorman, Usage, cache, *plugins))


async def ask(
    app: ProxyStoreMiddleware,
    body: dict[str, Any] | bytes = CHAT,
    *headers: tuple[bytes, bytes],
    who: str | None = None,
    wish: str | None = "max-age=3600",
    **how: Any,
) -> Sent:
    fields: Iterable[tuple[bytes, bytes]] = [
        *headers,
        *([(b"x-who", who.encode())] if who is not None else []),
        *([(b"cache-control", wish.encode())] if wish is not None else []),
    ]
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return await call(app, http_scope(headers=fields, **how), data)


def said(sent: Sent) -> str | None:
    """Return what the answer says of the cache."""
    told = sent.headers.get(b"x-cache")
    return None if told is None else told.decode()
