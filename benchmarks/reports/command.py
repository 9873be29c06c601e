"""Times what people ask of three million events: a hundred keys with five models each, for thirty days."""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from statistics import median, quantiles
from typing import Any, Final

import msgspec

from benchmarks.reports.databases import migrated
from benchmarks.reports.filling import DAYS, fill
from proxystore import Settings
from proxystore.database import Database
from proxystore.repositories import UsageRepository

_NOW: Final = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
_MONTH: Final = (_NOW - timedelta(days=29)).replace(hour=5)
_TWO_DAYS: Final = _NOW - timedelta(hours=48)
_REPORTS: Final[Mapping[str, Callable[[UsageRepository], Awaitable[Any]]]] = {
    "summary by model, all": lambda usage: usage.summary("model"),
    "summary by key, 29 days and 19 hours": lambda usage: usage.summary("key", since=_MONTH),
    "summary by day, all": lambda usage: usage.summary("day"),
    "summary by hour, 48 hours": lambda usage: usage.summary("hour", since=_TWO_DAYS),
    "summary by month, one key": lambda usage: usage.months("key_7"),
    "total of a key, all": lambda usage: usage.total(key="key_7"),
    "month of a key": lambda usage: usage.monthly("key_7", _NOW.year, _NOW.month),
    "top 10 keys by cost": lambda usage: usage.top("key", 10, measure="cost_nanousd"),
    "error rates by key": lambda usage: usage.error_rates("key", at_least=100),
    "costs by project": lambda usage: usage.costs("project"),
    "latencies by model, all": lambda usage: usage.latencies("model"),
    "latencies by day, all": lambda usage: usage.latencies("day"),
    "latencies by hour, 48 hours": lambda usage: usage.latencies("hour", since=_TWO_DAYS),
}


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """How long one report took on one database, in milliseconds; and how long this process worked for it.

    SQLite works in this process: on a machine that does nothing else the second is nearly the first.
    """

    database: str
    report: str
    median_ms: float
    p99_ms: float
    p99_cpu_ms: float


async def measure(kind: str, settings: Settings, events: int, days: int, times: int) -> list[Result]:
    """Measure every report on the empty database of *settings*."""
    async with Database(settings.url, schema=settings.database_schema, deadline=120) as database:
        told = await fill(database, int(_NOW.timestamp()) // 3600, events, days)
        print(f"{kind}: roll-ups of {told:,} events", file=sys.stderr)
        usage = UsageRepository(database)
        return [await _timed(kind, name, report, usage, times) for name, report in _REPORTS.items()]


async def _timed(
    kind: str, name: str, report: Callable[[UsageRepository], Awaitable[Any]], usage: UsageRepository, times: int
) -> Result:
    await report(usage)  # compiled, and the pages read
    taken, worked = [], []
    for _ in range(times):
        started, began = time.perf_counter(), time.process_time()
        await report(usage)
        taken.append((time.perf_counter() - started) * 1000)
        worked.append((time.process_time() - began) * 1000)
    return Result(
        database=kind,
        report=name,
        median_ms=median(taken),
        p99_ms=quantiles(taken, n=100)[98],
        p99_cpu_ms=quantiles(worked, n=100)[98],
    )


def main() -> None:
    """Measure, and print a table or JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=3_000_000)
    parser.add_argument("--days", type=int, default=DAYS, help="in how many days they came")
    parser.add_argument("--times", type=int, default=100, help="how often each report is asked for")
    parser.add_argument("--database", choices=["sqlite", "postgresql"], action="append")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    results: list[Result] = []
    for kind in given.database or ["sqlite", "postgresql"]:
        with migrated(kind) as settings:
            results += asyncio.run(measure(kind, settings, given.events, given.days, given.times))
    if given.json:
        print(msgspec.json.encode(results).decode())
        return
    for result in results:
        figures = f"{result.median_ms:6.1f} ms  p99 {result.p99_ms:6.1f} ms, {result.p99_cpu_ms:6.1f} ms of CPU"
        print(f"{result.database:10}  {result.report:38}  {figures}")
