"""The tables, one file per aggregate; importing this package fills :data:`metadata`."""

from __future__ import annotations

from proxystore.schema.api_keys import api_keys, key_metadata
from proxystore.schema.audit import audit_anchors, audit_events, audit_head
from proxystore.schema.cache_entries import cache_entries, cache_tags
from proxystore.schema.changes import changes, generations
from proxystore.schema.ledger import dead_letters, ledger_segments
from proxystore.schema.limits import budget_windows, holds, limit_windows, processes
from proxystore.schema.metadata import metadata
from proxystore.schema.models import model_aliases, model_families, models, providers, remap_rules
from proxystore.schema.prices import prices
from proxystore.schema.projects import projects
from proxystore.schema.settings import settings
from proxystore.schema.usage import (
    usage_daily,
    usage_events,
    usage_hourly,
    usage_latency_daily,
    usage_latency_hourly,
    usage_series,
)

__all__ = [
    "api_keys",
    "audit_anchors",
    "audit_events",
    "audit_head",
    "budget_windows",
    "cache_entries",
    "cache_tags",
    "changes",
    "dead_letters",
    "generations",
    "holds",
    "key_metadata",
    "ledger_segments",
    "limit_windows",
    "metadata",
    "model_aliases",
    "model_families",
    "models",
    "prices",
    "processes",
    "projects",
    "providers",
    "remap_rules",
    "settings",
    "usage_daily",
    "usage_events",
    "usage_hourly",
    "usage_latency_daily",
    "usage_latency_hourly",
    "usage_series",
]
