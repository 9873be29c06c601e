"""What the store has to remember about itself, such as its id."""

from __future__ import annotations

from sqlalchemy import Column, Table, Text

from proxystore.schema.metadata import metadata
from proxystore.schema.types import Moment

settings = Table(
    "settings",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
    Column("updated_at", Moment, nullable=False),
)
