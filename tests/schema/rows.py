"""Rows that fit a table, whatever it is."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import BigInteger, Integer, LargeBinary, SmallInteger, Table, Text, bindparam, insert
from sqlalchemy.types import TypeEngine

from proxystore.database import Database, Statement
from proxystore.schema.types import Id, Json, Moment

_VALUES: dict[type[TypeEngine[Any]], Callable[[], Any]] = {
    BigInteger: lambda: 1,
    Id: uuid4,
    Integer: lambda: 1,
    Json: dict,
    LargeBinary: lambda: b"bytes",
    Moment: lambda: datetime(2026, 11, 21, tzinfo=UTC),
    SmallInteger: lambda: 1,
    Text: lambda: "text",
}


def row(table: Table, **given: object) -> dict[str, object]:
    """Return the least that *table* takes, and *given*."""
    needed = [column for column in table.columns if not column.nullable and column.server_default is None]
    return {column.name: _VALUES[type(column.type)]() for column in needed} | given


async def add(database: Database, table: Table, values: dict[str, object]) -> None:
    """Insert one row."""
    await database.execute(Statement(insert(table).values({name: bindparam(name) for name in values})), **values)
