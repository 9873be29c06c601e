"""What a start asks: is the schema the one this release needs?"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from sqlalchemy import Column, MetaData, String, Table, select

from proxystore.database import Database, Query
from proxystore.errors import SchemaError
from proxystore.migrating.histories import Migrations, in_order
from proxystore.records.migration import Revision


class _Row(NamedTuple):
    version_num: str


async def ensure(database: Database, *, migrate: bool, migrations: Sequence[Migrations] = ()) -> list[Revision]:
    """Bring the schema of an open *database* to the newest revision of every history, or say why not.

    With nothing to do this costs one query for each history, and Alembic is not even imported.

    Args:
        database: The database; its tables are made if there are none.
        migrate: Whether what is missing may be applied.
        migrations: Histories to run after ours.

    Returns:
        The revisions that were applied.

    Raises:
        SchemaError: A revision is missing and *migrate* is off, or the database is at one this release does not know;
            the message says what to do. Or as for :func:`upgrade`.
        StoreError: The database cannot be reached, or is busy.
    """
    histories = in_order(migrations)
    if all([await _is_at_head(database, history) for history in histories]):
        return []
    from proxystore.migrating import commands

    if migrate:
        return await commands.upgrade(database.url, schema=database.schema, migrations=histories)
    wrong = await commands.check(database.url, schema=database.schema, migrations=histories)
    raise SchemaError(f"{database.url.masked}: {wrong[0]}" if wrong else None)


async def _is_at_head(database: Database, history: Migrations) -> bool:
    try:
        rows = await database.fetch_all(_query(history.version_table))
    except SchemaError:  # there is no such table yet
        return False
    return [row.version_num for row in rows] == [history.head]


@lru_cache(maxsize=32)
def _query(version_table: str) -> Query[_Row]:
    table = Table(version_table, MetaData(), Column("version_num", String(32)))
    return Query(select(table.c.version_num), _Row)
