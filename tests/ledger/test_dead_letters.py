from __future__ import annotations

import asyncio
from uuid import uuid4

from sqlalchemy import text
from typer.testing import CliRunner

from proxystore import AuditEvent, Store
from proxystore.cli.building import build
from proxystore.database import Database, Statement
from proxystore.ledger import DeadLetters, Ledger, UsageEntry
from proxystore.settings import Settings
from tests.ledger.world import database, entry, totals

_REFUSED = 666


async def _refuse(settings: Settings) -> None:
    if settings.url.dialect == "sqlite":
        refusal = (
            f"CREATE TRIGGER refusal BEFORE INSERT ON usage_events WHEN NEW.input_tokens = {_REFUSED} "
            "BEGIN SELECT RAISE(ABORT, 'no'); END"
        )
    else:
        refusal = f"ALTER TABLE {_events(settings)} ADD CONSTRAINT refusal CHECK (input_tokens <> {_REFUSED})"
    async with database(settings) as opened:
        await opened.execute(Statement(text(refusal)))


async def _relent(opened: Database, settings: Settings) -> None:
    is_sqlite = settings.url.dialect == "sqlite"
    relief = "DROP TRIGGER refusal" if is_sqlite else f"ALTER TABLE {_events(settings)} DROP CONSTRAINT refusal"
    await opened.execute(Statement(text(relief)))


def _events(settings: Settings) -> str:
    return f"{settings.database_schema}.usage_events"


async def _write(settings: Settings, *entries: UsageEntry) -> None:
    ledger = Ledger(settings)
    await ledger.open()
    for one in entries:
        ledger.append(one)
    assert await ledger.drain(10)
    await ledger.close()


async def test_what_the_database_refuses_becomes_a_letter_that_says_why(settings: Settings) -> None:
    await _refuse(settings)
    refused = entry(input_tokens=_REFUSED)
    await _write(settings, entry(), refused, entry())
    async with database(settings) as opened:
        (letter,) = await DeadLetters(opened).list(limit=10)
    assert (letter.event_id, letter.kind) == (refused.event_id, "event")
    assert letter.reason
    assert (await totals(settings))["requests"] == 2


async def test_a_letter_is_counted_once_however_often_it_is_tried(settings: Settings) -> None:
    await _refuse(settings)
    await _write(settings, entry(input_tokens=_REFUSED), entry(input_tokens=_REFUSED))
    async with database(settings) as opened:
        letters = DeadLetters(opened)
        counted, refusals = await letters.retry()
        assert (counted, len(refusals), await letters.count()) == (0, 2, 2)
        await _relent(opened, settings)
        (first, _) = await letters.list(limit=2)
        assert await letters.retry([first.event_id, first.event_id]) == (1, [])
        assert await letters.retry() == (1, [])
        assert await letters.retry() == (0, [])
    assert (await totals(settings))["input_tokens"] == 2 * _REFUSED


async def test_what_makes_no_sense_stays_a_letter_until_it_is_dropped(settings: Settings) -> None:
    await _write(settings, entry(latency_ms="long"), entry())
    async with database(settings) as opened:
        letters = DeadLetters(opened)
        counted, refusals = await letters.retry()
        assert (counted, len(refusals)) == (0, 1)
        assert await letters.drop([uuid4()]) == 0
        assert await letters.drop() == 1
        assert await letters.count() == 0


def test_throwing_letters_away_is_an_event_of_the_audit_trail(settings: Settings) -> None:
    given = Settings.load(environ={}, database_url=settings.database_url, data_dir=settings.data_dir)
    asyncio.run(_write(settings, entry(latency_ms="long")))
    result = CliRunner().invoke(build(given, "ledger"), ["ledger", "dead-letters", "drop", "--yes"])
    assert result.stdout == "dropped 1\n"

    async def dropped() -> list[AuditEvent]:
        async with Store(settings=given) as store:
            return await store.audit.list(limit=10, action="ledger.drop")

    (event,) = asyncio.run(dropped())
    assert event.metadata == {"letters": 1}
    assert (event.actor or "").startswith("cli:")


async def test_an_event_that_was_counted_otherwise_is_not_counted_again(settings: Settings) -> None:
    await _refuse(settings)
    refused = entry(input_tokens=_REFUSED)
    await _write(settings, refused)
    async with database(settings) as opened:
        await _relent(opened, settings)
        await _write(settings, refused)
        assert await DeadLetters(opened).retry() == (0, [])
        assert await DeadLetters(opened).count() == 0
    assert (await totals(settings))["requests"] == 1
