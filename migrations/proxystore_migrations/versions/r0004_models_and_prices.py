"""Keep what can be called, under which names, and at what price."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

CAPABILITIES = (
    "supports_assistant_prefill",
    "supports_audio_input",
    "supports_audio_output",
    "supports_computer_use",
    "supports_function_calling",
    "supports_native_streaming",
    "supports_parallel_function_calling",
    "supports_pdf_input",
    "supports_prompt_caching",
    "supports_reasoning",
    "supports_response_schema",
    "supports_system_messages",
    "supports_tool_choice",
    "supports_url_context",
    "supports_video_input",
    "supports_vision",
    "supports_web_search",
)
RATES = (
    "input_femtousd",
    "cache_read_femtousd",
    "cache_write_femtousd",
    "cache_write_1h_femtousd",
    "input_audio_femtousd",
    "input_image_femtousd",
    "output_femtousd",
    "reasoning_femtousd",
    "output_audio_femtousd",
    "output_image_femtousd",
    "request_femtousd",
    "second_femtousd",
    "call_femtousd",
)


def identifier() -> sa.types.TypeEngine[Any]:
    """Return the type of a UUIDv7: native on PostgreSQL, sixteen bytes on SQLite."""
    return sa.Uuid().with_variant(sa.LargeBinary(16), "sqlite")


def moments(*names: str) -> list[sa.Column[int]]:
    """Return columns of instants that are always known."""
    return [sa.Column(name, sa.BigInteger(), nullable=False) for name in names]


def texts(*names: str) -> list[sa.Column[str]]:
    """Return columns of text that may be missing."""
    return [sa.Column(name, sa.Text()) for name in names]


def upgrade() -> None:
    """Create the catalogue's tables."""
    create_providers_and_families()
    create_models()
    create_other_names()
    create_prices()


def create_providers_and_families() -> None:
    """Create ``providers`` and ``model_families``."""
    op.create_table(
        "providers",
        sa.Column("id", identifier(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        *texts("base_url", "api_version", "auth_method", "description", "features", "config"),
        sa.Column("source", sa.Text(), nullable=False),
        *moments("created_at", "updated_at"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_providers")),
        sa.UniqueConstraint("name", name=op.f("uq_providers_name")),
    )
    op.create_table(
        "model_families",
        sa.Column("id", identifier(), nullable=False),
        sa.Column("provider_id", identifier(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        *texts("description"),
        *moments("created_at", "updated_at"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_model_families")),
        sa.ForeignKeyConstraint(
            ["provider_id"],
            ["providers.id"],
            name=op.f("fk_model_families_provider_id_providers"),
            ondelete="RESTRICT",
        ),
        sa.UniqueConstraint("provider_id", "name", name=op.f("uq_model_families_provider_id_name")),
    )


def create_models() -> None:
    """Create ``models``."""
    op.create_table(
        "models",
        sa.Column("id", identifier(), nullable=False),
        sa.Column("provider_id", identifier()),
        sa.Column("family_id", identifier()),
        sa.Column("name", sa.Text(), nullable=False),
        *texts("mode", "description"),
        *(sa.Column(name, sa.Integer()) for name in ("max_input_tokens", "max_output_tokens", "output_vector_size")),
        *(sa.Column(name, sa.Boolean()) for name in CAPABILITIES),
        *texts("input_modalities", "output_modalities", "endpoints"),
        sa.Column("deprecated_at", sa.BigInteger()),
        *texts("source_url", "rest"),
        sa.Column("source", sa.Text(), nullable=False),
        *texts("by_hand"),
        sa.Column("retired_at", sa.BigInteger()),
        *moments("created_at", "updated_at"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_models")),
        sa.ForeignKeyConstraint(
            ["provider_id"], ["providers.id"], name=op.f("fk_models_provider_id_providers"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["family_id"], ["model_families.id"], name=op.f("fk_models_family_id_model_families"), ondelete="SET NULL"
        ),
        sa.UniqueConstraint("name", name=op.f("uq_models_name")),
    )
    op.create_index(op.f("ix_models_provider_id"), "models", ["provider_id"])
    op.create_index(op.f("ix_models_family_id"), "models", ["family_id"])


def create_other_names() -> None:
    """Create ``model_aliases`` and ``remap_rules``."""
    op.create_table(
        "model_aliases",
        sa.Column("id", identifier(), nullable=False),
        sa.Column("alias", sa.Text(), nullable=False),
        sa.Column("client", sa.Text(), nullable=False, server_default=sa.text("''")),
        sa.Column("model_id", identifier(), nullable=False),
        *moments("created_at", "updated_at"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_model_aliases")),
        sa.ForeignKeyConstraint(
            ["model_id"], ["models.id"], name=op.f("fk_model_aliases_model_id_models"), ondelete="CASCADE"
        ),
        sa.UniqueConstraint("alias", "client", name=op.f("uq_model_aliases_alias_client")),
    )
    op.create_index(op.f("ix_model_aliases_model_id"), "model_aliases", ["model_id"])
    op.create_table(
        "remap_rules",
        sa.Column("id", identifier(), nullable=False),
        sa.Column("client", sa.Text(), nullable=False, server_default=sa.text("''")),
        sa.Column("pattern", sa.Text(), nullable=False),
        sa.Column("to_model", sa.Text(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False, server_default=sa.text("0")),
        sa.Column("is_enabled", sa.Boolean(), nullable=False, server_default=sa.true()),
        *moments("created_at", "updated_at"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_remap_rules")),
    )


def create_prices() -> None:
    """Create ``prices``."""
    op.create_table(
        "prices",
        sa.Column("id", identifier(), nullable=False),
        sa.Column("model_id", identifier(), nullable=False),
        sa.Column("service_tier", sa.Text(), nullable=False, server_default=sa.text("''")),
        sa.Column("above_input_tokens", sa.Integer(), nullable=False, server_default=sa.text("0")),
        sa.Column("daily_from", sa.SmallInteger()),
        sa.Column("daily_until", sa.SmallInteger()),
        sa.Column("valid_from", sa.BigInteger(), nullable=False),
        sa.Column("valid_until", sa.BigInteger()),
        *(sa.Column(name, sa.BigInteger()) for name in RATES),
        sa.Column("source", sa.Text(), nullable=False),
        *moments("created_at"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_prices")),
        sa.ForeignKeyConstraint(
            ["model_id"], ["models.id"], name=op.f("fk_prices_model_id_models"), ondelete="CASCADE"
        ),
    )
    op.create_index(op.f("ix_prices_model_id"), "prices", ["model_id"])


def downgrade() -> None:
    """Drop the catalogue."""
    for name in ("prices", "remap_rules", "model_aliases", "models", "model_families", "providers"):
        op.drop_table(name)
