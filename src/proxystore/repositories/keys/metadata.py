"""What is written on keys, as statements."""

from __future__ import annotations

from typing import Final

from sqlalchemy import bindparam, delete, select

from proxystore.database import Query, Statement, upsert
from proxystore.errors import InvalidRecord
from proxystore.records import KeyMetadata
from proxystore.schema.api_keys import key_metadata

_LONGEST: Final = 1_000
_insert = upsert(key_metadata)

SET: Final = Statement(
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
DELETE: Final = Statement(
    delete(key_metadata).where(
        key_metadata.c.key_id == bindparam("key_id"),
        key_metadata.c.type == bindparam("type_"),
        key_metadata.c.key == bindparam("key_"),
    )
)
LIST: Final = Query(
    select(key_metadata.c.type, key_metadata.c.key, key_metadata.c.value)
    .where(key_metadata.c.key_id == bindparam("key_id"))
    .order_by(key_metadata.c.type, key_metadata.c.key),
    KeyMetadata,
)


def checked(**texts: str) -> dict[str, str]:
    """Return *texts* if each says something.

    Raises:
        InvalidRecord: One is empty or too long.
    """
    for name, text in texts.items():
        if not isinstance(text, str) or not text or len(text) > _LONGEST:
            raise InvalidRecord(f"The {name} of metadata is 1 to {_LONGEST} characters.")
    return texts
