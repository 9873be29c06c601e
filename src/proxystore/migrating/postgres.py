"""One transaction on PostgreSQL, in our own schema, under a lock that ends with the transaction."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final, TypeVar

import asyncpg
from sqlalchemy import Connection, func, quoted_name, select, true
from sqlalchemy.engine.interfaces import Dialect
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool
from sqlalchemy.schema import CreateSchema

from proxystore.database.library import server_address
from proxystore.settings.url import DatabaseURL

R = TypeVar("R")

CONNECT_TIMEOUT: Final = 10.0
"""Seconds to wait for a server to let us in."""
TABLE_TIMEOUT: Final = 5.0
"""Seconds to wait for a table: whoever comes after us to that table waits too, running proxies among them."""


def write(url: DatabaseURL, schema: str, work: Callable[[Connection], R], *, timeout: float) -> R:
    """Run *work* in one transaction with our schema made and chosen, while nobody else migrates that schema."""

    def locked(connection: Connection) -> R:
        _set(connection, lock_timeout=f"{timeout:.0f}s", statement_timeout="0")
        connection.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"migrating {schema}", 0))))
        _set(connection, lock_timeout=f"{TABLE_TIMEOUT:.0f}s")
        _create_schema(connection, schema)
        _choose_schema(connection, schema)
        return work(connection)

    return asyncio.run(_transaction(url, locked))


def read(url: DatabaseURL, schema: str, work: Callable[[Connection], R], *, timeout: float) -> R:
    """Run *work* in one transaction with our schema chosen; one that is not there reads as empty."""

    def chosen(connection: Connection) -> R:
        _set(connection, lock_timeout=f"{timeout:.0f}s", transaction_read_only="on")
        _choose_schema(connection, schema)
        return work(connection)

    return asyncio.run(_transaction(url, chosen))


async def _transaction(url: DatabaseURL, work: Callable[[Connection], R]) -> R:
    engine = create_async_engine(
        "postgresql+asyncpg://",
        async_creator=lambda: _connect(url),
        poolclass=NullPool,
        # Unnamed statements, none remembered: behind pgbouncer a name may belong to somebody else's session.
        connect_args={"prepared_statement_cache_size": 0, "prepared_statement_name_func": str},
    )
    async with engine.begin() as connection:
        return await connection.run_sync(work)


async def _connect(url: DatabaseURL) -> Any:
    return await asyncpg.connect(**server_address(url), timeout=CONNECT_TIMEOUT, statement_cache_size=0)


def _set(connection: Connection, **values: str) -> None:
    """Set *values* until the transaction ends, so that nothing sticks to a pooled session."""
    for name, value in values.items():
        connection.execute(select(func.set_config(name, value, true())))


def _create_schema(connection: Connection, schema: str) -> None:
    # Asked first: even with IF NOT EXISTS the server wants the right to create schemas, which many roles have not.
    if not connection.dialect.has_schema(connection, schema):
        connection.execute(CreateSchema(quoted_name(schema, quote=True)))


def _choose_schema(connection: Connection, schema: str) -> None:
    # Revisions and Alembic's comparison name no schema; this is where a bare name leads.
    dialect: Dialect = connection.dialect
    _set(connection, search_path=dialect.identifier_preparer.quote_identifier(schema))
    dialect.default_schema_name = schema
