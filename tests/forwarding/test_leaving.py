"""A client that leaves takes its upstream connection with it."""

from __future__ import annotations

import asyncio

import pytest

from proxystore import ProxyStoreMiddleware, Settings, Store
from proxystore.forwarding import ReverseProxy
from proxystore.settings import ForwardSettings
from tests.forwarding.world import LONGEST, connect, forwarding, served, upstream

_CHAT = b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: 18\r\n\r\n" + b'{"model":"gpt-4o"}'
_BEGUN = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n7\r\ndata: 1\r\n"


class Watching:
    """Says something, then waits for its connection to be closed."""

    def __init__(self, says: bytes, *, reads: bytes = _CHAT[-4:]) -> None:
        self._says = says
        self._reads = reads
        self.has_asked = asyncio.Event()
        self.is_closed = asyncio.Event()

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(self._reads)
        writer.write(self._says)
        self.has_asked.set()
        try:
            while await reader.read(1000):
                pass
        finally:
            self.is_closed.set()


async def leave(url: str, watching: Watching, request: bytes, until: bytes) -> None:
    """Make *request*, wait for *until* of the answer, leave, and wait until that is known upstream."""
    reader, writer = await connect(url)
    writer.write(request)
    await asyncio.wait_for(watching.has_asked.wait(), LONGEST)
    if until:
        await reader.readuntil(until)
    writer.close()
    await asyncio.wait_for(watching.is_closed.wait(), LONGEST)


@pytest.mark.parametrize(
    ("says", "request_", "until"),
    [
        (b"", _CHAT, b""),
        (_BEGUN, _CHAT, b"data: 1"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nbegun", _CHAT, b"begun"),
        (b"", _CHAT.replace(b": 18", b": 1000"), b""),
        (_BEGUN, _CHAT.replace(b": 18", b": 1000"), b"data: 1"),
    ],
    ids=["waiting", "streaming", "half", "uploading", "both"],
)
async def test_the_upstream_connection_is_closed(says, request_, until):
    watching = Watching(says)
    async with upstream(watching) as there, forwarding(there, read_timeout=0) as url:
        await leave(url, watching, request_, until)


async def test_it_is_recorded(migrated_url, tmp_path):
    watching = Watching(_BEGUN)
    settings = Settings.load(environ={}, database_url=migrated_url, data_dir=tmp_path / "data", auth="off")
    async with upstream(watching) as there:
        proxy = ReverseProxy(ForwardSettings(url=there))
        async with served(ProxyStoreMiddleware(proxy, settings=settings)) as url:
            await leave(url, watching, _CHAT, b"data: 1")

    async with Store(settings=settings) as store:
        assert await store.ledger.drain(10)
        (event,) = await store.usage.list(limit=10)
    assert (event.outcome, event.request_model) == ("disconnected", "gpt-4o")


async def test_the_server_may_still_cancel():
    """A cancellation that is not ours goes on."""
    is_asked = asyncio.Event()

    async def wait(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        is_asked.set()
        await reader.read()

    async def receive():
        if not is_received:
            is_received.append(True)
            return {"type": "http.request"}
        return await asyncio.Event().wait()

    is_received: list[bool] = []
    async with upstream(wait) as there:
        proxy = ReverseProxy(ForwardSettings(url=there))
        scope = {"type": "http", "method": "GET", "path": "/", "headers": []}
        task = asyncio.create_task(proxy(scope, receive, None))
        await asyncio.wait_for(is_asked.wait(), LONGEST)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await proxy.close()
