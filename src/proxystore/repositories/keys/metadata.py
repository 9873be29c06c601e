"""What is written on keys: tags that reports are made by, owners, whatever else."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import bindparam, delete, select

from proxystore.changes import Changes
from proxystore.database import Database, Query, Statement, upsert
from proxystore.errors import InvalidRecord, KeyNotFound
from proxystore.ids import parsed
from proxystore.records import KeyMetadata
from proxystore.schema.api_keys import api_keys, key_metadata

_LONGEST: Final = 1_000
_insert = upsert(key_metadata)

_SET: Final = Statement(
    _insert.values(
        key_id=bindparam("key_id"),
        type=bindparam("type"),
        key=bindparam("key"),
        value=bindparam("value"),
        updated_at=bindparam("now"),
    ).on_conflict_do_update(
        index_elements=["key_id", "type", "key"],
        set_={"value": _insert.excluded.value, "updated_at": _insert.excluded.updated_at},
    )
)
_DELETE: Final = Statement(
    delete(key_metadata).where(
        key_metadata.c.key_id == bindparam("key_id"),
        key_metadata.c.type == bindparam("type_"),
        key_metadata.c.key == bindparam("key_"),
    )
)
_LIST: Final = Query(
    select(key_metadata.c.type, key_metadata.c.key, key_metadata.c.value)
    .where(key_metadata.c.key_id == bindparam("key_id"))
    .order_by(key_metadata.c.type, key_metadata.c.key),
    KeyMetadata,
)

_KEY: Final = Query(
    select(api_keys.c.id).where(api_keys.c.id == bindparam("key_id"), api_keys.c.deleted_at.is_(None)),
    lambda id: id,  # noqa: A006
)


class KeyMetadataRepository:
    """What is written on keys: one value for each kind and key, such as ``tag``, ``team``."""

    def __init__(self, database: Database, changes: Changes) -> None:
        self._database = database
        self._changes = changes

    async def list(self, key_id: str) -> Sequence[KeyMetadata]:
        """Return what is written on a key, by type and key."""
        return await self._database.fetch_all(_LIST, key_id=parsed("key", key_id))

    async def set(self, key_id: str, kind: str, key: str, value: str, *, actor: str | None = None) -> None:
        """Write something on a key, in place of what was there.

        Raises:
            KeyNotFound: There is none with this id.
            InvalidRecord: One of the texts is empty or too long.
        """
        values = _checked(type=kind, key=key, value=value)
        async with self._changes.begin("api_key", action="key.update", actor=actor) as change:
            if await change.fetch_one(_KEY, key_id=parsed("key", key_id)) is None:
                raise KeyNotFound
            await change.execute(_SET, key_id=parsed("key", key_id), now=datetime.now(UTC), **values)
            change.noted(key_id, metadata=f"{kind}:{key}")

    async def delete(self, key_id: str, kind: str, key: str, *, actor: str | None = None) -> bool:
        """Take off what is written on a key, and say whether anything was."""
        async with self._changes.begin("api_key", action="key.update", actor=actor) as change:
            count = await change.execute(_DELETE, key_id=parsed("key", key_id), type_=kind, key_=key)
            if count:
                change.noted(key_id, metadata=f"{kind}:{key}")
        return count > 0


def _checked(**texts: str) -> dict[str, str]:
    """Return *texts* if each says something."""
    for name, text in texts.items():
        if not isinstance(text, str) or not text or len(text) > _LONGEST:
            raise InvalidRecord(f"The {name} of metadata is 1 to {_LONGEST} characters.")
    return texts
