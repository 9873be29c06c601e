"""One class for each aggregate, ignorant of each other."""

from __future__ import annotations

from proxystore.repositories.usage import UsageRepository

__all__ = ["UsageRepository"]
