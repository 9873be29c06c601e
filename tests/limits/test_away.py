"""A database that does not answer, under either policy."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec
import pytest
from sqlalchemy import text

from proxystore import Store
from proxystore.database import Statement
from proxystore.ids import uuid7
from proxystore.ledger import Begin
from proxystore.ledger.entries import failed
from proxystore.limits import Exhausted, Reservation, Timing
from proxystore.limits.clock import Clock
from proxystore.settings import Settings
from tests.ledger.world import database, entry
from tests.limits.world import TurnedClock, budget, counted, limit

_LOCK = Statement(text("LOCK TABLE proxystore.limit_windows, proxystore.budget_windows IN ACCESS EXCLUSIVE MODE"))


@asynccontextmanager
async def _store(settings: Settings, policy: str, clock: Clock | None = None) -> AsyncIterator[Store]:
    values = settings.model_dump(exclude_unset=True) | {"limits_when_down": policy}
    store = Store(settings=Settings(**values))
    store.limits.timing = Timing(idle=0.02, deadline=0.15)
    store.limits.clock = clock or Clock()
    async with store:
        yield store


@asynccontextmanager
async def _away(settings: Settings) -> AsyncIterator[None]:
    """Keep everybody else from the tables of limits: on SQLite from writing at all."""
    async with database(settings) as opened, opened.transaction() as transaction:
        if opened.dialect == "postgresql":
            await transaction.execute(_LOCK)
        yield


@pytest.mark.parametrize("window", ["minute", "ever"])
async def test_what_is_held_is_used_up_and_then_nobody_can_tell(
    settings: Settings, window: str, caplog: pytest.LogCaptureFixture
) -> None:
    limits = (limit("tokens", 1000, window),)
    async with _store(settings, "refuse") as store:
        store.limits.timing = msgspec.structs.replace(store.limits.timing, idle=60.0)
        taken = await store.limits.reserve(limits, tokens=600)
        assert isinstance(taken, Reservation)
        async with _away(settings):
            store.limits.settle(taken)
            assert isinstance(await store.limits.reserve(limits, tokens=500), Reservation)
            started = time.monotonic()
            refused = await store.limits.reserve(limits, tokens=500)
            assert isinstance(refused, Exhausted)
            assert (refused.cause, refused.retry_after) == ("unavailable", 1.0)
            assert time.monotonic() - started < 2
            assert "callers with a limit are refused with 503: " in caplog.text
            assert isinstance(await store.limits.reserve(()), Reservation)
        async with _patient(store):
            assert isinstance(await store.limits.reserve(limits, tokens=300), Reservation)


@pytest.mark.parametrize("window", ["minute", "ever"])
async def test_who_goes_on_is_counted_afterwards(
    settings: Settings, window: str, caplog: pytest.LogCaptureFixture
) -> None:
    limits = (limit("tokens", 5000, window),)
    async with _store(settings, "continue") as store:
        async with _away(settings):
            taken = await store.limits.reserve(limits, tokens=2000)
            assert isinstance(taken, Reservation)
            assert not taken.is_backed
            assert isinstance(await store.limits.reserve(limits, tokens=1), Reservation)
            (said,) = [record.message for record in caplog.records if record.name == "proxystore.limits.limits"]
            assert "are let through, and charged afterwards: " in said
            store.ledger.append(entry(hold=taken.hold))
            store.limits.settle(taken, requests=1, tokens=1050)
        assert await store.ledger.drain(10)
        async with _patient(store):
            assert isinstance(
                await store.limits.reserve(limits, tokens=3951), Exhausted if window == "minute" else object
            )
            if window == "minute":
                assert sum(await counted(store, "tokens")) >= 1050


@pytest.mark.parametrize("owner", ["key_1", "team:blue"])
async def test_a_budget_that_went_on_counts_what_was_reported(settings: Settings, owner: str) -> None:
    limits = (limit("nanousd", 5 * 10**9, owner=owner),)
    async with _store(settings, "continue") as store:
        first = await store.limits.reserve(limits, nanousd=1)
        assert isinstance(first, Reservation)
        store.limits.settle(first)
        async with _away(settings):
            taken = await store.limits.reserve(limits, nanousd=2 * 10**9)
            assert isinstance(taken, Reservation)
            assert [hold.amount for hold in taken.hold or ()] == [0]
            assert failed(Begin(event_id=uuid7(), hold=taken.hold)).cost_nanousd is None
            store.ledger.append(entry(hold=taken.hold, cost_nanousd=10**9))
            store.limits.settle(taken, requests=1, nanousd=10**9)
        assert await store.ledger.drain(10)
        assert (await budget(store, "nanousd"))[0] == 10**9


@asynccontextmanager
async def _patient(store: Store) -> AsyncIterator[None]:
    store.limits.timing = msgspec.structs.replace(store.limits.timing, deadline=10.0)
    yield


@pytest.mark.parametrize("way", ["settled", "gone"])
async def test_nothing_is_let_through_with_what_may_be_others_by_now(settings: Settings, way: str) -> None:
    """The process is cut off from the database for longer than what it holds is its own; answers go on ending."""
    limits, both = (limit("tokens", 100),), (limit("tokens", 100), limit("nanousd", 100))
    clock = TurnedClock()
    async with _store(settings, "refuse", clock) as store:
        taken = await store.limits.reserve(limits, tokens=100)
        assert isinstance(taken, Reservation)
        async with _away(settings):
            if way == "gone":
                store.limits.settle(taken)
                leaving = asyncio.ensure_future(store.limits.reserve(both, tokens=100, nanousd=1))
                await asyncio.sleep(0)
            clock.paused += 60
            waiting = asyncio.ensure_future(store.limits.reserve(limits, tokens=60))
            await asyncio.sleep(0)
            if way == "gone":
                leaving.cancel()
            else:
                store.limits.settle(taken)
            found = await waiting
        assert isinstance(found, Exhausted)
        assert found.cause == "unavailable"
