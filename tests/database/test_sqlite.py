"""SQLite: who waits for whom, what connections begin with, and databases in memory."""

from __future__ import annotations

import asyncio
import multiprocessing
import sqlite3
import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import literal_column, select, text

from proxystore.database import Database, Query
from proxystore.database.sqlite_pool import Sync
from proxystore.errors import SettingsError, StoreBusy, StoreTimeout, StoreUnavailable
from proxystore.locking import HostLock
from proxystore.settings.pool import PoolSettings
from proxystore.settings.url import DatabaseURL
from tests.database.library import ADD_COUNTER, READ_COUNTER, SET_COUNTER, Counter, count, create_tables, library, until


def _file(url: str) -> Path:
    path = DatabaseURL.parse(url).path
    assert path is not None
    return path


def _pragma(name: str) -> Query[dict[str, object]]:
    return Query(select(literal_column(name)).select_from(text(f"pragma_{name}")), dict)


@pytest.mark.parametrize(("sync", "synchronous"), [("later", 1), ("after", 1), ("within", 2)])
async def test_every_connection_begins_with_our_settings(sqlite_url: str, sync: Sync, synchronous: int) -> None:
    async with library(sqlite_url, sync=sync, pool=PoolSettings(max_lifetime=1e-9)) as database:
        for name, expected in {"journal_mode": "wal", "foreign_keys": 1, "synchronous": synchronous}.items():
            found = await database.fetch_one(_pragma(name))
            assert found is not None
            assert list(found.values()) == [expected]


async def test_directories_are_made_for_the_owner_alone(tmp_path: Path) -> None:
    async with Database(DatabaseURL.parse(f"sqlite:///{tmp_path}/a/b/proxystore.db")):
        assert {(tmp_path / place).stat().st_mode & 0o777 for place in ("a", "a/b")} == {0o700}


async def test_reads_wait_for_no_writer(sqlite_url: str) -> None:
    async with library(sqlite_url) as database, library_again(sqlite_url) as other, other.transaction() as transaction:
        await transaction.execute(SET_COUNTER, counter="n", new_value=9)

        assert await asyncio.gather(*(count(database) for _ in range(20))) == [0] * 20


async def test_who_finds_the_file_locked_hears_that_it_is_busy_and_opens_it_later(sqlite_url: str) -> None:
    async with library(sqlite_url):
        pass
    database = library_again(sqlite_url)
    with closing(sqlite3.connect(_file(sqlite_url), isolation_level=None)) as raw:
        raw.execute("PRAGMA locking_mode = exclusive")
        raw.execute("CREATE TABLE mine (n)")  # as a backup or a shell does, that wants nobody else there
        with pytest.raises(StoreBusy):
            await database.open()
    async with database:
        assert await count(database) == 0


def library_again(url: str) -> Database:
    """Return a second database for the same file, which gives up soon."""
    return Database(DatabaseURL.parse(url), deadline=1)


async def test_a_writer_that_waits_too_long_is_told_that_it_is_busy(sqlite_url: str) -> None:
    async with library(sqlite_url) as database, library_again(sqlite_url) as other:
        async with database.transaction():
            with pytest.raises(StoreBusy):
                await other.execute(SET_COUNTER, counter="n", new_value=9)
            with pytest.raises(StoreBusy):
                async with other.transaction():
                    pytest.fail("two writers at once")

        assert await other.execute(SET_COUNTER, counter="n", new_value=1) == 1


async def test_a_writer_who_takes_no_turn_is_waited_for_too(sqlite_url: str) -> None:
    async with library(sqlite_url) as database, library_again(sqlite_url) as other:
        with closing(sqlite3.connect(_file(sqlite_url), isolation_level=None)) as stranger:
            stranger.execute("BEGIN IMMEDIATE")
            with pytest.raises(StoreBusy):
                await other.execute(SET_COUNTER, counter="n", new_value=9)
            writing = asyncio.create_task(database.execute(SET_COUNTER, counter="n", new_value=1))
            await asyncio.sleep(0)
            stranger.execute("COMMIT")

            assert await writing == 1


