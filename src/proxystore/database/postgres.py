"""PostgreSQL behind ``databases``: its backend, given connections that know their age."""

from __future__ import annotations

from collections.abc import Sequence
from time import monotonic
from typing import Any

import asyncpg
from asyncpg.pool import PoolConnectionProxy
from asyncpg.transaction import Transaction
from databases.backends.postgres import PostgresBackend as LibraryBackend
from databases.backends.postgres import PostgresConnection as LibraryConnection
from typing_extensions import override

from proxystore.database.session import Arguments, Rows


class Kept(asyncpg.Connection):  # type: ignore[misc]
    """A connection that knows its age and leaves nothing behind in its session."""

    __slots__ = ("opened_at",)

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.opened_at = monotonic()

    @override
    def get_reset_query(self) -> str:
        # We set nothing, listen to nothing and hold no session lock: nothing to reset, one round trip less.
        return ""


class PostgresBackend(LibraryBackend):  # type: ignore[misc]
    """The library's own, with sessions of ours."""

    def __init__(self, database_url: object, *, max_lifetime: float, **options: Any) -> None:
        super().__init__(database_url, connection_class=Kept, **options)
        self.max_lifetime = max_lifetime

    @override
    def connection(self) -> PostgresSession:
        return PostgresSession(self, self._dialect)

    @property
    def pool(self) -> Any:
        return self._pool


class PostgresSession(LibraryConnection):  # type: ignore[misc]
    """A connection in the hands of one task."""

    _database: PostgresBackend
    _connection: PoolConnectionProxy | None
    _transaction: Transaction | None = None

    @override
    async def acquire(self) -> None:
        await super().acquire()

    @override
    async def release(self) -> None:
        if 0 < self._database.max_lifetime < monotonic() - self.raw_connection.opened_at:
            self.drop()
        else:
            await super().release()

    def drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None and connection._con is not None:
            connection.terminate()

    async def begin(self, deadline: float) -> None:
        self._transaction = self.raw_connection.transaction()
        await self._transaction.start()

    async def commit(self) -> None:
        transaction, self._transaction = self._transaction, None
        if transaction is not None:
            await transaction.commit()

    async def rollback(self) -> None:
        transaction, self._transaction = self._transaction, None
        if transaction is not None:
            await transaction.rollback()

    async def fetch(self, sql: str, arguments: Arguments) -> Rows:
        return await self.raw_connection.fetch(sql, *arguments)  # type: ignore[no-any-return]

    async def execute(self, sql: str, arguments: Arguments) -> int:  # type: ignore[override]
        return _count(await self.raw_connection.execute(sql, *arguments))

    async def execute_many(self, sql: str, rows: Sequence[Arguments]) -> int:  # type: ignore[override]
        return len(await self.raw_connection.fetchmany(sql, rows))

    async def version(self) -> str:
        version = self.raw_connection.get_server_version()
        return f"{version.major}.{version.minor}"


def _count(status: str) -> int:
    # "INSERT 0 3", "UPDATE 3", "CREATE TABLE"
    last = status.rpartition(" ")[2]
    return int(last) if last.isdigit() else 0
