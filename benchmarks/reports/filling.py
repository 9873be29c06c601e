"""Roll-ups as three million events would leave them, written without the events."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice, product
from typing import Any, Final

from sqlalchemy import Table, bindparam, insert

from proxystore.database import Database, Statement
from proxystore.histograms import bin_of, pack
from proxystore.schema.usage import (
    ROLLUP_TOTALS,
    usage_daily,
    usage_hourly,
    usage_latency_daily,
    usage_latency_hourly,
    usage_series,
)

KEYS: Final = 100
MODELS: Final = 5
DAYS: Final = 30
_SERIES: Final = KEYS * MODELS
_CHUNK: Final = 2_000
_numbers: Final = random.Random(4)  # noqa: S311  nothing secret
_BINS: Final = [bin_of(int(_numbers.lognormvariate(7, 1))) for _ in range(100_000)]

Row = Mapping[str, object]


async def fill(database: Database, last_hour: int, events: int, days: int = DAYS) -> int:
    """Write the roll-ups of *events* in *days* up to *last_hour* of 1970; return how many events they tell of."""
    await _insert(database, usage_series, _series())
    first = last_hour - days * 24 + 1
    mean = events / (days * 24 * _SERIES)
    by_day: dict[tuple[int, int], tuple[Counter[str], Counter[int]]] = {}
    every = product(range(first, last_hour + 1), range(1, _SERIES + 1))
    hours = [told for told in (_one(by_day, *each, mean) for each in every) if told[0]["requests"]]
    await _insert(database, usage_hourly, (totals for totals, _ in hours))
    await _insert(database, usage_latency_hourly, (latencies for _, latencies in hours))
    await _insert(
        database,
        usage_daily,
        ({"day": day, "series_id": number, **sums} for (day, number), (sums, _) in by_day.items()),
    )
    await _insert(
        database,
        usage_latency_daily,
        ({"day": day, "series_id": n, "histogram": pack(bins)} for (day, n), (_, bins) in by_day.items() if bins),
    )
    return sum(sums["requests"] for sums, _ in by_day.values())


def _one(
    days: dict[tuple[int, int], tuple[Counter[str], Counter[int]]], hour: int, number: int, mean: float
) -> tuple[dict[str, Any], Row]:
    """Return the totals and the latencies of one series in one hour; add both to the day."""
    count = int(_numbers.expovariate(1 / mean) + 0.5)
    totals: dict[str, int] = dict.fromkeys(ROLLUP_TOTALS, 0)
    totals |= {
        "requests": count,
        "successes": count,
        "errors": count // 50,
        "latency_ms": count * 1_500,
        "input_tokens": count * _numbers.randrange(5_000),
        "cache_read_tokens": count * _numbers.randrange(5_000),
        "output_tokens": count * _numbers.randrange(1_000),
        "cost_nanousd": count * _numbers.randrange(10**7),
    }
    bins = Counter(_numbers.choices(_BINS, k=count))
    sums, places = days.setdefault((hour // 24, number), (Counter(dict.fromkeys(ROLLUP_TOTALS, 0)), Counter()))
    sums.update(totals)
    places.update(bins)
    key = {"hour": hour, "series_id": number}
    return {**key, **totals}, {**key, "histogram": pack(bins) if bins else b""}


def _series() -> Iterator[Row]:
    for number in range(_SERIES):
        key, model = divmod(number, MODELS)
        yield {
            "id": number + 1,
            "project_id": f"proj_{key % 10}",
            "key_id": f"key_{key}",
            "credential_id": "",
            "provider_name": "openai",
            "operation_name": "chat",
            "request_model": f"gpt-{model}",
            "response_model": f"gpt-{model}-2026-11-20",
        }


async def _insert(database: Database, table: Table, rows: Iterator[Row] | Sequence[Row]) -> None:
    statement = Statement(insert(table).values({column.name: bindparam(column.name) for column in table.columns}))
    rows = iter(rows)
    while chunk := list(islice(rows, _CHUNK)):
        async with database.transaction() as transaction:
            await transaction.execute_many(statement, chunk)
