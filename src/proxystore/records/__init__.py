"""One frozen Struct per row."""

from __future__ import annotations

from proxystore.records.audit import AuditEntry, AuditEvent, AuditHead, AuditProblem, AuditVerdict
from proxystore.records.caches import CacheStats, SpaceStats
from proxystore.records.dead_letters import DeadLetter
from proxystore.records.keys import FoundKey, KeyMetadata, KeyRecord, NewKey, ProjectRecord
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
    "FoundKey",
    "ImportResult",
    "KeyMetadata",
    "KeyRecord",
    "LatencySummary",
    "Model",
    "ModelAlias",
    "ModelFamily",
    "ModelMatch",
    "NewKey",
    "PoolStats",
    "ProjectRecord",
    "Provider",
    "RemapRule",
    "Revision",
    "SpaceStats",
    "Stats",
    "UsageEvent",
    "UsageSummary",
]
