"""What is cached, for hosts that share a database and no disk, and by which words it can be found again."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, ForeignKey, Index, LargeBinary, Table, Text

from proxystore.schema.metadata import metadata

LONGEST_TAG: Final = 200

cache_entries = Table(
    "cache_entries",
    metadata,
    Column("entry_id", LargeBinary, primary_key=True),
    Column("space", Text, nullable=False),
    Column("key", LargeBinary, nullable=False),
    Column("value", LargeBinary, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Index(None, "space", "key"),
    Index(None, "expires_at"),
)
"""Whole entries as on disk; ``entry_id`` is a digest of space and key, ``expires_at`` microseconds since 1970 (UTC)."""

cache_tags = Table(
    "cache_tags",
    metadata,
    Column("tag", Text, primary_key=True),
    Column("entry_id", LargeBinary, ForeignKey("cache_entries.entry_id", ondelete="CASCADE"), primary_key=True),
    Index(None, "entry_id"),
    sqlite_with_rowid=False,
)
"""The tags of each entry."""
