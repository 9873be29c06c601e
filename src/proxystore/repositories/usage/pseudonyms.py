"""The secret that end users are hashed with: known to this database alone, so that a hash says nothing elsewhere."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import bindparam, select

from proxystore.database import Database, Query, Statement, upsert
from proxystore.schema.settings import settings

_NAME: Final = "pseudonym_key"
_SIZE: Final = 32
_FIND: Final = Query(
    select(settings.c.value).where(settings.c.name == _NAME),
    lambda value: bytes.fromhex(value),  # noqa: PLW0108  which takes no keyword
)
_CREATE: Final = Statement(
    upsert(settings)
    .values(name=_NAME, value=bindparam("value"), updated_at=bindparam("updated_at"))
    .on_conflict_do_nothing(index_elements=["name"])
)


async def pseudonym_key(database: Database) -> bytes:
    """Return the secret, made when it is first asked for."""
    found = await database.fetch_one(_FIND)
    while found is None:
        await database.execute(_CREATE, value=secrets.token_hex(_SIZE), updated_at=datetime.now(UTC))
        found = await database.fetch_one(_FIND)
    return found
