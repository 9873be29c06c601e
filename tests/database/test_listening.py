"""A connection that listens is let go of, whenever that is asked for."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest

from proxystore.database import Database, Listener
from proxystore.settings.url import DatabaseURL


@pytest.mark.parametrize("steps", range(1, 6))
async def test_stopped_at_any_step_of_letting_it_in_no_connection_is_left_open(postgres_url: str, steps: int) -> None:
    let_in: asyncpg.Connection = await asyncpg.connect(postgres_url)

    async def connect() -> asyncpg.Connection:
        return let_in

    async with Database(DatabaseURL.parse(postgres_url)) as database:
        waiting = asyncio.create_task(Listener(database, "changes", lambda: None)._within(5, connect()))
        for _ in range(steps):
            await asyncio.sleep(0)
        waiting.cancel()
        (kept,) = await asyncio.gather(waiting, return_exceptions=True)
        await asyncio.sleep(0)

        assert (kept is let_in) != let_in.is_closed()
        await let_in.close()
