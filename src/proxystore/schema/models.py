"""What can be called: providers, families, models, and the other names of models.

Where ``client`` is '' an alias or a rule is for everybody: a unique constraint takes NULLs for different from each
other, on both databases, and an alias must be unique there too.
"""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    text,
    true,
)

from proxystore.records.models import CAPABILITIES
from proxystore.schema.metadata import metadata
from proxystore.schema.types import Id, Json, Moment

providers = Table(
    "providers",
    metadata,
    Column("id", Id, primary_key=True),
    Column("name", Text, nullable=False),
    Column("base_url", Text),
    Column("api_version", Text),
    Column("auth_method", Text),
    Column("description", Text),
    Column("features", Json),
    Column("config", Json),
    Column("source", Text, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("updated_at", Moment, nullable=False),
    UniqueConstraint("name"),
)

model_families = Table(
    "model_families",
    metadata,
    Column("id", Id, primary_key=True),
    Column("provider_id", Id, ForeignKey("providers.id", ondelete="RESTRICT"), nullable=False),
    Column("name", Text, nullable=False),
    Column("description", Text),
    Column("created_at", Moment, nullable=False),
    Column("updated_at", Moment, nullable=False),
    UniqueConstraint("provider_id", "name"),
)

# `by_hand` names the fields that an import leaves alone; what a price file says beyond our columns is in `rest`.
models = Table(
    "models",
    metadata,
    Column("id", Id, primary_key=True),
    Column("provider_id", Id, ForeignKey("providers.id", ondelete="RESTRICT")),
    Column("family_id", Id, ForeignKey("model_families.id", ondelete="SET NULL")),
    Column("name", Text, nullable=False),
    Column("mode", Text),
    Column("description", Text),
    Column("max_input_tokens", Integer),
    Column("max_output_tokens", Integer),
    Column("output_vector_size", Integer),
    *(Column(name, Boolean) for name in CAPABILITIES),
    Column("input_modalities", Json),
    Column("output_modalities", Json),
    Column("endpoints", Json),
    Column("deprecated_at", Moment),
    Column("source_url", Text),
    Column("rest", Json),
    Column("source", Text, nullable=False),
    Column("by_hand", Json),
    Column("retired_at", Moment),
    Column("created_at", Moment, nullable=False),
    Column("updated_at", Moment, nullable=False),
    UniqueConstraint("name"),
    Index(None, "provider_id"),
    Index(None, "family_id"),
)

model_aliases = Table(
    "model_aliases",
    metadata,
    Column("id", Id, primary_key=True),
    Column("alias", Text, nullable=False),
    Column("client", Text, nullable=False, server_default=text("''")),
    Column("model_id", Id, ForeignKey("models.id", ondelete="CASCADE"), nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("updated_at", Moment, nullable=False),
    UniqueConstraint("alias", "client"),
    Index(None, "model_id"),
)

remap_rules = Table(
    "remap_rules",
    metadata,
    Column("id", Id, primary_key=True),
    Column("client", Text, nullable=False, server_default=text("''")),
    Column("pattern", Text, nullable=False),
    Column("to_model", Text, nullable=False),
    Column("priority", Integer, nullable=False, server_default=text("0")),
    Column("is_enabled", Boolean, nullable=False, server_default=true()),
    Column("created_at", Moment, nullable=False),
    Column("updated_at", Moment, nullable=False),
)
