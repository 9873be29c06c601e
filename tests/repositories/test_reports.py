"""Reports say what the events say, and read none."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete

from proxystore import InvalidRecord, Settings, Store, UsageEntry, uuid7
from proxystore.database import Statement
from proxystore.ids import milliseconds_of
from proxystore.schema.usage import usage_events
from tests.ledger.world import entry

_TODAY = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
_LAST_MONTH = (_TODAY.replace(day=1) - timedelta(days=1)).replace(day=1)


@pytest.fixture(name="settings")
def _settings(migrated_url: str, tmp_path: Path) -> Settings:
    return Settings(database_url=migrated_url, data_dir=tmp_path / "data")


@asynccontextmanager
async def _store(settings: Settings, *entries: UsageEntry) -> AsyncIterator[Store]:
    """Give a store in which *entries* were recorded, and whose events are gone."""
    async with Store(settings=settings) as store:
        store.ledger.record_many(entries)
        assert await store.ledger.drain(10)
        await store.database.execute(Statement(delete(usage_events)))
        yield store


def _several(count: int, **values: Any) -> list[UsageEntry]:
    return [entry(event_id=uuid7(_TODAY + timedelta(seconds=number)), **values) for number in range(count)]


async def test_the_first_are_those_that_have_the_most(settings: Settings) -> None:
    few_and_dear = _several(1, key_id="dear", cost_nanousd=10**9)
    many_and_cheap = _several(5, key_id="cheap", cost_nanousd=10**6)
    async with _store(settings, *few_and_dear, *many_and_cheap, *_several(2, key_id="middling")) as store:
        by_cost = await store.usage.top("key", 2, measure="cost_nanousd")
        by_requests = await store.usage.top("key", 1)
    assert [group.group for group in by_cost] == ["dear", "cheap"]
    assert [(group.group, group.requests) for group in by_requests] == [("cheap", 5)]


async def test_error_rates_are_of_groups_that_are_large_enough(settings: Settings) -> None:
    entries = [
        *_several(1, request_model="once", status=500),
        *_several(3, request_model="good"),
        *_several(2, request_model="bad"),
        *_several(2, request_model="bad", outcome="failed"),
    ]
    async with _store(settings, *entries) as store:
        rates = await store.usage.error_rates("model", at_least=2)
    assert [(group.group, group.error_rate) for group in rates] == [("bad", 0.5), ("good", 0.0)]


async def test_costs_are_shares_of_the_whole(settings: Settings) -> None:
    entries = [
        *_several(3, project_id="a", cost_nanousd=10**9),
        *_several(1, project_id="b", cost_nanousd=10**9),
        *_several(1, project_id="c", cost_nanousd=None),
    ]
    async with _store(settings, *entries) as store:
        shares = await store.usage.costs("project")
    assert [(share.group, share.share, share.cost, share.unpriced) for share in shares] == [
        ("a", 0.75, Decimal(3), 0),
        ("b", 0.25, Decimal(1), 0),
        ("c", 0.0, None, 1),
    ]


async def test_what_the_cache_saved_is_told(settings: Settings) -> None:
    hits = _several(2, outcome="cached", cost_nanousd=0, saved_nanousd=5 * 10**8)
    async with _store(settings, *hits, *_several(2), *_several(1, request_model="never")) as store:
        (saved,) = await store.usage.savings("model")
    assert (saved.group, saved.cache_hits, saved.cache_hit_rate, saved.saved) == ("gpt-5", 2, 0.5, Decimal(1))


@pytest.mark.parametrize("by", ["model", "key", "day", "hour", "month"])
async def test_latencies_are_within_5_percent(settings: Settings, by: Any) -> None:
    entries = [
        entry(event_id=uuid7(_TODAY + timedelta(seconds=number)), latency_ms=10 * number) for number in range(1, 101)
    ]
    never_answered = _several(50, outcome="failed", latency_ms=600_000)
    async with _store(settings, *entries, *never_answered) as store:
        (found,) = await store.usage.latencies(by)
    assert found.answers == 100
    assert (found.p50_ms, found.p95_ms, found.p99_ms) == tuple(pytest.approx(n, rel=0.05) for n in (500, 950, 990))


async def test_latencies_of_hours_and_days_are_put_together(settings: Settings) -> None:
    moments = [_TODAY - timedelta(hours=2), _TODAY - timedelta(days=1, hours=2), _TODAY - timedelta(days=3)]
    entries = [
        entry(event_id=uuid7(moment), latency_ms=ms) for moment, ms in zip(moments, (10, 100, 1_000), strict=True)
    ]
    async with _store(settings, *entries) as store:
        (everything,) = await store.usage.latencies("model")
        (some,) = await store.usage.latencies("model", since=_TODAY - timedelta(days=1, hours=3))
        days = await store.usage.latencies("day", since=_TODAY - timedelta(days=3), until=_TODAY - timedelta(hours=1))
    assert everything.answers == 3
    assert (some.answers, some.p99_ms) == (2, pytest.approx(100, rel=0.05))
    assert [day.answers for day in days] == [1, 1, 1]


async def test_totals_are_of_whom_they_are_asked_of(settings: Settings) -> None:
    entries = [
        *_several(2, key_id="mine", input_tokens=10, cache_read_tokens=5, output_tokens=1, credential_id="cred"),
        *_several(3, key_id="yours"),
    ]
    async with _store(settings, *entries) as store:
        mine = await store.usage.total(key="mine")
        ours = await store.usage.total()
        nobodys = await store.usage.total(key="nobody")
        by_credential = await store.usage.summary("credential", key="mine")
    assert (mine.requests, mine.input_tokens, mine.cache_read_tokens, mine.all_tokens) == (2, 20, 10, 32)
    assert (ours.requests, nobodys.requests, nobodys.cost_nanousd) == (5, 0, 0)
    assert [(group.group, group.requests) for group in by_credential] == [("cred", 2)]


async def test_a_month_is_the_sum_of_its_days_whoever_asks_however_often(settings: Settings) -> None:
    async with Store(settings=settings) as store:
        store.ledger.record_many(
            entry(event_id=uuid7(_LAST_MONTH + timedelta(days=day)), key_id="key_1") for day in range(5)
        )
        store.ledger.record(entry(event_id=uuid7(_TODAY), key_id="key_1"))
        assert await store.ledger.drain(10)
        first = await store.usage.monthly("key_1", _LAST_MONTH.year, _LAST_MONTH.month)
        for _ in range(2):
            await store.refresh_month(_LAST_MONTH.year, _LAST_MONTH.month)
        again = await store.usage.monthly("key_1", _LAST_MONTH.year, _LAST_MONTH.month)
        months = await store.usage.months("key_1")
    assert again == first
    assert (first.group, first.requests) == (f"{_LAST_MONTH:%Y-%m}", 5)
    assert [(month.group, month.requests) for month in months] == [
        (f"{_LAST_MONTH:%Y-%m}", 5),
        (f"{_TODAY:%Y-%m}", 1),
    ]


@pytest.mark.parametrize("month", [0, 13])
async def test_there_is_no_thirteenth_month(settings: Settings, month: int) -> None:
    async with Store(settings=settings) as store:
        with pytest.raises(InvalidRecord, match="no month"):
            await store.usage.monthly("key_1", 2026, month)
        with pytest.raises(InvalidRecord, match="no month"):
            await store.refresh_month(2026, month)


async def test_what_is_recorded_twice_counts_once(settings: Settings) -> None:
    one = entry(event_id=uuid7(_TODAY - timedelta(days=40)))
    async with Store(settings=settings) as store:
        for _ in range(3):
            store.ledger.record(one)
        store.ledger.record_many([one, entry()])
        assert await store.ledger.drain(10)
        assert (await store.usage.total()).requests == 2
        assert (await store.usage.get(one.event_id)).started_at == _TODAY - timedelta(days=40)


@pytest.mark.parametrize(
    "values",
    [
        pytest.param({"event_id": "00000000-0000-4000-8000-000000000000"}, id="no UUIDv7"),
        pytest.param({"event_id": uuid7(_TODAY - timedelta(days=500))}, id="too long ago"),
        pytest.param({"event_id": uuid7(_TODAY + timedelta(days=3))}, id="not yet"),
        pytest.param({"input_tokens": -1}, id="less than nothing"),
        pytest.param({"cost_nanousd": 10**18}, id="a fortune"),
        pytest.param({"key_id": "k" * 101}, id="too long"),
        pytest.param({"key_id": "a\0b"}, id="NUL"),
        pytest.param({"traceparent": "00-xyz"}, id="no traceparent"),
        pytest.param({"metadata": {"prompt": "x" * 2_000}}, id="too much"),
    ],
)
async def test_what_cannot_be_counted_as_it_stands_is_refused(settings: Settings, values: dict[str, Any]) -> None:
    async with Store(settings=settings) as store:
        with pytest.raises(InvalidRecord):
            store.ledger.record_many([entry(), entry(**values)])
        assert await store.ledger.drain(10)
        assert (await store.usage.total()).requests == 0


def test_an_id_is_made_for_a_time() -> None:
    assert milliseconds_of(uuid7(_TODAY)) == _TODAY.timestamp() * 1000
    with pytest.raises(ValueError, match="time zone"):
        uuid7(datetime(2026, 11, 21))  # noqa: DTZ001


async def test_an_event_comes_back_with_all_that_is_known(settings: Settings) -> None:
    given = entry(
        finish_reason="length",
        end_user="Zm9v",
        traceparent="00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        metadata={"team": "search", "n": 3},
        saved_nanousd=7,
    )
    async with Store(settings=settings) as store:
        store.ledger.record_many([given, entry(finish_reason="bored", end_user="other")])
        assert await store.ledger.drain(10)
        event = await store.usage.get(given.event_id)
        (chosen,) = await store.usage.list(limit=9, end_user="other")
    assert event.traceparent == given.traceparent
    assert (event.finish_reason, event.end_user, event.saved_nanousd) == ("length", "Zm9v", 7)
    assert event.metadata == {"team": "search", "n": 3}
    assert (chosen.finish_reason, chosen.traceparent, chosen.metadata) == ("other", None, None)


async def test_every_event_is_exported_once_oldest_first(settings: Settings) -> None:
    async with Store(settings=settings) as store:
        given = _several(25)
        store.ledger.record_many(reversed(given))
        assert await store.ledger.drain(10)
        events = [event.event_id async for event in store.usage.events(page=10)]
        some = [event async for event in store.usage.events(since=_TODAY + timedelta(seconds=20), page=2)]
        none = [event async for event in store.usage.events(until=_TODAY)]
    assert events == [one.event_id for one in given]
    assert (len(some), none) == (5, [])
