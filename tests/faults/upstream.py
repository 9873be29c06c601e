"""The proxy that workers wrap: a fake upstream that misbehaves when a header asks it to."""

from __future__ import annotations

import asyncio
import time

from proxystore.exchange.asgi import Message, Receive, Scope, Send
from proxystore.testing.upstream import FakeUpstream

_offset = 0


def shift_clocks() -> None:
    """Have this process's wall clock go by `x-fault: clock=SECONDS` from now on."""
    nanoseconds, seconds = time.time_ns, time.time
    time.time_ns = lambda: nanoseconds() + _offset * 1_000_000_000
    time.time = lambda: seconds() + _offset


class Upstream:
    """A `FakeUpstream` with faults.

    ``x-fault: hold`` keeps back the empty body after ``[DONE]`` for ever; ``clock=SECONDS`` sets the wall clock off;
    ``usage=JSON`` answers with that usage. ``GET /streams`` says how many answers are under way.
    """

    def __init__(self, *, delay: float) -> None:
        self._fake = FakeUpstream(delay=delay)
        self._streams = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve (ASGI)."""
        if scope["type"] != "http":
            await self._fake(scope, receive, send)
        elif scope["path"] == "/streams":
            await _answer(send, b"%d" % self._streams)
        else:
            self._streams += 1
            try:
                await self._serve(scope, receive, send)
            finally:
                self._streams -= 1

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        global _offset  # noqa: PLW0603  a process has one clock
        name, _, value = dict(scope["headers"]).get(b"x-fault", b"").partition(b"=")
        if name == b"clock":
            _offset = int(value)
        if name == b"usage":
            await receive()
            await _answer(send, b'{"object":"chat.completion","choices":[],"model":"gpt-4o","usage":' + value + b"}")
        else:
            await self._fake(scope, receive, _holding(send) if name == b"hold" else send)


def _holding(send: Send) -> Send:
    async def held(message: Message) -> None:
        if message["type"] == "http.response.body" and not message.get("more_body", False):
            await asyncio.Event().wait()
        await send(message)

    return held


async def _answer(send: Send, body: bytes) -> None:
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})
