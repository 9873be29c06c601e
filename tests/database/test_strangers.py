"""Another process comes and goes while ours has a SQLite database open more than once."""

from __future__ import annotations

import subprocess
import sys

from sqlalchemy import text

from proxystore.database import Database, Statement
from proxystore.settings import DatabaseURL

_STRANGER = (
    "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute('SELECT * FROM notes').fetchall(); c.close()"
)


async def test_a_process_that_leaves_takes_nobody_s_log_with_it(sqlite_url: str) -> None:
    url = DatabaseURL.parse(sqlite_url)
    assert url.path is not None
    async with Database(url) as first:
        await first.execute(Statement(text("CREATE TABLE notes (note TEXT)")))
        async with Database(url):
            pass
        async with Database(url):
            # It would think itself the last, check in the log and delete it, if our locks were gone: POSIX's are
            # when a process closes any file that leads to the same place.
            subprocess.run([sys.executable, "-c", _STRANGER, str(url.path)], check=True)
            assert url.path.with_name(f"{url.path.name}-wal").exists()
            await first.execute(Statement(text("INSERT INTO notes VALUES ('here')")))
