from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import pytest

from proxystore import InvalidRecord, Settings, Store, UsageEventNotFound, UsageSummary
from proxystore.ids import uuid7
from proxystore.values import Outcome
from tests.ledger.world import entry

_TODAY = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


@pytest.fixture(name="settings")
def _settings(migrated_url: str, tmp_path: Path) -> Settings:
    return Settings(database_url=migrated_url, data_dir=tmp_path / "data")


@asynccontextmanager
async def _store(settings: Settings, *events: Mapping[str, object]) -> AsyncIterator[Store]:
    """Give a store with *events* in it."""
    async with Store(settings=settings) as store:
        for values in events:
            store.ledger.append(entry(**values))
        assert await store.ledger.drain(10)
        yield store


def _at(moment: datetime) -> UUID:
    return uuid7(int(moment.timestamp() * 1000))


def _requests(summaries: list[UsageSummary]) -> dict[str | None, int]:
    return {summary.group: summary.requests for summary in summaries}


async def test_events_come_newest_first_page_by_page(settings: Settings) -> None:
    ids = [_at(_TODAY + timedelta(seconds=number)) for number in range(25)]
    async with _store(settings, *({"event_id": event_id} for event_id in ids)) as store:
        pages, before = [], None
        while page := await store.usage.list(limit=10, before=before):
            pages.append([event.event_id for event in page])
            before = page[-1].event_id
    assert [len(page) for page in pages] == [10, 10, 5]
    assert sum(pages, []) == ids[::-1]  # noqa: RUF017


@pytest.mark.parametrize(
    ("filters", "count"),
    [
        ({}, 4),
        ({"model": "gpt-5"}, 2),
        ({"model": "claude-2026"}, 1),
        ({"key": "key_1"}, 3),
        ({"project": "proj_2"}, 1),
        ({"outcome": "failed"}, 1),
        ({"key": "key_1", "model": "gpt-5", "outcome": "complete"}, 1),
    ],
)
async def test_events_are_filtered(settings: Settings, filters: dict[str, str], count: int) -> None:
    events: list[dict[str, object]] = [
        {},
        {"outcome": "failed"},
        {"request_model": "claude", "response_model": "claude-2026"},
        {"key_id": "key_2", "project_id": "proj_2", "request_model": None, "response_model": None},
    ]
    async with _store(settings, *events) as store:
        assert len(await store.usage.list(limit=10, **filters)) == count  # type: ignore[arg-type]


async def test_an_event_is_found_by_its_id_as_it_was_written(settings: Settings) -> None:
    event_id = _at(_TODAY)
    async with _store(settings, {"event_id": event_id, "key_id": None, "cost_nanousd": 1_500_000}) as store:
        event = await store.usage.get(event_id)
        with pytest.raises(UsageEventNotFound):
            await store.usage.get(uuid7())
    assert (event.started_at, event.key_id, event.project_id) == (_TODAY, None, "proj_1")
    assert (event.status, event.outcome, event.quality, event.first_byte_ms) == (200, "complete", "reported", 20)
    assert event.cost == Decimal("0.0015")


async def test_a_summary_counts_each_kind_of_end(settings: Settings) -> None:
    outcomes: list[tuple[Outcome, int]] = [
        ("complete", 200),
        ("complete", 500),
        ("cached", 200),
        ("refused", 429),
        ("failed", 200),
        ("disconnected", 200),
    ]
    events = ({"outcome": outcome, "status": status} for outcome, status in outcomes)
    async with _store(settings, *events) as store:
        (summary,) = await store.usage.summary("model")
    counts = (summary.requests, summary.successes, summary.errors, summary.refusals, summary.cache_hits)
    assert counts == (6, 2, 2, 1, 1)


