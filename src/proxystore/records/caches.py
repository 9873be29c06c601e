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


class SpaceStats(msgspec.Struct, frozen=True, kw_only=True):
    """What a space of the cache holds, and what one process has counted of it.

    Attributes:
        space: Its name.
        is_open: Whether its files can be used.
        entries: How many values are on this host's disk, those included that have expired.
        disk_bytes: How much room its files take.
        table_entries, table_bytes: As much of what hosts share in the database.
        memory_hits, disk_hits, table_hits: Questions that this process could answer, and from where.
        misses: Questions that it could not.
        stored: Values that it kept.
        failures: How often something could not be kept or read, or the files were not to be had.
    """

    space: str
    is_open: bool
    entries: int
    disk_bytes: int
    table_entries: int
    table_bytes: int
    memory_hits: int
    disk_hits: int
    table_hits: int
    misses: int
    stored: int
    failures: int
