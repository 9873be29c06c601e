"""Projects: what keys belong to."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Boolean, Column, Index, Table, Text, text, true

from proxystore.schema.metadata import metadata
from proxystore.schema.types import Id, Json, Moment

_IN_USE: Final = "deleted_at IS NULL"

projects = Table(
    "projects",
    metadata,
    Column("id", Id, primary_key=True),
    Column("name", Text, nullable=False),
    Column("is_active", Boolean, nullable=False, server_default=true()),
    Column("deactivated_at", Moment),
    Column("deleted_at", Moment),
    Column("settings", Json, nullable=False, server_default="{}"),
    Column("created_at", Moment, nullable=False),
    Column("updated_at", Moment, nullable=False),
    Index("uq_projects_name", "name", unique=True, sqlite_where=text(_IN_USE), postgresql_where=text(_IN_USE)),
)
"""A deleted project stays, for the sake of its history, and its name is free again."""
