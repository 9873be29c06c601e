"""Every foreign key bites, and its ``ondelete`` does what it says."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest
from sqlalchemy import ForeignKey, Table, bindparam, delete, select

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


async def _added(database: Database, table: Table, **given: object) -> dict[str, object]:
    """Insert a row, and before it the rows that it cannot be without; return it."""
    values = row(table, **given)
    for key in table.foreign_keys:
        if key.parent.name in values.keys() - given.keys():
            values[key.parent.name] = (await _added(database, key.column.table))[key.column.name]
    await add(database, table, values)
    return values


async def _add_pair(database: Database, key: ForeignKey) -> Any:
    """Insert a row and one that names it; return the name."""
    parent = await _added(database, key.column.table)
    name = parent[key.column.name]
    await _added(database, key.parent.table, **{key.parent.name: name})
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
