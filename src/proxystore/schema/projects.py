"""Projects: what keys belong to."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Table, Text, UniqueConstraint, true

from proxystore.schema.metadata import metadata
from proxystore.schema.types import Id, Json, Moment

projects = Table(
    "projects",
    metadata,
    Column("id", Id, primary_key=True),
    Column("name", Text, nullable=False),
    Column("is_active", Boolean, nullable=False, server_default=true()),
    Column("deactivated_at", Moment),
    Column("settings", Json, nullable=False, server_default="{}"),
    Column("created_at", Moment, nullable=False),
    Column("updated_at", Moment, nullable=False),
    UniqueConstraint("name"),
)
