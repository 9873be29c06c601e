"""Since when events are all there: before that, retention has deleted some."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Final

from sqlalchemy import bindparam, select

from proxystore.database import Database, Query, Statement, Transaction, upsert
from proxystore.schema.settings import settings

_NAME: Final = "events_complete_since"
_FIND: Final = Query(
    select(settings.c.value).where(settings.c.name == _NAME),
    lambda value: date.fromisoformat(value),  # noqa: PLW0108  which takes no keyword
)
_INSERT: Final = upsert(settings).values(
    name=_NAME, value=bindparam("value"), updated_at=bindparam("updated_at", type_=settings.c.updated_at.type)
)
_SET: Final = Statement(
    _INSERT.on_conflict_do_update(
        index_elements=["name"],
        set_={"value": _INSERT.excluded.value, "updated_at": _INSERT.excluded.updated_at},
        where=settings.c.value < _INSERT.excluded.value,
    )
)


async def complete_since(source: Database | Transaction) -> date | None:
    """Return the first day (UTC) from which on no event was deleted; ``None`` if none ever was."""
    return await source.fetch_one(_FIND)


async def set_complete_since(transaction: Transaction, day: date) -> None:
    """Say that events from before *day* are being deleted, in the transaction that does it; never moves back."""
    await transaction.execute(_SET, value=day.isoformat(), updated_at=datetime.now(UTC))
