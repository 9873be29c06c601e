"""The table, and what is asked of it: on SQLite and on PostgreSQL the same."""

from __future__ import annotations

from typing import Final, NamedTuple

from sqlalchemy import Column, MetaData, Table, Text, bindparam, delete, insert, select

from proxystore import Query, Statement, Store


class BlockedUser(NamedTuple):
    """A row."""

    end_user: str
    reason: str


_TABLE: Final = Table(
    "blocked_users",
    MetaData(),
    Column("end_user", Text, primary_key=True),
    Column("reason", Text, nullable=False),
)
_ALL: Final = Query(select(_TABLE).order_by(_TABLE.c.end_user), BlockedUser)
_ADD: Final = Statement(insert(_TABLE).values(end_user=bindparam("user"), reason=bindparam("reason")))
_REMOVE: Final = Statement(delete(_TABLE).where(_TABLE.c.end_user == bindparam("user")))


async def every(store: Store) -> list[BlockedUser]:
    """Return everybody who is blocked, by name."""
    return await store.database.fetch_all(_ALL)


async def add(store: Store, end_user: str, reason: str) -> None:
    """Block *end_user*; who is blocked already, is so for the new reason."""
    async with store.database.transaction() as transaction:
        await transaction.execute(_REMOVE, user=end_user)
        await transaction.execute(_ADD, user=end_user, reason=reason)


async def remove(store: Store, end_user: str) -> bool:
    """Let *end_user* in again; return whether they were blocked."""
    async with store.database.transaction() as transaction:
        return await transaction.execute(_REMOVE, user=end_user) > 0
