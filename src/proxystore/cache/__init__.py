"""What is remembered for a while, so that nobody is asked twice; knows no database."""

from __future__ import annotations

from proxystore.cache.memory import MemoryCache

__all__ = ["MemoryCache"]
