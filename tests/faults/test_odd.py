"""Faults 9, 10 and 12: odd values, clients that leave, clocks that jump."""

from __future__ import annotations

import asyncio
import signal

from sqlalchemy import select

from proxystore.database import Query
from proxystore.schema.usage import usage_events
from proxystore.settings import Settings
from tests.faults.clients import DEADLINE, Log, all_of, chat, get
from tests.faults.invariants import assert_counted, recorded, take_over
from tests.faults.workers import Nursery
from tests.ledger.world import database, totals

_GRACEFUL = (0, -signal.SIGTERM)
_CHUNKS = 12  # what the fake upstream's answer comes in, `[DONE]` included
_HALF_A_DAY = 43_000
_NUMBERS = (
    '{"prompt_tokens":9223372036854775808,"completion_tokens":1}',
    '{"prompt_tokens":-1,"completion_tokens":1e400}',
    '{"prompt_tokens":NaN,"completion_tokens":1}',
    '{"prompt_tokens":1.5,"completion_tokens":"many"}',
    '{"prompt_tokens":3,"completion_tokens":4,"total_tokens":7}',
)
_MODELS = ("gpt-4o\0", "\ud800", "\N{SNOWMAN}" * 300, "m" * 10_000_000, "gpt-4o'; DROP TABLE usage_events; --")


async def test_whatever_a_request_names_and_an_answer_counts_is_recorded(settings: Settings, nursery: Nursery) -> None:
    log, worker = Log(), nursery.spawn(settings)
    for model in _MODELS:
        await chat(worker.port, log, model=model, is_streaming=False)
    for numbers in _NUMBERS:
        await chat(worker.port, log, fault=f"usage={numbers}", is_streaming=False)
    assert await worker.stop() in _GRACEFUL
    await assert_counted(settings, log)
    assert len(log.ended) == len(_NUMBERS)
    assert (await totals(settings))["requests"] == len(_MODELS) + len(_NUMBERS)


async def test_a_client_that_leaves_after_any_chunk_is_counted_once(settings: Settings, nursery: Nursery) -> None:
    log, worker = Log(), nursery.spawn(settings, delay=0.03)
    await chat(worker.port, log)
    await all_of(*(chat(worker.port, log, chunks=count) for count in range(_CHUNKS + 2)))
    async with asyncio.timeout(DEADLINE):
        while await get(worker.port, "/streams") != b"0":  # the upstream is told as well
            await asyncio.sleep(0.01)
    assert await worker.stop() in _GRACEFUL
    events = await assert_counted(settings, log)
    assert _CHUNKS + 2 <= len(events) <= _CHUNKS + 3  # one left before its request was read, perhaps
    left = {identity for identity, outcome in events.items() if outcome == "disconnected"}
    assert left
    assert left & log.ended == set()


async def test_when_the_clock_jumps_by_a_day_in_all_nothing_is_lost_or_negative(
    settings: Settings, nursery: Nursery
) -> None:
    log, worker = Log(), nursery.spawn(settings, clock=True, delay=0.005)
    for offset in (0, _HALF_A_DAY, -_HALF_A_DAY, 0):
        streams = [asyncio.create_task(chat(worker.port, log)) for _ in range(5)]
        await chat(worker.port, log, fault=f"clock={offset}")
        await all_of(*streams)
    assert await worker.stop() in _GRACEFUL
    await take_over(settings)
    events = await assert_counted(settings, log)
    assert len(events) == len(log.ended) == 24
    latencies = Query(select(usage_events.c.latency_ms, usage_events.c.first_byte_ms), lambda **times: times)
    async with database(settings) as opened:
        for times in await opened.fetch_all(latencies):
            assert 0 <= times["first_byte_ms"] <= times["latency_ms"] <= DEADLINE * 1000
    assert (await recorded(settings)).keys() == events.keys()
