"""Faults 11, 26 and 27: asked to go, cancelled, forked."""

from __future__ import annotations

import asyncio
import gc
import signal
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import pytest

from proxystore.ledger import Ledger
from proxystore.settings import Settings
from tests.faults.clients import DEADLINE, Log, all_of, chat
from tests.faults.invariants import assert_counted, recorded, take_over
from tests.faults.workers import Nursery
from tests.ledger.world import entry, totals, wait_until

_GRACEFUL = (0, -signal.SIGTERM)


async def test_told_to_go_with_live_streams_it_ends_them_and_leaves_nothing_behind(
    settings: Settings, nursery: Nursery
) -> None:
    log, worker = Log(), nursery.spawn(settings, delay=0.03)
    streams = [asyncio.create_task(chat(worker.port, log)) for _ in range(10)]
    await wait_until(lambda: len(log.started) == 10, seconds=DEADLINE)
    assert not log.ended
    assert await worker.stop() in _GRACEFUL
    await all_of(*streams)
    assert log.ended == log.started
    assert (await recorded(settings)).keys() == log.ended
    await assert_counted(settings, log)


async def test_streams_that_do_not_end_are_broken_off_and_recorded(settings: Settings, nursery: Nursery) -> None:
    log, worker = Log(), nursery.spawn(settings, delay=DEADLINE, patience=0.2)
    streams = [asyncio.create_task(_broken(worker.port, log)) for _ in range(5)]
    await wait_until(lambda: len(log.started) == 5, seconds=DEADLINE)
    assert await worker.stop() in _GRACEFUL
    await all_of(*streams)
    events = await assert_counted(settings, log)
    assert "complete" not in events.values()
    assert len(events) == 5


async def _broken(port: int, log: Log) -> None:
    with suppress(OSError, EOFError):
        await chat(port, log)


async def test_an_open_server_that_is_forked_gives_each_child_a_journal(settings: Settings, nursery: Nursery) -> None:
    log, children = Log(), 3
    worker = nursery.spawn(settings, children=children)
    await all_of(*(chat(worker.port, log, is_streaming=number % 2 > 0) for number in range(60)))
    assert await worker.stop() in _GRACEFUL
    await take_over(settings)
    events = await assert_counted(settings, log)
    assert len(events) == 60 + 1  # and the one that opened it


_WORK: dict[str, Callable[[Ledger], Awaitable[object]]] = {
    "drain": lambda ledger: ledger.drain(DEADLINE),
    "committed": lambda ledger: _committed(ledger),  # noqa: PLW0108  it stands below
    "close": lambda ledger: ledger.close(),
}


async def _committed(ledger: Ledger) -> bool:
    ledger.append(event := entry())
    return await ledger.committed(event.event_id)


@pytest.mark.parametrize("name", _WORK)
async def test_cancelled_at_any_step_the_ledger_is_as_before(settings: Settings, name: str) -> None:
    settings = Settings(**{**settings.model_dump(exclude_unset=True), "durable": "database", "shutdown_grace": 1})
    await _cancel(settings, name, 0)
    before = _held()
    steps = (0, 1, 2, 3, 5, 8, 13, 21)
    for count in steps:
        await _cancel(settings, name, count)
    await wait_until(lambda: _held() <= before, seconds=DEADLINE)
    extra = len(steps) + 1 if name == "committed" else 0
    assert (await totals(settings))["requests"] == (len(steps) + 1) * 2 + extra


async def _cancel(settings: Settings, name: str, steps: int) -> None:
    ledger = Ledger(settings)
    await ledger.open()
    ledger.append(entry())
    work = asyncio.ensure_future(_WORK[name](ledger))
    for _ in range(steps + 1):
        await asyncio.sleep(0)
    work.cancel()
    with suppress(asyncio.CancelledError):
        await work
    await ledger.close()
    again = Ledger(settings)
    await again.open()
    again.append(entry())
    assert await again.drain(DEADLINE)
    await again.close()


def _held() -> int:
    gc.collect()
    threads = [thread for thread in threading.enumerate() if not thread.name.startswith("asyncio_")]
    return len(list(Path("/proc/self/fd").iterdir())) + len(threads)
