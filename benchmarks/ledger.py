"""How fast the ledger is: ``python -m benchmarks ledger``.

Measures an append as a request pays for it (begin and end); how many events a second are sustained with roll-ups
caught up; how long somebody else's small transaction takes meanwhile; and by how much memory grows while the database
is away. From one process, on SQLite and on a PostgreSQL server of its own (or on ``PROXYSTORE_TEST_PG_URL``).
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import logging
import random
import resource
import sqlite3
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from statistics import median, quantiles
from typing import NamedTuple

import asyncpg
import msgspec
from sqlalchemy import bindparam, update

from benchmarks.reports.databases import migrated
from proxystore.database import Database, Statement
from proxystore.ids import uuid7
from proxystore.ledger import Begin, Ledger, UsageEntry
from proxystore.schema.settings import settings as settings_table
from proxystore.settings import Settings

_CHUNK = 500
_LEASE_PAUSE = 0.005
_LEASE = Statement(
    update(settings_table)
    .where(settings_table.c.name == "store_id")
    .values(updated_at=bindparam("updated_at", type_=settings_table.c.updated_at.type))
)


class Size(NamedTuple):
    """How much is done.

    Attributes:
        appends: How often an append is measured.
        events: How many are drained.
        outage_events: How many come while the database is away.
        seconds: For how long each rate has to be held.
    """

    appends: int
    events: int
    outage_events: int
    seconds: float


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What was measured with one database; microseconds, milliseconds, MiB and events per second."""

    database: str
    append_us: float
    append_p99_us: float
    begin_and_end_us: float
    drained_per_second: float
    lease_p50_ms: float
    lease_p99_ms: float
    lease_max_ms: float
    sustained_per_second: float
    outage_events: int
    outage_growth_mib: float


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


async def measure(name: str, settings: Settings, size: Size) -> Result:
    """Measure with the empty database of *settings*."""
    ledger = Ledger(settings)
    await ledger.open()
    single, pairs = _appends(ledger, size.appends)
    await ledger.drain(600)
    async with _leases(settings) as leases:
        drained = await _drained(ledger, size.events)
    sustained = await _sustained(ledger, size.seconds)
    growth = await _outage(ledger, settings, size)
    await ledger.close()
    return Result(
        database=name,
        append_us=median(single),
        append_p99_us=quantiles(single, n=100)[98],
        begin_and_end_us=median(pairs),
        drained_per_second=drained,
        lease_p50_ms=median(leases),
        lease_p99_ms=quantiles(leases, n=100)[98],
        lease_max_ms=max(leases),
        sustained_per_second=sustained,
        outage_events=size.outage_events,
        outage_growth_mib=growth,
    )


def _appends(ledger: Ledger, count: int) -> tuple[list[float], list[float]]:
    entries = [_entry(_seeded(number)) for number in range(count)]
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


@asynccontextmanager
async def _leases(settings: Settings) -> AsyncIterator[list[float]]:
    """Take something like a lease on a connection of its own while the block runs; give milliseconds.

    Those of a short block are two at least, however long they take: a percentile wants that many.
    """
    taken: list[float] = []
    are_two = asyncio.Event()
    database = Database(settings.url, schema=settings.database_schema)

    async def take() -> None:
        while True:
            started = time.perf_counter()
            async with database.transaction() as transaction:
                await transaction.execute(_LEASE, updated_at=datetime.now(UTC))
            taken.append((time.perf_counter() - started) * 1000)
            if len(taken) == 2:
                are_two.set()
            await asyncio.sleep(_LEASE_PAUSE)

    async with database, asyncio.TaskGroup() as group:
        taking = group.create_task(take())
        yield taken
        await are_two.wait()
        taking.cancel()


async def _outage(ledger: Ledger, settings: Settings, size: Size) -> float:
    """Return by how many MiB memory grows while events are appended and cannot be written down."""
    random_numbers = _seeded(2)
    for _ in range(size.appends):
        ledger.append(_entry(random_numbers))
    await ledger.drain(600)
    before = _resident_mib()
    async with _away(settings):
        for number in range(size.outage_events):
            ledger.append(_entry(random_numbers))
            if number % _CHUNK == 0:
                await asyncio.sleep(0.01)
        growth = _resident_mib() - before
    await ledger.drain(600)
    return max(growth, _resident_mib() - before)


@asynccontextmanager
async def _away(settings: Settings) -> AsyncIterator[None]:
    if settings.url.path is not None:
        locker = sqlite3.connect(settings.url.path, isolation_level=None)
        locker.execute("BEGIN IMMEDIATE")
        yield
        locker.close()
        return
    connection = await asyncpg.connect(settings.database_url)
    async with connection.transaction():
        await connection.execute(f"LOCK TABLE {settings.database_schema}.ledger_segments IN ACCESS EXCLUSIVE MODE")
        yield
    await connection.close()


def _resident_mib() -> float:
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 2**20


async def _sustained(ledger: Ledger, seconds: float) -> float:
    """Return the highest of some rates at which the database is never half a second behind."""
    held = 0.0
    for rate in (2_000, 5_000, 10_000, 15_000, 20_000, 30_000):
        if not await _holds(ledger, rate, int(rate * seconds)):
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


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description="How fast the ledger is.")
    parser.add_argument("--events", type=int, default=100_000, help="how many to drain")
    parser.add_argument("--outage-events", type=int, default=100_000, help="how many while the database is away")
    parser.add_argument("--appends", type=int, default=20_000, help="how often an append is measured")
    parser.add_argument("--seconds", type=float, default=10.0, help="for how long each rate has to be held")
    parser.add_argument("--database", choices=["sqlite", "postgresql"], action="append")
    parser.add_argument("--json", action="store_true", help="for programs")
    options = parser.parse_args()
    logging.getLogger("proxystore").setLevel(logging.WARNING)
    size = Size(options.appends, options.events, options.outage_events, options.seconds)
    results = []
    for database in options.database or ["sqlite", "postgresql"]:
        with migrated(database) as settings:
            results.append(asyncio.run(measure(database, settings, size)))
    if options.json:
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(results)).decode() + "\n")
        return
    for result in results:
        print(f"{result.database}:")
        print(f"  append {result.append_us:.1f} us (p99 {result.append_p99_us:.1f}), begin and end", end=" ")
        print(f"{result.begin_and_end_us:.1f} us")
        print(f"  {result.drained_per_second:,.0f} events/s drained from a full journal")
        print(f"  a small transaction meanwhile {result.lease_p50_ms:.1f} ms", end=" ")
        print(f"(p99 {result.lease_p99_ms:.1f}, longest {result.lease_max_ms:.1f})")
        print(f"  memory grows by {result.outage_growth_mib:.1f} MiB", end=" ")
        print(f"while {result.outage_events:,} events wait for a database that is away")
        print(f"  {result.sustained_per_second:,.0f} events/s sustained, never half a second behind")


if __name__ == "__main__":
    main()
