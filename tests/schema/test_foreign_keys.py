"""Every foreign key bites, and its ``ondelete`` does what it says."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest
from sqlalchemy import ForeignKey, bindparam, delete, select

from proxystore.database import Database, Query, Statement
from proxystore.errors import ReferenceViolation
from proxystore.schema import metadata
from proxystore.settings.url import DatabaseURL
from tests.schema.rows import add, row

_KEYS = [
    pytest.param(key, id=f"{table.name}.{key.parent.name}")
    for table in metadata.sorted_tables
    for key in sorted(table.foreign_keys, key=lambda key: key.parent.name)
]


class _Reference(NamedTuple):
    value: Any


async def _references(database: Database, key: ForeignKey) -> list[Any]:
    """Return what the rows of the key's table refer to."""
    return [found.value for found in await database.fetch_all(Query(select(key.parent.label("value")), _Reference))]


async def _add_pair(database: Database, key: ForeignKey) -> Any:
    """Insert a row and one that names it; return the name."""
    target = key.column
    parent = row(target.table)
    await add(database, target.table, parent)
    name = parent[target.name]
    await add(database, key.parent.table, row(key.parent.table, **{key.parent.name: name}))
    return name


@pytest.mark.parametrize("key", _KEYS)
async def test_a_row_that_is_not_there_cannot_be_named(migrated_url: str, key: ForeignKey) -> None:
    table, missing = key.parent.table, row(key.column.table)[key.column.name]
    async with Database(DatabaseURL.parse(migrated_url)) as database:
        with pytest.raises(ReferenceViolation):
            await add(database, table, row(table, **{key.parent.name: missing}))


@pytest.mark.parametrize("key", _KEYS)
async def test_deleting_what_is_named_does_what_the_key_says(migrated_url: str, key: ForeignKey) -> None:
    left = {"CASCADE": [], "SET NULL": [None]}
    forget = Statement(delete(key.column.table).where(key.column == bindparam("name")))
    async with Database(DatabaseURL.parse(migrated_url)) as database:
        name = await _add_pair(database, key)
        if key.ondelete == "RESTRICT":
            with pytest.raises(ReferenceViolation):
                await database.execute(forget, name=name)
        else:
            assert await database.execute(forget, name=name) == 1

        assert await _references(database, key) == left.get(str(key.ondelete), [name])
