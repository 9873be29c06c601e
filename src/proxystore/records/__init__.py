"""One frozen Struct per row."""

from __future__ import annotations

from proxystore.records.caches import CacheStats
from proxystore.records.dead_letters import DeadLetter
from proxystore.records.migration import Revision
from proxystore.records.usage import CostShare, LatencySummary, UsageEvent, UsageSummary

__all__ = ["CacheStats", "CostShare", "DeadLetter", "LatencySummary", "Revision", "UsageEvent", "UsageSummary"]
