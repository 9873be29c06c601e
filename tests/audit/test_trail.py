"""Audit entries of requests: on the disk at once, in the chain soon, once, whatever dies in between."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

from pydantic import SecretStr
from sqlalchemy import update

from proxystore import Store
from proxystore.database import Statement
from proxystore.ledger import inspect
from proxystore.schema.ledger import ledger_segments
from proxystore.settings import Settings
from tests import born
from tests.audit.world import append, entry, tamper, verdict
from tests.ledger.world import entry as usage_entry

_CHILD = """
import asyncio, sys
from pathlib import Path
from proxystore import Settings, Store
from tests.audit.world import entry

async def main():
    store = Store(settings=Settings.load(database_url=sys.argv[1], data_dir=Path(sys.argv[2]), plugins=()))
    await store.open()
    ledger, number = store.ledger, 0
    while True:
        for _ in range(20):
            ledger.trail.note(entry(number, actor=sys.argv[3]))
            number += 1
        print(number, flush=True)
        await asyncio.sleep(0.001)

asyncio.run(main())
"""


async def _events(settings: Settings) -> list[tuple[str | None, int]]:
    async with Store(settings=settings) as store:
        assert await store.ledger.drain(20)
        found = [event async for event in store.audit.events()]
        assert (await store.audit.verify()).is_sound
    return [(event.actor, (event.metadata or {})["number"]) for event in found]


async def test_what_was_noted_is_in_the_chain_soon(settings: Settings) -> None:
    async with Store(settings=settings) as store:
        for number in range(1_000):
            assert store.ledger.trail.note(entry(number)) is not None
        assert await store.ledger.drain(10)
        status = store.ledger.trail.status()

    assert (status.recorded, status.replayed, status.lost, status.is_writable) == (1_000, 0, 0, True)
    assert [number for _, number in await _events(settings)] == list(range(1_000))


async def test_a_store_that_notes_nothing_has_no_journal_for_it(settings: Settings) -> None:
    async with Store(settings=settings) as store:
        assert await store.ledger.drain(5)
        assert store.ledger.trail.status().is_writable

    assert not list(settings.data_dir.glob("journal/*/audit"))


async def test_one_waits_for_the_commit_where_it_matters(settings: Settings) -> None:
    async with Store(settings=settings) as store:
        assert await store.ledger.trail.commit(entry(7), deadline=5)
        assert [event.key_id for event in await store.audit.list(limit=5)] == ["key_1"]


async def test_a_commit_that_does_not_come_is_not_waited_for_any_longer(settings: Settings) -> None:
    async with Store(settings=settings) as store:
        await tamper(settings, "ALTER TABLE audit_head RENAME TO away")  # as good as a database that does not answer

        assert not await store.ledger.trail.commit(entry(7), deadline=0.2)
        assert store.ledger.trail.status().late_commits == 1

        await tamper(settings, "ALTER TABLE away RENAME TO audit_head")
        assert await store.ledger.drain(10)
        assert len(await store.audit.list(limit=5)) == 1


async def test_usage_does_not_wait_for_the_audit_trail(settings: Settings) -> None:
    from tests.ledger.world import entry as usage

    async with Store(settings=settings) as store:
        await tamper(settings, "ALTER TABLE audit_head RENAME TO away")
        store.ledger.trail.note(entry())
        store.ledger.append(usage())

        async with asyncio.timeout(10):
            while not store.ledger.status().recorded:
                await asyncio.sleep(0.01)
        assert not await store.ledger.drain(0.05)
        await tamper(settings, "ALTER TABLE away RENAME TO audit_head")


async def test_a_segment_that_is_read_again_adds_nothing(settings: Settings, tmp_path: Path) -> None:
    async with Store(settings=settings) as store:
        for number in range(20):
            store.ledger.trail.note(entry(number))
        (segment,) = settings.data_dir.glob("journal/*/audit/*.seg")
        kept = shutil.copy(segment, tmp_path / segment.name)

    segment.unlink(missing_ok=True)
    shutil.copy(kept, segment)
    assert len(await _events(settings)) == 20

    await tamper(settings, f"DELETE FROM ledger_segments WHERE segment_id = {_literal(segment, settings)}")
    assert len(await _events(settings)) == 20  # the ids alone tell


def _literal(segment: Path, settings: Settings) -> str:
    name = segment.stem.partition("-")[2]
    return f"x'{name.replace('-', '')}'" if settings.url.dialect == "sqlite" else f"'{name}'"


async def test_what_cannot_be_read_becomes_a_dead_letter(settings: Settings) -> None:
    from proxystore.ledger.frames import Kind, framed

    async with Store(settings=settings) as store:
        store.ledger.trail.note(entry(1))
        assert store.ledger.trail._journal is not None
        store.ledger.trail._journal.note(framed(Kind.AUDIT, b"{}"))
        store.ledger.trail.note(entry(2))
        await store.ledger.drain(10)
        status = store.ledger.trail.status()

    assert (status.recorded, status.dead_lettered) == (2, 1)
    assert [number for _, number in await _events(settings)] == [1, 2]


async def test_an_odd_entry_is_made_to_fit(settings: Settings) -> None:
    async with Store(settings=settings) as store:
        store.ledger.trail.note(entry(user_agent="\ud800", path="/" + "x" * 100_000))
        store.ledger.trail.note(entry(metadata={"text": "x" * 100_000}))
        assert await store.ledger.drain(10)
        newer, older = await store.audit.list(limit=5)

    assert (older.user_agent, len(older.path or "")) == ("?", 2_000)
    assert newer.metadata == {"left_out": ["text"]}


async def test_processes_that_are_killed_lose_nothing_and_double_nothing(settings: Settings) -> None:
    """Three write and drain; each is killed at some moment, its writer in the middle of a batch or not."""
    told: dict[str, int] = {}
    names = ["one", "two", "three"]
    children = [_started(settings.database_url, str(settings.data_dir), name) for name in names]
    for name, child in zip(names, children, strict=True):
        assert child.stdout is not None
        for line in child.stdout:
            told[name] = int(line)
            if told[name] >= 300:
                break
    for child in children:
        os.kill(child.pid, signal.SIGKILL)
    for name, child in zip(names, children, strict=True):
        told[name] = max([told[name], *map(int, child.communicate()[0].split())])

    found = await _events(settings)

    assert len(set(found)) == len(found)
    for name, least in told.items():
        numbers = [number for actor, number in found if actor == name]
        assert numbers == list(range(len(numbers)))
        assert len(numbers) >= least


def _started(*arguments: str) -> subprocess.Popen[bytes]:
    return born.Popen([sys.executable, "-c", _CHILD, *arguments], stdout=subprocess.PIPE)


async def test_two_hosts_make_one_chain(settings: Settings, tmp_path: Path) -> None:
    """Two data directories share a database and a key; management writes as well."""
    settings = settings.model_copy(update={"audit_key": SecretStr("a key that both of the hosts have")})
    other = settings.model_copy(update={"data_dir": tmp_path / "other"})
    async with Store(settings=settings) as one, Store(settings=other) as two:
        for number in range(200):
            one.ledger.trail.note(entry(number, actor="one"))
            two.ledger.trail.note(entry(number, actor="two"))
            if number % 20 == 0:
                await one.audit.record("key.create", metadata={"number": number})
        await asyncio.gather(append(settings, *(entry(n, actor="three") for n in range(50)), at_once=5))
        assert all(await asyncio.gather(one.ledger.drain(20), two.ledger.drain(20)))

    found = await verdict(settings)
    assert (found.is_sound, found.verified) == (True, 460)


async def test_what_waits_in_the_journal_can_be_seen_without_a_server(settings: Settings) -> None:
    async with Store(settings=settings) as store:
        await tamper(settings, "ALTER TABLE audit_head RENAME TO away")
        for number in range(3):
            store.ledger.trail.note(entry(number))
        waiting = await inspect(settings)
        await tamper(settings, "ALTER TABLE away RENAME TO audit_head")
        assert await store.ledger.drain(10)
        done = await inspect(settings)

    assert (waiting.audit_pending, waiting.pending, waiting.audit_lost) == (3, 0, 0)
    assert done.audit_pending == 0


async def test_a_journal_that_somebody_had_skipped_is_read_again(settings: Settings) -> None:
    async with Store(settings=settings) as store:
        for number in (1, 2):
            store.ledger.trail.note(entry(number))
            store.ledger.record(usage_entry())
            if number == 1:
                assert await store.ledger.drain(10)
                await store.database.execute(Statement(update(ledger_segments).values(acked=2**62)))
        async with asyncio.timeout(10):
            while (
                len(noted := await store.audit.list(limit=9, action="request")) < 2
                or not (told := await store.audit.list(limit=9, action="audit.tampered"))
                or len(await store.usage.list(limit=9)) < 2
            ):
                await asyncio.sleep(0.01)
        assert await store.ledger.drain(10)
        used = await store.usage.total()

    assert used.requests == 2
    assert [(event.metadata or {})["number"] for event in noted] == [2, 1]
    assert {event.reason for event in told} == {"journal_skipped"}
