"""Reckoning anew: the exception to what was recorded keeping its cost."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from proxystore import Price, Settings, Store, UsageEntry, uuid7

_NOON = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0) - timedelta(days=2)
_USED = {"input_tokens": 1_000_000, "quality": "reported", "provider_name": "openai", "operation_name": "chat"}


def _entry(at: datetime = _NOON, **said: Any) -> UsageEntry:
    return UsageEntry(event_id=uuid7(at), status=200, **{"request_model": "m", "key_id": "key_1", **_USED, **said})


async def _costs(store: Store) -> list[tuple[int | None, int | None]]:
    return [(event.cost_nanousd, event.saved_nanousd) for event in reversed(await store.usage.list(limit=99))]


async def test_events_roll_ups_and_nothing_else_follow_what_is_known_now(migrated_url: str) -> None:
    entries = [
        _entry(cost_nanousd=5),
        _entry(cost_nanousd=None, request_model="nobody", response_model="m"),
        _entry(outcome="cached", cost_nanousd=0, saved_nanousd=1),
        _entry(outcome="refused", cost_nanousd=None),
        _entry(cost_nanousd=7, request_model="nobody"),
        _entry(cost_nanousd=9, metadata={"service_tier": "batch"}),
        _entry(quality="missing", input_tokens=0, cost_nanousd=0),
        _entry(input_tokens=0, cost_nanousd=0),
        _entry(key_id="key_2", cost_nanousd=1, request_model="fast"),
        _entry(_NOON - timedelta(days=1), cost_nanousd=4),
    ]
    entries.sort(key=lambda entry: entry.event_id)
    async with Store(settings=Settings(database_url=migrated_url, bundled_prices=False)) as store:
        await store.models.create("m", prices=[Price.of(input="2"), Price.of(service_tier="batch", input="1")])
        await store.models.create("cheap", prices=[Price.of(input="0.5")])
        await store.models.aliases.set("fast", "cheap", client="key_2")
        store.ledger.record_many(entries)
        assert await store.ledger.drain(10)
        before = await _costs(store)
        done = [day async for day in store.ledger.reprice(_NOON.date()) if day.events]
        again = [day async for day in store.ledger.reprice(_NOON.date()) if day.changed]
        after = await _costs(store)
        total = await store.usage.total()

    two = 2_000_000_000
    changed = [cost for cost, earlier in zip(after, before, strict=True) if cost != earlier]
    expected = [(two, None), (two, None), (0, two), (1_000_000_000, None), (500_000_000, None)]
    assert sorted(map(str, changed)) == sorted(map(str, expected))
    assert [(day.day, day.events, day.changed) for day in done] == [(_NOON.date(), 9, 5)]
    assert again == []
    assert total.cost_nanousd == sum(cost or 0 for cost, _ in after)
    assert total.saved_nanousd == two
    assert done[0].nanousd == total.cost_nanousd - sum(cost or 0 for cost, _ in before)


async def test_each_event_takes_the_price_of_its_time(migrated_url: str) -> None:
    async with Store(settings=Settings(database_url=migrated_url, bundled_prices=False)) as store:
        await store.models.create("m", prices=[Price.of(input="2")])
        await store.models.set_price("m", Price.of(input="3", valid_from=_NOON))
        store.ledger.record_many([_entry(_NOON - timedelta(minutes=1)), _entry(_NOON)])
        assert await store.ledger.drain(10)
        assert [day.changed async for day in store.ledger.reprice(_NOON.date()) if day.events] == [2]

        assert sorted(cost or 0 for cost, _ in await _costs(store)) == [2_000_000_000, 3_000_000_000]


@pytest.mark.parametrize("flag", ["--json", ""])
def test_the_command_tells_what_changed(migrated_url: str, flag: str, tmp_path: Any, monkeypatch: Any) -> None:
    from typer.testing import CliRunner

    from proxystore.cli import build
    from proxystore.cli.globals import Globals

    monkeypatch.chdir(tmp_path)
    words = ["--database", migrated_url, "usage", "reprice", "--since", "1d", *([flag] if flag else [])]
    done = CliRunner().invoke(build(Globals.of(words).load(), "usage"), words)

    assert done.exit_code == 0, done.output
    bare = ["--database", migrated_url, "usage", "reprice"]
    assert CliRunner().invoke(build(Globals.of(bare).load(), "usage"), bare).exit_code == 2
