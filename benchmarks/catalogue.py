"""How fast models and prices are: ``python -m benchmarks catalogue``.

Measures a name looked up where it is remembered and where it is not, a cost reckoned, an answer read and priced, and an
import of 4,000 models with their prices, the first one and one that changes nothing. The list is made here, in the
shape of LiteLLM's. On SQLite and on a PostgreSQL server of its own (or on ``PROXYSTORE_TEST_PG_URL``).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from secrets import token_hex
from statistics import median
from uuid import uuid4

import asyncpg
import msgspec
from pydantic import SecretStr

from proxystore.pricelists import LITELLM, read_litellm
from proxystore.records.models import CAPABILITIES
from proxystore.settings import Settings
from proxystore.store import Store
from proxystore.testing.postgres import server
from proxystore.values import Usage
from proxystore.wire import BUILT_IN

_MODELS = 4_000
_ROUNDS = 7
_CALLS = 20_000
_USAGE = Usage(input_tokens=1200, cache_read_tokens=300, output_tokens=500, reasoning_tokens=40, quality="reported")
_ANSWER = json.dumps(
    {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "model": "model-17",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "word " * 100}, "finish_reason": "stop"}],
        "usage": {
            "prompt_tokens": 1500,
            "completion_tokens": 540,
            "total_tokens": 2040,
            "prompt_tokens_details": {"cached_tokens": 300},
            "completion_tokens_details": {"reasoning_tokens": 40},
        },
    }
).encode()


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What was measured with one database: microseconds, and seconds of an import."""

    database: str
    remembered_us: float
    price_us: float
    price_tiered_us: float
    read_and_price_us: float
    looked_up_us: float
    import_s: float
    import_again_s: float


def listed() -> bytes:
    """Return a price file of 4,000 models, every third with tiers and batches."""
    models = {}
    for number in range(_MODELS):
        record: dict[str, object] = {
            "litellm_provider": f"provider-{number % 90}",
            "mode": "chat",
            "input_cost_per_token": 2.5e-06,
            "output_cost_per_token": 1e-05,
            "cache_read_input_token_cost": 1.25e-06,
            "max_input_tokens": 128000,
            "max_output_tokens": 16384,
            "supports_function_calling": True,
            "supports_vision": number % 2 == 0,
            "source": "https://example.org/prices",
            "tpm": number,
        }
        if number % 3 == 0:
            record |= {
                "input_cost_per_token_above_200k_tokens": 5e-06,
                "output_cost_per_token_above_200k_tokens": 2e-05,
                "input_cost_per_token_batches": 1.25e-06,
                "output_cost_per_token_batches": 5e-06,
            }
        models[f"model-{number}"] = record
    return json.dumps(models).encode()


async def measure(database: str, url: str) -> Result:
    """Measure with one database."""
    with tempfile.TemporaryDirectory() as directory:
        secret = SecretStr(token_hex(32))
        settings = Settings(
            database_url=url, data_dir=Path(directory), bundled_prices=False, pepper=secret, audit_key=secret
        )
        async with Store(settings=settings) as store:
            first, again = [await _import(store) for _ in range(2)]
            looked_up = await _look_up(store)
            await store.follower.poll()
            for name in ("model-16", "model-18"):
                await store.catalogue.find(name)
            plain, tiered = [
                found.everybody
                for name in ("model-16", "model-18")
                if (found := store.catalogue.recall(name)) is not None
            ]
            now = time.time_ns()
            if plain is None or tiered is None:
                sys.exit("what was imported is not there")
            return Result(
                database=database,
                remembered_us=_microseconds(lambda: store.catalogue.recall("model-16")),
                price_us=_microseconds(lambda: plain.tariff.cost(_USAGE, now)),
                price_tiered_us=_microseconds(lambda: tiered.tariff.cost(_USAGE, now)),
                read_and_price_us=_microseconds(lambda: plain.tariff.cost(_read(), now)),
                looked_up_us=looked_up,
                import_s=first,
                import_again_s=again,
            )


async def _import(store: Store) -> float:
    data = listed()
    started = time.perf_counter()
    await store.models.import_listings(read_litellm(data, CAPABILITIES), LITELLM)
    return round(time.perf_counter() - started, 2)


async def _look_up(store: Store) -> float:
    """Return the microseconds of a name that has to be asked for, the median of 300."""
    times = []
    for number in range(300):
        started = time.perf_counter()
        await store.catalogue.find(f"model-{number}")
        times.append(time.perf_counter() - started)
    return round(median(times) * 1e6, 1)


_CHAT = next(format for format in BUILT_IN if format.name == "openai.chat")
_CALL = _CHAT.read("/v1/chat/completions", b'{"model": "model-16", "messages": []}')


def _read() -> Usage:
    meter = _CHAT.meter(_CALL, content_type=b"application/json", is_stripping=False)
    if meter is None:
        sys.exit("nothing reads a chat")
    meter.feed(_ANSWER, is_last=True)
    return meter.usage


def _microseconds(work: Callable[[], object]) -> float:
    """Return how long *work* takes, the best of several rounds."""
    best = float("inf")
    for _ in range(_ROUNDS):
        started = time.perf_counter()
        for _ in range(_CALLS):
            work()
        best = min(best, time.perf_counter() - started)
    return round(best / _CALLS * 1e6, 2)


async def _administer(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute(statement)
    await connection.close()


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description="How fast models and prices are.")
    parser.add_argument("--json", action="store_true", help="for programs")
    options = parser.parse_args()
    logging.disable(logging.INFO)
    with tempfile.TemporaryDirectory() as directory:
        results = [asyncio.run(measure("sqlite", f"sqlite:///{directory}/benchmark.db"))]
    with server() as postgres:
        name = f"proxystore_benchmark_{uuid4().hex[:8]}"
        asyncio.run(_administer(postgres.url, f"CREATE DATABASE {name}"))
        results.append(asyncio.run(measure("postgresql", postgres.database_url(name))))
        asyncio.run(_administer(postgres.url, f"DROP DATABASE {name} WITH (FORCE)"))
    if options.json:
        print(msgspec.json.format(msgspec.json.encode(results)).decode())
        return
    for result in results:
        print(result.database)
        for field, value in msgspec.structs.asdict(result).items():
            if field != "database":
                print(f"  {field:20} {value:10,.2f}")
