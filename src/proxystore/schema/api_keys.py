"""Keys that clients call with; their secrets are kept only as digests."""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    text,
    true,
)

from proxystore.schema.metadata import metadata
from proxystore.schema.types import Id, Json, Moment

ORIGINS: Final = ("made", "imported", "adopted")
"""Whose secret it is: one of ours, or one that the wrapped proxy knows; of an adopted one we know the digest alone."""

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", Id, primary_key=True),
    Column("project_id", Id, ForeignKey("projects.id", ondelete="RESTRICT")),
    Column("name", Text, nullable=False),
    Column("prefix", Text, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("pepper_version", SmallInteger, nullable=False),
    Column("origin", Text, nullable=False, server_default=text("'made'")),
    Column("previous_digest", LargeBinary),
    Column("previous_until", Moment),
    Column("models", Json),
    Column("requests_per_minute", Integer),
    Column("tokens_per_minute", Integer),
    Column("max_requests", BigInteger),
    Column("daily_budget_nanousd", BigInteger),
    Column("monthly_budget_nanousd", BigInteger),
    Column("is_active", Boolean, nullable=False, server_default=true()),
    Column("expires_at", Moment),
    Column("deactivated_at", Moment),
    Column("revoked_at", Moment),
    Column("deleted_at", Moment),
    Column("settings", Json, nullable=False, server_default=text("'{}'")),
    Column("created_at", Moment, nullable=False),
    Column("updated_at", Moment, nullable=False),
    UniqueConstraint("digest"),
    Index(None, "project_id"),
    Index(None, "previous_digest", unique=True),
)
"""``previous_digest`` is of the secret before the last rotation, and good until ``previous_until``."""

key_metadata = Table(
    "key_metadata",
    metadata,
    Column("key_id", Id, ForeignKey("api_keys.id", ondelete="CASCADE"), primary_key=True),
    Column("type", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("value", Text, nullable=False),
    Column("updated_at", Moment, nullable=False),
    sqlite_with_rowid=False,
)
"""What its owner wrote on a key, such as a tag that reports are made by."""
