"""What a cache asks of a place that several hosts share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from proxystore.cache.entry import Entry


class Table(Protocol):
    """Entries by space and key; `fetch`, `set` and `delete` never raise: who cannot be asked knows nothing."""

    async def fetch(self, space: str, key: bytes) -> Entry | None:
        """Return an entry, ``None`` if there is none."""

    async def set(self, space: str, key: bytes, entry: Entry, tags: Sequence[str]) -> bool:
        """Keep an entry; return whether it is kept."""

    async def delete(self, space: str, key: bytes) -> bool:
        """Forget an entry; return whether there was one."""

    async def invalidate(self, space: str, tags: Sequence[str]) -> int:
        """Forget what has one of *tags*; return how many entries that were."""

    async def purge(self, space: str, prefix: bytes) -> int:
        """Forget what has a key that begins with *prefix*; return how many entries that were."""

    async def spaces(self) -> list[str]:
        """Return the names of all spaces that have an entry."""

    async def measure(self, space: str) -> tuple[int, int]:
        """Return how many entries there are, and how many bytes they have."""
