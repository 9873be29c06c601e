"""Connections belong to one event loop, and are closed with it."""

from __future__ import annotations

import asyncio

from proxystore.exchange.asgi import Receive, Scope, Send
from proxystore.forwarding import ReverseProxy
from proxystore.settings import ForwardSettings
from proxystore.testing.asgi import call, http_scope
from proxystore.testing.serving import serving
from proxystore.testing.upstream import FakeUpstream
from tests.forwarding.world import LONGEST, OK, connect, forwarding, upstream


async def _parting(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers once for each connection: one that was left open would be told of by Python when its loop has ended."""
    await receive()
    headers = [(b"connection", b"close"), (b"content-length", b"0")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body"})


def test_without_a_lifespan_the_first_request_opens_on_whichever_loop_it_comes() -> None:
    with serving(_parting, lifespan="off") as url:
        proxy = ReverseProxy(ForwardSettings(url=url))
        for _ in range(2):
            assert asyncio.run(call(proxy, http_scope())).status == 200

        async def ask_and_close() -> None:
            assert (await call(proxy, http_scope())).status == 200
            await proxy.close()
            await proxy.close()

        asyncio.run(ask_and_close())


async def test_without_a_raw_path_the_path_is_quoted_and_a_mount_left_out() -> None:
    fake = FakeUpstream()
    with serving(fake) as url:
        proxy = ReverseProxy(ForwardSettings(url=url))
        scope = {**http_scope("/ä b", root_path="/mounted")}
        del scope["raw_path"]
        await call(proxy, scope, b"{}")
        await proxy.close()

    assert fake.seen[0].path == "/ä b"


async def test_a_target_that_is_no_path_cannot_name_a_host() -> None:
    fake = FakeUpstream()
    with serving(fake) as url:
        proxy = ReverseProxy(ForwardSettings(url=url))
        for raw in (b".elsewhere.example/x", b"@elsewhere.example/x", b"/#x"):
            await call(proxy, {**http_scope(), "raw_path": raw}, b"{}")
        await proxy.close()

    assert [seen.path for seen in fake.seen] == ["/.elsewhere.example/x", "/@elsewhere.example/x", "/#x"]


async def test_the_end_of_the_server_closes_idle_connections() -> None:
    is_closed = asyncio.Event()

    async def keep(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK)
        assert await reader.read() == b""
        is_closed.set()

    async with upstream(keep) as there:
        async with forwarding(there) as url:
            reader, writer = await connect(url)
            writer.write(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
            await reader.readuntil(b"\r\n\r\nOK")
            assert not is_closed.is_set()
            writer.close()
        await asyncio.wait_for(is_closed.wait(), LONGEST)
