"""Fault 8, and writers that want the same rows in different orders."""

from __future__ import annotations

import asyncio
import random
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from uuid import UUID

from proxystore.database import Database
from proxystore.ledger import UsageEntry
from proxystore.ledger.drainer import Drainer
from proxystore.ledger.host import host_id
from proxystore.ledger.identity import store_id
from proxystore.ledger.journal import Journal
from proxystore.ledger.recorder import Recorder
from proxystore.ledger.segments import Segments
from proxystore.settings import Settings
from tests.faults.clients import DEADLINE
from tests.ledger.world import database, entry, totals, wait_until

_WRITERS = 4


class _Elected:
    """Whoever asks has won."""

    is_won = True

    def run(self) -> bool:
        return True

    def resign(self) -> None:
        pass


@asynccontextmanager
async def _drainers(settings: Settings, directory: Path, identity: UUID, count: int) -> AsyncIterator[list[Drainer]]:
    """Let several write the same segments down at once, as if each were the only one."""
    drainers = []
    for _ in range(count):
        segments = Segments(directory, identity, host_id())
        drainer = Drainer(database(settings), segments, directory, is_awaited=True)
        drainer._election = _Elected()
        drainers.append(drainer)
    running = [asyncio.create_task(drainer.run()) for drainer in drainers]
    try:
        yield drainers
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


async def _journal(settings: Settings) -> tuple[Journal, UUID]:
    async with database(settings) as opened:
        identity = await store_id(opened)
    journal = Journal(settings.data_dir / "journal" / str(identity), identity)
    journal.open()
    return journal, identity


def _recorded(drainers: list[Drainer]) -> int:
    return sum(drainer._recorder.recorded for drainer in drainers)


async def test_two_flushers_of_one_segment_count_it_once(settings: Settings) -> None:
    journal, identity = await _journal(settings)
    async with _drainers(settings, journal.directory, identity, 2) as drainers:
        for _ in range(20):
            for _ in range(25):
                journal.end(entry())
            await asyncio.sleep(0)
        await wait_until(lambda: _recorded(drainers) >= 500, seconds=DEADLINE)
    journal.close()
    assert _recorded(drainers) == 500
    assert (await totals(settings))["requests"] == 500


async def test_a_flush_whose_segment_was_not_deleted_is_not_done_again(settings: Settings) -> None:
    journal, identity = await _journal(settings)
    for _ in range(100):
        journal.end(entry())
    journal.close()
    saved = [shutil.copy(path, settings.data_dir) for path in journal.directory.glob("*.seg")]
    for _ in range(2):
        async with _drainers(settings, journal.directory, identity, 1) as drainers:
            await wait_until(lambda drainers=drainers: drainers[0]._caught_up_at is not None, seconds=DEADLINE)
        for copy in saved:
            shutil.copy(copy, journal.directory)
    assert (await totals(settings))["requests"] == 100


async def test_writers_with_shuffled_orders_do_not_deadlock(settings: Settings) -> None:
    chance = random.Random(3)
    async with AsyncExitStack() as stack:
        writers = [await stack.enter_async_context(_writer(settings, number)) for number in range(_WRITERS)]
        for _ in range(15):
            orders = [chance.sample(range(60), 60) for _ in writers]
            await asyncio.gather(*(_flush(*writer, order) for writer, order in zip(writers, orders, strict=True)))
    assert (await totals(settings))["requests"] == 15 * _WRITERS * 60


@asynccontextmanager
async def _writer(settings: Settings, number: int) -> AsyncIterator[tuple[Journal, Segments, Recorder]]:
    journal = Journal(settings.data_dir / str(number), UUID(int=7))
    journal.open()
    segments = Segments(journal.directory, UUID(int=7), host_id())
    segments.refresh()
    opened = Database(settings.url, schema=settings.database_schema, deadline=DEADLINE)
    async with opened:
        yield journal, segments, Recorder(opened, segments, journal.directory)
    segments.forget()
    journal.close()


async def _flush(journal: Journal, segments: Segments, recorder: Recorder, order: list[int]) -> None:
    """Write a batch down; a deadlock would be an exception."""
    for event in _events(order):
        journal.end(event)
    items = segments.read(1000)
    assert len(items) == len(order)
    await recorder.record(items)


def _events(order: list[int]) -> Iterator[UsageEntry]:
    for number in order:
        yield entry(key_id=f"key_{number % 30}", request_model=f"gpt-{number % 4}")
