"""Opening, closing, and ending without having closed."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from proxystore.database import Database
from proxystore.errors import StoreClosed
from proxystore.settings.url import DatabaseURL
from tests.database.library import SET_COUNTER, count, library

PREAMBLE = """
import asyncio, sys
from sqlalchemy import func, literal_column, select, text
from proxystore.database import Database, Query
from proxystore.settings.url import DatabaseURL

URL = DatabaseURL.parse(sys.argv[1])
ONE = Query(select(literal_column("1").label("one")), dict)
LONG = Query(
    select(func.pg_sleep(30)) if URL.dialect == "postgresql"
    else text("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 2000000000) SELECT max(i) FROM n"),
    dict,
)
"""
LEFT_OPEN = """
async def main():
    database = Database(URL)
    await database.open()
    assert await database.fetch_one(ONE) == {"one": 1}
    async with database.transaction() as transaction:
        await transaction.fetch_one(ONE)
    globals()["kept"] = database

asyncio.run(main())
print("done", flush=True)
"""
IN_A_TRANSACTION = """
async def main():
    database = Database(URL)
    await database.open()
    async with database.transaction() as transaction:
        print("ready", flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""
IN_A_STATEMENT = """
async def main():
    database = Database(URL, deadline=60)
    await database.open()
    asyncio.get_running_loop().call_later(0.2, lambda: print("ready", flush=True))
    await database.fetch_all(LONG)

asyncio.run(main())
"""


@contextmanager
def _running(script: str, url: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", PREAMBLE + script, url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def test_a_process_that_never_closes_its_database_exits(database_url: str) -> None:
    with _running(LEFT_OPEN, database_url) as process:
        said, complained = process.communicate(timeout=20)

    assert (said, complained, process.returncode) == ("done\n", "", 0)


@pytest.mark.parametrize("script", [IN_A_TRANSACTION, IN_A_STATEMENT], ids=["transaction", "statement"])
def test_a_process_exits_on_control_c(database_url: str, script: str) -> None:
    with _running(script, database_url) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"

        process.send_signal(signal.SIGINT)
        _, complained = process.communicate(timeout=20)

    assert process.returncode != 0
    assert complained.rstrip().endswith("KeyboardInterrupt")
    assert "Exception in thread" not in complained
    assert "never" not in complained


async def test_opening_and_closing_twice_is_harmless(database_url: str) -> None:
    database = Database(DatabaseURL.parse(database_url))
    assert not database.is_open

    for _ in range(2):
        await database.open()
        await database.open()
        assert database.is_open
        assert (await database.health()).is_reachable
        await database.close()
        await database.close()
        assert not database.is_open


async def test_closing_waits_for_what_is_under_way(database_url: str) -> None:
    async with library(database_url) as database:
        writing = asyncio.create_task(database.execute(SET_COUNTER, counter="n", new_value=3))
        await asyncio.sleep(0)
        await database.close()

        assert await writing == 1
        await database.open()
        assert await count(database) == 3


def test_in_another_event_loop_it_is_refused_while_the_first_runs_and_opened_anew_after(database_url: str) -> None:
    database = Database(DatabaseURL.parse(database_url))

    async def use_elsewhere() -> None:
        await database.open()
        await asyncio.to_thread(asyncio.run, refuse())
        await database.close()

    async def refuse() -> None:
        with pytest.raises(StoreClosed, match="another event loop"):
            await database.open()
        health = await database.health()
        assert health.error is not None
        assert "another event loop" in health.error

    async def reuse() -> None:
        async with database:
            assert (await database.health()).is_reachable

    asyncio.run(use_elsewhere())
    asyncio.run(reuse())


@pytest.mark.parametrize("is_cancelled", [True, False], ids=["cancelled", "with the loop"])
def test_an_opening_that_is_broken_off_leaves_nothing_open_when_its_loop_ends(
    sqlite_url: str, *, is_cancelled: bool
) -> None:
    async def leave(database: Database, steps: int) -> None:
        opening = asyncio.create_task(database.open())
        for _ in range(steps):
            await asyncio.sleep(0)
        if opening.done():  # in time, on some machines
            await database.close()
        elif is_cancelled:
            opening.cancel()
            await asyncio.wait({opening})

    databases = [Database(DatabaseURL.parse(sqlite_url)) for _ in range(12)]  # kept: the garbage collector closes none
    before = asyncio.run(_held())
    for steps, database in enumerate(databases):
        asyncio.run(leave(database, steps))

    asyncio.run(_until_held(before))


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")  # that fork and threads do not mix is the point
def test_an_exit_within_a_transaction_leaves_nothing_open(database_url: str) -> None:
    async def leave() -> None:
        database = Database(DatabaseURL.parse(database_url))
        await database.open()
        async with database.transaction():
            raise SystemExit

    before = threading.active_count()
    with pytest.raises(SystemExit):
        asyncio.run(leave())

    gc.collect()  # an open connection would say so now
    assert threading.active_count() <= before  # an earlier test may have left one that was about to end


async def test_after_a_fork_it_has_to_be_opened_again(database_url: str, tmp_path: Path) -> None:
    answer = tmp_path / "answer"

    async with library(database_url) as database:
        await database.execute(SET_COUNTER, counter="n", new_value=7)
        child = os.fork()
        if child == 0:
            _in_the_child(database, answer)
        await asyncio.to_thread(os.waitpid, child, 0)

        assert answer.read_text() == "False, forked, 7"
        assert await count(database) == 7


def _in_the_child(database: Database, answer: Path) -> None:
    async def use() -> str:
        before = f"{database.is_open}, {'forked' if 'forked' in str((await database.health()).error) else 'not told'}"
        async with database:
            return f"{before}, {await count(database)}"

    try:
        asyncio._set_running_loop(None)
        loop = asyncio.new_event_loop()
        answer.write_text(loop.run_until_complete(use()))
    finally:
        os._exit(0)


async def _held() -> int:
    gc.collect()
    return len(list(Path("/proc/self/fd").iterdir())) + threading.active_count()


async def _until_held(most: int) -> None:
    async with asyncio.timeout(5):
        while await _held() > most:
            await asyncio.sleep(0.01)
