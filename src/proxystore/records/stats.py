"""How a store does, in this process."""

from __future__ import annotations

import msgspec

from proxystore.records.caches import CacheStats


class PoolStats(msgspec.Struct, frozen=True, kw_only=True):
    """The pool of connections to the database.

    Attributes:
        max: How many connections there may be.
        open: How many there are.
        in_use: How many of them do something for somebody.
        idle: How many wait to be used.
        waits: How often somebody had to wait for one since the store was opened.
        wait_ms: For how long, all together.
    """

    max: int
    open: int
    in_use: int
    idle: int
    waits: int
    wait_ms: float


class Stats(msgspec.Struct, frozen=True, kw_only=True):
    """What `Store.stats()` returns.

    Attributes:
        pool: The connections to the database; nothing is open while the store is closed.
        caches: By name what is remembered in memory.
    """

    pool: PoolStats
    caches: dict[str, CacheStats]
