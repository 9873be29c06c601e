"""Keep latencies, savings, what else is known of an event, and what could not be written down."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

ROLLUPS = ("usage_hourly", "usage_daily")
BUCKETS = (
    "input_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "cache_write_1h_tokens",
    "input_audio_tokens",
    "input_image_tokens",
    "output_tokens",
    "reasoning_tokens",
    "output_audio_tokens",
    "output_image_tokens",
    "unclassified_tokens",
    "billed_requests",
    "billed_ms",
)
LATENCIES = (("usage_latency_hourly", "hour"), ("usage_latency_daily", "day"))


def identifier() -> sa.types.TypeEngine[Any]:
    """Return the type of a UUIDv7: native on PostgreSQL, sixteen bytes on SQLite."""
    return sa.Uuid().with_variant(sa.LargeBinary(16), "sqlite")


def event_columns() -> list[sa.Column[Any]]:
    """Return what is new in ``usage_events``; each may be missing, as in all rows from before."""
    return [
        sa.Column("saved_nanousd", sa.BigInteger()),
        sa.Column("latency_bin", sa.SmallInteger()),
        sa.Column("finish_reason", sa.SmallInteger()),
        sa.Column("traceparent", sa.LargeBinary()),
        sa.Column("end_user", sa.Text()),
        sa.Column("metadata", sa.Text()),
    ]


def upgrade() -> None:
    """Add columns and tables; in events NULL stands for 0 from now on, since PostgreSQL gives it no room."""
    with op.batch_alter_table("usage_events", table_kwargs={"sqlite_with_rowid": False}) as batch:
        for name in BUCKETS:
            batch.alter_column(name, existing_type=sa.Integer(), nullable=True, server_default=None)
        for column in event_columns():
            batch.add_column(column)
    for name in ROLLUPS:
        op.add_column(name, sa.Column("saved_nanousd", sa.BigInteger(), nullable=False, server_default=sa.text("0")))
    for name, period in LATENCIES:
        create_latencies(name, period)
    create_dead_letters()


def create_latencies(name: str, period: str) -> None:
    """Create a table of histograms by *period* and series."""
    op.create_table(
        name,
        sa.Column(period, sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("series_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("histogram", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint(period, "series_id", name=op.f(f"pk_{name}")),
        sqlite_with_rowid=False,
    )


def create_dead_letters() -> None:
    """Create ``dead_letters``."""
    op.create_table(
        "dead_letters",
        sa.Column("event_id", identifier(), nullable=False),
        sa.Column("segment_id", identifier(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("entry", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_dead_letters")),
    )


def downgrade() -> None:
    """Drop what was added."""
    op.drop_table("dead_letters")
    for name, _ in LATENCIES:
        op.drop_table(name)
    for name in ROLLUPS:
        op.drop_column(name, "saved_nanousd")
    events = sa.table("usage_events", *(sa.column(name) for name in BUCKETS))
    for name in BUCKETS:
        op.execute(events.update().where(events.c[name].is_(None)).values({name: 0}))
    with op.batch_alter_table("usage_events", table_kwargs={"sqlite_with_rowid": False}) as batch:
        for name in BUCKETS:
            batch.alter_column(name, existing_type=sa.Integer(), nullable=False, server_default=sa.text("0"))
        for column in event_columns():
            batch.drop_column(column.name)
