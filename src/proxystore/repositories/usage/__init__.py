"""Who used what: events, and summaries from roll-ups."""

from __future__ import annotations

from proxystore.repositories.usage.grouping import Grouping
from proxystore.repositories.usage.repository import Measure, UsageRepository

__all__ = ["Grouping", "Measure", "UsageRepository"]
