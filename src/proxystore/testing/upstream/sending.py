"""Sending answers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import msgspec

from proxystore.exchange.asgi import Message, Receive, Send


def event(data: dict[str, Any], *, is_named: bool = False) -> bytes:
    """Return a server-sent event; some APIs name it by its type."""
    name = b"event: " + data["type"].encode() + b"\n" if is_named else b""
    return name + b"data: " + msgspec.json.encode(data) + b"\n\n"


async def read(receive: Receive) -> bytes:
    """Return the body."""
    parts = []
    while True:
        message: Message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(parts)


async def send_pieces(send: Send, pieces: AsyncIterator[bytes], content_type: bytes = b"text/event-stream") -> None:
    """Send *pieces* as they come."""
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", content_type)]})
    async for piece in pieces:
        await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


async def send_json(send: Send, data: dict[str, Any], status: int = 200) -> None:
    """Send *data*."""
    await send_bytes(send, msgspec.json.encode(data), b"application/json", status)


async def send_bytes(send: Send, body: bytes, content_type: bytes, status: int = 200) -> None:
    """Send *body*."""
    headers = [(b"content-type", content_type), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def lifespan(receive: Receive, send: Send) -> None:
    """Start and stop."""
    for _ in range(2):
        message = await receive()
        await send({"type": message["type"] + ".complete"})
