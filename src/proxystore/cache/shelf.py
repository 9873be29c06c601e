"""One directory of cached bytes, shared by all processes of a host: diskcache, sharded.

`get` may be called in the event loop; everything else waits for other processes, and is for a thread.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar

import diskcache

from proxystore.cache import places
from proxystore.cache.disk import INLINE, Planted, SafeDisk
from proxystore.cache.entry import Entry, packed, unpacked
from proxystore.cache.shards import Cache, Shards

T = TypeVar("T")

_SHARDS: Final = 4
_TAGS: Final = "tags"
_BUSY: Final = 0.01  # seconds a connection waits for another process; what may wait longer tries again
_PATIENCE: Final = 2.0
_DAY: Final = 86_400
_MOST_REGISTERED: Final = 10_000
_BETWEEN: Final = "\x1f"
_SETTINGS: Final = {
    "cull_limit": 10,
    "disk_min_file_size": INLINE,
    "eviction_policy": "least-recently-stored",  # any other writes on each get
    "statistics": 0,
    "tag_index": 1,
}


class Broken(Exception):
    """The files are damaged, planted or gone; what is left of them is to be moved aside."""


class Busy(Exception):
    """Other processes kept it locked, or the disk is full: this one change was not made."""


class Shelf:
    """What is in one directory.

    Each entry lies under a *set* of tags, joined, since diskcache knows one tag for each; which sets there are is known
    to a small cache of its own.

    Args:
        directory: Made if it is not there.
        size_limit: How many bytes it may hold; what was stored first goes first.

    Raises:
        Broken: What is there cannot be used, but can be replaced.
        OSError: It cannot be used, and it is not for us to replace it.
    """

    def __init__(self, directory: Path, size_limit: int) -> None:
        self.directory = directory
        places.make(directory, (*(f"{number:03d}" for number in range(_SHARDS)), _TAGS))
        self.token = places.Token(directory)
        self._mark = places.Mark(directory)
        self._registered: dict[str, float] = {}
        self._cache: Any = None
        self._tags: Any = None
        try:
            self._cache = Shards(
                str(directory), shards=_SHARDS, timeout=_BUSY, disk=SafeDisk, size_limit=size_limit, **_SETTINGS
            )
            tags = {**_SETTINGS, "eviction_policy": "none", "tag_index": 0}
            self._tags = Cache(str(directory / _TAGS), timeout=_PATIENCE, disk=SafeDisk, **tags)
        except BaseException as error:
            self.close()
            self.let_go()
            if isinstance(error, OSError) or "full" in str(error) or not isinstance(error, Exception):
                raise
            raise Broken(repr(error)) from error

    def get(self, key: bytes) -> Entry | None:
        """Return the entry of *key*, expired or not by our clock.

        Raises:
            Broken: The files are damaged.
        """
        try:
            data = self._cache.get(key)
        except sqlite3.OperationalError as error:
            if _is_passing(error):
                return None
            raise Broken(repr(error)) from error
        except (sqlite3.DatabaseError, Planted) as error:
            raise Broken(repr(error)) from error
        return None if data is None else unpacked(key, data)

    def set(self, key: bytes, entry: Entry, tags: Iterable[str], since: int | None = None) -> bool:
        """Keep *entry*; other processes forget what they remember of *key*. Returns whether it is kept.

        Args:
            key: Its key.
            entry: The entry.
            tags: Its tags.
            since: Nanoseconds since 1970: not kept if anything was forgotten on purpose since then.

        Raises:
            Broken, Busy: It is not kept.
        """
        tag = _BETWEEN + _BETWEEN.join(sorted(set(tags))) + _BETWEEN
        ttl = (entry.expires_at - entry.stored_at) / 1e6
        self._register(tag, ttl)
        data = packed(key, entry)
        if not self._done(lambda: self._cache.add(key, data, expire=ttl, tag=tag)):
            self._until_done(lambda: self._cache.set(key, data, expire=ttl, tag=tag))
            self.change()  # somebody may remember what was there
        if since is not None and self.forgotten_ns >= since:  # asked last: who forgets sets the mark first
            self.delete(key)
            return False
        return True

    def delete(self, key: bytes) -> bool:
        """Forget *key*; return whether there was something."""
        is_there = self.get(key) is not None
        if is_there:
            self._until_done(lambda: self._cache.delete(key) or key not in self._cache)
            self.change()
        return is_there

    def invalidate(self, tags: Iterable[str]) -> int:
        """Forget what has one of *tags*; return how many entries that were."""
        self._say_forgotten()
        wanted = [_BETWEEN + tag + _BETWEEN for tag in tags]
        found = [known for known in self._known_tags() if any(tag in known for tag in wanted)]
        count = sum(int(self._done(partial(self._cache.evict, tag))) for tag in found)
        self.change()
        return count

    def purge(self, prefix: bytes = b"") -> int:
        """Forget everything, or what has a key that begins with *prefix*; return how many entries that were."""
        self._say_forgotten()
        if not prefix:
            count: int = self._done(self._cache.clear)
        else:
            count = sum(self.delete(key) for key in self._done(lambda: list(self._cache)) if key.startswith(prefix))
        self.change()
        return count

    def change(self) -> None:
        """Let all processes forget what they remember."""
        with suppress(OSError):  # gone: then they notice that
            self.token.change()

    def warm(self) -> None:
        """Open this thread's connections, so that no reader has to."""
        for number in range(4 * _SHARDS):
            with suppress(Broken):
                self.get(bytes((number,)))

    def measure(self) -> tuple[int, int]:
        """Return how many entries there are, those expired included, and how many bytes their files have."""
        return self._done(lambda: (len(self._cache), self._cache.volume()))

    def close(self) -> None:
        """Close this thread's connections; to be called in each thread that has used it."""
        for cache in (self._cache, self._tags):
            if cache is not None:
                with suppress(sqlite3.Error, OSError):
                    cache.close()

    @property
    def forgotten_ns(self) -> int:
        """When something was last forgotten on purpose, in nanoseconds since 1970; 0 is never."""
        return self._mark.read()

    def let_go(self) -> None:
        """Close what no thread has of its own, and nobody may use any more."""
        self.token.close()
        self._mark.close()

    def _say_forgotten(self) -> None:
        """Keep what was asked for before now from being kept."""
        with suppress(OSError):
            self._mark.set()

    def _register(self, tag: str, ttl: float) -> None:
        """See to it that *tag* is known for longer than an entry that has it."""
        now = time.time()
        if self._registered.get(tag, 0.0) < now + ttl:
            self._until_done(lambda: self._tags.set(tag, b"", expire=ttl + _DAY))
            if len(self._registered) >= _MOST_REGISTERED:
                self._registered.clear()
            self._registered[tag] = now + ttl + _DAY - 1

    def _known_tags(self) -> list[str]:
        return [tag for tag in self._done(lambda: list(self._tags)) if isinstance(tag, str)]

    def _until_done(self, change: Callable[[], Any]) -> None:
        """Make a change that other processes may keep from being made; diskcache then says so by ``False``."""
        until = time.monotonic() + _PATIENCE
        while not self._done(change):
            if time.monotonic() > until:
                raise Busy("other processes kept it locked")
            time.sleep(0.005)

    def _done(self, work: Callable[[], T]) -> T:
        try:
            return work()
        except diskcache.Timeout as error:
            raise Busy("other processes kept it locked") from error
        except sqlite3.OperationalError as error:
            raise (Busy if _is_passing(error) else Broken)(str(error)) from error
        except (sqlite3.DatabaseError, Planted) as error:
            raise Broken(repr(error)) from error
        except OSError as error:
            raise Busy(str(error)) from error


def _is_passing(error: sqlite3.OperationalError) -> bool:
    """Return whether the files are whole, for all we know: locked, or no room left."""
    text = str(error)
    return "locked" in text or "full" in text or "busy" in text
