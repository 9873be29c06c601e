"""What a process hears of changes made elsewhere, and what it may use while it hears nothing."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import statistics
import time
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import func, literal_column, select, text

from proxystore.changes import Follower
from proxystore.changes import following as module
from proxystore.database import Database, Query
from proxystore.errors import StoreUnavailable
from proxystore.settings import Settings
from proxystore.settings.pool import PoolSettings
from proxystore.settings.url import DatabaseURL
from tests.changes.log import change, forget, set_generation
from tests.faults.network import cable

_LISTENING = text("datname = current_database() AND query LIKE 'LISTEN%' AND pid <> pg_backend_pid()")
LISTENERS: Query[int] = Query(
    select(literal_column("pid").label("pid")).select_from(text("pg_stat_activity")).where(_LISTENING), lambda pid: pid
)
KILL_LISTENERS = Query(
    select(func.pg_terminate_backend(literal_column("pid")).label("is_dead"))
    .select_from(text("pg_stat_activity"))
    .where(_LISTENING),
    lambda is_dead: is_dead,
)


class Clock:
    """The machine's, with an offset."""

    def __init__(self) -> None:
        self.offset = 0.0

    def __call__(self) -> float:
        return time.monotonic() + self.offset


class Heard(list[str | None]):
    """What a follower has told, and an event for whoever waits for that."""

    def __init__(self, follower: Follower, aggregate: str = "api_key") -> None:
        super().__init__()
        self.anything = asyncio.Event()
        follower.subscribe(aggregate, self._hear)

    def _hear(self, aggregate_id: str | None) -> None:
        self.append(aggregate_id)
        self.anything.set()

    def forget(self) -> None:
        self.clear()
        self.anything.clear()


@pytest.fixture(name="database")
def _database(migrated_url: str) -> Database:
    return Database(DatabaseURL.parse(migrated_url), pool=PoolSettings(max_size=4))


@contextlib.asynccontextmanager
async def following(follower: Follower) -> AsyncIterator[Follower]:
    await follower.open()
    try:
        yield follower
    finally:
        await follower.close()


@contextlib.asynccontextmanager
async def quiet(monkeypatch: pytest.MonkeyPatch, follower: Follower) -> AsyncIterator[Follower]:
    """As above, but asking only when told to."""
    monkeypatch.setattr(module, "_EVERY", 3600)
    async with following(follower):
        yield follower


async def test_changed_ids_are_told_in_order(database, monkeypatch):
    follower = Follower(database)
    keys, projects = Heard(follower), Heard(follower, "project")
    async with database, quiet(monkeypatch, follower):
        keys.forget()
        projects.forget()
        last = await change(database, ("api_key", "key_1"), ("project", "proj_1"), ("api_key", "key_2"), ("model", "x"))
        await follower.poll()

        assert keys == ["key_1", "key_2"]
        assert projects == ["proj_1"]
        assert follower.generation == last == 4


async def test_nothing_is_told_where_nothing_changed(database, monkeypatch):
    follower = Follower(database)
    keys = Heard(follower)
    async with database:
        await change(database, ("api_key", "key_1"))
        async with quiet(monkeypatch, follower):
            assert keys == [None], "what was remembered before is forgotten"
            before = follower.confirmed
            await follower.poll()

            assert keys == [None]
            assert follower.generation == 1
            assert follower.confirmed > before


async def test_a_gap_means_everything(database, monkeypatch):
    follower = Follower(database)
    keys = Heard(follower)
    async with database, quiet(monkeypatch, follower):
        keys.forget()
        await change(database, ("api_key", "key_1"))
        await change(database, ("api_key", "key_2"))
        await forget(database, 1)
        await follower.poll()

        assert keys == [None]
        assert follower.generation == 2


async def test_a_log_that_was_emptied_means_everything(database, monkeypatch):
    follower = Follower(database)
    keys = Heard(follower)
    async with database, quiet(monkeypatch, follower):
        keys.forget()
        await change(database, ("api_key", "key_1"))
        await forget(database, 1)
        await follower.poll()

        assert keys == [None]


