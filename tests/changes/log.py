"""A change log, written by hand: what a mutation would write."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import BigInteger, Text, bindparam, delete, func, insert, select, update

from proxystore.changes.following import CHANNEL
from proxystore.database import Database, Query, Statement
from proxystore.schema import changes, generations

_NEXT = Query(
    update(generations)
    .where(generations.c.name == "all")
    .values(value=generations.c.value + 1)
    .returning(generations.c.value),
    lambda value: value,
)
_SET = Statement(update(generations).where(generations.c.name == "all").values(value=bindparam("to", type_=BigInteger)))
_ADD = Statement(insert(changes))
_FORGET = Statement(delete(changes).where(changes.c.generation <= bindparam("upto", type_=BigInteger)))
_NOTIFY = Query(select(func.pg_notify(CHANNEL, bindparam("payload", type_=Text)).label("nothing")), dict)


async def change(database: Database, *pairs: tuple[str, str | None], is_told: bool = True) -> int:
    """Write that each of these aggregates has changed, in one transaction; return the last generation."""
    generation: int | None = 0
    async with database.transaction() as transaction:
        for aggregate, aggregate_id in pairs:
            generation = await transaction.fetch_one(_NEXT)
            await transaction.execute(
                _ADD,
                generation=generation,
                aggregate=aggregate,
                aggregate_id=aggregate_id,
                changed_at=datetime.now(UTC),
            )
        if is_told and database.dialect == "postgresql":
            await transaction.fetch_all(_NOTIFY, payload=str(generation))
    return generation or 0


async def forget(database: Database, upto: int) -> None:
    """Remove changes as old as *upto* from the log."""
    await database.execute(_FORGET, upto=upto)


async def set_generation(database: Database, to: int) -> None:
    """Set the counter, as a restored backup would."""
    await database.execute(_SET, to=to)
