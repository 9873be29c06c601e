"""Which database this is: a journal written for one must not be read into another."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final
from uuid import UUID, uuid4

from sqlalchemy import bindparam, select

from proxystore.database import Database, Query, Statement
from proxystore.ledger.rollups import insert_into
from proxystore.schema.settings import settings

_NAME: Final = "store_id"
_FIND: Final = Query(select(settings.c.value).where(settings.c.name == _NAME), lambda value: UUID(hex=value))
_CREATE: Final = {
    dialect: Statement(
        insert_into(dialect, settings)
        .values(name=_NAME, value=bindparam("value"), updated_at=bindparam("updated_at"))
        .on_conflict_do_nothing(index_elements=["name"])
    )
    for dialect in ("sqlite", "postgresql")
}


async def store_id(database: Database) -> UUID:
    """Return the id of *database*, made when it is first asked for."""
    found = await find_store_id(database)
    while found is None:
        await database.execute(_CREATE[database.dialect], value=str(uuid4()), updated_at=datetime.now(UTC))
        found = await find_store_id(database)
    return found


async def find_store_id(database: Database) -> UUID | None:
    """Return the id of *database*, if it was ever asked for."""
    return await database.fetch_one(_FIND)
