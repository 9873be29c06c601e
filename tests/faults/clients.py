"""Clients that remember what they saw: of which exchanges the start, of which the end."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any
from uuid import UUID

DEADLINE = 30.0


class Log:
    """What clients saw.

    Attributes:
        started: Exchanges whose head arrived with status 200.
        ended: Those whose end arrived: ``[DONE]``, or all of the body.
        statuses: Of everything that was answered, in order.
    """

    def __init__(self) -> None:
        self.started: set[UUID] = set()
        self.ended: set[UUID] = set()
        self.statuses: list[int] = []


async def chat(
    port: int,
    log: Log,
    *,
    is_streaming: bool = True,
    chunks: int | None = None,
    fault: str = "",
    model: str = "gpt-4o",
) -> UUID | None:
    """Ask for a chat; return its id if the head of the answer arrived.

    Args:
        port: Of the worker.
        log: Remembers what arrived.
        is_streaming: Whether it comes in events.
        chunks: Leave after so many of them; 0 is right after asking.
        fault: The header ``x-fault``.
        model: What is asked for.
    """
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        body = {"model": model, "messages": [{"role": "user", "content": "hello"}], "stream": is_streaming}
        await _write(writer, json.dumps(body).encode(), fault)
        if chunks == 0:
            return None
        async with asyncio.timeout(DEADLINE):
            return await _read(reader, log, chunks)
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


async def get(port: int, path: str) -> bytes:
    """Return the body at *path*."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET %s HTTP/1.1\r\nhost: here\r\nconnection: close\r\n\r\n" % path.encode())
    answer = await reader.read()
    writer.close()
    return answer.partition(b"\r\n\r\n")[2]


async def _write(writer: asyncio.StreamWriter, body: bytes, fault: str) -> None:
    writer.write(
        b"POST /v1/chat/completions HTTP/1.1\r\nhost: here\r\nconnection: close\r\ncontent-type: application/json\r\n"
        b"x-fault: %s\r\ncontent-length: %d\r\n\r\n" % (fault.encode(), len(body)) + body
    )
    await writer.drain()


async def _read(reader: asyncio.StreamReader, log: Log, chunks: int | None) -> UUID:
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    lines = head.split(b"\r\n")
    headers = dict(line.split(b": ", 1) for line in lines[1:] if line)
    identity, status = UUID(headers[b"x-proxystore-request-id"].decode()), int(lines[0].split()[1])
    log.statuses.append(status)
    if status == 200:
        log.started.add(identity)
    if b"content-length" in headers:
        await reader.readexactly(int(headers[b"content-length"]))
        if status == 200:
            log.ended.add(identity)
        return identity
    seen = 0
    while line := await reader.readline():
        seen += line.startswith(b"data: ")
        if line.startswith(b"data: [DONE]"):
            log.ended.add(identity)
            return identity
        if chunks is not None and seen >= chunks:
            return identity
    raise ConnectionResetError  # it broke off


@asynccontextmanager
async def load(ports: Callable[[], Sequence[int]], log: Log, clients: int = 6) -> AsyncIterator[None]:
    """Keep asking all of *ports* while the block runs; what fails is asked for no more."""
    is_over = asyncio.Event()

    async def ask(number: int) -> None:
        turn = number
        while not is_over.is_set():
            there = ports()
            turn += 1
            try:
                await chat(there[turn % len(there)], log, is_streaming=turn % 3 > 0)
            except (OSError, EOFError, ZeroDivisionError):  # killed, or not born yet
                await asyncio.sleep(0.005)

    asking = [asyncio.create_task(ask(number)) for number in range(clients)]
    try:
        yield
    finally:
        is_over.set()
        await asyncio.gather(*asking)


async def all_of(*work: Any) -> list[Any]:
    """Return what each returns, all at once."""
    return await asyncio.gather(*work)
