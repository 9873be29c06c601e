"""What a pool tells of itself."""

from __future__ import annotations

import asyncio

import pytest

from proxystore.database import Database
from proxystore.settings.pool import PoolSettings
from proxystore.settings.url import DatabaseURL
from tests.database.library import SET_COUNTER, count, library


async def test_connections_are_counted(database_url: str) -> None:
    async with library(database_url, pool=PoolSettings(max_size=3)) as database:
        async with database.transaction() as transaction:
            await transaction.execute(SET_COUNTER, counter="n", new_value=1)
            held = database.stats()
        given_back = database.stats()

    assert (held.max, held.in_use, held.waits) == (3, 1, 0)
    assert (given_back.in_use, given_back.idle) == (0, given_back.open)
    assert given_back.open >= 1


async def test_who_waits_for_a_connection_is_counted(database_url: str) -> None:
    async with library(database_url, pool=PoolSettings(max_size=1)) as database:
        before = database.stats().waits
        async with database.transaction() as transaction:
            waiting = asyncio.create_task(count(database))
            await asyncio.sleep(0.02)
            await transaction.execute(SET_COUNTER, counter="n", new_value=1)
        assert await waiting == 1
        stats = database.stats()

    assert (before, stats.waits) == (0, 1)
    assert stats.wait_ms >= 15


async def test_a_connection_that_was_given_up_is_not_counted_as_in_use(database_url: str) -> None:
    async with library(database_url, pool=PoolSettings(max_size=1)) as database:
        for _ in range(3):
            begun = asyncio.Event()
            task = asyncio.create_task(_hold(database, begun))
            await begun.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await database.errands.settle(5)
        assert await count(database) == 0

        assert database.stats().waits == 0


async def _hold(database: Database, begun: asyncio.Event) -> None:
    async with database.transaction() as transaction:
        await transaction.execute(SET_COUNTER, counter="n", new_value=1)
        begun.set()
        await asyncio.Event().wait()


async def test_a_closed_database_has_nothing_open(database_url: str) -> None:
    stats = Database(DatabaseURL.parse(database_url)).stats()

    assert (stats.open, stats.in_use, stats.idle, stats.waits, stats.wait_ms) == (0, 0, 0, 0, 0)
