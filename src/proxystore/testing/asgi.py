"""Driving an ASGI application by hand: every message in, every message out, nothing in between."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeAlias

from proxystore.exchange.asgi import ASGIApp, Message, Scope

Header: TypeAlias = tuple[bytes, bytes]


def http_scope(
    path: str = "/v1/chat/completions",
    *,
    method: str = "POST",
    headers: Iterable[Header] = (),
    query: bytes = b"",
    root_path: str = "",
) -> Scope:
    """Return a scope as a server makes it for one HTTP request."""
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": root_path + path,
        "raw_path": (root_path + path).encode(),
        "query_string": query,
        "root_path": root_path,
        "headers": [(b"host", b"proxy"), (b"content-type", b"application/json"), *headers],
        "client": ("203.0.113.7", 50_000),
        "server": ("127.0.0.1", 8000),
        "state": {},
        "extensions": {},
    }


def websocket_scope(path: str = "/ws", *, headers: Iterable[Header] = (), can_refuse: bool = True) -> Scope:
    """Return a scope for the opening of a WebSocket; *can_refuse*: the server can send an HTTP answer instead."""
    scope = http_scope(path, headers=headers)
    del scope["method"]
    extensions: dict[str, object] = {"websocket.http.response": {}} if can_refuse else {}
    return {**scope, "type": "websocket", "scheme": "ws", "subprotocols": [], "extensions": extensions}


class Sent(list[Message]):
    """What an application sent."""

    @property
    def status(self) -> int:
        """The status of the response."""
        status: int = self._start["status"]
        return status

    @property
    def headers(self) -> dict[bytes, bytes]:
        """The headers of the response."""
        return dict(self._start["headers"])

    @property
    def chunks(self) -> list[bytes]:
        """The pieces of the body."""
        return [each.get("body", b"") for each in self if each["type"].endswith("http.response.body")]

    @property
    def body(self) -> bytes:
        """The whole body."""
        return b"".join(self.chunks)

    @property
    def _start(self) -> Message:
        (start,) = [each for each in self if each["type"].endswith("http.response.start")]
        return start


async def call(
    app: ASGIApp,
    scope: Scope,
    body: bytes | Sequence[bytes] = b"",
    *,
    on_send: Callable[[Message], Any] = lambda _: None,
) -> Sent:
    """Make one request and return what was sent; the client then waits, as clients do, without going away.

    Args:
        app: The application.
        scope: Of the request.
        body: At once, or in pieces.
        on_send: Called with each message as it leaves; what it raises is what the server's ``send`` raises.
    """
    pieces = [body] if isinstance(body, bytes) else list(body)
    incoming = [
        {"type": "http.request", "body": piece, "more_body": index < len(pieces) - 1}
        for index, piece in enumerate(pieces)
    ]
    return await exchange_messages(app, scope, incoming, on_send=on_send)


async def exchange_messages(
    app: ASGIApp,
    scope: Scope,
    incoming: Iterable[Message],
    *,
    on_send: Callable[[Message], Any] = lambda _: None,
) -> Sent:
    """Hand *incoming* to *app* one by one, then nothing for ever; return what it sent."""
    waiting = list(incoming)
    sent = Sent()

    async def receive() -> Message:
        if waiting:
            return waiting.pop(0)
        await asyncio.Event().wait()
        raise AssertionError

    async def send(message: Message) -> None:
        on_send(message)
        sent.append(message)

    await app(scope, receive, send)
    return sent
