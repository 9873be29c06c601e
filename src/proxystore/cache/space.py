"""Named shelves of bytes: in memory, on disk, and in a table where hosts share one."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from proxystore.cache.entry import Entry
from proxystore.cache.memory import MemoryCache
from proxystore.errors import InvalidRecord, ProxyStoreError
from proxystore.records.caches import CacheStats, SpaceStats

if TYPE_CHECKING:
    from proxystore.cache.flights import Flights
    from proxystore.cache.shelving import Shelving
    from proxystore.cache.table import Table

LARGEST: Final = 16 * 1024 * 1024
"""No value is longer, in bytes."""
LARGEST_REMEMBERED: Final = 32 * 1024
"""No longer one is kept in memory as well."""

_LONGEST_KEY: Final = 256
_LONGEST_TAG: Final = 200
_CONTROLS: Final = frozenset(map(chr, range(32)))


class Space:
    """Bytes under bytes, each for a time, shared by all processes of a host. Made by ``store.cache.space(name)``.

    A cache that is broken, full or slow knows nothing and keeps nothing; it never raises, and keeps nobody waiting.

    Attributes:
        name: What it is called.
        flights: Who fetches what is not there.
        largest: How many bytes a value may have.
    """

    largest = LARGEST

    def __init__(
        self,
        name: str,
        shelving: Callable[[Callable[[], None]], Shelving],
        *,
        memory: MemoryCache[bytes, Entry],
        flights: Flights,
        table: Table | None = None,
        announce: Callable[[str, str | None], Awaitable[None]] | None = None,
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        self.name = name
        self.flights = flights
        self._memory = memory
        self._shelving = shelving(memory.clear)
        self._table = table
        self._announce = announce
        self._clock = clock
        self._token = -1
        self._hits = self._disk_hits = self._table_hits = self._misses = self._stored = 0

    # -- asking ---------------------------------------------------------------------------------------------------

    def recall(self, key: bytes) -> bytes | None:
        """Return the value of *key* from memory alone."""
        entry = self._remembered(key, self._clock() // 1000)
        if entry is None:
            return None
        self._hits += 1
        return entry.value

    def get(self, key: bytes) -> bytes | None:
        """Return the value of *key* from memory or from disk: cheap enough for the event loop.

        A disk that has been slow lately is not read here, and files that are not open yet are not either.
        """
        value = self.recall(key)
        return value if value is not None else self.read(key)

    def read(self, key: bytes) -> bytes | None:
        """Return the value of *key* from disk alone: for who has just asked `recall`."""
        shelving = self._shelving
        if self._token >= 0 and shelving.is_quick:
            entry = shelving.read(key)
            now = self._clock() // 1000
            if entry is not None and entry.is_usable(now):
                self._disk_hits += 1
                self._remember(key, entry, self._token, now)
                return entry.value
        self._misses += 1
        return None

    @property
    def is_worth_fetching(self) -> bool:
        """Whether `fetch` may know what `get` does not."""
        return self._table is not None or self._token < 0 or not self._shelving.is_quick

    async def fetch(self, key: bytes) -> bytes | None:
        """Return the value of *key* from memory, from disk, or from the table; waits a quarter of a second at most.

        The first one in a process may wait a second for the files to be opened.
        """
        value = self.get(key)
        if value is not None:
            return value
        shelving, token = self._shelving, self._token
        is_unread = token < 0 or not shelving.is_quick
        if token < 0 and await shelving.open_quickly():
            token = self._current()
        if is_unread and token >= 0:
            value = self._found(key, await shelving.read_slowly(key), token)
            self._disk_hits += value is not None
        if value is None and self._table is not None:
            value = self._found(key, await self._table.fetch(self.name, key), token)
            self._table_hits += value is not None
        self._misses -= value is not None  # get() took it for one
        return value

    # -- changing -------------------------------------------------------------------------------------------------

    async def open(self) -> bool:
        """Open the files now, so that nothing has to wait for that; return whether they can be used."""
        return await self._shelving.open()

    async def set(
        self, key: bytes, value: bytes, *, ttl: float, tags: Sequence[str] = (), asked_ns: int | None = None
    ) -> bool:
        """Keep *value* for *ttl* seconds; return whether it is kept.

        Args:
            key: Up to 256 bytes.
            value: Up to 16 MiB; not kept if it is longer.
            ttl: Seconds.
            tags: Words by which it can be found again, to be forgotten.
            asked_ns: When the value was asked for, in nanoseconds since 1970: it is not kept if `invalidate` or `purge`
                was called since then, whatever for, as it may be what was to be forgotten.

        Raises:
            InvalidRecord: The key is too long or empty, a tag too long or with control characters.
        """
        _check(key, tags)
        now = self._clock() // 1000
        entry = Entry(value, now, now + int(ttl * 1e6))
        if len(value) > self.largest or not entry.is_usable(now):
            return False
        await self._shelving.open()
        token = self._current()
        is_kept = await self._shelving.change(lambda shelf: shelf.set(key, entry, tags, asked_ns)) is True
        if is_kept:
            self._remember(key, entry, token, now)
        if self._table is not None and (is_kept or not self._is_forgotten(asked_ns)):
            is_kept = await self._table.set(self.name, key, entry, tags) or is_kept
            if self._is_forgotten(asked_ns):
                await self._table.delete(self.name, key)
                is_kept = False
        self._stored += is_kept
        return is_kept

    async def delete(self, key: bytes) -> bool:
        """Forget *key*, on this host and in the table; return whether there was something."""
        self._memory.drop(key)
        is_gone = await self._shelving.change(lambda shelf: shelf.delete(key))
        if self._table is not None:
            is_gone = await self._table.delete(self.name, key) or is_gone
        return bool(is_gone)

    async def invalidate(self, *tags: str, actor: str | None = None) -> int:
        """Forget what has one of *tags*, on every host; return how many entries of this host, or of the table.

        Raises:
            InvalidRecord: A tag is too long or has control characters.
            StoreError: Other hosts could not be told.
        """
        _check(b"-", tags)
        count = await self._invalidate_here(tags)
        if self._table is not None:
            count = max(count, await self._table.invalidate(self.name, tags))
        for tag in tags:
            await self._tell(f"tag:{tag}", actor)
        return count

    async def purge(self, prefix: bytes = b"", *, actor: str | None = None) -> int:
        """Forget everything, or what has a key that begins with *prefix*, on every host; return how many entries.

        Raises:
            StoreError: Other hosts could not be told.
        """
        count = await self._purge_here(prefix)
        if self._table is not None:
            count = max(count, await self._table.purge(self.name, prefix))
        await self._tell(f"prefix:{prefix.hex()}", actor)
        return count

    # -- for the store --------------------------------------------------------------------------------------------

    async def follow(self, told: str) -> None:
        """Do here what another host was told to do; in the table, too, where this one may have kept something since."""
        what, _, which = told.partition(":")
        with suppress(ProxyStoreError):
            if what == "tag":
                await self._invalidate_here((which,))
                if self._table is not None:
                    await self._table.invalidate(self.name, (which,))
            elif what == "prefix":
                await self._purge_here(bytes.fromhex(which))
                if self._table is not None:
                    await self._table.purge(self.name, bytes.fromhex(which))

    async def close(self) -> None:
        """Let go of the files; what is in them stays."""
        self.flights.close()
        await self._shelving.close()
        self._memory.clear()
        self._token = -1

    @property
    def memory_stats(self) -> CacheStats:
        """How its memory does in this process."""
        return self._memory.stats

    async def stats(self) -> SpaceStats:
        """Return what there is, and what this process has counted."""
        entries, size = await self._shelving.change(lambda shelf: shelf.measure()) or (0, 0)
        shared, shared_size = await self._table.measure(self.name) if self._table is not None else (0, 0)
        return SpaceStats(
            space=self.name,
            is_open=self._shelving.shelf is not None,
            entries=entries,
            disk_bytes=size,
            table_entries=shared,
            table_bytes=shared_size,
            memory_hits=self._hits,
            disk_hits=self._disk_hits,
            table_hits=self._table_hits,
            misses=self._misses,
            stored=self._stored,
            failures=self._shelving.failures,
        )

    # -- its parts ------------------------------------------------------------------------------------------------

    def _current(self) -> int:
        """Return the token; forget what was remembered under another one."""
        token = self._shelving.token
        if token != self._token:
            self._token = token
            self._memory.clear()
            self._shelving.look()
        return token

    def _remembered(self, key: bytes, now: int) -> Entry | None:
        if self._current() < 0:
            return None
        entry = self._memory.get(key)
        return entry if entry is not None and entry.is_usable(now) else None

    def _remember(self, key: bytes, entry: Entry, token: int, now: int) -> None:
        if token == self._token and token >= 0 and len(entry.value) <= LARGEST_REMEMBERED:
            self._memory.put(key, entry, ttl=(entry.expires_at - now) / 1e6)

    def _found(self, key: bytes, entry: Entry | None, token: int) -> bytes | None:
        now = self._clock() // 1000
        if entry is None or not entry.is_usable(now):
            return None
        self._remember(key, entry, token, now)
        return entry.value

    def _is_forgotten(self, asked_ns: int | None) -> bool:
        return asked_ns is not None and self._shelving.forgotten_ns >= asked_ns

    async def _invalidate_here(self, tags: Sequence[str]) -> int:
        self._memory.clear()
        return await self._shelving.change(lambda shelf: shelf.invalidate(tags)) or 0

    async def _purge_here(self, prefix: bytes) -> int:
        self._memory.clear()
        return await self._shelving.change(lambda shelf: shelf.purge(prefix)) or 0

    async def _tell(self, what: str, actor: str | None) -> None:
        if self._announce is not None:
            await self._announce(f"{self.name}:{what}", actor)


def _check(key: bytes, tags: Sequence[str]) -> None:
    if not 0 < len(key) <= _LONGEST_KEY:
        raise InvalidRecord(f"A key of a cache has 1 to {_LONGEST_KEY} bytes.")
    for tag in tags:
        if not 0 < len(tag) <= _LONGEST_TAG or _CONTROLS & set(tag):
            raise InvalidRecord(f"A tag has 1 to {_LONGEST_TAG} characters, none of them a control character.")
