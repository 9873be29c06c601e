"""The cache of a store: one space for each name."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

from proxystore.cache import places
from proxystore.cache.entry import Entry
from proxystore.cache.flights import Flights
from proxystore.cache.memory import MemoryCache
from proxystore.cache.shelving import Shelving
from proxystore.cache.space import Space
from proxystore.cache.worker import Worker
from proxystore.errors import InvalidRecord
from proxystore.records.caches import CacheStats

if TYPE_CHECKING:
    from proxystore.cache.table import Table

_REMEMBERED: Final = 1000
_is_name: Final = re.compile(r"[a-z][a-z0-9_-]{0,39}").fullmatch


class Spaces:
    """Spaces by name, each in a directory of its own.

    Nothing is made, opened or loaded before a space is used.

    Args:
        directory: Where their directories are; ``None`` is a temporary one.
        size_limit: How many bytes each may hold on disk.
        table: What hosts share, if they do.
        announce: Tells every host what is to be forgotten, and who wants that.
    """

    def __init__(
        self,
        directory: Path | None,
        *,
        size_limit: int = 2**30,
        table: Table | None = None,
        announce: Callable[[str, str | None], Awaitable[None]] | None = None,
    ) -> None:
        self._directory = directory
        self._temporary: TemporaryDirectory[str] | None = None
        self._size_limit = size_limit
        self._table = table
        self._announce = announce
        self._host: str | None = None
        self._worker = Worker("proxystore-cache")
        self._spaces: dict[str, Space] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def space(self, name: str) -> Space:
        """Return the space called *name*, the same one each time.

        Raises:
            InvalidRecord: A name is up to 40 small letters, digits, ``_`` and ``-``, a letter first.
        """
        found = self._spaces.get(name)
        if found is None:
            if not _is_name(name):
                raise InvalidRecord("A space is named with up to 40 small letters, digits, _ and -, a letter first.")
            found = self._spaces[name] = self._made(name)
        return found

    def names(self) -> list[str]:
        """Return the names of all spaces of this host."""
        on_disk = () if self._directory is None or not self._directory.is_dir() else self._directory.iterdir()
        return sorted({*self._spaces, *(path.name for path in on_disk if path.is_dir() and _is_name(path.name))})

    async def known(self) -> list[str]:
        """Return the names of all spaces of this host, and of those that hosts share."""
        shared = await self._table.spaces() if self._table is not None else ()
        return sorted({*self.names(), *shared})

    def on_changed(self, told: str | None) -> None:
        """Do what was told to all hosts; ``None`` is that something may have been missed."""
        host, _, rest = (told or "").partition(":")
        name, _, what = rest.partition(":")
        if name in self._spaces and host != self._host_id():
            task = asyncio.get_running_loop().create_task(self._spaces[name].follow(what))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    @property
    def memory_stats(self) -> dict[str, CacheStats]:
        """How the memory of each space does in this process."""
        return {f"cache.{name}": space.memory_stats for name, space in self._spaces.items()}

    async def settle(self) -> None:
        """Wait until what was told is done, a second at most."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=1)

    async def close(self) -> None:
        """Let go of all files; what is in them stays."""
        await self.settle()
        for space in self._spaces.values():
            await space.close()
        self._worker.stop()
        if self._temporary is not None:
            self._temporary.cleanup()
            self._temporary = self._host = None

    async def _tell(self, what: str, actor: str | None) -> None:
        if self._announce is not None:
            await self._announce(f"{self._host_id()}:{what}", actor)

    def _host_id(self) -> str:
        """Return what the processes that share this directory have in common, and no others."""
        if self._host is None:
            self._host = places.identity(self._root())
        return self._host

    def _made(self, name: str) -> Space:
        def shelving(on_lost: Callable[[], None]) -> Shelving:
            return Shelving(lambda: self._root() / name, self._size_limit, self._worker, on_lost)

        memory = MemoryCache[bytes, Entry](_REMEMBERED, 60.0)
        flights = Flights(lambda: self._root() / f"{name}.flights")
        return Space(name, shelving, memory=memory, flights=flights, table=self._table, announce=self._tell)

    def _root(self) -> Path:
        if self._directory is not None:
            return self._directory
        if self._temporary is None:
            self._temporary = TemporaryDirectory(prefix="proxystore-cache-")
        return Path(self._temporary.name)
