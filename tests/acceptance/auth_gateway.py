"""A gateway that says which process answered, whatever it answers, and can be made to stand still."""

from __future__ import annotations

import os
import time

from proxystore import Exchange, ProxyStoreMiddleware, Settings, hookimpl
from proxystore.exchange.asgi import Receive, Scope, Send
from proxystore.testing.upstream import FakeUpstream

_upstream = FakeUpstream()


class Worker:
    """Tells which process it was, refusals included."""

    name = "worker"

    @hookimpl(tryfirst=True)
    def on_auth(self, exchange: Exchange) -> None:
        exchange.response.added_headers.append((b"x-worker", b"%d" % os.getpid()))


async def gateway(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "http" and scope["path"] == "/stall":
        time.sleep(2)  # noqa: ASYNC251 - the whole loop, that is the point
    await _upstream(scope, receive, send)


app = ProxyStoreMiddleware(gateway, settings=Settings.load(), plugins=[Worker])
