"""Let keys be rotated, imported, revoked for ever and written on; let projects be deleted."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

IN_USE = sa.text("deleted_at IS NULL")


def identifier() -> sa.types.TypeEngine[Any]:
    """Return the type of a UUIDv7: native on PostgreSQL, sixteen bytes on SQLite."""
    return sa.Uuid().with_variant(sa.LargeBinary(16), "sqlite")


def key_columns() -> list[sa.Column[Any]]:
    """Return what is new in ``api_keys``."""
    return [
        sa.Column("origin", sa.Text(), nullable=False, server_default=sa.text("'made'")),
        sa.Column("previous_digest", sa.LargeBinary()),
        sa.Column("previous_until", sa.BigInteger()),
        sa.Column("revoked_at", sa.BigInteger()),
        sa.Column("settings", sa.Text(), nullable=False, server_default=sa.text("'{}'")),
    ]


def upgrade() -> None:
    """Add columns and ``key_metadata``; a name is taken only by a project that is not deleted."""
    for column in key_columns():
        op.add_column("api_keys", column)
    op.create_index(op.f("ix_api_keys_previous_digest"), "api_keys", ["previous_digest"], unique=True)
    op.create_table(
        "key_metadata",
        sa.Column("key_id", identifier(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key_id", "type", "key", name=op.f("pk_key_metadata")),
        sa.ForeignKeyConstraint(
            ["key_id"], ["api_keys.id"], name=op.f("fk_key_metadata_key_id_api_keys"), ondelete="CASCADE"
        ),
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("projects") as batch:
        batch.add_column(sa.Column("deleted_at", sa.BigInteger()))
        batch.drop_constraint(op.f("uq_projects_name"), type_="unique")
    op.create_index("uq_projects_name", "projects", ["name"], unique=True, sqlite_where=IN_USE, postgresql_where=IN_USE)


def downgrade() -> None:
    """Drop what was added; a deleted project goes by its id."""
    op.drop_index("uq_projects_name", "projects")
    projects = sa.table("projects", sa.column("id"), sa.column("name"), sa.column("deleted_at"))
    told = (
        sa.cast(projects.c.id, sa.Text()) if op.get_bind().dialect.name == "postgresql" else sa.func.hex(projects.c.id)
    )
    op.execute(projects.update().where(projects.c.deleted_at.is_not(None)).values(name=told))
    with op.batch_alter_table("projects") as batch:
        batch.drop_column("deleted_at")
        batch.create_unique_constraint(op.f("uq_projects_name"), ["name"])
    op.drop_table("key_metadata")
    op.drop_index(op.f("ix_api_keys_previous_digest"), "api_keys")
    for column in key_columns():
        op.drop_column("api_keys", column.name)
