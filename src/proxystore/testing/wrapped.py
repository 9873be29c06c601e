"""An application wrapped with chosen plugins, and everything a test wants to know of what happened in there."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import msgspec

from proxystore.asgi import ProxyStoreMiddleware
from proxystore.exchange import Exchange
from proxystore.exchange.asgi import ASGIApp
from proxystore.hooks import find, hookimpl
from proxystore.testing.asgi import Sent, call, http_scope
from proxystore.testing.lifespan import lifespan
from proxystore.testing.watching import Fired, watched

if TYPE_CHECKING:
    from proxystore.records import UsageEvent
    from proxystore.settings import Settings
    from proxystore.store import Store

_DRAIN = 10.0


class Wrapped:
    """An open house with a proxy in it; made by :func:`wrap`.

    Attributes:
        app: The middleware, started: any ASGI client may call it.
        exchanges: Every exchange that has ended, as its plugins left it.
        fired: Every hook that was called, in order; ``("on_usage", "greeting")`` equals one of them.
    """

    def __init__(self, app: ProxyStoreMiddleware, exchanges: list[Exchange], fired: list[Fired]) -> None:
        self.app = app
        self.exchanges = exchanges
        self.fired = fired

    @property
    def store(self) -> Store:
        """The open store."""
        return self.app.store

    def hooks(self, plugin: str) -> list[str]:
        """Return which hooks of *plugin* were called, in order."""
        return [each.hook for each in self.fired if each.plugin == plugin]

    async def call(
        self,
        path: str,
        body: bytes | Mapping[str, Any] = b"",
        *,
        method: str = "POST",
        headers: Mapping[str, str] | None = None,
    ) -> Sent:
        """Make a request and return what the client got.

        Args:
            path: Such as ``/v1/chat/completions``.
            body: Bytes, or what is to be sent as JSON.
            method: Of HTTP.
            headers: Besides ``Host`` and ``Content-Type: application/json``.
        """
        fields = [(name.lower().encode(), value.encode()) for name, value in (headers or {}).items()]
        content = body if isinstance(body, bytes) else msgspec.json.encode(body)
        return await call(self.app, http_scope(path, method=method, headers=fields), content)

    async def usage(self) -> list[UsageEvent]:
        """Return what the ledger has written down, oldest first; needs the plugin ``usage``."""
        if not await self.store.ledger.drain(_DRAIN):
            raise TimeoutError("the ledger does not reach its database; its log says why")
        return [*reversed(await self.store.usage.list(limit=1_000))]


class _Observer:
    name = "testing"

    def __init__(self, exchanges: list[Exchange]) -> None:
        self._exchanges = exchanges

    @hookimpl(trylast=True)
    def on_response(self, exchange: Exchange) -> None:
        self._exchanges.append(exchange)


@asynccontextmanager
async def wrap(app: ASGIApp, plugins: Sequence[object], settings: Settings) -> AsyncIterator[Wrapped]:
    """Wrap *app* and open the house for as long as the block lasts.

    Args:
        app: Any ASGI application.
        plugins: Classes, modules or instances; or names, of those that are installed.
        settings: Of the store and of the plugins.

    Raises:
        RuntimeError: The house does not open; the message says why.
        PluginError: A plugin cannot be loaded.
    """
    exchanges, fired = list[Exchange](), list[Fired]()
    watching = [watched(*find(plugin, settings), fired.append) for plugin in plugins]
    middleware = ProxyStoreMiddleware(app, settings=settings, plugins=[*watching, _Observer(exchanges)])
    async with lifespan(middleware):
        yield Wrapped(middleware, exchanges, fired)
