"""Requests made by hand, without a socket: what is left is the application's own time."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, NamedTuple

from benchmarks.overhead.chats import HEADERS, PATH, echo, question
from proxystore import ProxyStoreMiddleware, Settings, Store
from proxystore.credentials import new_secret
from proxystore.exchange.asgi import ASGIApp, Message, Scope

_KEY: Final = new_secret()
_HEADERS: Final = tuple(
    (name, b"Bearer " + _KEY.encode() if name == b"authorization" else value) for name, value in HEADERS
)


class Size(NamedTuple):
    """How much is measured: so many requests in each of so many rounds."""

    requests: int
    rounds: int


class Request(NamedTuple):
    """What is asked."""

    body: bytes
    path: str = PATH
    chunks: int = 1


CHAT: Final = Request(question())
NOT_OURS: Final = Request(question(), "/elsewhere")


async def ask(app: ASGIApp, request: Request) -> None:
    """Make one request and wait for the end of it."""
    scope: Scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": request.path,
        "raw_path": request.path.encode(),
        "query_string": b"chunks=%d" % request.chunks,
        "root_path": "",
        "headers": list(_HEADERS),
        "client": ("127.0.0.1", 50_000),
        "server": ("127.0.0.1", 8000),
        "state": {},
    }
    is_asked = False

    async def receive() -> Message:
        nonlocal is_asked
        if is_asked:
            await asyncio.get_running_loop().create_future()  # a client that stays
        is_asked = True
        return {"type": "http.request", "body": request.body, "more_body": False}

    async def send(message: Message) -> None:
        pass

    await app(scope, receive, send)


async def microseconds(app: ASGIApp, request: Request, size: Size) -> float:
    """Return the CPU time of the event loop's thread for one request: the best of several rounds."""
    best = float("inf")
    for _ in range(size.rounds):
        gc.collect()
        started = time.thread_time_ns()
        for _ in range(size.requests):
            await ask(app, request)
        best = min(best, (time.thread_time_ns() - started) / size.requests)
    return best / 1000


@asynccontextmanager
async def wrapped(*plugins: str) -> AsyncIterator[ASGIApp]:
    """Give an application behind the middleware with *plugins* alone, its journal empty when it is left."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="proxystore-benchmark-")))
        settings = Settings(database_url=f"sqlite:///{folder}/proxystore.db", plugins=plugins)
        store = await stack.enter_async_context(Store(settings=settings))
        await store.keys.import_key(_KEY, name="benchmark")
        stack.push_async_callback(store.ledger.drain, 60)
        yield ProxyStoreMiddleware(echo(is_yielding=False), store=store)