async def test_a_cancelled_wait_for_the_turn_leaves_it_to_others(sqlite_url: str) -> None:
    async with library(sqlite_url) as database, library_again(sqlite_url) as other:
        async with database.transaction():
            waiting = [asyncio.create_task(other.execute(SET_COUNTER, counter="n", new_value=9)) for _ in range(3)]
            await asyncio.wait(waiting, timeout=0.05)
            for task in waiting:
                task.cancel()
            await asyncio.wait(waiting)
        assert all(task.cancelled() for task in waiting)
        assert await count(database) == 0
        assert await other.execute(SET_COUNTER, counter="n", new_value=1) == 1


def _add_in_a_process(url: str, times: int) -> None:
    async def work() -> None:
        async with Database(DatabaseURL.parse(url)) as database:
            for _ in range(times):
                async with database.transaction() as transaction:
                    counter = await transaction.fetch_one(READ_COUNTER, counter="n")
                    assert counter is not None
                    await transaction.execute(SET_COUNTER, counter="n", new_value=counter.value + 1)

    asyncio.run(work())


async def test_processes_that_read_and_write_lose_nothing(sqlite_url: str) -> None:
    context = multiprocessing.get_context("spawn")

    async with library(sqlite_url) as database:
        processes = [context.Process(target=_add_in_a_process, args=(sqlite_url, 20)) for _ in range(3)]
        for process in processes:
            process.start()
        await asyncio.to_thread(_add_in_a_process, sqlite_url, 20)
        for process in processes:
            await asyncio.to_thread(process.join, 30)

        assert [process.exitcode for process in processes] == [0, 0, 0]
        assert await count(database) == 80


async def test_connections_idle_for_long_are_closed(sqlite_url: str) -> None:
    pool = PoolSettings(max_size=3, min_size=1, max_idle_time=0.05)

    async with library(sqlite_url, pool=pool) as database:
        await asyncio.gather(*(count(database) for _ in range(9)))
        assert database._library is not None
        assert database._library.pool.get_size() == 3
        await until(lambda: database._library.pool.get_size() == 1)  # type: ignore[union-attr]


async def test_a_statement_that_takes_too_long_is_interrupted(sqlite_url: str) -> None:
    endless: Query[dict[str, Any]] = Query(
        text("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) AS m FROM n").columns(
            literal_column("m")
        ),
        dict,
    )

    async with library(sqlite_url, pool=PoolSettings(max_size=1), deadline=0.3) as database:
        with pytest.raises(StoreTimeout):
            await database.fetch_one(endless)

        assert await count(database) == 0


def test_options_in_the_url_make_no_other_file(tmp_path: Path) -> None:
    with pytest.raises(SettingsError):
        DatabaseURL.parse(f"sqlite:///{tmp_path}/x.db?timeout=1")

    assert not list(tmp_path.iterdir())


async def test_a_strange_name_is_the_name_of_the_file(tmp_path: Path) -> None:
    async with library(f"sqlite:///{tmp_path}/a%3Fmode=memory%23%25.db") as database:
        assert await count(database) == 0

    assert (tmp_path / "a?mode=memory#%.db").exists()


async def test_a_database_in_memory_is_one_for_all_connections() -> None:
    async with library("sqlite:///:memory:", pool=PoolSettings(max_size=4, min_size=0, max_lifetime=1e-9)) as database:
        assert await asyncio.gather(*(count(database) for _ in range(8))) == [0] * 8
        await asyncio.gather(*(database.execute(ADD_COUNTER, name=str(n), value=n) for n in range(8)))

        assert await database.fetch_one(READ_COUNTER, counter="7") == Counter("7", 7)


async def test_two_databases_in_memory_are_two() -> None:
    async with library("sqlite:///:memory:") as database, library("sqlite:///:memory:") as other:
        await database.execute(SET_COUNTER, counter="n", new_value=9)

        assert await count(other) == 0


