"""Connections to PostgreSQL: dead ones, frozen servers, lifetimes, encryption."""

# ruff: noqa: PT012 - it is the end of a transaction that raises
from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlalchemy import column, func, select, text

from proxystore.database import Database, Query, Statement
from proxystore.errors import StoreTimeout, StoreUnavailable
from proxystore.settings.pool import PoolSettings
from proxystore.settings.url import DatabaseURL
from proxystore.testing.postgres import own_server
from tests.database.library import SET_COUNTER, count, is_idle, library, until

ME = Query(select(func.pg_backend_pid().label("process")), dict[str, int])
MY_NAME = Query(select(func.current_setting("application_name").label("name")), dict[str, str])
SLEEP: Query[dict[str, Any]] = Query(select(func.pg_sleep(5)), dict)
KILL_OTHERS = Statement(
    select(func.pg_terminate_backend(column("pid")))
    .select_from(text("pg_stat_activity"))
    .where(text("datname = current_database() AND pid <> pg_backend_pid()"))
)


async def _process(database: Database) -> int:
    found = await database.fetch_one(ME)
    assert found is not None
    return found["process"]


async def _until_healthy(database: Database) -> None:
    async with asyncio.timeout(20):
        while not (await database.health()).is_reachable:
            pass


async def _kill_connections_of(database: Database, url: str) -> None:
    async with Database(DatabaseURL.parse(url)) as other:
        await other.execute(KILL_OTHERS)
    assert database.is_open


async def test_reads_survive_the_death_of_every_connection(postgres_url: str) -> None:
    async with library(postgres_url, pool=PoolSettings(max_size=4)) as database:
        await asyncio.gather(*(database.fetch_one(ME) for _ in range(4)))
        await _kill_connections_of(database, postgres_url)

        assert await asyncio.gather(*(count(database) for _ in range(8))) == [0] * 8
        assert await is_idle(database)


async def test_a_transaction_whose_connection_dies_says_so_and_the_next_one_lives(postgres_url: str) -> None:
    async with library(postgres_url) as database:
        with pytest.raises(StoreUnavailable):
            async with database.transaction() as transaction:
                await transaction.execute(SET_COUNTER, counter="n", new_value=9)
                await _kill_connections_of(database, postgres_url)
                await transaction.execute(SET_COUNTER, counter="n", new_value=10)
        async with database.transaction() as transaction:
            await transaction.execute(SET_COUNTER, counter="n", new_value=1)

        assert await count(database) == 1
        assert await is_idle(database)


async def test_a_commit_whose_connection_died_says_so(postgres_url: str) -> None:
    async with library(postgres_url) as database:
        with pytest.raises(StoreUnavailable):
            async with database.transaction() as transaction:
                await transaction.execute(SET_COUNTER, counter="n", new_value=9)
                await _kill_connections_of(database, postgres_url)

        assert await count(database) == 0


async def test_an_idle_connection_is_tried_before_it_is_used(postgres_url: str) -> None:
    async with library(postgres_url, pool=PoolSettings(max_size=1, health_check=1e-6)) as database:
        await _kill_connections_of(database, postgres_url)

        assert await database.execute(SET_COUNTER, counter="n", new_value=1) == 1  # writes are never tried twice


async def test_connections_are_kept_until_they_are_too_old(postgres_url: str) -> None:
    async with library(postgres_url, pool=PoolSettings(max_size=3)) as database:
        assert len({await _process(database) for _ in range(5)}) == 1
    async with Database(DatabaseURL.parse(postgres_url), pool=PoolSettings(max_lifetime=1e-6)) as database:
        assert len({await _process(database) for _ in range(5)}) == 5


async def test_connections_that_are_idle_for_long_are_closed(postgres_url: str) -> None:
    pool = PoolSettings(max_size=3, min_size=0, max_idle_time=0.05)

    async with library(postgres_url, pool=pool) as database:
        await asyncio.gather(*(count(database) for _ in range(3)))
        assert database._library is not None
        await until(lambda: database._library.pool.get_size() == 0)  # type: ignore[union-attr]

        assert await count(database) == 0


async def test_few_connections_are_opened_at_the_start(postgres_url: str) -> None:
    async with Database(DatabaseURL.parse(postgres_url)) as database:
        assert database._library is not None
        assert database._library.pool.get_size() == 1


@pytest.mark.parametrize(("option", "expected"), [("", "proxystore"), ("?application_name=my+proxy", "my proxy")])
async def test_the_server_sees_our_name(postgres_url: str, option: str, expected: str) -> None:
    async with Database(DatabaseURL.parse(postgres_url + option)) as database:
        assert await database.fetch_one(MY_NAME) == {"name": expected}


@pytest.mark.parametrize("mode", ["require", "verify-ca", "verify-full"])
async def test_without_encryption_a_server_is_refused_where_it_is_asked_for(postgres_url: str, mode: str) -> None:
    with pytest.raises(StoreUnavailable, match=r"(?i)ssl"):
        await Database(DatabaseURL.parse(f"{postgres_url}?sslmode={mode}")).open()


@pytest.mark.parametrize("mode", ["disable", "allow", "prefer"])
async def test_without_encryption_a_server_is_good_enough_elsewhere(postgres_url: str, mode: str) -> None:
    async with Database(DatabaseURL.parse(f"{postgres_url}?sslmode={mode}")) as database:
        assert (await database.health()).is_reachable


async def test_a_call_that_takes_too_long_ends_and_its_connection_with_it(postgres_url: str) -> None:
    async with library(postgres_url, deadline=0.3) as database:
        with pytest.raises(StoreTimeout):
            await database.fetch_one(SLEEP)
        with pytest.raises(StoreTimeout):
            async with database.transaction() as transaction:
                await transaction.execute(SET_COUNTER, counter="n", new_value=9)
                await transaction.fetch_one(SLEEP)

        assert await is_idle(database)


async def test_calls_to_a_frozen_server_end_and_work_again_when_it_thaws() -> None:
    with own_server() as postgres:
        async with library(postgres.url, pool=PoolSettings(max_size=3), deadline=0.4) as database:
            await asyncio.gather(*(count(database) for _ in range(3)))
            postgres.freeze()
            async with asyncio.timeout(20):  # plain databases would wait for ever
                calls = [count(database), *(database.execute(SET_COUNTER, counter="n", new_value=5) for _ in range(5))]
                answers = await asyncio.gather(*calls, return_exceptions=True)
                health = await database.health()
            postgres.thaw()
            await _until_healthy(database)

            assert all(isinstance(answer, (StoreTimeout, StoreUnavailable)) for answer in answers)
            assert not health.is_reachable
            assert await count(database) in {0, 5}  # what timed out may have been done
            assert await is_idle(database)


async def test_a_transaction_on_a_frozen_server_ends_at_any_of_its_steps() -> None:
    with own_server() as postgres:
        async with library(postgres.url, deadline=0.4) as database, asyncio.timeout(20):
            for freeze_before_commit in (False, True):
                with pytest.raises(StoreTimeout):
                    async with database.transaction() as transaction:
                        if not freeze_before_commit:
                            postgres.freeze()
                        await transaction.execute(SET_COUNTER, counter="n", new_value=9)
                        postgres.freeze()
                postgres.thaw()
                await _until_healthy(database)

            assert await is_idle(database)
        async with asyncio.timeout(20):
            await database.open()
            postgres.freeze()
            await database.close()
