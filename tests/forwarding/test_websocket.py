"""WebSockets, both ways."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version

import pytest
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.frames import Close
from websockets.typing import Subprotocol

from proxystore import ProxyStoreMiddleware, Settings, Store
from proxystore.forwarding import ReverseProxy
from proxystore.settings import ForwardSettings
from proxystore.testing.asgi import exchange_messages, websocket_scope
from tests.forwarding.world import LONGEST, Answering, forwarding, say, served, upstream

_HANDSHAKE = (
    b"GET / HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n"
    b"sec-websocket-version: 13\r\nsec-websocket-key: x3JJHMbDL1EzLkh9GBhXDw==\r\n\r\n"
)
# Older uvicorns keep to themselves why a client closed.
_IS_REASON_TOLD = tuple(int(part) for part in version("uvicorn").split(".")[:2]) >= (0, 30)


@asynccontextmanager
async def _websockets(handler, **options) -> AsyncIterator[str]:
    async with serve(handler, "127.0.0.1", 0, **options) as server:
        yield f"http://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}"


async def _echo(connection: ServerConnection) -> None:
    async for message in connection:
        await connection.send(message)


def _ws(url: str) -> str:
    return url.replace("http", "ws", 1)


async def test_text_and_bytes_go_both_ways():
    long = "long " * 500_000
    async with (
        _websockets(_echo, max_size=None) as there,
        forwarding(there) as url,
        connect(_ws(url), max_size=None) as client,
    ):
        for message in ("héllo", b"\x00\xff", "", b"", long):
            await client.send(message)
            assert await client.recv() == message


async def test_path_query_and_headers_arrive_and_those_of_the_handshake_are_made_anew():
    async def tell(connection: ServerConnection) -> None:
        request = connection.request
        names = ("host", "x-mine", "x-forwarded-for", "x-forwarded-proto", "sec-websocket-extensions", "user-agent")
        await connection.send(" | ".join([request.path, *(str(request.headers.get(name)) for name in names)]))

    def add(connection, request, response):
        response.headers["x-theirs"] = "yes"

    async with _websockets(tell, process_response=add) as there, forwarding(f"{there}/base") as url:
        headers = {"x-mine": "1"}
        async with connect(f"{_ws(url)}/a%2Fb?q=%20", additional_headers=headers, user_agent_header=None) as client:
            told = await client.recv()
            assert client.response.headers["x-theirs"] == "yes"

    assert told == f"/base/a%2Fb?q=%20 | {there.removeprefix('http://')} | 1 | 127.0.0.1 | http | None | None"


@pytest.mark.parametrize(("known", "chosen"), [(["b"], "b"), (None, None)])
async def test_the_upstream_chooses_the_subprotocol(known, chosen):
    protocols = [Subprotocol(name) for name in known] if known else None
    async with (
        _websockets(_echo, subprotocols=protocols) as there,
        forwarding(there) as url,
        connect(_ws(url), subprotocols=[Subprotocol("a"), Subprotocol("b")]) as client,
    ):
        assert client.subprotocol == chosen


@pytest.mark.parametrize(("code", "arrives"), [(1000, 1000), (4321, 4321)])
async def test_how_the_upstream_closes_is_told(code, arrives):
    async def close(connection: ServerConnection) -> None:
        await connection.close(code, "that is all")

    async with _websockets(close) as there, forwarding(there) as url, connect(_ws(url)) as client:
        with pytest.raises(ConnectionClosed) as closed:
            await client.recv()

    assert closed.value.rcvd == Close(arrives, "that is all")


@pytest.mark.parametrize(("code", "arrives"), [(1000, 1000), (4321, 4321)])
async def test_how_the_client_closes_is_told(code, arrives):
    closed = asyncio.get_running_loop().create_future()

    async def listen(connection: ServerConnection) -> None:
        await connection.wait_closed()
        closed.set_result((connection.close_code, connection.close_reason))

    async with _websockets(listen) as there, forwarding(there) as url, connect(_ws(url)) as client:
        await client.close(code, "enough")
        assert await asyncio.wait_for(closed, LONGEST) == (arrives, "enough" if _IS_REASON_TOLD else "")


async def test_a_client_that_vanishes_closes_the_upstream():
    closed = asyncio.get_running_loop().create_future()

    async def listen(connection: ServerConnection) -> None:
        await connection.wait_closed()
        closed.set_result(connection.close_code)

    async with _websockets(listen) as there, forwarding(there) as url, connect(_ws(url)) as client:
        client.transport.abort()
        assert await asyncio.wait_for(closed, LONGEST) in {1000, 1001}  # not every server tells that it vanished


async def test_an_upstream_that_vanishes_is_told_as_an_error():
    async def vanish(connection: ServerConnection) -> None:
        connection.transport.abort()

    async with _websockets(vanish) as there, forwarding(there) as url, connect(_ws(url)) as client:
        with pytest.raises(ConnectionClosed) as closed:
            await client.recv()

    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1011


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 401 Unauthorized\r\nx-why: no key\r\ncontent-length: 7\r\n\r\nno key!",
        b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\nx-why: no key\r\ncontent-length: 7\r\n\r\nno key!",
    ],
)
async def test_a_refusal_is_passed_on_and_no_redirect_followed(answer):
    answering = Answering(answer)
    async with upstream(answering) as there, forwarding(there) as url:
        told = await say(url, _HANDSHAKE)

    assert told.split()[1] == answer.split()[1]
    assert b"\r\nx-why: no key\r\n" in told
    assert told.endswith(b"\r\n\r\nno key!")
    assert len(answering.heads) == 1


async def test_a_refusal_that_cannot_be_passed_on_gives_502():
    answering = Answering(b"HTTP/1.1 401 Unauthorized\r\nx-why: no\x01key\r\ncontent-length: 0\r\n\r\n")
    async with upstream(answering) as there, forwarding(there) as url:
        assert (await say(url, _HANDSHAKE)).startswith(b"HTTP/1.1 502 ")


async def test_an_upstream_that_is_not_there_gives_502():
    async with forwarding("http://127.0.0.1:1") as url:
        with pytest.raises(InvalidStatus) as refused:
            await connect(_ws(url))

    assert refused.value.response.status_code == 502


async def test_an_upstream_that_never_answers_gives_504():
    async def mute(reader, writer):
        await reader.read()

    async with upstream(mute) as there, forwarding(there, connect_timeout=0.1) as url:
        with pytest.raises(InvalidStatus) as refused:
            await connect(_ws(url))

    assert refused.value.response.status_code == 504


async def test_a_server_that_cannot_refuse_in_words_closes():
    proxy = ReverseProxy(ForwardSettings(url="http://127.0.0.1:1"))
    sent = await exchange_messages(proxy, websocket_scope(can_refuse=False), [{"type": "websocket.connect"}])
    await proxy.close()

    assert [message["type"] for message in sent] == ["websocket.close"]


async def test_no_path_leads_out_of_what_is_forwarded_to():
    async with forwarding("http://127.0.0.1:1/base") as url:
        with pytest.raises(InvalidStatus) as refused:
            await connect(f"{_ws(url)}/../x")

    assert refused.value.response.status_code == 400


async def test_a_connection_is_one_record(migrated_url, tmp_path):
    settings = Settings.load(environ={}, database_url=migrated_url, data_dir=tmp_path / "data", auth="off")
    async with _websockets(_echo) as there:
        proxy = ReverseProxy(ForwardSettings(url=there))
        async with served(ProxyStoreMiddleware(proxy, settings=settings)) as url, connect(_ws(url)) as client:
            await client.send("hello")
            assert await client.recv() == "hello"

    async with Store(settings=settings) as store:
        assert await store.ledger.drain(10)
        (event,) = await store.usage.list(limit=10)
    assert (event.status, event.outcome) == (101, "complete")


async def test_a_server_that_stops_closes_the_upstream():
    closed = asyncio.get_running_loop().create_future()

    async def listen(connection: ServerConnection) -> None:
        await connection.wait_closed()
        closed.set_result(connection.close_code)

    async with _websockets(listen) as there:
        async with forwarding(there) as url:
            await connect(_ws(url))
        assert await asyncio.wait_for(closed, LONGEST) == 1012
