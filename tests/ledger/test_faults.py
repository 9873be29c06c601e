from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit, urlunsplit

import asyncpg
from sqlalchemy import text

from proxystore.database import Statement
from proxystore.ledger import DeadLetters, Ledger
from proxystore.settings import Settings
from tests.ledger.world import database, entry, totals


@asynccontextmanager
async def _away(settings: Settings) -> AsyncIterator[None]:
    """Take the database away: on SQLite another process has it locked, on PostgreSQL it throws everybody out."""
    if settings.url.path is not None:
        locker = sqlite3.connect(settings.url.path, isolation_level=None)
        locker.execute("BEGIN EXCLUSIVE")
        yield
        locker.execute("ROLLBACK")
        locker.close()
        return
    parts = urlsplit(settings.database_url)
    name = parts.path.removeprefix("/")
    server = await asyncpg.connect(urlunsplit(parts._replace(path="/postgres")))
    await server.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
    await server.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", name)
    yield
    await server.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
    await server.close()


async def _refuse(settings: Settings, tokens: int) -> None:
    """Make the database refuse events with so many input tokens."""
    if settings.url.dialect == "sqlite":
        refusal = (
            f"CREATE TRIGGER refusal BEFORE INSERT ON usage_events WHEN NEW.input_tokens = {tokens} "
            "BEGIN SELECT RAISE(ABORT, 'no'); END"
        )
    else:
        refusal = f"ALTER TABLE {settings.database_schema}.usage_events ADD CHECK (input_tokens <> {tokens})"
    async with database(settings) as opened:
        await opened.execute(Statement(text(refusal)))


async def test_while_the_database_is_away_entries_wait_and_then_count(settings: Settings) -> None:
    ledger = Ledger(settings)
    await ledger.open()
    ledger.append(entry())
    assert await ledger.drain(10)
    async with _away(settings):
        for _ in range(50):
            ledger.append(entry())
        assert not await ledger.drain(0.3)
        assert ledger.is_writable
    assert await ledger.drain(20)
    await ledger.close()
    assert (await totals(settings))["requests"] == 51


async def test_what_cannot_be_drained_is_drained_by_the_next_start(settings: Settings) -> None:
    ledger = Ledger(settings.model_copy(update={"shutdown_grace": 0.5}))
    await ledger.open()
    async with _away(settings):
        for _ in range(30):
            ledger.append(entry())
        async with asyncio.timeout(5):  # and not as long as a locked database takes to say so
            await ledger.close()
    again = Ledger(settings)
    await again.open()
    assert await again.drain(10)
    await again.close()
    assert (await totals(settings))["requests"] == 30


async def test_a_poison_entry_is_set_aside_and_the_rest_counts(settings: Settings) -> None:
    await _refuse(settings, 666)
    ledger = Ledger(settings)
    await ledger.open()
    for number in range(100):
        ledger.append(entry(input_tokens=666 if number in (13, 57) else 1))
    assert await ledger.drain(10)
    assert ledger.status().dead_lettered == 2
    await ledger.close()
    assert (await totals(settings))["input_tokens"] == 98
    async with database(settings) as opened:
        letters = await DeadLetters(opened).list(limit=10)
    assert [(letter.kind, '"input_tokens":666' in letter.entry) for letter in letters] == [("event", True)] * 2


async def test_bytes_that_make_no_sense_are_set_aside_and_the_rest_counts(settings: Settings) -> None:
    ledger = Ledger(settings)
    await ledger.open()
    ledger.append(entry(latency_ms="long"))
    ledger.append(entry())
    assert await ledger.drain(10)
    assert ledger.status().dead_lettered == 1
    await ledger.close()
    assert (await totals(settings))["requests"] == 1


async def test_an_entry_that_is_no_json_is_lost_without_an_exception(settings: Settings) -> None:
    ledger = Ledger(settings)
    await ledger.open()
    ledger.append(entry(key_id=object()))
    assert ledger.status().lost == 1
    ledger.append(entry())
    await ledger.close()
    assert (await totals(settings))["requests"] == 1


async def test_in_memory_the_journal_is_temporary() -> None:
    from proxystore.store import Store

    async with Store("sqlite:///:memory:") as store:
        store.ledger.append(entry())
        directory = store.ledger._temporary
        assert directory is not None
        assert directory.exists()
        assert await store.ledger.drain(10)
        assert len(await store.usage.list(limit=10)) == 1
    assert not directory.exists()
