"""Roll-ups equal what events add up to, also when made anew."""

from __future__ import annotations

import asyncio
import random
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Table, delete, select, update

from proxystore import InvalidRecord, Settings, Store, histograms
from proxystore.database import Query, Statement
from proxystore.ids import uuid7
from proxystore.ledger import UsageEntry
from proxystore.ledger.completeness import set_complete_since
from proxystore.ledger.rebuilding import lock_day, rebuild_day
from proxystore.schema.usage import usage_daily, usage_events, usage_hourly, usage_latency_daily, usage_latency_hourly
from tests.ledger.world import entry

_ROLLUPS = (usage_hourly, usage_daily, usage_latency_hourly, usage_latency_daily)
_NOW = datetime.now(UTC)
_EPOCH = date(1970, 1, 1)
_OUTCOMES = ("complete", "complete", "complete", "cached", "refused", "failed", "disconnected")


@pytest.fixture(name="settings")
def _settings(migrated_url: str, tmp_path: Path) -> Settings:
    return Settings(database_url=migrated_url, data_dir=tmp_path / "data")


def _some(seed: int, count: int = 200, days: int = 3) -> list[UsageEntry]:
    numbers = random.Random(seed)
    return [
        entry(
            event_id=uuid7(int((_NOW - timedelta(seconds=numbers.randrange(days * 86_400))).timestamp() * 1000)),
            key_id=f"key_{numbers.randrange(3)}",
            outcome=numbers.choice(_OUTCOMES),
            status=numbers.choice((200, 200, 200, 429, 500)),
            quality=numbers.choice(("reported", "estimated")),
            latency_ms=int(numbers.lognormvariate(7, 1)),
            input_tokens=numbers.randrange(10_000),
            cost_nanousd=numbers.choice((None, numbers.randrange(10**7))),
            saved_nanousd=numbers.choice((None, numbers.randrange(10**7))),
        )
        for _ in range(count)
    ]


async def _contents(store: Store) -> list[list[dict[str, Any]]]:
    return [await store.database.fetch_all(_all(table)) for table in _ROLLUPS]


def _all(table: Table) -> Query[dict[str, Any]]:
    return Query(select(table).order_by(*table.primary_key.columns), dict)


async def _spoil(store: Store) -> None:
    await store.database.execute(Statement(update(usage_hourly).values(requests=7_000_000, input_tokens=1)))
    await store.database.execute(Statement(delete(usage_daily).where(usage_daily.c.requests > 10)))
    await store.database.execute(Statement(update(usage_latency_hourly).values(histogram=b"\x00\x01\x01\x63")))
    await store.database.execute(Statement(delete(usage_latency_daily)))


async def test_rebuilt_roll_ups_equal_the_first_to_the_byte(settings: Settings) -> None:
    async with Store(settings=settings) as store:
        for batch in range(4):
            store.ledger.record_many(_some(batch))
            assert await store.ledger.drain(10)
        first = await _contents(store)
        await _spoil(store)
        days = [day async for day in store.ledger.rebuild()]
        assert await _contents(store) == first
    assert sum(row["requests"] for row in first[1]) == 800
    assert days[0] <= (_NOW - timedelta(days=2)).date()
    assert days[-1] >= _NOW.date()


async def test_roll_ups_rebuilt_under_load_miss_nothing(settings: Settings) -> None:
    async with Store(settings=settings) as store:
        is_over = asyncio.Event()

        async def load() -> int:
            batch = 0
            while not is_over.is_set() or batch < 5:
                store.ledger.record_many(_some(batch, 50, days=1))
                await asyncio.sleep(0.01)
                batch += 1
            return batch

        loading = asyncio.create_task(load())
        await store.ledger.drain(10)
        for _ in range(3):
            async for _ in store.ledger.rebuild(since=(_NOW - timedelta(days=1)).date()):
                pass
        is_over.set()
        batches = await loading
        assert await store.ledger.drain(20)
        under_load = await _contents(store)
        async for _ in store.ledger.rebuild():
            pass
        assert await _contents(store) == under_load
    assert sum(row["requests"] for row in under_load[1]) == batches * 50


async def test_a_day_whose_events_were_deleted_is_not_rebuilt(settings: Settings) -> None:
    async with Store(settings=settings) as store:
        store.ledger.record_many(_some(1))
        await store.ledger.drain(10)
        first = await _contents(store)
        async with store.database.transaction() as transaction:
            await set_complete_since(transaction, _NOW.date())
        with pytest.raises(InvalidRecord, match="have been deleted"):
            _ = [day async for day in store.ledger.rebuild(since=_NOW.date() - timedelta(days=1))]
        assert await _contents(store) == first
        days = [day async for day in store.ledger.rebuild()]
        assert days[0] == _NOW.date()
        assert await _contents(store) == first


async def test_histograms_hold_every_answer(settings: Settings) -> None:
    given = _some(9, 500)
    async with Store(settings=settings) as store:
        store.ledger.record_many(given[:300])
        await store.ledger.drain(10)
        store.ledger.record_many(given)
        await store.ledger.drain(10)
        daily = (await _contents(store))[3]
    counts = histograms.unpack(b"".join(row["histogram"] for row in daily))
    expected: dict[int, int] = {}
    for one in given:
        if one.outcome in ("complete", "cached"):
            place = histograms.bin_of(one.latency_ms)
            expected[place] = expected.get(place, 0) + 1
    assert counts == dict(sorted(expected.items()))


async def test_from_a_day_before_everything_what_there_is_is_made_anew(settings: Settings) -> None:
    async with Store(settings=settings) as store:
        assert [day async for day in store.ledger.rebuild(since=date(1960, 1, 1))] == []
        store.ledger.record_many(_some(3))
        await store.ledger.drain(10)
        first = await _contents(store)
        oldest = _EPOCH + timedelta(days=min(row["day"] for row in first[1]))
        days = [day async for day in store.ledger.rebuild(since=date(1960, 1, 1))]
        assert await _contents(store) == first
        repriced = [done.day async for done in store.ledger.reprice(date(1960, 1, 1))]
        assert (days[0], repriced[0]) == (oldest, oldest)


async def test_roll_ups_that_have_lost_their_events_are_made_anew_as_well(settings: Settings) -> None:
    async with Store(settings=settings) as store:
        store.ledger.record_many(_some(3))
        await store.ledger.drain(10)
        await store.database.execute(Statement(delete(usage_events)))
        days = [day async for day in store.ledger.rebuild(since=date(1960, 1, 1))]
        assert await _contents(store) == [[], [], [], []]
    assert _NOW.date() in days


async def test_a_day_whose_events_are_deleted_meanwhile_keeps_its_roll_ups(settings: Settings) -> None:
    """Retention does not wait for whoever makes a day anew, nor the other way round."""
    async with Store(settings=settings) as store:
        store.ledger.record_many(_some(5))
        await store.ledger.drain(10)
        first, today = await _contents(store), _NOW.date()

        async def rebuild_late() -> None:
            async with store.database.transaction() as transaction:
                await lock_day(transaction, store.database, today)
                await transaction.execute(Statement(delete(usage_events)))
                await set_complete_since(transaction, today + timedelta(days=1))
                await rebuild_day(transaction, today)

        with pytest.raises(InvalidRecord, match="have been deleted"):
            await rebuild_late()
        assert await _contents(store) == first
