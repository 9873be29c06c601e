"""Keys that clients call with; their secrets are kept only as digests."""

from __future__ import annotations

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
    true,
)

from proxystore.schema.metadata import metadata
from proxystore.schema.types import Id, Json, Moment

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", Id, primary_key=True),
    Column("project_id", Id, ForeignKey("projects.id", ondelete="RESTRICT")),
    Column("name", Text, nullable=False),
    Column("prefix", Text, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("pepper_version", SmallInteger, nullable=False),
    Column("models", Json),
    Column("requests_per_minute", Integer),
    Column("tokens_per_minute", Integer),
    Column("max_requests", BigInteger),
    Column("daily_budget_nanousd", BigInteger),
    Column("monthly_budget_nanousd", BigInteger),
    Column("is_active", Boolean, nullable=False, server_default=true()),
    Column("expires_at", Moment),
    Column("deactivated_at", Moment),
    Column("deleted_at", Moment),
    Column("created_at", Moment, nullable=False),
    Column("updated_at", Moment, nullable=False),
    UniqueConstraint("digest"),
    Index(None, "project_id"),
)
