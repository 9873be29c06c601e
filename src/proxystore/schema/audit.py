"""Who did what, and what was refused."""

from __future__ import annotations

from typing import Final

from sqlalchemy import CheckConstraint, Column, Index, Table, Text

from proxystore.schema.metadata import metadata
from proxystore.schema.types import Id, Json, Moment

AUDIT_OUTCOMES: Final = ("success", "failure", "denied", "error")

audit_events = Table(
    "audit_events",
    metadata,
    Column("event_id", Id, primary_key=True),
    Column("occurred_at", Moment, nullable=False),
    Column("action", Text, nullable=False),
    Column("actor", Text),
    Column("outcome", Text, nullable=False),
    Column("reason", Text),
    Column("project_id", Text),
    Column("key_id", Text),
    Column("request_id", Text),
    Column("correlation_id", Text),
    Column("client_ip", Text),
    Column("method", Text),
    Column("path", Text),
    Column("user_agent", Text),
    Column("metadata", Json),
    CheckConstraint("outcome IN ('success', 'failure', 'denied', 'error')", name="outcome"),
    Index(None, "occurred_at"),
)
