"""One frozen Struct per row."""

from __future__ import annotations

from proxystore.records.audit import AuditEntry, AuditEvent, AuditHead, AuditProblem, AuditVerdict
from proxystore.records.caches import CacheStats, SpaceStats
from proxystore.records.dead_letters import DeadLetter
from proxystore.records.migration import Revision
from proxystore.records.models import (
    ImportResult,
    Model,
    ModelAlias,
    ModelFamily,
    ModelMatch,
    Provider,
    RemapRule,
)
from proxystore.records.stats import PoolStats, Stats
from proxystore.records.usage import CostShare, LatencySummary, UsageEvent, UsageSummary

__all__ = [
    "AuditEntry",
    "AuditEvent",
    "AuditHead",
    "AuditProblem",
    "AuditVerdict",
    "CacheStats",
    "CostShare",
    "DeadLetter",
    "ImportResult",
    "LatencySummary",
    "Model",
    "ModelAlias",
    "ModelFamily",
    "ModelMatch",
    "PoolStats",
    "Provider",
    "RemapRule",
    "Revision",
    "SpaceStats",
    "Stats",
    "UsageEvent",
    "UsageSummary",
]
