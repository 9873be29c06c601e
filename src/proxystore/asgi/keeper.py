"""Opening and closing what a middleware owns: once per run of the server, on whichever loop serves."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from proxystore import migrating
from proxystore.asgi.house import House
from proxystore.errors import ProxyStoreError, StoreUnavailable
from proxystore.hooks import Plugins
from proxystore.ledger.forking import tell_of_forks
from proxystore.settings import Settings
from proxystore.store import Store

if TYPE_CHECKING:
    from proxystore.exchange.asgi import ASGIApp

logger = logging.getLogger(__name__)

_SHORTEST_PAUSE: Final = 0.5
_LONGEST_PAUSE: Final = 30.0
_GRACE: Final = 5.0
_inherited: Final[list[object]] = []
"""What a forked process was born with. To close it, as collecting it would, is to close it under the parent's feet."""


class Keeper:
    """Keeps the house of one middleware.

    Attributes:
        house: Open, or ``None``.
        plugins: Loaded by the last opening.
    """

    def __init__(self, app: ASGIApp, settings: Settings | None, store: Store | None, plugins: Sequence[object]) -> None:
        self._app = app
        self._settings = settings
        self._given_store = store
        self._extra_plugins = plugins
        self.plugins: Plugins | None = None
        self.house: House | None = None
        self._opening: asyncio.Task[House] | None = None
        self._telling: asyncio.Task[None] | None = None
        self._pause = 0.0
        self._next_try = 0.0
        tell_of_forks(self)

    async def open(self) -> House:
        """Return the open house, opening it if need be; whoever comes meanwhile waits for the same opening.

        Raises:
            ProxyStoreError: What went wrong.
        """
        loop = asyncio.get_running_loop()
        if self.house is not None and self.house.loop is loop:
            return self.house
        if self._opening is None or self._opening.done() or self._opening.get_loop() is not loop:
            self._opening = loop.create_task(self._open())
        return await asyncio.shield(self._opening)  # a client that goes away does not stop the opening

    async def open_for_request(self) -> House:
        """As :meth:`open`, for a server without lifespan: after a failure the next try has to wait a little longer.

        Raises:
            ProxyStoreError: What went wrong, or that it is too early for another try.
        """
        is_opening = self._opening is not None and not self._opening.done()
        if not is_opening and time.monotonic() < self._next_try:
            raise StoreUnavailable
        try:
            house = await self.open()
        except Exception:
            self._pause = min(max(self._pause * 2, _SHORTEST_PAUSE), _LONGEST_PAUSE)
            self._next_try = time.monotonic() + self._pause
            raise
        self._pause = self._next_try = 0.0
        return house

    async def close(self) -> None:
        """Tell the plugins, drain and close the store if it is ours; twice does no harm."""
        house, self.house = self.house, None
        if house is None or self.plugins is None:
            return
        await house.finish(house.settings.shutdown_grace)
        if self._telling is not None:
            self._telling.cancel()
            await asyncio.wait({self._telling})
            self._telling = None
        await self.plugins.shutdown(house.store)
        if house.store is not self._given_store:
            await house.store.close()

    def forget_parent(self) -> None:
        """Leave the house to the process this one was forked from; the next request, or lifespan, opens another."""
        _inherited.append((self.house, self._opening, self.plugins, self._telling))
        self.house = self._opening = self.plugins = self._telling = None
        self._pause = self._next_try = 0.0

    async def _open(self) -> House:
        if self.house is not None:
            await self._abandon(self.house)
        store = self._given_store
        settings = self._settings or (store.settings if store is not None else Settings.load())
        self.plugins = Plugins.load(settings, self._extra_plugins)
        migrations = self.plugins.migrations()
        if store is None:
            store = Store(settings=settings, migrations=migrations)
        was_open = store.is_open
        if not was_open:
            await store.open()
        store.ledger.warn_of_place()
        try:
            if store is self._given_store and migrations:
                await migrating.ensure(store.database, migrate=False, migrations=migrations)
            await self.plugins.startup(store)
        except BaseException:
            if not was_open:
                await store.close()
            raise
        teller = self.plugins.teller(store)
        self._telling = asyncio.create_task(teller.run()) if teller is not None else None
        self.house = House(self._app, store, self.plugins)
        return self.house

    async def _abandon(self, house: House) -> None:
        """Let go of a house whose event loop has ended: some test clients serve each request on a loop of its own."""
        self.house = None
        if house.store is not self._given_store:
            try:
                await asyncio.wait_for(house.store.close(), _GRACE)
            except (ProxyStoreError, RuntimeError, TimeoutError):
                logger.warning("a store opened on another event loop could not be closed in order")
