"""The change log that caches follow, and the counter that orders it.

The counter's row stays locked until the mutation commits, so that generations appear in the order of commits and
without gaps; a sequence would show 6 before 5.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Table, Text, text

from proxystore.schema.metadata import metadata
from proxystore.schema.types import Moment

generations = Table(
    "generations",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", BigInteger, nullable=False, server_default=text("0")),
)

changes = Table(
    "changes",
    metadata,
    Column("generation", BigInteger, primary_key=True, autoincrement=False),
    Column("aggregate", Text, nullable=False),
    Column("aggregate_id", Text),
    Column("changed_at", Moment, nullable=False),
)
