"""diskcache's caches, which close what they have opened of their files when they cannot open all of it.

Else each try on a damaged or full disk would leave connections to whoever collects garbage, and Python from 3.13 on
says so.
"""

from __future__ import annotations

from typing import Any

import diskcache


class Cache(diskcache.Cache):  # type: ignore[misc]  # diskcache has no types
    """One file."""

    def __init__(self, directory: str, **settings: Any) -> None:
        try:
            super().__init__(directory, **settings)
        except BaseException:
            self.close()
            raise


class Shards(diskcache.FanoutCache):  # type: ignore[misc]  # as above
    """Several files, as diskcache's own `FanoutCache` makes them, one after the other."""

    def __init__(self, directory: str, *, shards: int, size_limit: int, **settings: Any) -> None:
        self._count, self._directory, self._disk = shards, directory, settings["disk"]
        self._caches: dict[str, Any] = {}
        self._deques: dict[str, Any] = {}
        self._indexes: dict[str, Any] = {}
        self._shards: tuple[Cache, ...] = ()
        try:
            for number in range(shards):
                shard = Cache(f"{directory}/{number:03d}", size_limit=size_limit / shards, **settings)
                self._shards = (*self._shards, shard)
        except BaseException:
            self.close()
            raise
        self._hash = self._shards[0].disk.hash
