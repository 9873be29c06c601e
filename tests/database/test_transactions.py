"""Transactions: all or nothing, and no connection lost whatever happens to them."""

# ruff: noqa: PT012 - it is the end of a transaction that raises
from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select

from proxystore.database import Database, Query
from proxystore.errors import Conflict, NotFound, ReferenceViolation, StoreClosed, StoreError
from proxystore.settings.pool import PoolSettings
from tests.database.library import (
    ADD_BOOK,
    ADD_COUNTER,
    FIND_BOOK,
    READ_COUNTER,
    SET_COUNTER,
    Counter,
    book,
    count,
    counters,
    is_idle,
    library,
)
from tests.database.steps import cancelled_at

SMALL = PoolSettings(max_size=2, min_size=0)


LOCK_COUNTER = Query(select(counters).where(counters.c.name == "n").with_for_update(), Counter)


async def _add(database: Database, step: int = 1) -> None:
    async with database.transaction() as transaction:
        counter = await transaction.fetch_one(LOCK_COUNTER)
        assert counter is not None
        await transaction.execute(SET_COUNTER, counter="n", new_value=counter.value + step)


async def test_all_of_it_happens(database_url: str) -> None:
    async with library(database_url) as database:
        await _add(database, 2)
        await _add(database, 3)

        assert await count(database) == 5


@pytest.mark.parametrize("error", [NotFound("nothing there"), ZeroDivisionError("a mistake")], ids=repr)
async def test_none_of_it_happens_when_an_error_leaves_it(database_url: str, error: Exception) -> None:
    async with library(database_url, pool=SMALL) as database:
        for _ in range(SMALL.max_size + 1):
            with pytest.raises(type(error)):
                async with database.transaction() as transaction:
                    await transaction.execute(SET_COUNTER, counter="n", new_value=9)
                    raise error

        assert await count(database) == 0
        assert await is_idle(database)


async def test_a_failure_that_was_swallowed_is_raised_at_the_end(database_url: str) -> None:
    async with library(database_url) as database:
        with pytest.raises(Conflict):
            async with database.transaction() as transaction:
                await transaction.execute(SET_COUNTER, counter="n", new_value=9)
                with pytest.raises(Conflict):
                    await transaction.execute(ADD_COUNTER, name="n", value=1)
                with pytest.raises(StoreError, match="can only be undone"):
                    await transaction.fetch_one(READ_COUNTER, counter="n")

        assert await count(database) == 0
        assert await is_idle(database)


async def test_a_transaction_that_is_over_does_nothing_more(database_url: str) -> None:
    async with library(database_url) as database:
        async with database.transaction() as transaction:
            pass

        with pytest.raises(StoreClosed, match="over"):
            await transaction.execute(SET_COUNTER, counter="n", new_value=9)


async def test_reading_and_writing_in_many_tasks_loses_nothing(database_url: str) -> None:
    async def work(database: Database) -> None:
        for _ in range(10):
            await _add(database)

    async with library(database_url) as database:
        await asyncio.gather(*(work(database) for _ in range(8)))

        assert await count(database) == 80
        assert await is_idle(database)


async def test_several_tasks_may_share_a_transaction(database_url: str) -> None:
    async with library(database_url) as database:
        async with database.transaction() as transaction:
            await asyncio.gather(*(transaction.execute(ADD_COUNTER, name=str(n), value=n) for n in range(5)))
            found = await asyncio.gather(*(transaction.fetch_one(READ_COUNTER, counter=str(n)) for n in range(5)))

        assert [counter.value for counter in found if counter is not None] == [0, 1, 2, 3, 4]


async def test_a_commit_that_fails_undoes_all_and_keeps_the_connection(database_url: str) -> None:
    async with library(database_url, pool=SMALL) as database:
        for _ in range(SMALL.max_size + 1):
            with pytest.raises(ReferenceViolation):  # the foreign key is deferred: only COMMIT finds out
                async with database.transaction() as transaction:
                    await transaction.execute(SET_COUNTER, counter="n", new_value=9)
                    await transaction.execute(ADD_BOOK, **book(author_id=uuid4()))

        assert await count(database) == 0
        assert await is_idle(database)
        assert database._library is not None
        assert database._library.pool.get_size() == 1


async def test_three_hundred_cancelled_transactions_lose_no_connection(database_url: str) -> None:
    is_inside = asyncio.Event()

    async def linger(database: Database) -> None:
        async with database.transaction() as transaction:
            await transaction.execute(SET_COUNTER, counter="n", new_value=9)
            is_inside.set()
            await asyncio.Event().wait()

    async with library(database_url, pool=PoolSettings(max_size=5)) as database:
        for _ in range(60):
            is_inside.clear()
            tasks = [asyncio.create_task(linger(database)) for _ in range(5)]
            await is_inside.wait()
            for task in tasks:  # one is inside, the others are on their way
                task.cancel()
            await asyncio.wait(tasks)

        assert all(task.cancelled() for task in tasks)
        assert await count(database) == 0
        assert await is_idle(database)
        await _add(database)


async def _read(database: Database) -> None:
    await count(database)


async def _write(database: Database) -> None:
    await database.execute(SET_COUNTER, counter="n", new_value=0)


async def _transact(database: Database) -> None:
    async with database.transaction() as transaction:
        await transaction.fetch_one(READ_COUNTER, counter="n")
        await transaction.execute(SET_COUNTER, counter="n", new_value=0)
        await transaction.execute_many(SET_COUNTER, [{"counter": "n", "new_value": 0}])


@pytest.mark.parametrize("work", [_read, _write, _transact])
@pytest.mark.parametrize("is_fresh", [False, True], ids=["kept connection", "new connection"])
async def test_cancelled_at_any_await_it_loses_no_connection(
    database_url: str, work: Callable[[Database], Coroutine[Any, Any, None]], is_fresh: bool
) -> None:
    pool = PoolSettings(max_size=1, min_size=0, max_lifetime=1e-9 if is_fresh else 3600)

    async with library(database_url, pool=pool) as database:
        step = 1
        while await cancelled_at(step, work(database)):
            step += 1
            assert await is_idle(database), f"after step {step - 1}"

        assert step > 2
        await _add(database)


async def test_a_cancelled_statement_in_a_transaction_undoes_it(database_url: str) -> None:
    async with library(database_url, pool=SMALL) as database:
        with pytest.raises(StoreError, match="cancelled"):
            async with database.transaction() as transaction:
                await transaction.execute(SET_COUNTER, counter="n", new_value=9)
                task = asyncio.create_task(transaction.execute(SET_COUNTER, counter="n", new_value=10))
                await asyncio.sleep(0)
                task.cancel()
                await asyncio.wait((task,))

        assert await count(database) == 0
        assert await is_idle(database)


async def test_a_pool_that_is_used_up_makes_others_wait(database_url: str) -> None:
    async with library(database_url, pool=PoolSettings(max_size=2)) as database:
        assert await asyncio.gather(*(count(database) for _ in range(50))) == [0] * 50
        assert database._library is not None
        assert database._library.pool.get_size() <= 2


async def test_what_it_wrote_is_seen_by_nobody_else_before_its_end(database_url: str) -> None:
    values = book()

    async with library(database_url) as database:
        async with database.transaction() as transaction:
            await transaction.execute(ADD_BOOK, **values)
            assert await transaction.fetch_one(FIND_BOOK, book_id=values["id"]) is not None
            assert await database.fetch_one(FIND_BOOK, book_id=values["id"]) is None

        assert await database.fetch_one(FIND_BOOK, book_id=values["id"]) is not None
