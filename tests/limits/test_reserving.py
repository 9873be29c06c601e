"""What is reserved, and what comes back."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlalchemy import select, update

from proxystore import Store
from proxystore.database import Query, Statement
from proxystore.ledger.settling import release_dead
from proxystore.limits import Exhausted, Reservation
from proxystore.limits.plans import Plans
from proxystore.limits.pool import Pool
from proxystore.schema.limits import processes
from proxystore.settings import Settings
from tests.ledger.world import entry
from tests.limits.world import TurnedClock, budget, counted, limit, reserved

_BACK = Statement(update(processes).values(beat_at=processes.c.beat_at - 60_000_000))
_HEARD_OF = Query(select(processes.c.process_id), lambda process_id: process_id)
_WINDOWS = ["minute", "day", "month", "ever"]


@pytest.mark.parametrize("window", _WINDOWS)
@pytest.mark.parametrize("shares", [(50, 50), (95, 5)])
async def test_of_a_hundred_at_once_in_two_stores_exactly_25_pass(
    settings: Settings, window: str, shares: tuple[int, int]
) -> None:
    limits = (limit(window=window),)
    async with Store(settings=settings) as first, Store(settings=settings) as second:
        for store in (first, second):
            store.limits.clock = TurnedClock()
        asked = [
            store.limits.reserve(limits)
            for store, share in zip((first, second), shares, strict=True)
            for _ in range(share)
        ]
        results = await asyncio.gather(*asked)
        assert len(reserved(*results)) == 25
        assert first.limits.calls + second.limits.calls <= 12


@pytest.mark.parametrize("window", _WINDOWS)
async def test_what_was_not_used_comes_back(settings: Settings, window: str) -> None:
    limits = (limit("tokens", 1000, window),)
    async with Store(settings=settings) as store:
        for _ in range(20):
            taken = await store.limits.reserve(limits, tokens=900)
            assert isinstance(taken, Reservation)
            store.limits.settle(taken, tokens=5)
            store.limits.settle(taken, tokens=5)
        refused = await store.limits.reserve(limits, tokens=901)
    assert isinstance(refused, Exhausted)
    assert refused.limit == limits[0]
    assert refused.cause == ("spent" if window == "minute" else "held")  # the ledger has heard of none of it


async def test_all_limits_are_met_or_nothing_is_taken(settings: Settings) -> None:
    narrow, wide = limit("requests", 3), limit("tokens", 1000, "minute")
    async with Store(settings=settings) as store:
        results = [await store.limits.reserve((wide, narrow), tokens=10) for _ in range(5)]
        assert len(reserved(*results)) == 3
        assert [result.limit for result in results if isinstance(result, Exhausted)] == [narrow, narrow]
        for taken in reserved(*results):
            store.limits.settle(taken, requests=1, tokens=10)
        await store.limits.close()
        assert await counted(store, "tokens") in {(30, 0), (0, 30)}


async def test_nobody_who_asks_for_too_much_keeps_others_from_the_rest(settings: Settings) -> None:
    limits = (limit("tokens", 100),)
    async with Store(settings=settings) as store:
        results = await asyncio.gather(*(store.limits.reserve(limits, tokens=n) for n in (60, 70, 30, 20, 10)))
        assert [isinstance(result, Reservation) for result in results] == [True, False, True, False, True]


async def test_what_is_returned_can_be_had_elsewhere_at_once(settings: Settings) -> None:
    limits = (limit("tokens", 1000),)
    async with Store(settings=settings) as first, Store(settings=settings) as second:
        taken = await first.limits.reserve(limits, tokens=1000)
        assert isinstance(taken, Reservation)
        first.limits.settle(taken, tokens=0)
        await first.limits.close()
        assert isinstance(await second.limits.reserve(limits, tokens=1000), Reservation)
        assert await budget(second, "tokens") == (0, 1000)


@pytest.mark.parametrize("window", _WINDOWS)
async def test_who_stops_waiting_leaves_nothing_behind(settings: Settings, window: str) -> None:
    limits = (limit("tokens", 1000, window),)
    async with Store(settings=settings) as store:
        for turns in range(40):
            asked = asyncio.create_task(store.limits.reserve(limits, tokens=1000))
            for _ in range(turns):
                await asyncio.sleep(0.0002)
            asked.cancel()
            result = (await asyncio.gather(asked, return_exceptions=True))[0]
            if isinstance(result, Reservation):
                store.limits.settle(result)
        async with asyncio.timeout(10):
            while not isinstance(await store.limits.reserve(limits, tokens=1000), Reservation):
                await asyncio.sleep(0.01)


async def test_limits_that_are_lowered_are_met_at_once(settings: Settings) -> None:
    async with Store(settings=settings) as store:
        before, after, again = ((limit("requests", amount),) for amount in (25, 5, 30))
        for _ in range(10):
            assert isinstance(await store.limits.reserve(before), Reservation)
        assert isinstance(await store.limits.reserve(after), Exhausted)
        assert len(reserved(*[await store.limits.reserve(again) for _ in range(25)])) == 20


@pytest.mark.parametrize("window", _WINDOWS)
async def test_limits_that_are_put_back_to_what_they_were_are_met_as_they_are(settings: Settings, window: str) -> None:
    async with Store(settings=settings) as store:
        low, high = (limit("requests", amount, window) for amount in (5, 30))
        passed = [
            len(reserved(*[await store.limits.reserve((held_to,)) for _ in range(8)]))
            for held_to in (low, high, low, high)
        ]
        assert passed == [5, 8, 0, 8]


@pytest.mark.parametrize("window", _WINDOWS)
async def test_a_limit_that_many_share_is_one_however_few_plans_are_kept(settings: Settings, window: str) -> None:
    team = limit("requests", 25, window, "team")
    async with Store(settings=settings) as store:
        store.limits._plans = Plans(most=2)
        members = [(team, limit("requests", 10, window, f"key_{member}")) for member in range(5)]
        for limits in members:
            taken = await store.limits.reserve(limits)
            assert isinstance(taken, Reservation)
            store.limits.settle(taken)
            async with asyncio.timeout(10):
                while any(not pool.is_idle for pool in taken.pools):
                    await asyncio.sleep(0.01)
        results = await asyncio.gather(*(store.limits.reserve(limits) for limits in members * 8))
        assert 20 <= len(reserved(*results)) <= 25  # what was settled may be on its way back


def test_what_was_held_of_days_that_are_over_is_not_remembered() -> None:
    plans, limits = Plans(), (limit("nanousd", 5, "day"), limit("requests", 5, "minute"))
    for day in range(100):
        plans.get(limits, day * 86_400 * 10**9)
    assert (len(plans), len(plans._pools)) == (1, 2)


@pytest.mark.parametrize("is_given_up", [False, True])
async def test_what_is_out_during_a_pause_comes_back_when_it_is_settled(
    settings: Settings, *, is_given_up: bool
) -> None:
    """The process is busy all the time: it never ends its tenure."""
    limits = (limit("tokens", 1000),)
    store, clock = Store(settings=settings), TurnedClock()
    store.limits.clock = clock
    async with store:
        out = reserved(*[await store.limits.reserve(limits, tokens=90) for _ in range(10)])
        assert len(out) == 10
        clock.paused += 25
        if is_given_up:
            await release_dead(store.database, [store.ledger.process_id])
        busy = await store.limits.reserve(limits, tokens=10)
        assert isinstance(busy, Reservation)
        for taken in out:
            store.limits.settle(taken)
        async with asyncio.timeout(10):
            while await budget(store, "tokens") != (0, 10):
                await asyncio.sleep(0.01)


async def test_nothing_that_is_granted_is_given_back_with_what_is_in_doubt(settings: Settings) -> None:
    limits = (limit("tokens", 1000),)
    async with Store(settings=settings) as store:
        assert isinstance(await store.limits.reserve(limits, tokens=100), Reservation)
        asking = store.limits._asking
        assert asking is not None
        (pool,) = asking.active
        pool.is_doubtful, pool.out, pool.free, pool.used_at = True, 0, 0, 0.0
        let_go = asking._let_go
        asked: list[asyncio.Task[Any]] = []

        async def slowly(unused: dict[Pool, int]) -> None:
            asked.append(asyncio.create_task(store.limits.reserve(limits, tokens=10)))
            await asyncio.wait(asked, timeout=0.2)  # it has to wait for us: nothing will come of it
            asking._let_go = let_go  # type: ignore[method-assign]
            await let_go(unused)

        asking._let_go = slowly  # type: ignore[method-assign]
        await asking.tidy()
        assert isinstance(await asked[0], Reservation)
        assert (await budget(store, "tokens"))[1] >= 10


async def test_nothing_is_left_behind_by_processes_that_held_something(settings: Settings) -> None:
    limits, clock = (limit("tokens", 1000),), TurnedClock()
    for is_settled in (True, False):
        async with Store(settings=settings) as store:
            taken = await store.limits.reserve(limits, tokens=10)
            assert isinstance(taken, Reservation)
            if is_settled:
                store.limits.settle(taken)
    store = Store(settings=settings)
    store.limits.clock = clock
    async with store:
        await store.database.execute(_BACK)  # to a minute ago
        taken = await store.limits.reserve(limits, tokens=10)
        assert isinstance(taken, Reservation)
        async with asyncio.timeout(10):
            while await store.database.fetch_all(_HEARD_OF) != [store.ledger.process_id]:
                await asyncio.sleep(0.01)
        assert await budget(store, "tokens") == (0, 10)


async def test_an_error_that_nobody_foresaw_ends_no_upkeep(settings: Settings) -> None:
    limits = (limit("tokens", 1000),)
    async with Store(settings=settings) as store:
        asking = store.limits._asking
        assert asking is not None
        tidy, errors = asking.tidy, iter([RuntimeError(), KeyError()])

        async def failing() -> None:
            for error in errors:
                raise error
            await tidy()

        asking.tidy = failing  # type: ignore[method-assign]
        taken = await store.limits.reserve(limits, tokens=10)
        assert isinstance(taken, Reservation)
        store.limits.settle(taken)
        async with asyncio.timeout(10):
            while await budget(store, "tokens") != (0, 0):
                await asyncio.sleep(0.01)


@pytest.mark.parametrize(
    "odd",
    [
        {"owner": "odd\0"},
        {"owner": "odd\ud800"},
        {"owner": ""},
        {"owner": None},
        {"owner": "o" * 101},
        {"unit": "dollars"},
        {"window": "week"},
        {"amount": 2**63},
        {"amount": -(2**63)},
        {"amount": 2.5},
    ],
    ids=str,
)
def test_a_limit_that_no_database_can_count_is_refused_to_who_makes_it(odd: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="a limit"):
        limit(**odd)


async def test_an_owner_of_any_length_that_is_taken_is_charged(settings: Settings) -> None:
    owner = "\N{SNOWMAN}" * 100
    async with Store(settings=settings) as store:
        taken = await store.limits.reserve((limit("nanousd", 10**9, "month", owner),), nanousd=10**6)
        assert isinstance(taken, Reservation)
        store.ledger.record(entry(hold=taken.hold, cost_nanousd=10**5))
        store.limits.settle(taken, nanousd=10**5)
        assert await store.ledger.drain(10)
        assert (await budget(store, "nanousd"))[0] == 10**5


@pytest.mark.parametrize("window", _WINDOWS)
async def test_of_what_is_as_good_as_endless_as_much_is_had_as_there_is(settings: Settings, window: str) -> None:
    limits = (limit("tokens", 2**62, window),)
    async with Store(settings=settings) as store:
        results = await asyncio.gather(*(store.limits.reserve(limits, tokens=2**61) for _ in range(6)))
        assert len(reserved(*results)) == 2
        least = await store.limits.reserve(limits, tokens=1)
        assert isinstance(least, Exhausted)
        assert least.cause != "unavailable"


async def test_an_unlimited_caller_asks_nobody(settings: Settings) -> None:
    async with Store(settings=settings) as store:
        assert isinstance(await store.limits.reserve(()), Reservation)
        assert store.limits.calls == 0


async def test_equal_limits_are_the_same_limits_whoever_made_them(settings: Settings) -> None:
    async with Store(settings=settings) as store:
        results = [await store.limits.reserve((limit(),)) for _ in range(30)]
        assert len(reserved(*results)) == 25


async def test_of_two_limits_for_the_same_the_stricter_counts(settings: Settings) -> None:
    async with Store(settings=settings) as store:
        limits = (limit(amount=7), limit(amount=3), limit(amount=9))
        assert len(reserved(*[await store.limits.reserve(limits) for _ in range(10)])) == 3
