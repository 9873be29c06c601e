"""Who used what: events, and summaries from roll-ups."""

from __future__ import annotations

from proxystore.repositories.usage.repository import UsageRepository
from proxystore.repositories.usage.summaries import Grouping

__all__ = ["Grouping", "UsageRepository"]
