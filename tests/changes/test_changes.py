"""Mutations: numbered in the order of their commits, without gaps, and told of when they have happened."""

# ruff: noqa: PT012 - it is the end of a mutation that raises
from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest
from sqlalchemy import bindparam, delete, insert, select

from proxystore.changes import Change, Changes, Touched
from proxystore.changes.following import CHANNEL
from proxystore.database import Database, Query, Statement
from proxystore.errors import Conflict
from proxystore.schema.changes import changes as log
from proxystore.schema.settings import settings
from proxystore.settings.pool import PoolSettings
from proxystore.settings.url import DatabaseURL
from tests.database.steps import cancelled_at

_LOG = Query(
    select(log.c.generation, log.c.aggregate, log.c.aggregate_id).order_by(log.c.generation),
    lambda generation, aggregate, aggregate_id: (generation, aggregate, aggregate_id),
)
_PUT = Statement(insert(settings).values(name=bindparam("name"), value="", updated_at=bindparam("updated_at")))
_DROP = Statement(delete(settings).where(settings.c.name == bindparam("name_")))


@asynccontextmanager
async def _opened(url: str) -> AsyncIterator[Database]:
    async with Database(DatabaseURL.parse(url), pool=PoolSettings(max_size=4)) as database:
        yield database


async def _touch(database: Database, *identities: str | None) -> None:
    async with Changes(database).begin("api_key", action="key.update", actor="test") as change:
        for identity in identities:
            change.touched(identity)


async def test_every_touch_is_numbered(migrated_url: str) -> None:
    async with _opened(migrated_url) as database:
        await _touch(database, "key_1", "key_2")
        await _touch(database, None)

        assert await database.fetch_all(_LOG) == [
            (1, "api_key", "key_1"),
            (2, "api_key", "key_2"),
            (3, "api_key", None),
        ]
        assert await Changes(database).generation() == 3


async def test_what_touches_nothing_has_no_number(migrated_url: str) -> None:
    async with _opened(migrated_url) as database:
        async with Changes(database).begin("api_key", action="key.revoke", actor=None) as change:
            change.noted("key_1", reason="revoked already")

        assert await database.fetch_all(_LOG) == []


async def test_what_fails_has_no_number(migrated_url: str) -> None:
    async with _opened(migrated_url) as database:
        with pytest.raises(ZeroDivisionError):
            async with Changes(database).begin("api_key", action="key.update", actor=None) as change:
                change.touched("key_1")
                raise ZeroDivisionError
        await _touch(database, "key_2")

        assert await database.fetch_all(_LOG) == [(1, "api_key", "key_2")]


async def test_many_writers_leave_no_gap_and_no_double(migrated_url: str) -> None:
    async with _opened(migrated_url) as one, _opened(migrated_url) as other:
        await asyncio.gather(*(_touch((one, other)[number % 2], f"key_{number}") for number in range(40)))
        found = await one.fetch_all(_LOG)

    assert [generation for generation, *_ in found] == list(range(1, 41))
    assert {identity for *_, identity in found} == {f"key_{number}" for number in range(40)}


async def test_who_reads_while_others_write_never_sees_a_gap(migrated_url: str) -> None:
    """As a follower does: what it has seen is all there was, so that nothing before it can turn up later."""
    async with _opened(migrated_url) as writers, _opened(migrated_url) as reader:
        writing = asyncio.gather(*(_touch(writers, f"key_{number}", None) for number in range(30)))
        while not writing.done():
            seen = [generation for generation, *_ in await reader.fetch_all(_LOG)]
            assert seen == list(range(1, len(seen) + 1))
        await writing


@pytest.mark.parametrize("step", range(0, 12, 2))
async def test_a_mutation_that_is_cancelled_leaves_no_gap(migrated_url: str, step: int) -> None:
    async with _opened(migrated_url) as database:
        await cancelled_at(step, _touch(database, "key_1"))
        await _touch(database, "key_2")
        found = await database.fetch_all(_LOG)

    assert [generation for generation, *_ in found] == list(range(1, len(found) + 1))
    assert found[-1][2] == "key_2"


async def test_a_witness_is_told_last_and_its_error_undoes_everything(migrated_url: str) -> None:
    told: list[tuple[str, str | None, list[Touched]]] = []

    async def witness(change: Change) -> None:
        told.append((change.action, change.actor, list(change.items)))
        if change.actor == "nobody":
            raise Conflict

    async with _opened(migrated_url) as database:
        changes = Changes(database)
        changes.witness = witness
        async with changes.begin("api_key", action="key.create", actor="somebody") as change:
            change.touched("key_1", name="search")
            change.touched("proj_1", aggregate="project")
        with pytest.raises(Conflict):
            async with changes.begin("api_key", action="key.create", actor="nobody") as change:
                change.touched("key_2")

        assert told[0] == (
            "key.create",
            "somebody",
            [
                Touched("api_key", "key_1", is_changed=True, details={"name": "search"}),
                Touched("project", "proj_1", is_changed=True, details={}),
            ],
        )
        assert [identity for *_, identity in await database.fetch_all(_LOG)] == ["key_1", "proj_1"]


async def test_listeners_are_told_when_it_is_committed_and_not_before(migrated_url: str, database_kind: str) -> None:
    if database_kind == "sqlite":
        return
    heard: asyncio.Queue[str] = asyncio.Queue()
    listener = await asyncpg.connect(migrated_url)
    try:
        await listener.add_listener(CHANNEL, lambda *told: heard.put_nowait(told[3]))
        async with _opened(migrated_url) as database:
            with pytest.raises(ZeroDivisionError):
                async with Changes(database).begin("project", action="project.update", actor=None) as change:
                    change.touched("proj_1")
                    raise ZeroDivisionError
            await _touch(database, "key_1")
            async with asyncio.timeout(5):
                assert await heard.get() == "1"
            assert heard.empty()
    finally:
        await listener.close()


async def test_what_nobody_asks_for_any_more_is_forgotten(migrated_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("proxystore.changes.changes._KEPT", 10)
    async with _opened(migrated_url) as database:
        await _touch(database, *map(str, range(1_500)))
        await _touch(database, *map(str, range(600)))
        found = await database.fetch_all(_LOG)

    assert [generation for generation, *_ in found] == list(range(1_501 - 10 + 1, 2_101))
