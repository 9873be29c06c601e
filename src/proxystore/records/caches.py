"""How a cache does."""

from __future__ import annotations

import msgspec


class CacheStats(msgspec.Struct, frozen=True, kw_only=True):
    """What a cache counted since its process began.

    Attributes:
        size: How many values there are, those that have expired unnoticed included.
        capacity: How many there may be.
        hits: Questions that it could answer.
        misses: Questions that it could not.
        evictions: Values that made room for others before their time.
        expirations: Values whose time had come.
    """

    size: int
    capacity: int
    hits: int
    misses: int
    evictions: int
    expirations: int

    @property
    def hit_rate(self) -> float:
        """The share of questions that it could answer; 0 before the first."""
        asked = self.hits + self.misses
        return self.hits / asked if asked else 0.0
