"""What was promised is settled with what was used, in the ledger's own transaction."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from sqlalchemy import update

from proxystore import Price, Store
from proxystore.database import Statement
from proxystore.ids import uuid7
from proxystore.ledger import Begin, UsageEntry
from proxystore.limits import Exhausted, Reservation
from proxystore.schema.limits import budget_windows
from proxystore.settings import Settings
from proxystore.values import Limit
from tests.ledger.world import entry
from tests.limits.world import budget, limit

_DOLLAR = 10**9


async def _reserve(store: Store, limits: tuple[Limit, ...], **amounts: int) -> Reservation:
    taken = await store.limits.reserve(limits, **amounts)
    assert isinstance(taken, Reservation), taken
    return taken


def _end(store: Store, taken: Reservation, **values: Any) -> UsageEntry:
    """Settle what was taken, and append what was used."""
    ended = entry(hold=taken.hold, **values)
    store.ledger.append(ended)
    store.limits.settle(taken, requests=1, tokens=1050, nanousd=ended.cost_nanousd or 0)
    return ended


@pytest.mark.parametrize("window", ["day", "month", "ever"])
@pytest.mark.parametrize(("unit", "used"), [("requests", 1), ("tokens", 1050), ("nanousd", 3 * _DOLLAR)])
async def test_what_was_used_is_spent_and_held_no_more(settings: Settings, window: str, unit: str, used: int) -> None:
    limits = (limit(unit, 10 * _DOLLAR, window),)
    async with Store(settings=settings) as store:
        taken = await _reserve(store, limits, tokens=5000, nanousd=5 * _DOLLAR)
        assert await budget(store, unit) == (0, taken.amounts[taken.pools[0].place])
        _end(store, taken, cost_nanousd=3 * _DOLLAR)
        assert await store.ledger.drain(10)
        spent, held = await budget(store, unit)
        assert spent == used
        await store.limits.close()
        assert await budget(store, unit) == (used, 0)
        assert held <= taken.amounts[taken.pools[0].place] - used


async def test_what_was_used_beyond_the_estimate_is_spent_as_well(settings: Settings) -> None:
    limits = (limit("nanousd", 10 * _DOLLAR),)
    async with Store(settings=settings) as store:
        _end(store, await _reserve(store, limits, nanousd=1), cost_nanousd=9 * _DOLLAR)
        assert await store.ledger.drain(10)
        assert (await budget(store, "nanousd"))[0] == 9 * _DOLLAR
        refused = await store.limits.reserve(limits, nanousd=2 * _DOLLAR)
        assert isinstance(refused, Exhausted)
        assert refused.remaining == _DOLLAR


@pytest.mark.parametrize("outcome", ["refused", "cached"])
async def test_refusals_and_hits_are_free(settings: Settings, outcome: str) -> None:
    limits = (limit("requests", 10), limit("nanousd", 10))
    async with Store(settings=settings) as store:
        taken = await _reserve(store, limits, nanousd=5)
        store.ledger.append(entry(hold=taken.hold, outcome=outcome, cost_nanousd=5))
        store.limits.settle(taken)
        assert await store.ledger.drain(10)
        await store.limits.close()
        assert await budget(store, "requests") == (0, 0)
        assert await budget(store, "nanousd") == (0, 0)


async def test_what_is_read_twice_is_settled_once(settings: Settings) -> None:
    limits = (limit("nanousd", 10 * _DOLLAR),)
    async with Store(settings=settings) as store:
        taken = await _reserve(store, limits, nanousd=5 * _DOLLAR)
        ended = _end(store, taken, cost_nanousd=2 * _DOLLAR)
        store.ledger.append(ended)
        assert await store.ledger.drain(10)
        store.ledger.append(ended)
        assert await store.ledger.drain(10)
        await store.limits.close()
        assert await budget(store, "nanousd") == (2 * _DOLLAR, 0)


async def test_usage_of_a_key_counts_whoever_reports_it(settings: Settings) -> None:
    limits = (limit("nanousd", 10 * _DOLLAR, "month"),)
    async with Store(settings=settings) as store:
        taken = await _reserve(store, limits, nanousd=1)
        store.limits.settle(taken)
        store.ledger.record(entry(cost_nanousd=4 * _DOLLAR))
        assert await store.ledger.drain(10)
        assert (await budget(store, "nanousd"))[0] == 4 * _DOLLAR


async def test_a_new_budget_begins_with_what_was_spent_before(settings: Settings) -> None:
    async with Store(settings=settings) as store:
        store.ledger.record_many([entry(cost_nanousd=_DOLLAR), entry(cost_nanousd=2 * _DOLLAR)])
        store.ledger.record(entry(cost_nanousd=_DOLLAR, key_id="key_2"))
        store.ledger.append(entry(outcome="refused", cost_nanousd=None))
        assert await store.ledger.drain(10)
        await _reserve(store, (limit("nanousd", 10 * _DOLLAR, "month"), limit("requests", 10)), nanousd=1)
        assert await budget(store, "nanousd") == (3 * _DOLLAR, 1)
        assert await budget(store, "requests") == (2, 1)


@pytest.mark.parametrize("owner", ["key_1", "proj_1"])
async def test_what_was_spent_is_made_anew_with_the_other_roll_ups(settings: Settings, owner: str) -> None:
    limits = (limit("nanousd", 10 * _DOLLAR, "day", owner), limit("requests", 10, owner=owner))
    async with Store(settings=settings) as store:
        _end(store, await _reserve(store, limits, nanousd=_DOLLAR), cost_nanousd=_DOLLAR)
        assert await store.ledger.drain(10)
        await store.database.execute(Statement(update(budget_windows).values(spent=77)))
        async for _ in store.ledger.rebuild():
            pass
        assert (await budget(store, "nanousd"))[0] == _DOLLAR
        assert (await budget(store, "requests"))[0] == 1


@pytest.mark.parametrize("is_broken_off", [False, True])
async def test_what_was_spent_follows_prices_that_were_wrong(settings: Settings, *, is_broken_off: bool) -> None:
    limits = (limit("nanousd", 10 * _DOLLAR),)
    async with Store(settings=settings) as store:
        await store.models.create("gpt-5", prices=[Price.of(input="2000", output="0")])
        _end(store, await _reserve(store, limits, nanousd=_DOLLAR), cost_nanousd=_DOLLAR)
        assert await store.ledger.drain(10)
        days: Any = store.ledger.reprice(datetime.now(UTC).date() - timedelta(days=1))  # midnight may be just over
        async with aclosing(days):
            async for day in days:
                if day.changed and is_broken_off:
                    break
        assert (await budget(store, "nanousd"))[0] == 2 * _DOLLAR


async def test_an_owner_who_is_no_key_spends_what_it_was_promised(settings: Settings) -> None:
    limits = (limit("nanousd", 10 * _DOLLAR, "month", "team:blue"),)
    async with Store(settings=settings) as store:
        _end(store, await _reserve(store, limits, nanousd=_DOLLAR), cost_nanousd=_DOLLAR)
        assert await store.ledger.drain(10)
        async for _ in store.ledger.rebuild():
            pass
        await store.limits.close()
        assert await budget(store, "nanousd") == (_DOLLAR, 0)


async def test_who_dies_in_flight_is_charged_the_estimate_and_holds_nothing(settings: Settings) -> None:
    limits = (limit("nanousd", 10 * _DOLLAR), limit("requests", 10))
    async with Store(settings=settings) as survivor:
        dying = Store(settings=settings)
        await dying.open()
        taken = await _reserve(dying, limits, nanousd=3 * _DOLLAR)
        await _reserve(dying, limits, nanousd=4 * _DOLLAR)
        dying.ledger.begin(Begin(event_id=uuid7(), key_id="key_1", hold=taken.hold))
        await dying.ledger.close()  # as the kernel does it: nothing was given back
        assert await survivor.ledger.drain(10)
        await _until(survivor, lambda rows: rows == [(3 * _DOLLAR, 0), (1, 0)])
        await dying.limits.close()
        await dying.close()
        assert await budget(survivor, "nanousd") == (3 * _DOLLAR, 0)


async def test_a_hold_that_nobody_can_have_is_no_poison(settings: Settings) -> None:
    async with Store(settings=settings) as store:
        taken = await _reserve(store, (limit("nanousd", 10),), nanousd=5)
        assert taken.hold is not None
        bad = msgspec.structs.replace(taken.hold[0], owner="key\0")
        worse = msgspec.structs.replace(taken.hold[0], owner="\ud800", amount=2**70)
        store.ledger.append(entry(hold=(bad, worse, *taken.hold), cost_nanousd=5))
        assert await store.ledger.drain(10)
        assert store.ledger.status().dead_lettered == 0
        assert await budget(store, "nanousd") == (5, 0)


async def _until(store: Store, is_so: Callable[[list[tuple[int, int]]], bool]) -> None:
    import asyncio

    async with asyncio.timeout(10):
        while not is_so([await budget(store, "nanousd"), await budget(store, "requests")]):
            await asyncio.sleep(0.02)
