"""Upgrade, downgrade, status and check: each one transaction, in a thread of its own.

Alembic is imported by the first that is called: it takes a fifth of a second, and a start at head needs none of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from threading import Lock
from typing import TYPE_CHECKING, Final, TypeVar

from sqlalchemy import Connection

from proxystore import schema as tables
from proxystore.errors import SchemaError, StoreBusy
from proxystore.migrating.histories import BUILT_IN, Migrations
from proxystore.records.migration import Revision
from proxystore.settings.url import DatabaseURL

if TYPE_CHECKING:
    from proxystore.migrating.scripts import Scripts

R = TypeVar("R")

LOCK_TIMEOUT: Final = 60.0
"""Seconds to wait for another process that is migrating the same database."""
_ALEMBIC: Final = Lock()  # Alembic keeps the migration under way in module globals: one at a time in a process.


async def upgrade(
    database_url: DatabaseURL,
    *,
    schema: str,
    migrations: Sequence[Migrations] = (),
    timeout: float = LOCK_TIMEOUT,
) -> list[Revision]:
    """Apply every revision that is missing, ours first, then those of *migrations*; return them.

    All happens in one transaction: a process that dies in the middle leaves the schema as it was.

    Raises:
        SchemaError: The database is not ours, is at a revision this release does not know, or a revision failed.
        StoreBusy: Another process was migrating for *timeout* seconds.
        StoreUnavailable: The database cannot be reached.
    """

    def work(connection: Connection) -> list[Revision]:
        _check_is_ours(connection)
        return [step for history in _scripts(migrations) for step in history.upgrade(connection, tables.metadata)]

    return await _write(database_url, schema, work, timeout)


async def downgrade(
    database_url: DatabaseURL,
    *,
    schema: str,
    history: Migrations = BUILT_IN,
    to: str = "-1",
    timeout: float = LOCK_TIMEOUT,
) -> list[Revision]:
    """Undo the newest revision of *history*, or every one after *to*; return them, newest first.

    What a revision created goes with all that was written there.

    Raises:
        SchemaError: *to* was never applied here, or as for :func:`upgrade`.
        StoreBusy: Another process was migrating for *timeout* seconds.
        StoreUnavailable: The database cannot be reached.
    """

    def work(connection: Connection) -> list[Revision]:
        (scripts,) = _scripts((), first=history)
        return scripts.downgrade(connection, tables.metadata, to)

    return await _write(database_url, schema, work, timeout)


async def status(database_url: DatabaseURL, *, schema: str, migrations: Sequence[Migrations] = ()) -> list[Revision]:
    """Return every revision of every history, oldest first, with the time it was applied; change nothing.

    Raises:
        StoreUnavailable: The database cannot be reached.
    """

    def work(connection: Connection) -> list[Revision]:
        return [step for history in _scripts(migrations) for step in history.status(connection)]

    return await _read(database_url, schema, work)


async def check(database_url: DatabaseURL, *, schema: str, migrations: Sequence[Migrations] = ()) -> list[str]:
    """Return what is wrong with the schema, one line each: revisions missing, tables that somebody changed.

    Raises:
        StoreUnavailable: The database cannot be reached.
    """

    def work(connection: Connection) -> list[str]:
        from proxystore.migrating.scripts import differences

        steps = [step for history in _scripts(migrations) for step in history.status(connection)]
        missing = [f"revision {step.id} of {step.history} is not applied" for step in steps if step.applied_at is None]
        return missing or differences(connection, tables.metadata)

    return await _read(database_url, schema, work)


async def _write(url: DatabaseURL, schema: str, work: Callable[[Connection], R], timeout: float) -> R:
    from proxystore.migrating import postgres, sqlite

    def run() -> R:
        if url.dialect == "sqlite":
            return sqlite.write(url, work, timeout=timeout)
        return postgres.write(url, schema, work, timeout=timeout)

    return await asyncio.to_thread(_alone, run, timeout)


async def _read(url: DatabaseURL, schema: str, work: Callable[[Connection], R]) -> R:
    from proxystore.migrating import postgres, sqlite

    def run() -> R:
        if url.dialect == "sqlite":
            return sqlite.read(url, work, timeout=LOCK_TIMEOUT)
        return postgres.read(url, schema, work, timeout=LOCK_TIMEOUT)

    return await asyncio.to_thread(_alone, run, LOCK_TIMEOUT)


def _alone(run: Callable[[], R], timeout: float) -> R:
    if not _ALEMBIC.acquire(timeout=timeout):
        raise StoreBusy("another thread has been migrating for too long; try again")
    try:
        return run()
    finally:
        _ALEMBIC.release()


def _scripts(migrations: Sequence[Migrations], *, first: Migrations = BUILT_IN) -> list[Scripts]:
    from proxystore.migrating.scripts import Scripts

    return [Scripts(history) for history in (first, *migrations)]


def _check_is_ours(connection: Connection) -> None:
    """Raise if a SQLite file belongs to somebody else.

    Raises:
        SchemaError: It holds tables, and none that says how far we have come.
    """
    from proxystore.migrating.sqlite import foreign_tables

    if connection.dialect.name != "sqlite":
        return
    names = foreign_tables(connection)
    if names and BUILT_IN.version_table not in names:
        raise SchemaError(
            f"the database file holds tables of another program ({', '.join(names[:3])}{', …' if names[3:] else ''}): "
            "give proxystore a file of its own"
        )
