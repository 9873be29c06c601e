"""Create the first tables."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TOTALS = (
    "requests",
    "successes",
    "errors",
    "refusals",
    "cache_hits",
    "unpriced",
    "estimated",
    "latency_ms",
)
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


def identifier() -> sa.types.TypeEngine[Any]:
    """Return the type of a UUIDv7: native on PostgreSQL, sixteen bytes on SQLite."""
    return sa.Uuid().with_variant(sa.LargeBinary(16), "sqlite")


def counters(kind: type[sa.Integer], *names: str) -> list[sa.Column[int]]:
    """Return columns that count from nought."""
    return [sa.Column(name, kind(), nullable=False, server_default=sa.text("0")) for name in names]


def upgrade() -> None:
    """Create every table of the first release."""
    create_projects_and_keys()
    create_usage()
    create_rollup("usage_hourly", "hour")
    create_rollup("usage_daily", "day")
    create_audit()
    create_bookkeeping()


def create_projects_and_keys() -> None:
    """Create ``projects`` and the ``api_keys`` that belong to them."""
    op.create_table(
        "projects",
        sa.Column("id", identifier(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False, server_default=sa.true()),
        sa.Column("deactivated_at", sa.BigInteger()),
        sa.Column("settings", sa.Text(), nullable=False, server_default="{}"),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_projects")),
        sa.UniqueConstraint("name", name=op.f("uq_projects_name")),
    )
    op.create_table(
        "api_keys",
        sa.Column("id", identifier(), nullable=False),
        sa.Column("project_id", identifier()),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("prefix", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("pepper_version", sa.SmallInteger(), nullable=False),
        sa.Column("models", sa.Text()),
        sa.Column("requests_per_minute", sa.Integer()),
        sa.Column("tokens_per_minute", sa.Integer()),
        sa.Column("max_requests", sa.BigInteger()),
        sa.Column("daily_budget_nanousd", sa.BigInteger()),
        sa.Column("monthly_budget_nanousd", sa.BigInteger()),
        sa.Column("is_active", sa.Boolean(), nullable=False, server_default=sa.true()),
        sa.Column("expires_at", sa.BigInteger()),
        sa.Column("deactivated_at", sa.BigInteger()),
        sa.Column("deleted_at", sa.BigInteger()),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_keys")),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name=op.f("fk_api_keys_project_id_projects"), ondelete="RESTRICT"
        ),
        sa.UniqueConstraint("digest", name=op.f("uq_api_keys_digest")),
    )
    op.create_index(op.f("ix_api_keys_project_id"), "api_keys", ["project_id"])


def create_usage() -> None:
    """Create ``usage_series`` and ``usage_events``, whose months on PostgreSQL the ledger's writer attaches."""
    dimensions = ("project_id", "key_id", "credential_id", "provider_name", "operation_name")
    models = ("request_model", "response_model")
    op.create_table(
        "usage_series",
        sa.Column("id", sa.Integer(), sa.Identity(), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in dimensions + models),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_usage_series")),
        sa.UniqueConstraint(*dimensions, *models, name=op.f("uq_usage_series_dimensions")),
    )
    op.create_table(
        "usage_events",
        sa.Column("event_id", identifier(), nullable=False),
        sa.Column("series_id", sa.Integer(), nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=False),
        sa.Column("outcome", sa.SmallInteger(), nullable=False),
        sa.Column("quality", sa.SmallInteger(), nullable=False),
        sa.Column("first_byte_ms", sa.Integer()),
        sa.Column("latency_ms", sa.Integer(), nullable=False),
        *counters(sa.Integer, *BUCKETS),
        sa.Column("cost_nanousd", sa.BigInteger()),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_usage_events")),
        sqlite_with_rowid=False,
        postgresql_partition_by="RANGE (event_id)",
    )


def create_rollup(name: str, period: str) -> None:
    """Create a table of totals by *period* and series."""
    op.create_table(
        name,
        sa.Column(period, sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("series_id", sa.Integer(), autoincrement=False, nullable=False),
        *counters(sa.BigInteger, *TOTALS, *BUCKETS, "cost_nanousd"),
        sa.PrimaryKeyConstraint(period, "series_id", name=op.f(f"pk_{name}")),
        sqlite_with_rowid=False,
    )


def create_audit() -> None:
    """Create ``audit_events``."""
    origin = ("project_id", "key_id", "request_id", "correlation_id", "client_ip", "method", "path", "user_agent")
    op.create_table(
        "audit_events",
        sa.Column("event_id", identifier(), nullable=False),
        sa.Column("occurred_at", sa.BigInteger(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text()),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text()),
        *(sa.Column(name, sa.Text()) for name in origin),
        sa.Column("metadata", sa.Text()),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_audit_events")),
        sa.CheckConstraint(
            "outcome IN ('success', 'failure', 'denied', 'error')", name=op.f("ck_audit_events_outcome")
        ),
    )
    op.create_index(op.f("ix_audit_events_occurred_at"), "audit_events", ["occurred_at"])


def create_bookkeeping() -> None:
    """Create what the store keeps for itself; the counter of changes starts at nought."""
    generations = op.create_table(
        "generations",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False, server_default=sa.text("0")),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_generations")),
    )
    op.bulk_insert(generations, [{"name": "all"}])
    op.create_table(
        "changes",
        sa.Column("generation", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("aggregate", sa.Text(), nullable=False),
        sa.Column("aggregate_id", sa.Text()),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("generation", name=op.f("pk_changes")),
    )
    op.create_table(
        "ledger_segments",
        sa.Column("segment_id", identifier(), nullable=False),
        sa.Column("acked", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("segment_id", name=op.f("pk_ledger_segments")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "settings",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_settings")),
    )


def downgrade() -> None:
    """Drop every table, and with them all that was ever recorded."""
    for name in (
        "settings",
        "ledger_segments",
        "changes",
        "generations",
        "audit_events",
        "usage_daily",
        "usage_hourly",
        "usage_events",
        "usage_series",
        "api_keys",
        "projects",
    ):
        op.drop_table(name)
