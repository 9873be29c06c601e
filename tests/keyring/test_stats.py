"""What a store tells of itself: its pool, its caches."""

from __future__ import annotations

from pathlib import Path

from proxystore import Settings, Store, credentials
from proxystore.settings.pool import PoolSettings
from tests.databases import PEPPER


async def test_a_store_tells_how_its_pool_and_its_caches_do(migrated_url: str, tmp_path: Path) -> None:
    settings = Settings(
        database_url=migrated_url,
        data_dir=tmp_path / "data",
        pepper=PEPPER,
        audit_key=PEPPER,
        pool=PoolSettings(max_size=3),
        cache_api_key_size=2,
    )
    store = Store(settings=settings)
    closed = store.stats()
    async with store:
        for _ in range(3):
            secret = (await store.keys.create(name="a key")).secret.encode()
            await store.keyring.find(secret)
            await store.keyring.find(secret)
        await store.keyring.find(credentials.new_secret().encode())
        stats = store.stats()

    assert (closed.pool.open, closed.pool.max) == (0, 3)
    assert 1 <= stats.pool.open <= 3
    assert stats.pool.open == stats.pool.in_use + stats.pool.idle
    keys = stats.caches["keys"]
    assert (keys.size, keys.capacity, keys.hits, keys.misses, keys.evictions) == (2, 2, 3, 4, 1)
    assert keys.hit_rate == 3 / 7
    assert stats.caches["unknown_keys"].size == 1
    assert "models" in stats.caches
