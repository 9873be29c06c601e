"""A process that is forked while its threads are inside SQLite: ``python forking.py DATABASE_URL CHILDREN``."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import sys
from contextlib import closing

from sqlalchemy import literal_column, select, text

from proxystore.database import Database, Query
from proxystore.settings.url import DatabaseURL

_NUMBERS = "(WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) SELECT i FROM n)"
_LONG = Query(select(literal_column("max(hex(i))").label("last")).select_from(text(_NUMBERS)), lambda last: last)


async def _work(database: Database) -> None:
    while True:
        await database.fetch_all(_LONG)


async def main(url: str, children: int) -> None:
    async with Database(DatabaseURL.parse(url)) as database:
        working = [asyncio.create_task(_work(database)) for _ in range(4)]
        for _ in range(children):
            await asyncio.sleep(0.01)
            child = os.fork()
            if child == 0:
                signal.alarm(5)  # its end, if it waits for a lock of a thread that it does not have
                with closing(sqlite3.connect(":memory:")) as own:
                    own.execute("CREATE TABLE mine (n)")
                os._exit(0)
            _, status = await asyncio.to_thread(os.waitpid, child, 0)
            assert status == 0, status
            assert not any(task.done() for task in working)
        for task in working:
            task.cancel()
        await asyncio.wait(working)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
