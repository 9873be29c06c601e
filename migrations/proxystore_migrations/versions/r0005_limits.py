"""Keep what is left of limits, and find the series of a key."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def identifier() -> sa.types.TypeEngine[Any]:
    """Return the type of a UUIDv7: native on PostgreSQL, sixteen bytes on SQLite."""
    return sa.Uuid().with_variant(sa.LargeBinary(16), "sqlite")


def budget_key() -> list[sa.Column[Any]]:
    """Return what names a budget and one of its periods."""
    return [
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("owner", "unit", "span")),
        sa.Column("period", sa.Integer(), autoincrement=False, nullable=False),
    ]


def upgrade() -> None:
    """Create windows, holds and the processes that hold."""
    op.create_table(
        "limit_windows",
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in ("minute", "current", "previous")),
        sa.PrimaryKeyConstraint("owner", "unit", name=op.f("pk_limit_windows")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "budget_windows",
        *budget_key(),
        *(sa.Column(name, sa.BigInteger(), nullable=False, server_default=sa.text("0")) for name in ("spent", "held")),
        sa.PrimaryKeyConstraint("owner", "unit", "span", "period", name=op.f("pk_budget_windows")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "holds",
        sa.Column("process_id", identifier(), nullable=False),
        *budget_key(),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("process_id", "owner", "unit", "span", "period", name=op.f("pk_holds")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_holds_owner"), "holds", ["owner"])
    op.create_table(
        "processes",
        sa.Column("process_id", identifier(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("beat_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("process_id", name=op.f("pk_processes")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_usage_series_key_id"), "usage_series", ["key_id"])


def downgrade() -> None:
    """Drop them."""
    op.drop_index(op.f("ix_usage_series_key_id"), "usage_series")
    for name in ("processes", "holds", "budget_windows", "limit_windows"):
        op.drop_table(name)
