"""Blocked users."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0001"
down_revision: Final = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "blocked_users",
        sa.Column("end_user", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("end_user", name="pk_blocked_users"),
    )


def downgrade() -> None:
    """Drop it."""
    op.drop_table("blocked_users")
