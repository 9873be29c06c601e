"""SQLite's connections, kept: a new one costs a thread and half a millisecond."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from threading import Thread
from time import monotonic
from typing import Any, Final, Literal, TypeAlias, TypeVar, cast

import aiosqlite
from typing_extensions import override

from proxystore.database.deadline import Errands
from proxystore.database.waits import Waits
from proxystore.errors import StoreClosed
from proxystore.forkless import forkless
from proxystore.settings.pool import PoolSettings

T = TypeVar("T")

Sync: TypeAlias = Literal["later", "after", "within"]
"""When the disk is waited for: *later*, when the log is emptied; *after* the commit, when others see it and may write
already, but before who has committed goes on; or *within* it, before anybody sees it."""

_PATIENCE: Final = 1.0
_LONGEST_LOG: Final = 4_000
"""Pages after which whoever commits empties the log, while others wait: whoever writes much does so before, by
`Database.tidy`, and nobody waits. SQLite's own is 1,000."""


@dataclass(frozen=True, kw_only=True)
class Source:
    """How connections are made: *address* is a ``file:`` URI, *busy_timeout* in seconds."""

    address: str
    sync: Sync
    busy_timeout: float

    def factory(self) -> type[sqlite3.Connection]:
        """Return a class of connections that begin with our settings."""
        source = self

        class Connection(sqlite3.Connection):
            def __init__(self, *arguments: Any, **options: Any) -> None:
                with forkless:
                    super().__init__(*arguments, **options)
                try:
                    with forkless:
                        self._set_up()
                except BaseException:  # whatever it is, it goes on; but nobody else gets to see the connection
                    self.close()
                    raise

            def _set_up(self) -> None:
                self.execute("PRAGMA journal_mode = wal")
                self.execute(f"PRAGMA synchronous = {'full' if source.sync == 'within' else 'normal'}")
                self.execute("PRAGMA foreign_keys = on")
                self.execute("PRAGMA temp_store = memory")
                self.execute(f"PRAGMA wal_autocheckpoint = {_LONGEST_LOG}")

            @override
            def close(self) -> None:
                with forkless:
                    super().close()

        return Connection


