"""One transaction on SQLite that keeps every other writer out, begun before the first question is asked."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection, create_engine, event, inspect
from sqlalchemy.pool import StaticPool

from proxystore.database.sqlite_file import make_private
from proxystore.errors import SchemaError
from proxystore.migrating.histories import BUILT_IN
from proxystore.settings.url import DatabaseURL

R = TypeVar("R")


def write(url: DatabaseURL, work: Callable[[Connection], R], *, timeout: float) -> R:
    """Run *work* in one writing transaction; the file (0600) and its directory (0700) are made if need be."""
    if url.path is not None:
        make_private(url.path)
    with _transaction(_address(url, "rwc"), "BEGIN IMMEDIATE", timeout) as connection:
        result = work(connection)
        _check_references(connection)
        return result


def read(url: DatabaseURL, work: Callable[[Connection], R], *, timeout: float) -> R:
    """Run *work* on one snapshot; a file that is not there reads as an empty database, and is not made."""
    is_missing = url.path is not None and not url.path.exists()
    with _transaction(":memory:" if is_missing else _address(url, "rw"), "BEGIN", timeout) as connection:
        return work(connection)


def check_is_ours(connection: Connection) -> None:
    """Raise if this is a SQLite file of another program; on PostgreSQL our tables have a schema of their own.

    Raises:
        SchemaError: There are tables, and none that says how far we have come.
    """
    names = inspect(connection).get_table_names() if connection.dialect.name == "sqlite" else []
    if names and BUILT_IN.version_table not in names:
        raise SchemaError(
            f"the database file holds tables of another program ({', '.join(names[:3])}{', …' if names[3:] else ''}): "
            "give proxystore a file of its own"
        )


def _address(url: DatabaseURL, mode: str) -> str:
    if url.path is None:
        return f"file:/{url.name}?vfs=memdb"
    return f"{Path(url.path).absolute().as_uri()}?mode={mode}"


@contextmanager
def _transaction(address: str, begin: str, timeout: float) -> Iterator[Connection]:
    # Without an isolation level sqlite3 begins nothing by itself; by its own rules it would commit before DDL.
    raw = sqlite3.connect(address, uri=True, timeout=timeout, isolation_level=None, check_same_thread=False)
    try:
        # A table that is rebuilt is dropped for a moment, and nothing must cascade. Means nothing in a transaction.
        raw.execute("PRAGMA foreign_keys = OFF")
        engine = create_engine("sqlite://", creator=lambda: raw, poolclass=StaticPool)
        event.listen(engine, "begin", lambda connection: connection.exec_driver_sql(begin))
        with engine.begin() as connection:
            yield connection
    finally:
        raw.close()


def _check_references(connection: Connection) -> None:
    broken = sorted({str(row[0]) for row in connection.exec_driver_sql("PRAGMA foreign_key_check")})
    if broken:
        raise SchemaError(f"the migration left rows in {', '.join(broken)} that name rows which are gone")
