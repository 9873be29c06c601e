"""What every passage shares: the proxy, an open store, its plugins."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TYPE_CHECKING, Final

from proxystore import wire
from proxystore.asgi.leaving import Draining
from proxystore.exchange import Exchange, Request
from proxystore.wire import Formats, Route

if TYPE_CHECKING:
    from proxystore.exchange.asgi import ASGIApp, Receive, Scope
    from proxystore.hooks import Plugins
    from proxystore.store import Store
    from proxystore.wire import WireFormat

_MOST_REMEMBERED: Final = 256


class House:
    """An open store, its plugins, and the proxy they stand in front of."""

    __slots__ = (
        "_refusing_paths",
        "_tasks",
        "app",
        "asks_for_usage",
        "awaits_commits",
        "catalogue",
        "chains",
        "disconnect",
        "draining",
        "formats",
        "loop",
        "remembered",
        "settings",
        "store",
        "unpriced",
    )

    def __init__(self, app: ASGIApp, store: Store, plugins: Plugins) -> None:
        self.app = app
        self.store = store
        self.settings = store.settings
        self.catalogue = store.catalogue
        self.remembered = store.catalogue.remembered
        self.unpriced = store.settings.unpriced
        self.chains = plugins.chains(store)
        self.formats = Formats((*plugins.wire_formats(), *wire.BUILT_IN))
        self.loop = asyncio.get_running_loop()
        self.asks_for_usage = self.settings.inject_stream_usage == "auto" and self.chains.on_usage is not None
        self.disconnect = self.settings.disconnect
        self.awaits_commits = self.settings.durable == "database"
        self.draining = Draining(self.settings.drain_limit, self.settings.drain_seconds)
        self._refusing_paths: set[str] = set()
        self._tasks: set[asyncio.Future[None]] = set()

    def exchange(self, scope: Scope, path: str, receive: Receive, format: WireFormat | None = None) -> Exchange:
        """Return a new exchange for *scope*, marked there so that a second middleware does not count it again."""
        settings = self.settings
        route = self.formats.route(scope.get("method", "GET"), path) if format is None else Route.of(format, path)
        scope["proxystore"] = route.format
        return Exchange(
            Request(scope, receive, path, route, limit=settings.max_body_bytes, trusted=settings.trusted_proxies)
        )

    def may_ask_for_usage(self, path: str) -> bool:
        """Tell whether the server behind *path* can be asked for a stream's usage."""
        return self.asks_for_usage and path not in self._refusing_paths

    def remember_refusal(self, path: str) -> None:
        """Never ask the server behind *path* for a stream's usage again: it refuses the field."""
        if len(self._refusing_paths) < _MOST_REMEMBERED:  # paths are the caller's choice: bounded
            self._refusing_paths.add(path)

    def spawn(self, work: Awaitable[None]) -> asyncio.Future[None]:
        """Do *work* in a task of its own, held until it is done; return that."""
        task = asyncio.ensure_future(work, loop=self.loop)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def finish(self, grace: float) -> None:
        """Wait for what was spawned, at most *grace* seconds."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=grace)