async def test_a_summary_adds_up_tokens_cost_and_latency(settings: Settings) -> None:
    events: list[dict[str, object]] = [
        {"input_tokens": 10, "cache_read_tokens": 5, "output_tokens": 3, "reasoning_tokens": 2, "latency_ms": 100},
        {"input_tokens": 20, "output_tokens": 4, "unclassified_tokens": 7, "latency_ms": 200, "cost_nanousd": None},
    ]
    async with _store(settings, *events) as store:
        (summary,) = await store.usage.summary("model")
    assert (summary.input_tokens, summary.all_input_tokens) == (30, 35)
    assert (summary.all_output_tokens, summary.all_tokens) == (9, 51)
    assert (summary.cost, summary.unpriced, summary.mean_latency_ms) == (Decimal("0.00125"), 1, 150.0)


async def test_the_cost_of_what_has_no_price_is_not_zero(settings: Settings) -> None:
    async with _store(settings, {"cost_nanousd": None}) as store:
        (summary,) = await store.usage.summary("model")
    assert (summary.cost, summary.unpriced) == (None, 1)


async def test_an_empty_store_has_nothing_to_sum_up(settings: Settings) -> None:
    async with _store(settings) as store:
        assert await store.usage.summary("model") == []
        assert await store.usage.summary("hour") == []
        assert await store.usage.list(limit=1) == []


@pytest.mark.parametrize(
    ("by", "groups"),
    [
        ("model", {"gpt-5": 2, "answered": 1, None: 1}),
        ("key", {"key_1": 3, None: 1}),
        ("project", {"proj_1": 4}),
        ("provider", {"openai": 3, "anthropic": 1}),
        ("operation", {"chat": 3, "embeddings": 1}),
    ],
)
async def test_groups_by_name_the_most_used_first(settings: Settings, by: str, groups: dict[str | None, int]) -> None:
    events: list[dict[str, object]] = [
        {},
        {"key_id": None, "operation_name": "embeddings"},
        {"request_model": None, "response_model": "answered", "provider_name": "anthropic"},
        {"request_model": None, "response_model": None},
    ]
    async with _store(settings, *events) as store:
        found = await store.usage.summary(by)  # type: ignore[arg-type]
    assert _requests(found) == groups
    assert [summary.requests for summary in found] == sorted(groups.values(), reverse=True)


async def test_groups_by_period_in_the_order_of_time(settings: Settings) -> None:
    moments = [_TODAY - timedelta(days=1, minutes=1), _TODAY - timedelta(minutes=1), _TODAY, _TODAY]
    async with _store(settings, *({"event_id": _at(moment)} for moment in moments)) as store:
        days = await store.usage.summary("day")
        hours = await store.usage.summary("hour")
        months = await store.usage.summary("month")
    assert [(summary.group, summary.requests) for summary in days] == [
        (f"{_TODAY - timedelta(days=2):%Y-%m-%d}", 1),
        (f"{_TODAY - timedelta(days=1):%Y-%m-%d}", 1),
        (f"{_TODAY:%Y-%m-%d}", 2),
    ]
    assert hours[-1].group == f"{_TODAY:%Y-%m-%d}T00:00Z"
    assert [summary.requests for summary in hours] == [1, 1, 2]
    assert sum(_requests(months).values()) == 4
    assert list(_requests(months)) == sorted({f"{moment:%Y-%m}" for moment in moments})


@pytest.mark.parametrize("by", ["model", "day", "hour", "month"])
@pytest.mark.parametrize(
    ("since", "until", "count"),
    [
        (None, None, 72),
        (-1, None, 25),
        (0, 1, 1),
        (-24, 0, 24),
        (-25, 1, 26),
        (-30, -20, 10),
        (-47, 0, 47),
        (-48, -24, 24),
        (-47, 23, 70),
        (-26, -4, 22),
        (-1, 20, 21),
        (5, 5, 0),
    ],
)
async def test_ranges_are_half_open(
    settings: Settings, by: str, since: int | None, until: int | None, count: int
) -> None:
    hours = [_TODAY + timedelta(hours=hour) for hour in range(-48, 24)]
    async with _store(settings, *({"event_id": _at(moment)} for moment in hours)) as store:
        found = await store.usage.summary(
            by,  # type: ignore[arg-type]
            since=None if since is None else _TODAY + timedelta(hours=since),
            until=None if until is None else _TODAY + timedelta(hours=until),
        )
    assert sum(_requests(found).values()) == count


