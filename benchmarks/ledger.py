"""How fast the ledger is: ``python -m benchmarks.ledger``.

Measures an append as a request pays for it (begin and end), and how many events a second are sustained with roll-ups
caught up, from one process, on SQLite and on a PostgreSQL server of its own (or on ``PROXYSTORE_TEST_PG_URL``).
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median, quantiles
from uuid import uuid4

import asyncpg
import msgspec

from proxystore.ids import uuid7
from proxystore.ledger import Begin, Ledger, UsageEntry
from proxystore.migrating import upgrade
from proxystore.settings import Settings
from proxystore.testing.postgres import server

_APPENDS = 20_000


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What was measured with one database; microseconds and events per second."""

    database: str
    append_us: float
    append_p99_us: float
    begin_and_end_us: float
    drained_per_second: float
    sustained_per_second: float


def _entry(random_numbers: random.Random) -> UsageEntry:
    """Return a chat by one of a hundred keys with one of five models: five hundred series."""
    key, model = random_numbers.randrange(100), random_numbers.randrange(5)
    return UsageEntry(
        event_id=uuid7(),
        project_id=f"proj_{key % 10}",
        key_id=f"key_{key}",
        provider_name="openai",
        operation_name="chat",
        request_model=f"gpt-{model}",
        response_model=f"gpt-{model}-2026-11-20",
        status=200,
        quality="reported",
        first_byte_ms=random_numbers.randrange(500),
        latency_ms=random_numbers.randrange(20_000),
        input_tokens=random_numbers.randrange(10_000),
        cache_read_tokens=random_numbers.randrange(10_000),
        output_tokens=random_numbers.randrange(2_000),
        cost_nanousd=random_numbers.randrange(10**8),
    )


async def measure(name: str, url: str, events: int) -> Result:
    """Measure with the empty database at *url*."""
    with tempfile.TemporaryDirectory() as directory:
        settings = Settings(database_url=url, data_dir=Path(directory))
        await upgrade(settings.url, schema=settings.database_schema)
        ledger = Ledger(settings)
        await ledger.open()
        single, pairs = _appends(ledger)
        await ledger.drain(600)
        drained = await _drained(ledger, events)
        sustained = await _sustained(ledger, events)
        await ledger.close()
    return Result(
        database=name,
        append_us=median(single),
        append_p99_us=quantiles(single, n=100)[98],
        begin_and_end_us=median(pairs),
        drained_per_second=drained,
        sustained_per_second=sustained,
    )


def _appends(ledger: Ledger) -> tuple[list[float], list[float]]:
    entries = [_entry(_seeded(number)) for number in range(_APPENDS)]
    begins = [
        Begin(event_id=entry.event_id, key_id=entry.key_id, provider_name="openai", request_model="gpt-5")
        for entry in entries
    ]
    single, pairs = [], []
    for begin, entry in zip(begins, entries, strict=True):
        started = time.perf_counter_ns()
        ledger.begin(begin)
        between = time.perf_counter_ns()
        ledger.append(entry)
        ended = time.perf_counter_ns()
        single.append((ended - between) / 1000)
        pairs.append((ended - started) / 1000)
    return single, pairs


async def _drained(ledger: Ledger, events: int) -> float:
    """Return how many events a second go into the database from a journal that is full of them."""
    random_numbers = _seeded(1)
    started = time.perf_counter()
    for _ in range(events):
        ledger.append(_entry(random_numbers))
    appended = time.perf_counter() - started
    await ledger.drain(600)
    return events / (time.perf_counter() - started - appended / 2)


async def _sustained(ledger: Ledger, events: int) -> float:
    """Return the highest of some rates at which the database is never half a second behind."""
    held = 0.0
    for rate in (2_000, 5_000, 10_000, 15_000, 20_000, 30_000):
        if not await _holds(ledger, rate, max(events // 5, rate * 2)):
            break
        held = rate
    return held


async def _holds(ledger: Ledger, rate: int, events: int) -> bool:
    random_numbers = _seeded(rate)
    started, sent = time.perf_counter(), 0
    while sent < events:
        due = min(events, int((time.perf_counter() - started) * rate))
        for _ in range(due - sent):
            ledger.append(_entry(random_numbers))
        sent = due
        await asyncio.sleep(0.002)
    is_on_time = time.perf_counter() - started < events / rate * 1.05
    return await ledger.drain(0.5) and is_on_time


def _seeded(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311  nothing secret


@contextmanager
def _postgres() -> Iterator[str]:
    with server() as postgres:
        name = f"proxystore_benchmark_{uuid4().hex[:8]}"
        asyncio.run(_administer(postgres.url, f"CREATE DATABASE {name}"))
        yield postgres.database_url(name)
        asyncio.run(_administer(postgres.url, f"DROP DATABASE {name} WITH (FORCE)"))


async def _administer(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute(statement)
    await connection.close()


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description="How fast the ledger is.")
    parser.add_argument("--events", type=int, default=100_000, help="how many to drain")
    parser.add_argument("--json", action="store_true", help="for programs")
    options = parser.parse_args()
    logging.disable(logging.INFO)
    with tempfile.TemporaryDirectory() as directory:
        results = [asyncio.run(measure("sqlite", f"sqlite:///{directory}/benchmark.db", options.events))]
    with _postgres() as url:
        results.append(asyncio.run(measure("postgresql", url, options.events)))
    if options.json:
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(results)).decode() + "\n")
        return
    for result in results:
        print(f"{result.database}:")
        print(f"  append {result.append_us:.1f} us (p99 {result.append_p99_us:.1f}), begin and end", end=" ")
        print(f"{result.begin_and_end_us:.1f} us")
        print(f"  {result.drained_per_second:,.0f} events/s drained from a full journal")
        print(f"  {result.sustained_per_second:,.0f} events/s sustained, never half a second behind")


if __name__ == "__main__":
    main()
