"""Make audit events a chain that shows what was changed in it.

No release before has written an audit event, so their table is made anew.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

ORIGIN = ("project_id", "key_id", "request_id", "correlation_id", "client_ip", "method", "path", "user_agent")
NOTHING = bytes(32)


def identifier() -> sa.types.TypeEngine[Any]:
    """Return the type of a UUIDv7: native on PostgreSQL, sixteen bytes on SQLite."""
    return sa.Uuid().with_variant(sa.LargeBinary(16), "sqlite")


def event_columns() -> list[sa.Column[Any]]:
    """Return what an event is about."""
    return [
        sa.Column("event_id", identifier(), nullable=False),
        sa.Column("occurred_at", sa.BigInteger(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text()),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text()),
        *(sa.Column(name, sa.Text()) for name in ORIGIN),
        sa.Column("metadata", sa.Text()),
    ]


def outcomes() -> sa.CheckConstraint:
    """Return the check of an event's outcome."""
    return sa.CheckConstraint(
        "outcome IN ('success', 'failure', 'denied', 'error')", name=op.f("ck_audit_events_outcome")
    )


def upgrade() -> None:
    """Create events that have a place in the chain, the chain's end, and its anchors."""
    op.drop_table("audit_events")
    op.create_table(
        "audit_events",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        *event_columns(),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_audit_events")),
        sa.UniqueConstraint("event_id", name=op.f("uq_audit_events_event_id")),
        outcomes(),
    )
    op.create_index(op.f("ix_audit_events_occurred_at"), "audit_events", ["occurred_at"])
    op.create_index(op.f("ix_audit_events_request_id"), "audit_events", ["request_id"])
    for name in ("key_id", "client_ip"):
        op.create_index(op.f(f"ix_audit_events_{name}_seq"), "audit_events", [name, "seq"])
    head = op.create_table(
        "audit_head",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("seal", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_head")),
        sa.CheckConstraint("id = 1", name=op.f("ck_audit_head_one")),
    )
    op.bulk_insert(head, [{"id": 1, "seq": 0, "hash": NOTHING, "seal": b""}])
    op.create_table(
        "audit_anchors",
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_audit_anchors")),
    )


def downgrade() -> None:
    """Make the table anew as it was; what was recorded is gone."""
    for name in ("audit_anchors", "audit_head", "audit_events"):
        op.drop_table(name)
    op.create_table(
        "audit_events",
        *event_columns(),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_audit_events")),
        outcomes(),
    )
    op.create_index(op.f("ix_audit_events_occurred_at"), "audit_events", ["occurred_at"])
