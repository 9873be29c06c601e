"""Upstreams that do what they are told, byte by byte, and a reverse proxy in front of them on real sockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractContextManager, asynccontextmanager, suppress
from typing import TypeAlias, TypeVar
from urllib.parse import urlsplit

from proxystore.exchange.asgi import ASGIApp
from proxystore.forwarding import ReverseProxy
from proxystore.settings import ForwardSettings, Settings
from proxystore.testing.serving import serving

Handler: TypeAlias = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
T = TypeVar("T")

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nOK"
LONGEST = 20.0


@asynccontextmanager
async def entered(manager: AbstractContextManager[T]) -> AsyncIterator[T]:
    """Enter *manager* without holding up this loop, on which upstreams run."""
    value = await asyncio.to_thread(manager.__enter__)
    try:
        yield value
    finally:
        await asyncio.to_thread(manager.__exit__, None, None, None)


@asynccontextmanager
async def served(app: ASGIApp, *, http: str = "auto") -> AsyncIterator[str]:
    """Serve *app* as ``proxystore forward`` does, with uvicorn's parser *http*."""
    async with entered(serving(app, http=http, server_header=False, date_header=False, proxy_headers=False)) as url:
        yield url


@asynccontextmanager
async def forwarding(upstream: str, *, trusted: str = "", http: str = "auto", **changes: object) -> AsyncIterator[str]:
    """Serve a reverse proxy to *upstream*."""
    told = {"url": upstream, "connect_timeout": LONGEST, "read_timeout": LONGEST}
    settings = Settings.load(environ={}, trusted_proxies=trusted or None)
    proxy = ReverseProxy(ForwardSettings(**{**told, **changes}), trusted_proxies=settings.trusted_proxies)
    async with served(proxy, http=http) as url:
        yield url


@asynccontextmanager
async def upstream(handler: Handler) -> AsyncIterator[str]:
    """Serve *handler*, which has a connection for itself; what is left open is closed in the end."""
    writers: list[asyncio.StreamWriter] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            await handler(reader, writer)
        writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for writer in writers:
            writer.close()


class Answering:
    """Answers every request with the same bytes, and remembers the heads of the requests."""

    def __init__(self, answer: bytes = OK) -> None:
        self.answer = answer
        self.heads: list[bytes] = []

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            self.heads.append(await reader.readuntil(b"\r\n\r\n"))
            writer.write(self.answer)
            await writer.drain()

    @property
    def lines(self) -> list[bytes]:
        """The one request's lines, without the last, which is empty."""
        (head,) = self.heads
        return head.removesuffix(b"\r\n\r\n").split(b"\r\n")

    def values(self, name: bytes) -> list[bytes]:
        """Every value of the header *name*, in order."""
        fields = (line.partition(b": ") for line in self.lines[1:])
        return [value for field, _, value in fields if field.lower() == name]


async def connect(url: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Open a bare connection."""
    parts = urlsplit(url)
    return await asyncio.open_connection(parts.hostname, parts.port)


async def say(url: str, request: bytes) -> bytes:
    """Send *request*, which asks for the connection to be closed, and return all that comes back."""
    reader, writer = await connect(url)
    writer.write(request)
    answer = await asyncio.wait_for(reader.read(), LONGEST)
    writer.close()
    return answer


async def ask(url: str, target: bytes = b"/", *, method: bytes = b"GET", fields: bytes = b"") -> bytes:
    """Make one request without a body, *target* and *fields* (each with its line's end) going out as they are."""
    return await say(
        url, method + b" " + target + b" HTTP/1.1\r\nhost: proxy\r\n" + fields + b"connection: close\r\n\r\n"
    )
