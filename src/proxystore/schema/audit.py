"""Who did what, and what was refused: a chain of events, its end, and where retention has cut it."""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
)

from proxystore.schema.metadata import metadata
from proxystore.schema.types import Id, Json, Moment

AUDIT_OUTCOMES: Final = ("success", "failure", "denied", "error")

_Number: Final = BigInteger().with_variant(Integer(), "sqlite")  # which makes it the row's own number there

audit_events = Table(
    "audit_events",
    metadata,
    Column("seq", _Number, primary_key=True, autoincrement=False),
    Column("hash", LargeBinary, nullable=False),
    Column("event_id", Id, nullable=False),
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
    UniqueConstraint("event_id"),
    Index(None, "occurred_at"),
    Index(None, "key_id", "seq"),
    Index(None, "request_id"),
    Index(None, "client_ip", "seq"),
)
"""``seq`` is the order of recording, without gaps; ``hash`` covers it, all other columns, and the hash before."""

audit_head = Table(
    "audit_head",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False),
    Column("seq", BigInteger, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Column("seal", LargeBinary, nullable=False),
    CheckConstraint("id = 1", name="one"),
)
"""The last event of the chain, locked by whoever appends; sealed, so that an end cannot be made up."""

audit_anchors = Table(
    "audit_anchors",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("hash", LargeBinary, nullable=False),
    Column("recorded_at", Moment, nullable=False),
)
"""The last event that retention removed, each time: the chain goes on from the newest."""
