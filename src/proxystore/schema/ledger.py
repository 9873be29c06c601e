"""How far each journal segment has been written down, and what of them the database could not take."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Table, Text

from proxystore.schema.metadata import metadata
from proxystore.schema.types import Id, Moment

ledger_segments = Table(
    "ledger_segments",
    metadata,
    Column("segment_id", Id, primary_key=True),
    Column("acked", BigInteger, nullable=False),
    Column("updated_at", Moment, nullable=False),
    sqlite_with_rowid=False,
)

dead_letters = Table(
    "dead_letters",
    metadata,
    Column("event_id", Id, primary_key=True),
    Column("segment_id", Id, nullable=False),
    Column("kind", Text, nullable=False),
    Column("entry", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("recorded_at", Moment, nullable=False),
)
