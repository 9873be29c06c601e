"""Make a place for what is cached by hosts that share nothing but the database."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables of cached entries and of their tags."""
    op.create_table(
        "cache_entries",
        sa.Column("entry_id", sa.LargeBinary(), nullable=False),
        sa.Column("space", sa.Text(), nullable=False),
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("value", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("entry_id", name=op.f("pk_cache_entries")),
    )
    op.create_index(op.f("ix_cache_entries_space_key"), "cache_entries", ["space", "key"])
    op.create_index(op.f("ix_cache_entries_expires_at"), "cache_entries", ["expires_at"])
    op.create_table(
        "cache_tags",
        sa.Column("tag", sa.Text(), nullable=False),
        sa.Column("entry_id", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("tag", "entry_id", name=op.f("pk_cache_tags")),
        sa.ForeignKeyConstraint(
            ["entry_id"],
            ["cache_entries.entry_id"],
            name=op.f("fk_cache_tags_entry_id_cache_entries"),
            ondelete="CASCADE",
        ),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_cache_tags_entry_id"), "cache_tags", ["entry_id"])


def downgrade() -> None:
    """Drop what was cached."""
    op.drop_table("cache_tags")
    op.drop_table("cache_entries")
