"""While the database is away, what requests note waits on the disk, and is in the chain once when it is back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from proxystore import Store
from proxystore.database import Database
from proxystore.settings import Settings
from tests.audit.world import entry, verdict
from tests.faults.network import cable


@pytest.fixture(name="direct")
def _direct(create_database: Callable[[str], str], postgres_template: str, tmp_path: Path) -> Settings:
    return Settings(database_url=create_database(postgres_template), data_dir=tmp_path / "data")


@pytest.mark.parametrize("fault", ["cut", "block"])
async def test_while_the_database_is_gone_or_frozen_nothing_is_lost(direct: Settings, fault: str) -> None:
    async with cable(direct) as (line, settings), Store(settings=settings) as store:
        store.ledger.trail.note(entry(0))
        assert await store.ledger.drain(10)

        getattr(line, fault)()
        for number in range(1, 50):
            assert store.ledger.trail.note(entry(number)) is not None
        assert not await store.ledger.trail.commit(entry(50), deadline=0.1)

        line.mend()
        async with asyncio.timeout(30):
            while not await store.ledger.drain(5):
                pass

    found = await verdict(direct)
    assert (found.is_sound, found.verified) == (True, 51)


async def test_while_the_database_is_locked_nothing_is_lost(settings: Settings) -> None:
    async with Store(settings=settings) as store, Database(settings.url) as other:
        async with other.transaction() as transaction:
            from proxystore.changes.chain import _END, _RESTORE

            await transaction.execute(_RESTORE)
            await transaction.fetch_one(_END)  # on PostgreSQL the chain's end alone, on SQLite all there is
            for number in range(20):
                assert store.ledger.trail.note(entry(number)) is not None
            assert not await store.ledger.trail.commit(entry(20), deadline=0.1)
        assert await store.ledger.drain(20)

    found = await verdict(settings)
    assert (found.is_sound, found.verified) == (True, 21)