async def test_a_database_in_memory_is_the_same_in_another_thread() -> None:
    url = DatabaseURL.parse("sqlite:///:memory:")

    async def write() -> None:
        async with Database(url) as other:
            for n in range(20):
                await other.execute(ADD_COUNTER, name=str(n), value=n)

    async with library(url) as database:
        thread = threading.Thread(target=asyncio.run, args=(write(),))
        thread.start()
        while thread.is_alive():
            async with database.transaction() as transaction:
                await transaction.execute(SET_COUNTER, counter="n", new_value=9)
            await count(database)
        thread.join()

        assert await database.fetch_one(READ_COUNTER, counter="19") == Counter("19", 19)


async def test_a_database_in_memory_is_gone_when_it_is_closed() -> None:
    url = DatabaseURL.parse("sqlite:///:memory:")
    async with library(url):
        pass

    async with Database(url) as database:
        await create_tables(database)


@contextmanager
def _held(path: Path) -> Iterator[None]:
    with HostLock(path):
        yield


async def test_opening_waits_for_no_writer_that_has_it_open(sqlite_url: str) -> None:
    path = _file(sqlite_url)
    async with library(sqlite_url):
        with _held(path.with_name(f"{path.name}.lock")):
            async with Database(DatabaseURL.parse(sqlite_url)) as database:
                assert await count(database) == 0


async def test_nobody_else_can_read_what_lies_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "below" / "proxystore.db"
    async with library(f"sqlite:///{path}"):
        modes = {file.name: file.stat().st_mode & 0o777 for file in path.parent.iterdir()}

    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert set(modes.values()) == {0o600}
    assert {"proxystore.db", "proxystore.db-wal"} <= modes.keys()


async def test_the_disk_is_waited_for_when_others_may_write(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    synced, lock = list[tuple[str, bool]](), HostLock(_file(sqlite_url).with_name(f"{_file(sqlite_url).name}.lock"))

    def sync(log: Path) -> None:
        synced.append((log.name, lock.try_acquire()))
        lock.release()

    async with library(sqlite_url, sync="after") as database:
        monkeypatch.setattr("proxystore.database.sqlite.sync", sync)
        await database.execute(SET_COUNTER, counter="n", new_value=1)
        async with database.transaction() as transaction:
            await transaction.execute(SET_COUNTER, counter="n", new_value=2)

        assert await count(database) == 2
    lock.close()

    assert synced == [(f"{_file(sqlite_url).name}-wal", True)] * 2


async def test_a_commit_that_the_disk_does_not_keep_is_told_of(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def sync(_log: Path) -> None:
        raise OSError(5, "Input/output error")

    async with library(sqlite_url, sync="after") as database:
        with monkeypatch.context() as patch:
            patch.setattr("proxystore.database.sqlite.sync", sync)
            with pytest.raises(StoreUnavailable):
                await database.execute(SET_COUNTER, counter="n", new_value=1)
        await database.execute(SET_COUNTER, counter="n", new_value=2)  # and nobody is kept out

        assert await count(database) == 2


@pytest.mark.parametrize("is_long", [False, True])
async def test_a_tidied_log_is_in_the_file(sqlite_url: str, monkeypatch: pytest.MonkeyPatch, is_long: bool) -> None:
    monkeypatch.setattr("proxystore.database.sqlite._LONG", 0 if is_long else 1_500)
    async with library(sqlite_url) as database:
        await database.execute(SET_COUNTER, counter="n", new_value=7)
        copy = _file(sqlite_url).with_name("copy.db")
        _copy(_file(sqlite_url), copy)
        with closing(sqlite3.connect(copy)) as before:
            assert not before.execute("SELECT name FROM sqlite_master").fetchall()

        await database.tidy()

        _copy(_file(sqlite_url), copy)
        with closing(sqlite3.connect(copy)) as after:
            assert after.execute("SELECT value FROM counters").fetchall() == [(7,)]


def _copy(file: Path, copy: Path) -> None:
    subprocess.run(["cp", file, copy], check=True)  # else to close it would be to let go of SQLite's locks
