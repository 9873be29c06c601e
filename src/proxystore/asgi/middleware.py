"""ProxyStoreMiddleware: configuration only."""

from __future__ import annotations

import logging
from asyncio import get_running_loop
from collections.abc import Sequence
from typing import TYPE_CHECKING

from proxystore.asgi import endpoints
from proxystore.asgi.keeper import Keeper
from proxystore.asgi.lifespan import Lifespan
from proxystore.asgi.passage import carry
from proxystore.asgi.refusing import refuse
from proxystore.asgi.websocket import WebSocketPassage
from proxystore.errors import StoreClosed

if TYPE_CHECKING:
    from proxystore.asgi.house import House
    from proxystore.exchange.asgi import ASGIApp, Receive, Scope, Send
    from proxystore.hooks import Plugins
    from proxystore.settings import Settings
    from proxystore.store import Store

logger = logging.getLogger(__name__)


class ProxyStoreMiddleware:
    """Pure ASGI middleware around any proxy.

    Holds configuration, never a request. Nothing is opened, read or loaded before the server's lifespan (or the first
    request, where there is none), so that what goes wrong can be told to the server.

    Args:
        app: The proxy, any ASGI application.
        settings: Those of *store*, or else read from the environment and ``proxystore.toml``.
        store: Used, and opened if need be, but closed by its owner; without one the middleware has its own.
        plugins: Classes, modules or instances, asked after those that the settings name.

    Example:
        ```python
        from proxystore import ProxyStoreMiddleware

        async def proxy(scope, receive, send):
            ...

        app = ProxyStoreMiddleware(proxy)
        ```
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        settings: Settings | None = None,
        store: Store | None = None,
        plugins: Sequence[object] = (),
    ) -> None:
        self._app = app
        self._keeper = Keeper(app, settings, store, plugins)

    @property
    def store(self) -> Store:
        """The open store.

        Raises:
            StoreClosed: The server has not started yet, or has stopped.
        """
        return self._open_house.store

    @property
    def plugins(self) -> Plugins:
        """The loaded plugins.

        Raises:
            StoreClosed: The server has not started yet, or has stopped.
        """
        if self._keeper.plugins is None:
            raise StoreClosed
        return self._keeper.plugins

    @property
    def _open_house(self) -> House:
        if self._keeper.house is None:
            raise StoreClosed
        return self._keeper.house

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve (ASGI)."""
        kind = scope["type"]
        if "proxystore" in scope or kind not in {"http", "websocket", "lifespan"}:
            await self._app(scope, receive, send)  # carried by an outer middleware already: counted there, not twice
            return
        if kind == "lifespan":
            scope["proxystore"] = True
            await Lifespan(self._app, self._keeper, scope, receive, send).run()
            return
        house = self._keeper.house
        if house is None or house.loop is not get_running_loop():
            house = await self._opened(scope, receive, send)
            if house is None:
                return
        path: str = scope["path"].removeprefix(scope.get("root_path", ""))
        if kind == "websocket":
            await WebSocketPassage(house, scope, path, receive, send).run()
        elif path.startswith(endpoints.PREFIX):
            await endpoints.respond(path, scope["method"], house.store, send)
        else:
            await carry(house, scope, path, receive, send)

    async def _opened(self, scope: Scope, receive: Receive, send: Send) -> House | None:
        """Return the house, opened for this request; ``None`` if it cannot be, and the client has been told."""
        try:
            return await self._keeper.open_for_request()
        except Exception:
            logger.exception("the store could not be opened")
            await refuse(scope, receive, send)
            return None
