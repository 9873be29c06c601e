"""Nothing is held back, in neither direction, and nothing is piled up."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from proxystore.forwarding import ReverseProxy
from proxystore.settings import ForwardSettings
from proxystore.testing.asgi import call, http_scope
from tests.forwarding.world import LONGEST, OK, connect, forwarding, say, upstream

_MEGABYTE = b"x" * 2**20
_MANY = 96
_IN_FLIGHT = 64  # megabytes that sockets and buffers on the way may hold; without backpressure it would be all of them


async def test_each_chunk_leaves_before_the_next_is_produced():
    seen = asyncio.Queue()

    async def produce(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
        for number in range(5):
            event = b"data: %d\n\n" % number
            writer.write(b"%x\r\n%s\r\n" % (len(event), event))
            assert await asyncio.wait_for(seen.get(), LONGEST) == event
        writer.write(b"0\r\n\r\n")
        await reader.read()

    async with (
        upstream(produce) as there,
        forwarding(there) as url,
        httpx.AsyncClient() as client,
        client.stream("GET", url) as answer,
    ):
        async for chunk in answer.aiter_raw():
            await seen.put(chunk)


async def test_headers_leave_before_the_body_is_produced():
    is_seen = asyncio.Event()

    async def produce(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n")
        await is_seen.wait()
        writer.write(b"OK")

    async with (
        upstream(produce) as there,
        forwarding(there) as url,
        httpx.AsyncClient(timeout=LONGEST) as client,
        client.stream("GET", url) as answer,
    ):
        is_seen.set()
        assert await answer.aread() == b"OK"


async def test_a_request_is_forwarded_while_it_is_still_arriving():
    arrived = asyncio.Event()

    async def read(reader, writer):
        head = await reader.readuntil(b"\r\n\r\n")
        assert b"transfer-encoding: chunked" in head.lower()
        assert await reader.readexactly(10) == b"5\r\nfirst\r\n"
        arrived.set()
        assert await reader.readuntil(b"0\r\n\r\n") == b"6\r\nsecond\r\n0\r\n\r\n"
        writer.write(OK)
        await writer.drain()

    async def pieces():
        yield b"first"
        await asyncio.wait_for(arrived.wait(), LONGEST)
        yield b"second"

    async with upstream(read) as there, forwarding(there) as url, httpx.AsyncClient() as client:
        assert (await client.post(url, content=pieces())).text == "OK"


async def test_a_length_that_was_told_is_told_on():
    heads = []

    async def read(reader, writer):
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        assert await reader.readexactly(len(_MEGABYTE)) == _MEGABYTE
        writer.write(OK)
        await writer.drain()

    async with upstream(read) as there, forwarding(there) as url, httpx.AsyncClient() as client:
        assert (await client.post(url, content=_MEGABYTE)).text == "OK"

    assert b"\r\ncontent-length: 1048576\r\n" in heads[0]
    assert b"transfer-encoding" not in heads[0].lower()


@pytest.mark.parametrize("length", [2, 500])
async def test_a_length_beside_chunks_is_not_told_on(length):
    """h11 takes both and believes the chunks; an upstream that believed the length would read on in the next one."""
    heads = []

    async def read(reader, writer):
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        await reader.readuntil(b"hello")
        writer.write(OK)
        await reader.read()

    fields = b"content-length: %d\r\ntransfer-encoding: chunked\r\nconnection: close\r\n" % length
    async with upstream(read) as there, forwarding(there, http="h11") as url:
        answer = await say(url, b"POST / HTTP/1.1\r\nhost: x\r\n" + fields + b"\r\n5\r\nhello\r\n0\r\n\r\n")

    assert answer.startswith(b"HTTP/1.1 200 ")
    assert b"content-length: %d\r\n" % length not in heads[0].lower()


async def test_an_answer_may_come_before_the_request_has_ended():
    async def refuse(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 413 Content Too Large\r\ncontent-length: 3\r\n\r\nbig")
        await reader.read()

    async with upstream(refuse) as there, forwarding(there) as url:
        reader, writer = await connect(url)
        writer.write(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nbegun")
        assert (await reader.readuntil(b"big")).startswith(b"HTTP/1.1 413 ")
        writer.close()


async def test_a_slow_reader_slows_the_upstream_down():
    written = 0

    async def produce(reader, writer):
        nonlocal written
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % (_MANY * len(_MEGABYTE)))
        for _ in range(_MANY):
            writer.write(_MEGABYTE)
            await writer.drain()
            written += 1

    async with upstream(produce) as there, forwarding(there) as url:
        reader, writer = await connect(url)
        writer.write(b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        await reader.readuntil(b"\r\n\r\n")
        for read in range(_MANY):
            assert written - read < _IN_FLIGHT
            await reader.readexactly(len(_MEGABYTE))
        writer.close()


async def test_a_slow_upstream_slows_the_client_down():
    sent = 0

    async def read(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        for received in range(_MANY):
            assert sent - received < _IN_FLIGHT
            await reader.readexactly(len(_MEGABYTE))
        writer.write(OK)
        await writer.drain()

    async with upstream(read) as there, forwarding(there) as url:
        reader, writer = await connect(url)
        writer.write(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n" % (_MANY * len(_MEGABYTE)))
        for _ in range(_MANY):
            writer.write(_MEGABYTE)
            await writer.drain()
            sent += 1
        assert (await reader.readuntil(b"OK")).startswith(b"HTTP/1.1 200 ")
        writer.close()


async def test_a_body_that_plugins_have_read_goes_on_whole():
    """The middleware hands it over in one message, however long."""

    async def read(reader, writer):
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        assert b"\r\ncontent-length: %d\r\n" % (3 * len(_MEGABYTE)) in head
        assert await reader.readexactly(3 * len(_MEGABYTE)) == 3 * _MEGABYTE
        writer.write(OK)
        await writer.drain()

    async with upstream(read) as there:
        proxy = ReverseProxy(ForwardSettings(url=there))
        scope = http_scope(headers=[(b"content-length", b"%d" % (3 * len(_MEGABYTE)))])
        assert (await call(proxy, scope, 3 * _MEGABYTE)).body == b"OK"
        await proxy.close()
