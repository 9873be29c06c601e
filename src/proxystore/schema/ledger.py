"""How far each journal segment has been written down."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Table

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
