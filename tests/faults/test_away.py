"""Faults 2 to 5: the database is gone, frozen, slow or locked; requests do not notice, and nothing is lost."""

from __future__ import annotations

import asyncio
import signal
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest

from proxystore.migrating import upgrade
from proxystore.settings import Settings
from proxystore.testing.postgres import own_server
from tests.faults.clients import DEADLINE, Log, all_of, chat
from tests.faults.invariants import assert_counted, recorded, take_over
from tests.faults.network import Cable, cable
from tests.faults.workers import Nursery, Worker

_GRACEFUL = (0, -signal.SIGTERM)


@asynccontextmanager
async def _locked(settings: Settings) -> AsyncIterator[None]:
    """Hold the lock that writing down needs, in a process that is not the server's."""
    if settings.url.path is not None:
        locker = sqlite3.connect(settings.url.path, isolation_level=None)
        locker.execute("BEGIN IMMEDIATE")
        yield
        locker.close()
        return
    connection = await asyncpg.connect(settings.database_url)
    async with connection.transaction():
        await connection.execute(f"LOCK TABLE {settings.database_schema}.usage_events IN ACCESS EXCLUSIVE MODE")
        yield
    await connection.close()


async def _ask(worker: Worker, log: Log, times: int = 30) -> None:
    """Ask one after the other; each must be answered before the next is asked."""
    for number in range(times):
        assert await chat(worker.port, log, is_streaming=number % 2 > 0) in log.ended


async def _counted(settings: Settings, log: Log) -> None:
    async with asyncio.timeout(DEADLINE):
        while log.ended - (await recorded(settings)).keys():
            await asyncio.sleep(0.02)


async def _is_answered(worker: Worker, log: Log, settings: Settings) -> None:
    """Be sure that the worker has started and its writer is at work."""
    await _ask(worker, log, 2)
    await _counted(settings, log)


async def test_while_the_database_is_locked_requests_go_on(settings: Settings, nursery: Nursery) -> None:
    log, worker = Log(), nursery.spawn(settings)
    await _is_answered(worker, log, settings)
    async with _locked(settings):
        await _ask(worker, log)
    await _counted(settings, log)
    assert await worker.stop() in _GRACEFUL
    await assert_counted(settings, log)


async def test_a_server_leaves_a_locked_database_to_the_next(settings: Settings, nursery: Nursery) -> None:
    log, impatient = Log(), settings.model_copy(update={"shutdown_grace": 0.5})
    worker = nursery.spawn(impatient)
    await _is_answered(worker, log, settings)
    async with _locked(settings):
        await _ask(worker, log)
        assert await worker.stop() in _GRACEFUL
    await take_over(settings)
    await assert_counted(settings, log)


@pytest.mark.parametrize("fault", ["gone", "frozen"])
async def test_while_the_database_is_away_requests_go_on(
    postgres_settings: Settings, nursery: Nursery, fault: str
) -> None:
    async with cable(postgres_settings) as (line, settings):
        log, worker = Log(), nursery.spawn(settings)
        await _is_answered(worker, log, postgres_settings)
        (Cable.cut if fault == "gone" else Cable.block)(line)
        before = len(await recorded(postgres_settings))
        await _ask(worker, log)
        assert len(await recorded(postgres_settings)) == before  # the database knows of none of them
        line.mend()
        await _counted(postgres_settings, log)
        assert await worker.stop() in _GRACEFUL
    await assert_counted(postgres_settings, log)


async def test_however_slow_the_database_is_requests_ask_it_nothing(
    postgres_settings: Settings, nursery: Nursery
) -> None:
    async with cable(postgres_settings) as (line, settings):
        log, worker = Log(), nursery.spawn(settings)
        await _is_answered(worker, log, postgres_settings)
        line.delay, before = 0.5, line.messages
        await _ask(worker, log, 60)
        assert line.messages - before < 60
        line.mend()
        assert await worker.stop() in _GRACEFUL
    await assert_counted(postgres_settings, log)


async def test_a_frozen_server_keeps_no_process_from_leaving(nursery: Nursery, tmp_path_factory) -> None:
    with own_server() as postgres:
        settings = Settings(
            database_url=postgres.database_url("postgres"),
            data_dir=tmp_path_factory.mktemp("frozen"),
            shutdown_grace=1,
            auth="off",
        )
        await upgrade(settings.url, schema=settings.database_schema)
        log, worker = Log(), nursery.spawn(settings)
        await _is_answered(worker, log, settings)
        postgres.freeze()
        await _ask(worker, log)
        postgres.thaw()
        await _counted(settings, log)
        postgres.freeze()
        await _ask(worker, log)
        assert await worker.stop() in _GRACEFUL
        postgres.thaw()
        await take_over(settings)
        await assert_counted(settings, log)


async def test_who_waits_for_the_commit_sees_no_end_before_it(settings: Settings, nursery: Nursery) -> None:
    log, waiting = Log(), settings.model_copy(update={"durable": "database", "durable_deadline": DEADLINE})
    worker = nursery.spawn(Settings(**waiting.model_dump(exclude_unset=True)))
    await _ask(worker, log, 3)
    assert log.ended <= (await recorded(settings)).keys()
    async with _locked(settings):
        asking = [asyncio.create_task(chat(worker.port, log, is_streaming=number > 0)) for number in range(2)]
        done, _ = await asyncio.wait(asking, timeout=0.3)
        assert not done
    await all_of(*asking)
    assert log.ended <= (await recorded(settings)).keys()
    await worker.kill()
    await assert_counted(settings, log)


async def test_who_waits_for_the_commit_waits_no_longer_than_told(settings: Settings, nursery: Nursery) -> None:
    log = Log()
    hasty = {**settings.model_dump(exclude_unset=True), "durable": "database", "durable_deadline": 0.05}
    worker = nursery.spawn(Settings(**hasty))
    await chat(worker.port, log)
    async with _locked(settings):
        await _ask(worker, log, 5)
    assert await worker.stop() in _GRACEFUL
    await assert_counted(settings, log)
