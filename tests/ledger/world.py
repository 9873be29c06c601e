"""What the ledger's tests look at: entries, and what became of them in the database."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from sqlalchemy import func, select

from proxystore.database import Database, Query
from proxystore.ids import uuid7
from proxystore.ledger import Begin, UsageEntry
from proxystore.schema.usage import TOKENS, usage_daily, usage_events, usage_hourly
from proxystore.settings import Settings

_SUMMED = (*TOKENS, "latency_ms", "billed_requests", "billed_ms", "cost_nanousd")


def entry(**values: Any) -> UsageEntry:
    """Return an entry as a chat would give it, but for *values*."""
    usual: dict[str, Any] = {
        "event_id": uuid7(),
        "project_id": "proj_1",
        "key_id": "key_1",
        "provider_name": "openai",
        "operation_name": "chat",
        "request_model": "gpt-5",
        "response_model": "gpt-5-2026",
        "status": 200,
        "quality": "reported",
        "first_byte_ms": 20,
        "latency_ms": 300,
        "input_tokens": 1000,
        "output_tokens": 50,
        "cost_nanousd": 1_250_000,
    }
    return UsageEntry(**(usual | values))


def begin(**values: Any) -> Begin:
    """Return the beginning of a chat."""
    usual: dict[str, Any] = {
        "event_id": uuid7(),
        "key_id": "key_1",
        "provider_name": "openai",
        "request_model": "gpt-5",
    }
    return Begin(**(usual | values))


def database(settings: Settings) -> Database:
    """Return the database that *settings* name, to look into."""
    return Database(settings.url, schema=settings.database_schema)


async def totals(settings: Settings) -> dict[str, int]:
    """Return the sums over all events; fail unless both roll-ups have the very same."""
    async with database(settings) as opened:
        ((events,), (hourly,), (daily,)) = [await opened.fetch_all(query) for query in _TOTALS]
    assert events == hourly == daily
    return events


async def outcomes(settings: Settings) -> dict[str, int]:
    """Return how many events ended how."""
    query = Query(
        select(usage_events.c.outcome, func.count().label("n")).group_by(usage_events.c.outcome),
        lambda outcome, n: (outcome, n),
    )
    async with database(settings) as opened:
        return dict(await opened.fetch_all(query))


async def wait_until(is_so: Callable[[], bool], seconds: float = 10) -> None:
    """Look every few milliseconds; fail after *seconds*."""
    async with asyncio.timeout(seconds):
        while not is_so():
            await asyncio.sleep(0.005)


def _sums(table: Any, requests: Any) -> Query[dict[str, int]]:
    sums = (func.coalesce(func.sum(table.c[name]), 0).label(name) for name in _SUMMED)
    return Query(select(requests.label("requests"), *sums), lambda **sums: {name: int(n) for name, n in sums.items()})


_TOTALS = (
    _sums(usage_events, func.count()),
    _sums(usage_hourly, func.coalesce(func.sum(usage_hourly.c.requests), 0)),
    _sums(usage_daily, func.coalesce(func.sum(usage_daily.c.requests), 0)),
)