async def test_many_changes_mean_everything(database, monkeypatch):
    monkeypatch.setattr(module, "_MOST", 3)
    follower = Follower(database)
    keys = Heard(follower)
    async with database, quiet(monkeypatch, follower):
        keys.forget()
        last = await change(database, *(("api_key", f"key_{number}") for number in range(5)))
        await follower.poll()
        assert keys == [None]
        assert follower.generation == last

        await change(database, ("api_key", "key_9"))
        await follower.poll()
        assert keys == [None, "key_9"]


async def test_a_database_gone_back_in_time_means_everything(database, monkeypatch):
    follower = Follower(database)
    keys = Heard(follower)
    async with database:
        await change(database, ("api_key", "key_1"), ("api_key", "key_2"))
        async with quiet(monkeypatch, follower):
            keys.forget()
            await set_generation(database, 1)
            await follower.poll()

            assert keys == [None]
            assert follower.generation == 1


async def test_a_subscriber_that_fails_does_not_stop_the_others(database, monkeypatch, caplog):
    follower = Follower(database)
    follower.subscribe("api_key", lambda _: 1 / 0)
    keys = Heard(follower)
    async with database, quiet(monkeypatch, follower):
        await change(database, ("api_key", "key_1"))
        await follower.poll()

        assert keys == [None, "key_1"]
    assert "a change of api_key could not be followed" in caplog.text


async def test_changes_are_heard_without_being_asked_for(database):
    follower = Follower(database)
    keys = Heard(follower)
    async with database, following(follower):
        keys.forget()
        before = time.monotonic()
        await change(database, ("api_key", "key_1"), is_told=False)
        await asyncio.wait_for(keys.anything.wait(), 1)

        assert keys == ["key_1"]
        assert time.monotonic() - before < 0.75


async def test_what_is_remembered_is_fresh_for_three_quarters_of_a_second(database, monkeypatch):
    clock = Clock()
    follower = Follower(database, clock=clock)
    async with database, quiet(monkeypatch, follower):
        assert follower.is_fresh
        clock.offset += 0.76
        assert not follower.is_fresh


async def test_a_paused_loop_asks_before_it_uses_what_it_remembers(database):
    follower = Follower(database)
    keys = Heard(follower)
    async with database, following(follower):
        await change(database, ("api_key", "key_1"), is_told=False)
        keys.forget()
        time.sleep(0.8)  # noqa: ASYNC251 - the loop stands still, that is the point
        assert not follower.is_fresh
        await follower.fresh()

        assert follower.is_fresh
        assert keys == ["key_1"]


async def test_asking_while_a_question_is_under_way_asks_again(database, monkeypatch):
    follower = Follower(database)
    keys = Heard(follower)
    async with database, quiet(monkeypatch, follower):
        keys.forget()
        under_way = asyncio.create_task(follower.poll())
        await asyncio.sleep(0)
        await change(database, ("api_key", "key_1"))
        follower.wake()
        await follower.poll()
        await under_way

        assert keys == ["key_1"]


async def test_fork_before_opening_and_opening_twice(database, monkeypatch):
    follower = Follower(database)
    keys = Heard(follower)
    async with database:
        for _ in range(2):
            async with quiet(monkeypatch, follower):
                pass
        await follower.close()

        assert keys == [None, None]


async def test_a_closed_follower_asks_no_more(database):
    follower = Follower(database)
    async with database:
        async with following(follower):
            pass
        before = follower.confirmed
        await follower.poll()
        follower.wake()

        assert follower.confirmed == before


# -- a database that is away ----------------------------------------------------------------------------------------


@pytest.fixture(name="settings")
def _settings(create_database, postgres_template) -> Settings:
    return Settings(database_url=create_database(postgres_template))


def _open(settings: Settings) -> Database:
    return Database(settings.url, pool=PoolSettings(max_size=4))