class Kept:
    """An open connection, and when it was opened and last used (monotonic seconds)."""

    __slots__ = ("_thread", "idle_since", "opened_at", "raw")

    def __init__(self, raw: aiosqlite.Connection, thread: Thread) -> None:
        self.raw = raw
        self._thread = thread
        self.opened_at = self.idle_since = monotonic()

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Have *work* done in the connection's thread: one hop, however many statements.

        Cancelled, it returns at once; the thread goes on, and what comes after queues up behind it.
        """
        if self.raw._connection is None:
            raise StoreClosed
        # aiosqlite's own way into its thread, which has no types.
        return await self.raw._execute(_undivided, work, self.raw._conn)  # type: ignore[no-any-return,no-untyped-call]

    def interrupt(self) -> None:
        """Have the statement that is running fail soon."""
        with suppress(sqlite3.ProgrammingError, ValueError):  # closed
            self.raw._conn.interrupt()

    async def close(self) -> None:
        """Close it when all it was given to do is done."""
        try:
            await self.raw.close()
        except asyncio.CancelledError:
            await asyncio.to_thread(self._thread.join, _PATIENCE)  # else it tells a loop that has closed meanwhile
            raise

    def end(self) -> None:
        """Close it now, unless it is closed: its loop ended before it got to that."""
        connection = self.raw._connection
        if connection is not None:
            _stop(self.raw)
            self._thread.join(_PATIENCE)
            if not self._thread.is_alive():
                connection.close()


class SQLitePool:
    """At most ``max_size`` connections; those given back wait for the next one."""

    def __init__(self, source: Source, settings: PoolSettings, errands: Errands, waits: Waits) -> None:
        self._waits = waits
        self._address = source.address
        self._busy_timeout = source.busy_timeout
        self._factory = source.factory()
        self._settings = settings
        self._errands = errands
        self._free = asyncio.Semaphore(settings.max_size)
        self._idle: list[Kept] = []
        self._in_use: set[Kept] = set()
        self._pruning: asyncio.TimerHandle | None = None
        self._is_closed = False

    def get_size(self) -> int:
        """Return how many connections there are."""
        return len(self._idle) + len(self._in_use)

    def get_idle_size(self) -> int:
        """Return how many of them wait to be used."""
        return len(self._idle)

    async def acquire(self) -> Kept:
        """Return a connection, the one used last if any waits."""
        await self._waits.take(self._free.acquire)
        try:
            kept = self._young() or await self._open()
        except BaseException:
            self._free.release()
            self._waits.give_back()
            raise
        self._in_use.add(kept)
        return kept

    def release(self, kept: Kept) -> None:
        """Keep it for the next one."""
        self._give_up(kept)
        kept.idle_since = monotonic()
        if self._is_closed:
            self._close(kept)
        else:
            self._idle.append(kept)
            self._schedule()

    def drop(self, kept: Kept, done: Callable[[], None] | None = None) -> None:
        """Interrupt what it does, undo that, close it, and then call *done*."""
        self._give_up(kept)
        kept.interrupt()
        self._close(kept, done)

    async def close(self) -> None:
        """Close every connection, when it has been given back; at once if cancelled."""
        self._is_closed = True
        if self._pruning is not None:
            self._pruning.cancel()
        while self._idle:
            self._close(self._idle.pop())
        try:
            for _ in range(self._settings.max_size):
                await self._free.acquire()
        finally:
            for kept in list(self._in_use):
                self.drop(kept)

    def _young(self) -> Kept | None:
        while self._idle:
            kept = self._idle.pop()
            if not self._is_old(kept):
                return kept
            self._close(kept)
        return None

    async def _open(self) -> Kept:
        arrival: asyncio.Future[Kept] = asyncio.get_running_loop().create_future()
        self._errands.spawn(self._connect(arrival))
        try:
            return await arrival
        except asyncio.CancelledError:
            if not arrival.cancelled() and arrival.exception() is None:  # it had arrived already
                await arrival.result().close()
            raise

    async def _connect(self, arrival: asyncio.Future[Kept]) -> None:
        """Open a connection for who waits for its *arrival*, and close it if nobody does any more."""
        try:
            kept = await self._connected()
        except Exception as error:  # noqa: BLE001  for who waits
            if not arrival.done():
                arrival.set_exception(error)
        else:
            if arrival.done():
                await kept.close()
            else:
                arrival.set_result(kept)
        finally:
            arrival.cancel()  # if this was, as by the end of the event loop

    async def _connected(self) -> Kept:
        opened: list[sqlite3.Connection] = []

        def factory(*arguments: Any, **options: Any) -> sqlite3.Connection:
            opened.append(self._factory(*arguments, **options))
            return opened[0]

        raw = aiosqlite.connect(
            self._address,
            isolation_level=None,
            check_same_thread=False,  # it is closed here if it is not wanted any more
            factory=factory,
            timeout=self._busy_timeout,
            uri=True,
        )
        # An open connection's thread would keep the process alive. Until 0.22 the connection was the thread.
        thread: Thread = getattr(raw, "_thread", cast("Any", raw))
        thread.daemon = True
        try:
            return Kept(await raw, thread)
        except BaseException:  # also where this is cancelled
            _stop(raw)  # until 0.22 it ran on if this was cancelled
            await asyncio.to_thread(thread.join, _PATIENCE)  # else it tells a loop that has closed
            for connection in opened:
                connection.close()
            raise

    def _close(self, kept: Kept, done: Callable[[], None] | None = None) -> None:
        closing = self._errands.spawn(kept.close())
        closing.add_done_callback(lambda _: kept.end())
        if done is not None:
            closing.add_done_callback(lambda _: done())

    def _give_up(self, kept: Kept) -> None:
        if kept in self._in_use:
            self._in_use.discard(kept)
            self._free.release()
            self._waits.give_back()

    def _is_old(self, kept: Kept) -> bool:
        return 0 < self._settings.max_lifetime < monotonic() - kept.opened_at

    def _schedule(self) -> None:
        if self._pruning is None and self._settings.max_idle_time > 0:
            loop = asyncio.get_running_loop()
            self._pruning = loop.call_later(self._settings.max_idle_time, self._prune)

    def _prune(self) -> None:
        self._pruning = None
        before = monotonic() - self._settings.max_idle_time
        while len(self._idle) > self._settings.min_size and self._idle[0].idle_since <= before:
            self._close(self._idle.pop(0))
        if len(self._idle) > self._settings.min_size:
            self._schedule()


def _undivided(work: Callable[[sqlite3.Connection], T], raw: sqlite3.Connection) -> T:
    with forkless:
        return work(raw)


def _stop(raw: aiosqlite.Connection) -> None:
    """Have the thread end when it has done what it was given; since 0.22 it closes the connection then."""
    stop = getattr(raw, "stop", None) or raw._stop_running  # type: ignore[attr-defined]  # its name until 0.22
    stop()
