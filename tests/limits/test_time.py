"""Minutes that slide, days that end, and clocks that somebody sets."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest

from proxystore import Store
from proxystore.ids import uuid7
from proxystore.limits import Exhausted, Reservation, Timing
from proxystore.limits.clock import Clock
from proxystore.settings import Settings
from proxystore.values import Limit
from tests.ledger.world import entry
from tests.limits.world import counted, limit, reserved

_MINUTE = 60_000
_DAY = 86_400


class Turned(Clock):
    """A clock that a test turns: the database's, and with it what this process thinks has passed."""

    def __init__(self) -> None:
        self.ahead_ms = 0
        self._skipped = 0.0
        self._began_ms = (time.time_ns() // 1_000_000 // _MINUTE + 1) * _MINUTE

    def turn_to(self, minutes: float) -> None:
        """Go to a place in the minutes from the next one on, such as 1.5: half into the one after that."""
        ahead = self._began_ms + int(minutes * _MINUTE) - time.time_ns() // 1_000_000
        self._skipped += max(0, ahead - self.ahead_ms) / 1000
        self.ahead_ms = ahead

    def elapsed(self) -> float:
        return super().elapsed() + self._skipped


@asynccontextmanager
async def _store(settings: Settings) -> AsyncIterator[tuple[Store, Turned]]:
    store = Store(settings=settings)
    clock = Turned()
    store.limits.clock = clock
    store.limits.timing = Timing(idle=0.01, deadline=10.0)
    async with store:
        yield store, clock


async def _passing(store: Store, held_to: Limit, count: int = 30) -> int:
    return len(reserved(*[await store.limits.reserve((held_to,)) for _ in range(count)]))


async def test_a_minute_slides(settings: Settings) -> None:
    async with _store(settings) as (store, clock):
        held_to = limit(amount=25, window="minute")
        clock.turn_to(0)
        assert await _passing(store, held_to) == 25
        clock.turn_to(1)
        assert await _passing(store, held_to) == 0
        clock.turn_to(1.5)  # half of the minute before is seen still
        assert await _passing(store, held_to) == 12
        clock.turn_to(2.5)
        assert await _passing(store, held_to) == 25 - 6
        clock.turn_to(4.0)
        assert await _passing(store, held_to) == 25


@pytest.mark.parametrize("amount", [5, 25, 60])
async def test_never_more_than_a_limit_pass_in_any_sixty_seconds_of_a_steady_stream(
    settings: Settings, amount: int
) -> None:
    async with _store(settings) as (store, clock):
        held_to, passed = limit(amount=amount, window="minute"), list[float]()
        for second in range(0, 180, 3):
            clock.turn_to(second / 60)
            passed += [second] * await _passing(store, held_to, count=8)
        busiest = max(sum(second <= other < second + 60 for other in passed) for second in passed)
        assert busiest <= amount * 1.05 + 1
        assert len(passed) >= 2 * amount


@pytest.mark.parametrize(("minutes", "used"), [(1, 100), (3, 1000)])
async def test_what_comes_back_late_is_taken_from_no_minute_but_its_own(
    settings: Settings, minutes: int, used: int
) -> None:
    """An answer may take longer than the two minutes that count."""
    limits = (limit("tokens", 1000, "minute"),)
    async with _store(settings) as (store, clock):
        clock.turn_to(0.1)
        late = await store.limits.reserve(limits, tokens=900)
        clock.turn_to(minutes - 0.5)
        between = await store.limits.reserve(limits, tokens=used)
        assert isinstance(late, Reservation)
        assert isinstance(between, Reservation)
        store.limits.settle(between, tokens=used)
        clock.turn_to(minutes)
        assert isinstance(await store.limits.reserve(limits, tokens=500), Exhausted)
        store.limits.settle(late)
        await store.limits.close()
        assert sum(await counted(store, "tokens")) == used


async def test_a_minute_of_more_than_can_be_multiplied_slides(settings: Settings) -> None:
    limits = (limit("tokens", 2**62, "minute"),)
    async with _store(settings) as (store, clock):
        clock.turn_to(0)
        assert isinstance(await store.limits.reserve(limits, tokens=2**62), Reservation)
        clock.turn_to(1.5)
        assert isinstance(await store.limits.reserve(limits, tokens=2**61 + 2**60), Exhausted)
        clock.turn_to(1.6)
        assert isinstance(await store.limits.reserve(limits, tokens=2**61), Reservation)


async def test_when_to_come_back_is_when_there_is_something(settings: Settings) -> None:
    async with _store(settings) as (store, clock):
        held_to = limit(amount=25, window="minute")
        clock.turn_to(0.5)
        assert await _passing(store, held_to) == 25
        refused = await store.limits.reserve((held_to,))
        assert isinstance(refused, Exhausted)
        assert refused.retry_after is not None
        assert refused.retry_after == pytest.approx(30 + 60 / 25, abs=1)
        clock.turn_to(0.5 + (refused.retry_after - 1) / 60)
        assert await _passing(store, held_to, 2) == 0
        clock.turn_to(0.5 + (refused.retry_after + 1) / 60)
        assert await _passing(store, held_to, 2) == 1


async def test_a_clock_that_is_set_back_keeps_nobody_out_for_long(settings: Settings) -> None:
    async with _store(settings) as (store, clock):
        held_to = limit(amount=25, window="minute")
        clock.turn_to(0)
        assert await _passing(store, held_to) == 25
        clock.ahead_ms -= _MINUTE // 2  # a little: the minute that was begun counts
        assert await _passing(store, held_to) == 0
        clock.ahead_ms -= _DAY * 1000
        store.limits.clock = clock
        clock._skipped += 1  # what was refused is not remembered for longer
        assert await _passing(store, held_to) == 25


async def test_a_clock_that_is_set_ahead_forgives_one_minute(settings: Settings) -> None:
    async with _store(settings) as (store, clock):
        held_to = limit(amount=25, window="minute")
        clock.turn_to(0)
        assert await _passing(store, held_to) == 25
        clock.turn_to(24 * 60)
        assert await _passing(store, held_to) == 25


@pytest.mark.parametrize(
    ("window", "before", "after"),
    [
        ("day", "2026-11-20T23:59:59", "2026-11-21T00:00:00"),
        ("month", "2026-11-30T23:59:59", "2026-12-01T00:00:00"),
        ("month", "2026-12-31T23:59:59", "2027-01-01T00:00:00"),
    ],
)
async def test_a_request_belongs_to_the_window_it_began_in(
    settings: Settings, window: str, before: str, after: str
) -> None:
    limits = (limit(amount=3, window=window),)
    async with _store(settings) as (store, _):
        for moment in (before, after, before, after):
            taken = reserved(*[await store.limits.reserve(limits, at_ns=_ns(moment)) for _ in range(2)])
            assert len(taken) in (1, 2)
        for moment in (after, before):
            assert reserved(*[await store.limits.reserve(limits, at_ns=_ns(moment)) for _ in range(3)]) == []


async def test_what_ends_after_midnight_is_spent_on_the_day_it_began(settings: Settings) -> None:
    yesterday = (time.time_ns() // 10**9 // _DAY) * _DAY - 1
    held_to = limit("tokens", 5000, "day")
    async with _store(settings) as (store, _):
        taken = await store.limits.reserve((held_to,), tokens=2000, at_ns=yesterday * 10**9)
        assert isinstance(taken, Reservation)
        store.ledger.append(entry(event_id=uuid7(yesterday * 1000), hold=taken.hold))
        store.limits.settle(taken, requests=1, tokens=1050)
        assert await store.ledger.drain(10)
        today = await store.limits.reserve((held_to,), tokens=5000)
        assert isinstance(today, Reservation)
        again = await store.limits.reserve((held_to,), tokens=5000 - 1050 + 1, at_ns=yesterday * 10**9)
        assert isinstance(again, Exhausted)
        assert again.retry_after == 0


def _ns(moment: str) -> int:
    return int(datetime.fromisoformat(moment).replace(tzinfo=UTC).timestamp()) * 10**9
