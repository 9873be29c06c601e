"""How large an event is on the disk, its index included: ``python -m benchmarks events``.

Three kinds: a plain one (a chat, streamed, priced), a typical one (every second has an end user, every third a trace),
and a full one (end user, trace and a little metadata on each).
"""

from __future__ import annotations

import argparse
import asyncio
import random
from base64 import urlsafe_b64encode
from typing import Any, Final

import msgspec
from sqlalchemy import BigInteger, column, text

from benchmarks.reports.databases import migrated
from proxystore import Settings
from proxystore.database import Database, Query
from proxystore.ids import uuid7
from proxystore.ledger import Ledger, UsageEntry

_KINDS: Final = ("plain", "typical", "full")
_numbers: Final = random.Random(4)  # noqa: S311  nothing secret
_SIZES: Final = {
    "sqlite": "SELECT sum(pgsize) AS size FROM dbstat WHERE name = 'usage_events'",
    "postgresql": """SELECT CAST(sum(pg_total_relation_size(inhrelid)) AS bigint) AS size
                     FROM pg_inherits WHERE inhparent = CAST('proxystore.usage_events' AS regclass)""",
}


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """How many bytes a row takes, with its share of the index and of empty pages."""

    database: str
    kind: str
    events: int
    bytes_per_event: float


def entry(kind: str, number: int) -> UsageEntry:
    """Return a chat as a hundred keys would have it with five models."""
    key, model = _numbers.randrange(100), _numbers.randrange(5)
    has_user = kind == "full" or (kind == "typical" and number % 2 == 0)
    has_trace = kind == "full" or (kind == "typical" and number % 3 == 0)
    return UsageEntry(
        event_id=uuid7(),
        key_id=f"key_{key}",
        provider_name="openai",
        operation_name="chat",
        request_model=f"gpt-{model}",
        response_model=f"gpt-{model}-2026-11-20",
        status=200,
        quality="reported",
        first_byte_ms=_numbers.randrange(500),
        latency_ms=_numbers.randrange(20_000),
        input_tokens=_numbers.randrange(10_000),
        cache_read_tokens=_numbers.randrange(10_000),
        output_tokens=_numbers.randrange(2_000),
        reasoning_tokens=_numbers.choice((0, _numbers.randrange(2_000))),
        cost_nanousd=_numbers.randrange(10**8),
        finish_reason="stop",
        end_user=urlsafe_b64encode(_numbers.randbytes(9)).decode() if has_user else None,
        traceparent=f"00-{_numbers.randbytes(16).hex()}-{_numbers.randbytes(8).hex()}-01" if has_trace else None,
        metadata={"team": "search"} if kind == "full" else None,
    )


async def measure(database: str, kind: str, settings: Settings, count: int) -> Result:
    """Measure with the empty database of *settings*."""
    ledger = Ledger(settings)
    await ledger.open()
    for number in range(count):
        ledger.append(entry(kind, number))
    await ledger.drain(600)
    await ledger.close()
    size: Query[Any] = Query(text(_SIZES[database]).columns(column("size", BigInteger())), lambda size: size)
    async with Database(settings.url, schema=settings.database_schema) as opened:
        found = await opened.fetch_one(size)
    return Result(database=database, kind=kind, events=count, bytes_per_event=int(found or 0) / count)


def main() -> None:
    """Measure, and print lines or JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=50_000)
    parser.add_argument("--database", choices=["sqlite", "postgresql"], action="append")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    results = []
    for database in given.database or ("sqlite", "postgresql"):
        for kind in _KINDS:
            with migrated(database) as settings:
                results.append(asyncio.run(measure(database, kind, settings, given.events)))
    if given.json:
        print(msgspec.json.encode(results).decode())
        return
    for result in results:
        print(f"{result.database:10}  {result.kind:8}  {result.bytes_per_event:6.1f} bytes an event")
