"""How much: rate limits, quotas and budgets of whoever is calling."""

from __future__ import annotations

from proxystore_limits.plugin import Limits

__all__ = ["Limits"]
