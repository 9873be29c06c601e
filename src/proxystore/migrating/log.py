"""What was applied when: a row per revision, written in the revision's own transaction.

Alembic's own table says only where a database stands. This one belongs to the machinery, like Alembic's, and not to
a revision: it serves every history and outlives a downgrade to nothing.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import Column, Connection, MetaData, PrimaryKeyConstraint, Table, Text, delete, insert, inspect, select

from proxystore.schema.types import Moment

revisions: Final = Table(
    "proxystore_revisions",
    MetaData(),
    Column("version_table", Text, nullable=False),
    Column("revision", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("applied_at", Moment, nullable=False),
    PrimaryKeyConstraint("version_table", "revision", name="pk_proxystore_revisions"),
)


class Entry(NamedTuple):
    """A revision that a database took, as it was written down then."""

    revision: str
    message: str
    applied_at: datetime


def read(connection: Connection, version_table: str) -> list[Entry]:
    """Return what was written down for a history, oldest first; nothing where nothing ever ran."""
    if not inspect(connection).has_table(revisions.name):
        return []
    columns = (revisions.c.revision, revisions.c.message, revisions.c.applied_at)
    rows = connection.execute(
        select(*columns)
        .where(revisions.c.version_table == version_table)
        .order_by(revisions.c.applied_at, revisions.c.revision)
    )
    return [Entry(*row) for row in rows]


def write(*, ctx: Any, step: Any, **_others: Any) -> None:
    """Write one step down, or strike it out; Alembic calls this after each, in its transaction."""
    connection: Connection = ctx.connection
    key = {"version_table": ctx.version_table, "revision": step.up_revision_id}
    if step.is_upgrade:
        values = {**key, "message": step.up_revision.doc, "applied_at": datetime.now(UTC)}
        connection.execute(insert(revisions).values(values))
    else:
        connection.execute(delete(revisions).filter_by(**key))
