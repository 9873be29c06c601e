"""Faults 1 and 8: killed at any moment, nothing is lost that a client saw the start of, and nothing doubled."""

from __future__ import annotations

import random
import shutil
import signal
from pathlib import Path

from sqlalchemy import delete

from proxystore.database import Statement
from proxystore.schema.usage import usage_events
from proxystore.settings import Settings
from tests.faults.clients import DEADLINE, Log, all_of, chat, load
from tests.faults.invariants import assert_counted, recorded, take_over
from tests.faults.workers import Nursery
from tests.ledger.world import database, totals, wait_until

_MOMENTS = 20
_GRACEFUL = (0, -signal.SIGTERM)


async def test_two_workers_killed_at_twenty_moments_lose_and_double_nothing(
    settings: Settings, nursery: Nursery
) -> None:
    chance, log = random.Random(20), Log()
    workers = [nursery.spawn(settings) for _ in range(2)]
    async with load(lambda: [worker.port for worker in workers], log):
        for _ in range(_MOMENTS):
            enough = len(log.started) + chance.randrange(1, 60)
            await wait_until(lambda enough=enough: len(log.started) >= enough, seconds=DEADLINE)
            for worker in workers:
                worker.signal(signal.SIGKILL)
            await all_of(*(worker.exit() for worker in workers))
            workers[:] = [nursery.spawn(settings) for _ in range(2)]
    await all_of(*(worker.kill() for worker in workers))
    await take_over(settings)
    events = await assert_counted(settings, log)
    assert len(log.ended) > _MOMENTS
    assert len(events) - len(log.started) <= 6 * (_MOMENTS + 1)  # begun, and killed before the client saw it


async def test_killed_after_done_and_before_the_last_body_it_is_complete(settings: Settings, nursery: Nursery) -> None:
    log, workers = Log(), [nursery.spawn(settings) for _ in range(2)]
    await all_of(*(chat(workers[number % 2].port, log, fault="hold") for number in range(10)))
    await all_of(*(worker.kill() for worker in workers))
    await take_over(settings)
    events = await assert_counted(settings, log)
    assert list(events.values()) == ["complete"] * 10


async def test_a_segment_replayed_after_retention_adds_nothing(settings: Settings, nursery: Nursery) -> None:
    log, worker = Log(), nursery.spawn(settings)
    await all_of(*(chat(worker.port, log) for _ in range(20)))
    assert await worker.stop() in _GRACEFUL
    before = await totals(settings)
    saved = [shutil.copy(path, settings.data_dir) for path in (settings.data_dir / "journal").glob("*/*.seg")]
    assert saved
    await take_over(settings)
    async with database(settings) as opened:
        await opened.execute(Statement(delete(usage_events)))
    for copy in map(Path, saved):
        (directory,) = (settings.data_dir / "journal").iterdir()
        copy.rename(directory / copy.name)
    await take_over(settings)
    assert await recorded(settings) == {}
    assert before["requests"] == 20
