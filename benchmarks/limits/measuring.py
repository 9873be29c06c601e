"""The figures."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Iterable
from statistics import median, quantiles
from typing import Final, TypeAlias

import msgspec

from benchmarks.ledger import _entry, _seeded
from benchmarks.limits.hot import granted
from proxystore import Limit, Settings, Store

Figures: TypeAlias = dict[str, float]

_ROUNDS: Final = 5
_A_LOT: Final = 10**15


class Size(msgspec.Struct, frozen=True):
    """How much is done."""

    calls: int = 20_000
    keys: int = 500
    drained: int = 300_000
    processes: int = 8
    seconds: float = 10.0

    @staticmethod
    def options() -> list[tuple[str, float, str]]:
        """Return what the command line takes: names, what they are otherwise, what they mean."""
        return [
            ("calls", 20_000, "how many reservations that ask nobody"),
            ("keys", 500, "how many keys are asked for"),
            ("drained", 300_000, "how many events are drained"),
            ("processes", 8, "over how many processes a key is hot"),
            ("seconds", 10.0, "for how long"),
        ]


async def measured(settings: Settings, size: Size) -> Figures:
    """Return what was measured with the migrated database of *settings*."""
    figures: Figures = {}
    async with Store(settings=settings) as store:
        figures["find_key_us"] = await _found(store, size)
        figures["reserve_one_us"], figures["settle_one_us"] = await _directly(store, _limits("a")[:1], size)
        figures["reserve_four_us"], figures["settle_four_us"] = await _directly(store, _limits("b"), size)
        for window in ("minute", "month"):
            figures[f"first_of_key_{window}_us"] = median(await _uncached(store, window, size))
    for window in ("minute", "month"):
        async with Store(settings=settings) as store:
            figures[f"uncached_{window}_us"] = median(await _uncached(store, window, size))
    async with Store(settings=settings) as store:
        waits = await _while_draining(store, size)
    figures["grant_during_drain_p50_ms"] = median(waits)
    figures["grant_during_drain_p99_ms"] = quantiles(waits, n=100)[98]
    figures |= await _hot(settings, size)
    return figures


async def _found(store: Store, size: Size) -> float:
    """Return microseconds of finding a key that is remembered."""
    new = await store.keys.create(name="benchmark")
    secret = new.secret.encode() if isinstance(new.secret, str) else new.secret
    best = float("inf")
    for _ in range(_ROUNDS):
        started = time.perf_counter()
        for _ in range(size.calls):
            await store.keyring.find(secret)
        best = min(best, (time.perf_counter() - started) / size.calls)
    return best * 1e6


def _limits(owner: str) -> tuple[Limit, ...]:
    return (
        Limit(owner=owner, unit="requests", amount=_A_LOT, window="minute"),
        Limit(owner=owner, unit="tokens", amount=_A_LOT, window="minute"),
        Limit(owner=owner, unit="requests", amount=_A_LOT, window="ever"),
        Limit(owner=owner, unit="nanousd", amount=_A_LOT, window="month"),
    )


async def _directly(store: Store, limits: tuple[Limit, ...], size: Size) -> tuple[float, float]:
    """Return microseconds of a reservation that this process can decide, and of settling it."""
    best = float("inf"), float("inf")
    for _ in range(_ROUNDS):
        taken, spent = 0, 0
        for number in range(size.calls):
            started = time.perf_counter_ns()
            found = await store.limits.reserve(limits, tokens=100, nanousd=1000)
            between = time.perf_counter_ns()
            found = granted(found)
            settling = time.perf_counter_ns()
            store.limits.settle(found, requests=1, tokens=90, nanousd=900)
            ended = time.perf_counter_ns()
            if between - started < 50_000:  # who had to wait for a grant is not what is measured here
                taken, spent = taken + between - started, spent + ended - settling
            if number % 100 == 0:
                await asyncio.sleep(0)
        best = min(best[0], taken / size.calls / 1000), min(best[1], spent / size.calls / 1000)
    return best


async def _uncached(store: Store, window: str, size: Size) -> list[float]:
    """Return microseconds of reservations for which the database has to be asked, one at a time."""
    took = []
    for number in range(size.keys):
        limits = (Limit(owner=f"key_{number}", unit="requests", amount=1000, window=window),)  # type: ignore[arg-type]
        started = time.perf_counter_ns()
        found = await store.limits.reserve(limits)
        took.append((time.perf_counter_ns() - started) / 1000)
        granted(found)
    return took


async def _while_draining(store: Store, size: Size) -> list[float]:
    """Return milliseconds of grants while the ledger takes a full journal into the database."""
    random_numbers = _seeded(1)
    for _ in range(size.drained):  # kept by nobody: to look them over again and again is not the drain's work
        store.ledger.append(_entry(random_numbers))
    held_to = [(Limit(owner=f"key_{n}", unit="requests", amount=10**6, window="ever"),) for n in range(100)]
    await asyncio.gather(*(store.limits.reserve(limits) for limits in held_to))
    draining = asyncio.create_task(store.ledger.drain(600))
    waits, number = list[float](), 0
    while not draining.done() or len(waits) < 2:
        number += 1
        limits = held_to[number % len(held_to)]
        started = time.perf_counter()
        granted(await store.limits.reserve(limits))
        waits.append((time.perf_counter() - started) * 1000)
        await asyncio.sleep(0.005)
    return waits


async def _hot(settings: Settings, size: Size) -> Figures:
    """Return what a key costs that is asked for 2,000 times a second over eight processes."""
    secret = settings.pepper.get_secret_value() if settings.pepper else ""
    environ = {**os.environ, "PROXYSTORE_PEPPER": secret, "PROXYSTORE_AUDIT_KEY": secret}
    given = (settings.database_url, str(settings.data_dir), str(size.seconds))
    command = (sys.executable, "-W", "ignore", "-m", "benchmarks.limits.hot", *given)
    processes = [
        await asyncio.create_subprocess_exec(*command, env=environ, stdout=asyncio.subprocess.PIPE)
        for _ in range(size.processes)
    ]
    answers = [(await process.communicate())[0].split() for process in processes]
    requests, calls = (sum(column) for column in _columns(answers))
    return {"hot_requests_per_second": requests / size.seconds, "hot_requests_per_call": requests / max(calls, 1)}


def _columns(answers: Iterable[list[bytes]]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    pairs = [(int(requests), int(calls)) for requests, calls in answers]
    return tuple(pair[0] for pair in pairs), tuple(pair[1] for pair in pairs)
