"""A small library of books: tables, statements and an open database to test with."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID, uuid4

import msgspec
from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    bindparam,
    insert,
    select,
    update,
)
from sqlalchemy.schema import CreateSchema, CreateTable

from proxystore.database import Database, Query, Statement
from proxystore.schema.types import Code, Id, Json, Moment
from proxystore.settings.url import DatabaseURL

metadata = MetaData()
authors = Table(
    "authors", metadata, Column("id", Id, primary_key=True), Column("name", Text, nullable=False, unique=True)
)
books = Table(
    "books",
    metadata,
    Column("id", Id, primary_key=True),
    # Deferred: it bites when the transaction commits.
    Column("author_id", Id, ForeignKey("authors.id", ondelete="RESTRICT", deferrable=True, initially="DEFERRED")),
    Column("title", Text, nullable=False),
    Column("pages", Integer, CheckConstraint("pages >= 0")),
    Column("edition", SmallInteger),
    Column("sold", BigInteger),
    Column("is_read", Boolean),
    Column("written_at", Moment),
    Column("notes", Json),
    Column("kind", Code(("novel", "poem"))),
    Column("digest", LargeBinary),
)
counters = Table(
    "counters", metadata, Column("name", Text, primary_key=True), Column("value", BigInteger, nullable=False)
)


class Book(msgspec.Struct, frozen=True, kw_only=True):
    """A row of ``books``."""

    id: UUID
    author_id: UUID | None
    title: str
    pages: int | None
    edition: int | None
    sold: int | None
    is_read: bool | None
    written_at: datetime | None
    notes: Any
    kind: str | None
    digest: bytes | None


class Counter(msgspec.Struct, frozen=True):
    """A row of ``counters``."""

    name: str
    value: int


ADD_AUTHOR: Final = Statement(insert(authors))
ADD_BOOK: Final = Statement(insert(books))
FIND_BOOK: Final = Query(select(books).where(books.c.id == bindparam("book_id")), Book)
ADD_COUNTER: Final = Statement(insert(counters))
READ_COUNTER: Final = Query(select(counters).where(counters.c.name == bindparam("counter")), Counter)
SET_COUNTER: Final = Statement(
    update(counters).where(counters.c.name == bindparam("counter")).values(value=bindparam("new_value"))
)


def book(**values: Any) -> dict[str, Any]:
    """Return a value for each column of a book."""
    nothing = dict.fromkeys((column.name for column in books.columns), None)
    return {**nothing, "id": uuid4(), "title": "Emma", "written_at": datetime(1815, 12, 23, tzinfo=UTC), **values}


@asynccontextmanager
async def library(url: str | DatabaseURL, **options: Any) -> AsyncIterator[Database]:
    """Open the database at *url*, with the tables in it and a counter ``n`` at 0."""
    parsed = DatabaseURL.parse(url) if isinstance(url, str) else url
    async with Database(parsed, **options) as database:
        await create_tables(database)
        yield database


async def create_tables(database: Database) -> None:
    """Make the tables, and a counter ``n`` at 0."""
    async with database.transaction() as transaction:
        if database.dialect == "postgresql":
            await transaction.execute(Statement(CreateSchema(database.schema)))
        for table in metadata.sorted_tables:
            await transaction.execute(Statement(CreateTable(table)))
        await transaction.execute(ADD_COUNTER, name="n", value=0)


async def count(database: Database) -> int:
    """Return the value of the counter."""
    counter = await database.fetch_one(READ_COUNTER, counter="n")
    assert counter is not None
    return counter.value


async def is_idle(database: Database) -> bool:
    """Return whether, all errands done, no connection is in use."""
    await database.errands.settle(5)
    pool = database._library.pool  # type: ignore[union-attr]
    return bool(pool.get_size() == pool.get_idle_size())


async def until(is_so: Callable[[], bool]) -> None:
    """Wait for what nobody tells of."""
    async with asyncio.timeout(5):
        while not is_so():
            await asyncio.sleep(0.01)