async def test_what_is_remembered_is_used_until_nobody_has_answered_for_too_long(settings, monkeypatch, caplog):
    caplog.set_level(logging.WARNING)
    clock = Clock()
    async with cable(settings) as (wire, through), _open(through) as database:
        follower = Follower(database, stale_if_error=60, clock=clock)
        keys = Heard(follower)
        async with quiet(monkeypatch, follower):
            keys.forget()
            wire.cut()
            clock.offset += 59
            await follower.fresh()  # does not raise
            assert follower.is_away
            clock.offset += 2
            with pytest.raises(StoreUnavailable):
                await follower.fresh()

            wire.mend()
            await follower.poll()
            assert follower.is_fresh
            assert not follower.is_away
            assert keys == [None], "it may be another database"
    assert "does not tell" in caplog.text
    assert "tells again" in caplog.text


async def test_nothing_stale_is_used_where_that_was_asked_for(settings, monkeypatch):
    clock = Clock()
    async with cable(settings) as (wire, through), _open(through) as database:
        follower = Follower(database, stale_if_error=0, clock=clock)
        async with quiet(monkeypatch, follower):
            wire.cut()
            clock.offset += 1
            with pytest.raises(StoreUnavailable):
                await follower.fresh()


async def test_a_frozen_database_holds_up_the_first_request_alone(settings, monkeypatch):
    clock = Clock()
    async with cable(settings) as (wire, through), _open(through) as database:
        follower = Follower(database, stale_if_error=60, clock=clock)
        async with quiet(monkeypatch, follower):
            wire.block()
            clock.offset += 2
            before = time.monotonic()
            await follower.fresh()
            assert time.monotonic() - before < 0.5

            await follower.poll()  # which gives up
            assert follower.is_away
            before = time.monotonic()
            await follower.fresh()
            assert time.monotonic() - before < 0.05

            wire.mend()
            await follower.poll()
            assert not follower.is_away


# -- notifications --------------------------------------------------------------------------------------------------


async def _listening(follower: Follower) -> None:
    async with asyncio.timeout(5):
        while not follower.is_listening:
            await asyncio.sleep(0.01)


async def test_a_notification_is_heard_at_once(settings):
    async with _open(settings) as database, following(Follower(database)) as follower:
        await _listening(follower)
        keys, delays = Heard(follower), []
        for number in range(5):
            keys.forget()
            await asyncio.sleep(0.03)  # not just before the next question
            before = time.monotonic()
            await change(database, ("api_key", f"key_{number}"))
            await asyncio.wait_for(keys.anything.wait(), 1)
            delays.append(time.monotonic() - before)

        assert statistics.median(delays) < 0.1, delays  # to be asked again takes 0.25


async def test_a_killed_listener_is_replaced_and_missed_nothing(settings):
    async with _open(settings) as database, following(Follower(database)) as follower:
        await _listening(follower)
        keys, first = Heard(follower), await database.fetch_all(LISTENERS)
        killed = await database.fetch_all(KILL_LISTENERS)
        await change(database, ("api_key", "key_1"))
        await asyncio.wait_for(keys.anything.wait(), 1)

        assert killed == [True]
        assert keys == ["key_1"]
        async with asyncio.timeout(5):
            while (await database.fetch_all(LISTENERS)) in ([], first):
                await asyncio.sleep(0.01)
        await _listening(follower)


async def test_a_listener_that_hears_nothing_is_replaced(settings, monkeypatch):
    """As behind a pooler that gives the listening connection's server to somebody else."""
    from proxystore.database import listening

    monkeypatch.setattr(listening, "_TRIED_EVERY", 0.05)
    monkeypatch.setattr(listening, "_HEARD_WITHIN", 0.05)
    async with _open(settings) as database, following(Follower(database)) as follower:
        await _listening(follower)
        listener = follower._listener
        first, listener._own = listener._own, "somebody_else"  # notified from now on, and listened to by nobody
        async with asyncio.timeout(5):
            while follower.is_listening:
                await asyncio.sleep(0.01)
        await _listening(follower)

        assert first != listener._own
