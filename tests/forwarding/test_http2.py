"""What HTTP/2 lets through, and HTTP/1.1 upstream may not see."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import ResponseReceived, StreamEnded
from hypercorn.asyncio import serve
from hypercorn.config import Config

from proxystore.forwarding import ReverseProxy
from proxystore.settings import ForwardSettings
from proxystore.testing.asgi import call, http_scope
from tests.forwarding.world import LONGEST, Answering, upstream


@asynccontextmanager
async def _forwarding(there: str) -> AsyncIterator[int]:
    """Serve a reverse proxy as hypercorn does, which speaks HTTP/2 to who begins with it; give its port."""
    is_over = asyncio.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        config = Config()
        config.bind = [f"fd://{listening.fileno()}"]
        proxy = ReverseProxy(ForwardSettings(url=there))
        serving = asyncio.ensure_future(serve(proxy, config, shutdown_trigger=is_over.wait))  # type: ignore[arg-type]
        try:
            yield listening.getsockname()[1]
        finally:
            is_over.set()
            await serving
            listening.detach()  # closed by hypercorn


async def _ask(port: int, *, method: bytes = b"GET", path: bytes = b"/x") -> int:
    """Make a request whose header nobody has looked at, and return the status of its answer."""
    client = H2Connection(H2Configuration(validate_outbound_headers=False, normalize_outbound_headers=False))
    client.initiate_connection()
    pseudo = [(b":method", method), (b":scheme", b"http"), (b":authority", b"proxy"), (b":path", path)]
    client.send_headers(1, pseudo, end_stream=True)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(client.data_to_send())
    events = []
    async with asyncio.timeout(LONGEST):
        while not any(isinstance(event, StreamEnded) for event in events):
            data = await reader.read(65_536)
            assert data
            events += client.receive_data(data)
    writer.close()
    (start,) = (event for event in events if isinstance(event, ResponseReceived))
    return int(dict(start.headers)[b":status"])


@pytest.mark.parametrize(
    ("path", "arrives"),
    [
        (b"/x HTTP/1.1", b"/x%20HTTP/1.1"),
        (b"/x?a=\x01 b&c=%20", b"/x?a=%01%20b&c=%20"),
        (b"/a%2Fb|{}?x=[1]", b"/a%2Fb|{}?x=[1]"),
    ],
)
async def test_a_path_cannot_end_before_its_end(path, arrives):
    answering = Answering()
    async with upstream(answering) as there, _forwarding(there) as port:
        assert await _ask(port, path=path) == 200

    assert answering.lines[0] == b"GET " + arrives + b" HTTP/1.1"


async def test_a_method_that_is_none_is_refused():
    answering = Answering()
    async with upstream(answering) as there, _forwarding(there) as port:
        assert await _ask(port, method=b"GET /y") == 400

    assert not answering.heads


async def test_pieces_of_a_cookie_become_one_again():
    """As granian hands them on; hypercorn has put them together already."""
    answering = Answering()
    pieces = [(b"cookie", b"a=1"), (b"x-many", b"1"), (b"cookie", b"b=2"), (b"x-many", b"2")]
    async with upstream(answering) as there:
        proxy = ReverseProxy(ForwardSettings(url=there))
        await call(proxy, {**http_scope("/x", method="GET", headers=pieces), "http_version": "2"})
        await proxy.close()

    assert answering.values(b"cookie") == [b"a=1; b=2"]
    assert answering.values(b"x-many") == [b"1", b"2"]
