"""Somebody's gateway, which knows nothing of us; it says which process answered."""

from __future__ import annotations

import os

from proxystore.exchange.asgi import Message, Receive, Scope, Send
from proxystore.testing.upstream import FakeUpstream

_upstream = FakeUpstream()


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    async def tell(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message["headers"], (b"x-worker", b"%d" % os.getpid())]}
        await send(message)

    await _upstream(scope, receive, tell)
