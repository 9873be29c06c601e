"""Upgrade, downgrade, status and check: what `proxystore db` does, and what a program can do as well."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlalchemy import Connection

from proxystore.migrating import sqlite, transactions
from proxystore.migrating.comparing import differences
from proxystore.migrating.histories import BUILT_IN, Migrations, in_order
from proxystore.migrating.scripts import Scripts
from proxystore.records.migration import Revision
from proxystore.schema import metadata
from proxystore.settings.url import DatabaseURL

LOCK_TIMEOUT: Final = 60.0
"""Seconds to wait for another process that is migrating the same database."""


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
        sqlite.check_is_ours(connection)
        return [step for history in in_order(migrations) for step in Scripts(history).upgrade(connection, metadata)]

    return await transactions.write(database_url, schema, work, timeout=timeout)


async def downgrade(
    database_url: DatabaseURL,
    *,
    schema: str,
    history: Migrations = BUILT_IN,
    to: str | None = None,
    timeout: float = LOCK_TIMEOUT,
) -> list[Revision]:
    """Undo the newest revision of *history*, or every one after *to*; return them, newest first.

    What a revision created goes with all that was written there; *to* is ``base`` for going back to nothing.

    Raises:
        SchemaError: *to* is not applied here, or as for :func:`upgrade`.
        StoreBusy: Another process was migrating for *timeout* seconds.
        StoreUnavailable: The database cannot be reached.
    """

    def work(connection: Connection) -> list[Revision]:
        sqlite.check_is_ours(connection)
        return Scripts(history).downgrade(connection, metadata, to)

    return await transactions.write(database_url, schema, work, timeout=timeout)


async def status(database_url: DatabaseURL, *, schema: str, migrations: Sequence[Migrations] = ()) -> list[Revision]:
    """Return every revision of every history, oldest first, with the time it was applied; change nothing.

    Raises:
        StoreUnavailable: The database cannot be reached.
    """

    def work(connection: Connection) -> list[Revision]:
        return [step for history in in_order(migrations) for step in Scripts(history).status(connection)]

    return await transactions.read(database_url, schema, work, timeout=LOCK_TIMEOUT)


async def check(
    database_url: DatabaseURL, *, schema: str, migrations: Sequence[Migrations] = (), timeout: float = LOCK_TIMEOUT
) -> list[str]:
    """Return what is wrong with the schema, a line each: revisions missing or unknown, tables that somebody changed.

    Raises:
        SchemaError: The database is not ours.
        StoreBusy: Another process held it for *timeout* seconds.
        StoreUnavailable: The database cannot be reached.
    """

    def work(connection: Connection) -> list[str]:
        sqlite.check_is_ours(connection)
        histories = [Scripts(history) for history in in_order(migrations)]
        wrong = [line for history in histories for line in history.wrong(connection)]
        return wrong or differences(connection, metadata)

    return await transactions.read(database_url, schema, work, timeout=timeout)
