"""What the tests of the middleware share: an open store on each database, and a plugin that watches."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import TypeAlias

import pytest

from proxystore import Exchange, ProxyStoreMiddleware, Settings, Store, hookimpl
from proxystore.exchange.asgi import ASGIApp

Wrap: TypeAlias = Callable[..., AbstractAsyncContextManager[ProxyStoreMiddleware]]


class Witness:
    """Notes what it is told, in order."""

    name = "witness"

    def __init__(self) -> None:
        self.recorded: list[Exchange] = []
        self.observed: list[Exchange] = []
        self.was_recorded = asyncio.Event()
        self.was_observed = asyncio.Event()

    @hookimpl
    def on_usage(self, exchange: Exchange) -> None:
        self.recorded.append(exchange)
        self.was_recorded.set()

    @hookimpl
    async def on_response(self, exchange: Exchange) -> None:
        self.observed.append(exchange)
        self.was_observed.set()

    @property
    def exchange(self) -> Exchange:
        """The one exchange there was."""
        (exchange,) = self.recorded
        return exchange


@pytest.fixture(name="witness")
def _witness() -> Witness:
    return Witness()


@pytest.fixture(name="settings")
def _settings(migrated_url: str, tmp_path: Path) -> Settings:
    return Settings.load(environ={}, database_url=migrated_url, data_dir=tmp_path / "data", plugins=())


@pytest.fixture(name="wrap")
def _wrap(settings: Settings, witness: Witness) -> Wrap:
    @asynccontextmanager
    async def wrap(app: ASGIApp, *plugins: object, **changes: object) -> AsyncIterator[ProxyStoreMiddleware]:
        changed = Settings(**{**settings.model_dump(), **changes}) if changes else settings
        async with Store(settings=changed) as store:
            yield ProxyStoreMiddleware(app, store=store, plugins=(witness, *plugins))

    return wrap
