"""A proxy of one's own behind the keys plugin, with a store on each database."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, Final, TypeAlias

from proxystore import Principal, ProxyStoreMiddleware, Store, hookimpl
from proxystore.exchange.asgi import Message, Receive, Scope, Send
from proxystore.testing.asgi import Header, Sent, call, http_scope
from tests.keyring.world import add_key

CHAT: Final = json.dumps({"model": "gpt-4o", "messages": [{"role": "user", "content": "one two"}]}).encode()
CONNECT: Message = {"type": "websocket.connect"}
LEFT: Message = {"type": "websocket.disconnect", "code": 1000}


class Proxy:
    """Says yes, and remembers what it saw."""

    def __init__(self, body: bytes = b'{"model": "gpt-4o", "choices": []}') -> None:
        self.body = body
        self.seen: list[Scope] = []

    @property
    def headers(self) -> dict[str, str]:
        """Of the one request there was."""
        (scope,) = self.seen
        return {name.decode(): value.decode() for name, value in scope["headers"]}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.seen.append(scope)
        if scope["type"] == "websocket":
            await send({"type": "websocket.accept"})
            return
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(self.body))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": self.body})


class Watcher:
    """Notes who was let in, or not."""

    name = "watcher"

    def __init__(self) -> None:
        self.principals: list[Principal | None] = []

    @hookimpl
    def on_usage(self, exchange) -> None:
        self.principals.append(exchange.principal)


Open: TypeAlias = Callable[..., AbstractAsyncContextManager["House"]]


class House:
    def __init__(self, store: Store, app: ProxyStoreMiddleware, proxy: Proxy, watcher: Watcher) -> None:
        self.store = store
        self.app = app
        self.proxy = proxy
        self.watcher = watcher

    async def key(self, secret: str | None = None, **values: Any) -> str:
        shown, _ = await add_key(self.store.database, self.store.digester, secret, **values)
        await self.store.follower.poll()
        return shown.decode()

    async def ask(
        self, *headers: Header, path: str = "/v1/chat/completions", method: str = "POST", query: bytes = b"", body=CHAT
    ) -> Sent:
        return await call(self.app, http_scope(path, method=method, headers=headers, query=query), body)


class Listening(Proxy):
    """Accepts a WebSocket, and remembers what it hears."""

    heard: list[Message]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.heard = []
        await receive()
        await send({"type": "websocket.accept"})
        while (message := await receive())["type"] == "websocket.receive":
            self.heard.append(message)


def bearer(secret: str) -> Header:
    return b"authorization", f"Bearer {secret}".encode()


def code_of(sent: Sent) -> tuple[int, str]:
    return sent.status, json.loads(sent.body)["error"]["code"]