async def test_what_was_used_in_other_hours_of_a_day_is_no_group(settings: Settings) -> None:
    yesterday = _TODAY - timedelta(days=1)
    early = {"event_id": _at(yesterday), "request_model": "gpt-4", "latency_ms": 9_000}
    late = {"event_id": _at(yesterday + timedelta(hours=2)), "latency_ms": 10}
    async with _store(settings, early, late) as store:
        models = await store.usage.summary("model", since=yesterday + timedelta(hours=1))
        latencies = await store.usage.latencies("model", since=yesterday + timedelta(hours=1))
        days = await store.usage.latencies("day", until=yesterday + timedelta(hours=23))
    assert _requests(models) == {"gpt-5": 1}
    assert [(found.group, found.answers) for found in latencies] == [("gpt-5", 1)]
    assert latencies[0].p99_ms == pytest.approx(10, rel=0.05)
    assert [found.answers for found in days] == [2]


@pytest.mark.parametrize(
    ("since", "until", "message"),
    [
        (_TODAY + timedelta(minutes=1), None, "hour"),
        (None, _TODAY + timedelta(microseconds=1), "hour"),
        (_TODAY.replace(tzinfo=None), None, "time zone"),
        (_TODAY, _TODAY - timedelta(hours=1), "before it begins"),
        (_TODAY - timedelta(days=100, hours=1), None, "whole days"),
    ],
)
async def test_ranges_that_cannot_be_answered_are_refused(
    settings: Settings, since: datetime | None, until: datetime | None, message: str
) -> None:
    async with _store(settings) as store:
        with pytest.raises(InvalidRecord, match=message):
            await store.usage.summary("model", since=since, until=until)


async def test_a_range_may_begin_before_there_was_anything(settings: Settings) -> None:
    async with _store(settings, {}) as store:
        for since in (datetime(1960, 1, 1, 0, 30, tzinfo=UTC), datetime.min.replace(tzinfo=UTC)):
            assert _requests(await store.usage.summary("model", since=since)) == {"gpt-5": 1}
            assert await store.usage.summary("model", until=since) == []
            assert len(await store.usage.list(limit=9, since=since)) == 1


async def test_a_list_has_the_same_ends_as_a_report(settings: Settings) -> None:
    at = _TODAY + timedelta(milliseconds=1)
    events = [{"event_id": uuid7(at + timedelta(milliseconds=count))} for count in range(100)]
    async with _store(settings, *events) as store:
        found = await store.usage.list(limit=200)
        for event in found[::7]:
            later = await store.usage.list(limit=200, since=event.started_at)
            earlier = await store.usage.list(limit=200, until=event.started_at)
            assert later + earlier == found
            assert later[-1].event_id == event.event_id
            between = event.started_at + timedelta(microseconds=1)
            assert await store.usage.list(limit=200, since=between) == later[:-1]
        with pytest.raises(InvalidRecord, match="before it begins"):
            await store.usage.list(limit=1, since=at, until=at - timedelta(microseconds=1))


async def test_days_long_ago_are_known_and_their_hours_are_not(settings: Settings) -> None:
    long_ago = _TODAY - timedelta(days=100)
    async with _store(settings, {"event_id": _at(long_ago)}, {}) as store:
        assert sum(_requests(await store.usage.summary("day", since=long_ago)).values()) == 2
        assert sum(_requests(await store.usage.summary("hour")).values()) == 1
        with pytest.raises(InvalidRecord, match="one by day may begin before"):
            await store.usage.summary("hour", since=long_ago)
