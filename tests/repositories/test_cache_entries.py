from __future__ import annotations

import time

import msgspec
import pytest

from proxystore import Settings, Store


@pytest.fixture(name="settings")
def _settings(migrated_url, tmp_path):
    return Settings(database_url=migrated_url, data_dir=tmp_path / "here", cache_table=True)


@pytest.fixture(name="elsewhere")
def _elsewhere(settings, tmp_path):
    return settings.model_copy(update={"data_dir": tmp_path / "there"})


async def test_hosts_share_what_they_cache(settings, elsewhere):
    async with Store(settings=settings) as here, Store(settings=elsewhere) as there:
        one, two = here.cache.space("answers"), there.cache.space("answers")
        assert await one.set(b"key", b"value", ttl=60, tags=("a", "b"))
        assert two.get(b"key") is None
        await two.open()
        assert await two.fetch(b"key") == b"value"
        assert two.get(b"key") == b"value"

        stats = await two.stats()
        assert (stats.table_entries, stats.table_hits, stats.memory_hits) == (1, 1, 1)
        assert stats.table_bytes > len(b"value")


async def test_without_files_nothing_is_remembered_for_it_could_not_be_known_to_be_true(settings, elsewhere):
    elsewhere.data_dir.mkdir()
    (elsewhere.data_dir / "cache").write_text("in the way")
    async with Store(settings=settings) as here, Store(settings=elsewhere) as there:
        one, two = here.cache.space("answers"), there.cache.space("answers")
        assert await one.set(b"key", b"value", ttl=60, tags=())
        for _ in range(2):
            assert await two.fetch(b"key") == b"value"
            assert two.get(b"key") is None
        assert not await two.open()


async def test_what_is_forgotten_is_forgotten_on_all_hosts(settings, elsewhere):
    async with Store(settings=settings) as here, Store(settings=elsewhere) as there:
        one, two = here.cache.space("answers"), there.cache.space("answers")
        for key in (b"a", b"b", b"c"):
            await one.set(key, b"value", ttl=60, tags=(f"tag-{key.decode()}", "all"))
            await two.set(key, b"value", ttl=60, tags=(f"tag-{key.decode()}", "all"))
        assert await one.invalidate("tag-a", actor="me") == 1
        assert await one.purge(b"b") == 1
        assert await one.delete(b"c")
        await there.follower.poll()
        await there.cache.settle()

        assert [await two.fetch(key) for key in (b"a", b"b", b"c")] == [None, None, b"value"]
        assert two.get(b"c") == b"value"  # what is deleted by its key may live on elsewhere until it expires
        await two.invalidate("all")
        assert two.get(b"c") is None


async def test_keeping_again_replaces_value_and_tags(settings, elsewhere):
    async with Store(settings=settings) as here, Store(settings=elsewhere) as there:
        one, two = here.cache.space("answers"), there.cache.space("answers")
        await one.set(b"key", b"old", ttl=60, tags=("old", "both"))
        await one.set(b"key", b"new", ttl=60, tags=("new", "both"))
        assert await two.fetch(b"key") == b"new"
        assert await two.invalidate("old") == 0
        assert await two.fetch(b"key") == b"new"
        assert await two.invalidate("new") == 1


@pytest.mark.parametrize("prefix", [b"a", b"a\xff", b"\xff", b"\xff\xff"])
async def test_purging_by_prefix_takes_what_begins_so(settings, prefix):
    keys = [b"a", b"a\xff", b"a\xff\x00", b"b", b"\xff", b"\xff\xff", b"\xff\xff\x01"]
    async with Store(settings=settings) as store:
        table = store.cache.space("answers")._table
        for key in keys:
            await store.cache.space("answers").set(key, b"value", ttl=60)
        assert await table.purge("answers", prefix) == sum(key.startswith(prefix) for key in keys)
        assert [key for key in keys if await table.fetch("answers", key)] == [
            key for key in keys if not key.startswith(prefix)
        ]
        assert await table.purge("answers", b"") + await table.purge("other", b"") >= 0
        assert await table.measure("answers") == (0, 0)


async def test_what_has_expired_is_cleaned_up(settings):
    async with Store(settings=settings) as store:
        space = store.cache.space("answers")
        await space.set(b"young", b"value", ttl=60)
        space._clock = lambda: time.time_ns() - 120 * 10**9
        await space.set(b"old", b"value", ttl=60, tags=("tag",))

        assert (await store.cleanup())["cache_entries"] == 1
        assert (await space.stats()).table_entries == 1


async def test_a_database_that_is_away_is_a_miss(settings):
    store = Store(settings=settings)
    await store.open()
    space = store.cache.space("answers")
    await space.open()
    await store.database.close()
    assert await space.fetch(b"key") is None
    assert await space.set(b"key", b"value", ttl=60)  # on this host's disk
    assert space.get(b"key") == b"value"
    assert await space.delete(b"key")
    await store.close()


async def test_without_the_setting_no_table_is_asked(settings):
    async with Store(settings=settings.model_copy(update={"cache_table": False})) as store:
        await store.cache.space("answers").set(b"key", b"value", ttl=60)
        assert (await store.cache.space("answers").stats()).table_entries == 0
        assert store.cache.space("answers").memory_stats.size == 1
        assert msgspec.structs.asdict(store.stats().caches["cache.answers"])["capacity"] == 1000
    async with Store(settings=settings) as store:
        assert (await store.cache.space("answers").stats()).table_entries == 0
