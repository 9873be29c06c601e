"""What drivers raise becomes an error of ours, the same for both databases."""

from __future__ import annotations

import logging
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import Column, Integer, MetaData, Table, bindparam, column, delete, insert, select, table

from proxystore.database import Database, Query, Statement
from proxystore.errors import (
    Conflict,
    InvalidRecord,
    ReferenceViolation,
    SchemaError,
    StoreClosed,
    StoreError,
    StoreUnavailable,
)
from proxystore.settings.url import DatabaseURL
from tests.database.library import ADD_AUTHOR, ADD_BOOK, ADD_COUNTER, authors, book, count, is_idle, library

CANARY = "canary-7f3a"
POISON: dict[str, dict[str, Any]] = {
    "nul": {"title": f"{CANARY}\x00"},
    "lone surrogate": {"title": f"{CANARY}\udc80"},
    "too large for 16 bits": {"edition": 2**15},
    "too large for 32 bits": {"pages": 2**31},
    "too large for 64 bits": {"sold": 2**63},
    "text for a number": {"pages": CANARY},
    "number for a text": {"title": 42},
    "text for bytes": {"digest": CANARY},
    "text for a moment": {"written_at": CANARY},
    "naive moment": {"written_at": datetime(2026, 1, 1)},  # noqa: DTZ001
    "text for an id": {"author_id": CANARY},
    "text for a boolean": {"is_read": CANARY},
    "unknown word": {"kind": CANARY},
    "what json cannot say": {"notes": {"object": object()}},
    "null where none may be": {"title": None},
    "refused by a check": {"pages": -1},
}


@pytest.mark.parametrize("values", POISON.values(), ids=POISON)
async def test_a_poison_value_is_an_invalid_record_and_does_no_harm(database_url: str, values: dict[str, Any]) -> None:
    async with library(database_url) as database:
        with pytest.raises(InvalidRecord) as caught:
            await database.execute(ADD_BOOK, **book(**values))
        with pytest.raises(InvalidRecord):
            async with database.transaction() as transaction:
                await transaction.execute_many(ADD_BOOK, [book(), book(**values)])

        assert CANARY not in f"{caught.value} {caught.value.__cause__!r}"
        assert await database.execute(ADD_BOOK, **book()) == 1
        assert await is_idle(database)


async def test_a_row_that_exists_is_a_conflict(database_url: str) -> None:
    async with library(database_url) as database:
        with pytest.raises(Conflict):
            await database.execute(ADD_COUNTER, name="n", value=1)
        await database.execute(ADD_AUTHOR, id=uuid4(), name=CANARY)
        with pytest.raises(Conflict) as caught:
            await database.execute(ADD_AUTHOR, id=uuid4(), name=CANARY)

        assert CANARY not in f"{caught.value} {caught.value.__cause__!r}"


async def test_foreign_keys_bite(database_url: str) -> None:
    author = uuid4()
    remove = Statement(delete(authors).where(authors.c.id == bindparam("author")))

    async with library(database_url) as database:
        with pytest.raises(ReferenceViolation):
            await database.execute(ADD_BOOK, **book(author_id=uuid4()))
        await database.execute(ADD_AUTHOR, id=author, name="Jane")
        await database.execute(ADD_BOOK, **book(author_id=author))
        with pytest.raises(ReferenceViolation):
            await database.execute(remove, author=author)

        assert await is_idle(database)


async def test_a_missing_table_or_column_says_how_to_upgrade(database_url: str) -> None:
    missing = Table("missing", MetaData(), Column("id", Integer))

    async with library(database_url) as database:
        with pytest.raises(SchemaError, match="proxystore db upgrade"):
            await database.fetch_all(Query(select(missing), dict))
        with pytest.raises(SchemaError, match="proxystore db upgrade"):
            await database.fetch_all(Query(select(table("authors", column("colour"), schema=None)), dict))
        with pytest.raises(SchemaError):
            await database.execute(Statement(insert(missing)), id=1)

        assert await count(database) == 0


async def test_a_file_that_is_no_database_cannot_be_opened(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("not a database, and long enough to be told from an empty one " * 100)

    with pytest.raises(StoreUnavailable, match=r"notes\.txt cannot be used: the file is no SQLite database"):
        await Database(DatabaseURL.parse(f"sqlite:///{path}")).open()

    assert path.read_text().startswith("not a database")
    assert path not in _open_files()


async def test_a_directory_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(StoreUnavailable, match="file is not a directory"):
        await Database(DatabaseURL.parse(f"sqlite:///{tmp_path}/file/proxystore.db")).open()


async def test_a_server_that_is_not_there_is_told_without_its_password() -> None:
    url = DatabaseURL.parse(f"postgresql://someone:{CANARY}@127.0.0.1:1/nothing")

    with pytest.raises(StoreUnavailable) as caught:
        await Database(url).open()

    assert "postgresql://someone:***@127.0.0.1:1/nothing cannot be used: no server answers there" in str(caught.value)
    assert CANARY not in str(caught.value)


async def test_a_server_without_that_database_is_told(postgres_url: str) -> None:
    with pytest.raises(StoreUnavailable, match="the server has no database"):
        await Database(DatabaseURL.parse(f"{postgres_url}_missing")).open()


async def test_a_closed_database_says_so(database_url: str) -> None:
    database = Database(DatabaseURL.parse(database_url))

    with pytest.raises(StoreClosed):
        await count(database)
    health = await database.health()

    assert not health.is_reachable
    assert health.error is not None


async def test_health_tells_what_answered(database_url: str) -> None:
    async with Database(DatabaseURL.parse(database_url)) as database:
        health = await database.health()

    assert health.is_reachable
    assert health.dialect == database.dialect
    assert health.error is None
    assert health.server_version is not None
    assert health.server_version[0].isdigit()


async def test_nothing_secret_is_logged_however_much_is(database_url: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    for logger in ("databases", "aiosqlite", "asyncpg", "sqlalchemy", "asyncio"):
        caplog.set_level(logging.DEBUG, logger)
    parsed = DatabaseURL.parse(database_url.replace("postgres@", f"postgres:{CANARY}@"))

    async with library(parsed) as database:
        await database.execute(ADD_AUTHOR, id=uuid4(), name=CANARY)
        with pytest.raises(StoreError):
            await database.execute(ADD_AUTHOR, id=uuid4(), name=CANARY)
        assert CANARY not in f"{database!r} {database.url!r} {database.__dict__}"

    assert CANARY not in caplog.text
    assert logging.getLogger("databases").level > logging.DEBUG


def _open_files() -> set[Path]:
    return {link.readlink() for link in Path("/proc/self/fd").iterdir() if link.is_symlink()}
