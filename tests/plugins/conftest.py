"""Houses with the keys plugin in them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from proxystore import ProxyStoreMiddleware, Settings, Store
from proxystore_keys import Keys
from tests.databases import PEPPER
from tests.plugins.house import House, Open, Proxy, Watcher


@pytest.fixture(name="open_house")
def _open_house(migrated_url: str, tmp_path: Path) -> Open:
    @asynccontextmanager
    async def opened(proxy: Proxy | None = None, *plugins: object, **changes: object) -> AsyncIterator[House]:
        settings = Settings(database_url=migrated_url, data_dir=tmp_path / "data", plugins=(), pepper=PEPPER, **changes)
        proxy, watcher = proxy or Proxy(), Watcher()
        async with Store(settings=settings) as store:
            app = ProxyStoreMiddleware(proxy, store=store, plugins=(*plugins, Keys, watcher))
            yield House(store, app, proxy, watcher)

    return opened
