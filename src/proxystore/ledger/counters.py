"""What all hosts together count, in the database: entries that were lost, replayed, or damaged."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import BigInteger, Text, bindparam, cast, select

from proxystore.database import Database, Query, Script, Statement
from proxystore.database.upsert import upsert
from proxystore.schema.settings import settings

AUDIT_LOST: Final = "audit_lost"
LOST: Final = "lost"
REPLAYED: Final = "replayed"
DAMAGED_BYTES: Final = "damaged_bytes"

_PREFIX: Final = "ledger."
_NEW: Final = upsert(settings).values(
    name=bindparam("name"), value=cast(bindparam("count", type_=BigInteger()), Text), updated_at=bindparam("updated_at")
)
_ADD: Final = Statement(
    _NEW.on_conflict_do_update(
        index_elements=["name"],
        set_={
            "value": cast(cast(settings.c.value, BigInteger) + bindparam("count", type_=BigInteger()), Text),
            "updated_at": _NEW.excluded.updated_at,
        },
    )
)
_FIND: Final = Query(
    select(settings.c.name, settings.c.value).where(settings.c.name.startswith(_PREFIX)),
    lambda name, value: (name.removeprefix(_PREFIX), int(value)),
)


def added(counts: Mapping[str, int]) -> Script[None]:
    """Add what is not zero among *counts*, in the transaction that they are about."""
    now = datetime.now(UTC)
    for name in sorted(counts):
        if counts[name]:
            yield _ADD, {"name": _PREFIX + name, "count": counts[name], "updated_at": now}


async def find(database: Database) -> Mapping[str, int]:
    """Return every counter that is not zero."""
    return dict(await database.fetch_all(_FIND))
