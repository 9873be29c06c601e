"""What is old goes, a little at a time, and nobody waits for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import func, select, text

from proxystore import Settings, Store
from proxystore.database import Database, Query, Statement
from proxystore.ids import uuid7
from proxystore.ledger.completeness import complete_since
from proxystore.ledger.partitions import empty, list_partitions, make_ahead
from proxystore.ledger.upkeep import Upkeep
from proxystore.schema.usage import usage_daily, usage_events
from tests.ledger.world import database, entry

_NOW = datetime.now(UTC)
_COUNT = Query(select(func.count().label("n")).select_from(usage_events), lambda n: n)
_DAYS = Query(select(func.sum(usage_daily.c.requests).label("n")), lambda n: n)


def _at(age: timedelta) -> UUID:
    return uuid7(int((_NOW - age).timestamp() * 1000))


@pytest.fixture(name="open_store")
def _open_store(migrated_url: str, tmp_path: Path) -> Callable[[int], Store]:
    def open_store(events_keep: int) -> Store:
        return Store(settings=Settings(database_url=migrated_url, data_dir=tmp_path / "data", events_keep=events_keep))

    return open_store


async def _clean(store: Store) -> dict[str, int]:
    counts: dict[str, int] = {}
    async for table, count in store.ledger.cleanup():
        counts[table] = counts.get(table, 0) + count
    return counts


async def test_old_events_go_and_their_sums_stay(open_store: Callable[[int], Store]) -> None:
    async with open_store(90) as store:
        store.ledger.record_many(entry(event_id=_at(timedelta(days=200))) for _ in range(1_100))
        store.ledger.record_many(entry(event_id=_at(timedelta(days=1))) for _ in range(10))
        assert await store.ledger.drain(20)
        counts = await _clean(store)
        assert counts["usage_events"] == 1_100
        assert counts["usage_hourly"] >= 1
        assert await store.database.fetch_one(_COUNT) == 10
        assert await store.database.fetch_one(_DAYS) == 1_110
        complete = await complete_since(store.database)
        assert complete is not None
        assert (_NOW - timedelta(days=200)).date() < complete <= (_NOW - timedelta(days=90)).date()
        assert set((await _clean(store)).values()) == {0}


async def test_without_the_setting_no_event_goes(open_store: Callable[[int], Store]) -> None:
    async with open_store(0) as store:
        store.ledger.record(entry(event_id=_at(timedelta(days=300))))
        assert await store.ledger.drain(10)
        counts = await _clean(store)
        assert "usage_events" not in counts
        assert await store.database.fetch_one(_COUNT) == 1
        assert await complete_since(store.database) is None


async def test_an_event_that_comes_after_its_like_have_gone_is_counted(open_store: Callable[[int], Store]) -> None:
    async with open_store(90) as store:
        store.ledger.record(entry(event_id=_at(timedelta(days=200))))
        assert await store.ledger.drain(10)
        await _clean(store)
        store.ledger.record(entry(event_id=_at(timedelta(days=200))))
        assert await store.ledger.drain(10)
        assert await store.database.fetch_one(_DAYS) == 2
        assert (await _clean(store))["usage_events"] == 1
        assert store.ledger.status().dead_lettered == 0


async def test_writers_go_on_while_events_are_deleted(open_store: Callable[[int], Store]) -> None:
    async with open_store(90) as store:
        store.ledger.record_many(entry(event_id=_at(timedelta(days=120 + n % 60))) for n in range(3_000))
        assert await store.ledger.drain(20)
        cleaning = asyncio.create_task(_clean(store))
        for _ in range(20):
            store.ledger.record(entry())
            assert await store.ledger.drain(5)
        await cleaning
        assert await store.database.fetch_one(_DAYS) == 3_020


async def test_the_hosts_writer_cleans_up_by_itself(open_store: Callable[[int], Store]) -> None:
    async with open_store(0) as store:
        store.ledger.record(entry(event_id=_at(timedelta(days=300))))
        assert await store.ledger.drain(10)
        settings = store.settings
        upkeep = Upkeep(lambda: database(settings), events_keep=90, first=0.01)
        running = asyncio.create_task(upkeep.run(lambda: True))
        async with asyncio.timeout(10):
            while await store.database.fetch_one(_COUNT):
                await asyncio.sleep(0.02)
        running.cancel()


async def test_whatever_happens_to_one_round_there_is_another(
    open_store: Callable[[int], Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("proxystore.ledger.upkeep._AGAIN", 0.01)
    rounds = 0
    is_again = asyncio.Event()

    async def cut(_: Database) -> AsyncIterator[int]:
        nonlocal rounds
        rounds += 1
        if rounds == 1:
            raise EOFError
        is_again.set()
        yield 0

    async with open_store(0) as store:
        settings = store.settings
        upkeep = Upkeep(lambda: database(settings), events_keep=0, cut=cut, first=0.01)
        running = asyncio.create_task(upkeep.run(lambda: True))
        await asyncio.wait_for(is_again.wait(), 10)
        running.cancel()


async def test_months_are_made_ahead(postgres_url: str, tmp_path: Path) -> None:
    async with Store(settings=Settings(database_url=postgres_url, data_dir=tmp_path)) as store:
        await make_ahead(store.database, date(2026, 11, 30))
        await make_ahead(store.database, date(2026, 12, 1))
        names = [partition.name[-6:] for partition in await list_partitions(store.database)]
    assert names == ["202611", "202612", "202701", "202702", "202703"]


async def test_a_month_that_is_read_goes_the_next_time(postgres_url: str, tmp_path: Path) -> None:
    settings = Settings(database_url=postgres_url, data_dir=tmp_path, events_keep=90)
    async with Store(settings=settings) as store, database(settings) as other:
        store.ledger.record(entry(event_id=_at(timedelta(days=200))))
        assert await store.ledger.drain(10)
        async with other.transaction() as reading:
            assert await reading.fetch_one(_COUNT) == 1
            assert (await _clean(store)).get("usage_events", 0) == 0
            store.ledger.record(entry())
            assert await store.ledger.drain(5)
        assert (await _clean(store))["usage_events"] == 1
        assert len(await list_partitions(store.database)) == 1


async def test_what_was_begun_and_not_finished_is_finished(postgres_url: str, tmp_path: Path) -> None:
    settings = Settings(database_url=postgres_url, data_dir=tmp_path, events_keep=90)
    async with Store(settings=settings) as store:
        for age in (150, 200, 250):
            store.ledger.record(entry(event_id=_at(timedelta(days=age))))
        assert await store.ledger.drain(10)
        first, _, third = await list_partitions(store.database)
        parent = "proxystore.usage_events"
        await empty(store.database, first)
        await store.database.execute(
            Statement(text(f"ALTER TABLE {parent} DETACH PARTITION proxystore.{first.name} CONCURRENTLY"))
        )
        await store.database.execute(
            Statement(text(f"ALTER TABLE {parent} DETACH PARTITION proxystore.{third.name} CONCURRENTLY"))
        )
        await _clean(store)
        left = await list_partitions(store.database)
        assert [partition.name for partition in left] == [third.name]  # detached by somebody, with an event in it
        store.ledger.record(entry(event_id=_at(timedelta(days=150))))
        assert await store.ledger.drain(10)
        assert await store.database.fetch_one(_COUNT) == 2  # attached again, with all that is in it
        assert store.ledger.status().dead_lettered == 0
