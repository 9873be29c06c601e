"""SQLite behind ``databases``: a pool that keeps its connections."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from time import monotonic
from typing import Any, Final, TypeVar

import aiosqlite
from databases.interfaces import ConnectionBackend, DatabaseBackend
from typing_extensions import override

from proxystore.database.deadline import Errands
from proxystore.database.session import Arguments, Rows
from proxystore.locking import HostLock
from proxystore.settings.pool import PoolSettings

T = TypeVar("T")

_WAL_VERSIONS: Final = b"\x02\x02"


def connector(synchronous: str, busy_timeout: float) -> type[sqlite3.Connection]:
    """Return a class of connections that begin with our settings."""

    class Connection(sqlite3.Connection):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            self.execute(f"PRAGMA busy_timeout = {int(busy_timeout * 1000)}")
            self.execute("PRAGMA journal_mode = wal")
            self.execute(f"PRAGMA synchronous = {synchronous}")
            self.execute("PRAGMA foreign_keys = on")

    return Connection


class Kept:
    """An open connection, and when it was opened and last used (monotonic seconds)."""

    __slots__ = ("idle_since", "opened_at", "raw")

    def __init__(self, raw: aiosqlite.Connection) -> None:
        self.raw = raw
        self.opened_at = self.idle_since = monotonic()

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Have *work* done in the connection's thread: one hop, however many statements."""
        return await self.raw._execute(work, self.raw._conn)  # type: ignore[no-any-return]


class SQLitePool:
    """At most ``max_size`` connections; those given back are kept for the next one."""

    def __init__(self, target: str, options: PoolSettings, factory: type[sqlite3.Connection], errands: Errands) -> None:
        self._target = target
        self._options = options
        self._factory = factory
        self._errands = errands
        self._free = asyncio.Semaphore(options.max_size)
        self._idle: list[Kept] = []
        self._in_use: set[Kept] = set()
        self._pruning: asyncio.TimerHandle | None = None
        self._is_closed = False

    @property
    def idle(self) -> int:
        """How many connections wait to be used."""
        return len(self._idle)

    @property
    def size(self) -> int:
        """How many connections there are."""
        return len(self._idle) + len(self._in_use)

    async def acquire(self) -> Kept:
        await self._free.acquire()
        try:
            kept = self._idle.pop() if self._idle else await self._open()
        except BaseException:
            self._free.release()
            raise
        self._in_use.add(kept)
        return kept

    def release(self, kept: Kept) -> None:
        """Keep it for the next one, unless its time is over."""
        self._in_use.discard(kept)
        self._free.release()
        kept.idle_since = monotonic()
        if self._is_closed or self._is_old(kept):
            self._close(kept)
        else:
            self._idle.append(kept)
            self._schedule()

    def drop(self, kept: Kept) -> None:
        """Interrupt what it does and close it."""
        if kept in self._in_use:
            self._in_use.discard(kept)
            self._free.release()
        self._close(kept)

    def close(self) -> None:
        self._is_closed = True
        if self._pruning is not None:
            self._pruning.cancel()
        while self._idle:
            self._close(self._idle.pop())
        for kept in list(self._in_use):
            self.drop(kept)

    async def _open(self) -> Kept:
        opening = asyncio.ensure_future(self._connect())
        try:
            return await asyncio.shield(opening)
        except asyncio.CancelledError:
            opening.add_done_callback(self._adopt)
            raise

    def _adopt(self, opening: asyncio.Future[Kept]) -> None:
        if not opening.cancelled() and opening.exception() is None:
            self._close(opening.result())

    async def _connect(self) -> Kept:
        raw = aiosqlite.connect(self._target, isolation_level=None, factory=self._factory, uri=True)
        # An open connection's thread would keep the process alive. Until 0.22 the connection was the thread.
        getattr(raw, "_thread", raw).daemon = True
        return Kept(await raw)

    def _close(self, kept: Kept) -> None:
        if kept.raw._connection is not None:
            kept.raw._connection.interrupt()
        self._errands.spawn(kept.raw.close())

    def _is_old(self, kept: Kept) -> bool:
        return 0 < self._options.max_lifetime < monotonic() - kept.opened_at

    def _schedule(self) -> None:
        if self._pruning is None and self._options.max_idle_time > 0:
            loop = asyncio.get_running_loop()
            self._pruning = loop.call_later(self._options.max_idle_time, self._prune)

    def _prune(self) -> None:
        self._pruning = None
        now = monotonic()
        while len(self._idle) > self._options.min_size and (
            now - self._idle[0].idle_since >= self._options.max_idle_time or self._is_old(self._idle[0])
        ):
            self._close(self._idle.pop(0))
        if self._idle:
            self._schedule()


class SQLiteBackend(DatabaseBackend):  # type: ignore[misc]
    """What ``databases`` takes in place of its own, which opens a thread and a connection for every call."""

    def __init__(
        self, database_url: object, *, target: str, path: Path | None, pool: PoolSettings, synchronous: str,
        busy_timeout: float, errands: Errands,
    ) -> None:
        self._path = path
        self._pool_of = lambda: SQLitePool(target, pool, connector(synchronous, busy_timeout), errands)
        self._pool: SQLitePool | None = None
        self._anchor: sqlite3.Connection | None = None
        self._target = target
        self.turn: HostLock | asyncio.Lock = asyncio.Lock() if path is None else HostLock(lock_path(path))

    @property
    def pool(self) -> SQLitePool:
        if self._pool is None:
            raise ConnectionError("the pool is closed")
        return self._pool

    @override
    async def connect(self) -> None:
        pool = self._pool_of()
        if self._path is None:
            self._anchor = sqlite3.connect(self._target, uri=True)
        elif not _is_wal(self._path):
            # Two who turn one file to WAL at once: one is told that it is locked, at once.
            assert isinstance(self.turn, HostLock)
            os.makedirs(self._path.parent, 0o700, exist_ok=True)
            async with self.turn:
                pool.release(await pool.acquire())
        self._pool = pool

    @override
    async def disconnect(self) -> None:
        if self._pool is not None:
            self._pool.close()
            self._pool = None
        if self._anchor is not None:
            self._anchor.close()
            self._anchor = None
        if isinstance(self.turn, HostLock):
            self.turn.close()

    @override
    def connection(self) -> SQLiteSession:
        return SQLiteSession(self)


def lock_path(path: Path) -> Path:
    """Return the file that writers of the database at *path* lock before they begin."""
    return path.with_name(f"{path.name}.lock")


def _is_wal(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(20)[18:] == _WAL_VERSIONS
    except FileNotFoundError:
        return False


class SQLiteSession(ConnectionBackend):  # type: ignore[misc]
    """A connection in the hands of one task; writing transactions take the host's lock first."""

    def __init__(self, backend: SQLiteBackend) -> None:
        self._backend = backend
        self._kept: Kept | None = None
        self._pool: SQLitePool | None = None
        self._has_turn = False

    @property
    @override
    def raw_connection(self) -> aiosqlite.Connection:
        return self._held.raw

    @property
    def _held(self) -> Kept:
        if self._kept is None:
            raise ConnectionError("the connection is closed")
        return self._kept

    @override
    async def acquire(self) -> None:
        self._pool = self._backend.pool
        self._kept = await self._pool.acquire()

    @override
    async def release(self) -> None:
        kept, self._kept = self._kept, None
        if kept is not None and self._pool is not None:
            self._pool.release(kept)

    def drop(self) -> None:
        kept, self._kept = self._kept, None
        if kept is not None and self._pool is not None:
            self._pool.drop(kept)
        self._end_turn()

    async def begin(self, deadline: float) -> None:
        await self._take_turn(deadline)
        await self._held.run(_begin)

    async def commit(self) -> None:
        await self._held.run(_commit)
        self._end_turn()

    async def rollback(self) -> None:
        await self._held.run(_rollback)
        self._end_turn()

    async def fetch(self, sql: str, arguments: Arguments) -> Rows:
        return await self._held.run(lambda raw: raw.execute(sql, arguments).fetchall())

    async def execute(self, sql: str, arguments: Arguments) -> int:  # type: ignore[override]
        return await self._held.run(lambda raw: _execute(raw, sql, arguments))

    async def execute_many(self, sql: str, rows: Sequence[Arguments]) -> int:  # type: ignore[override]
        return await self._held.run(lambda raw: raw.executemany(sql, rows).rowcount)

    async def version(self) -> str:
        return sqlite3.sqlite_version

    async def _take_turn(self, deadline: float) -> None:
        turn = self._backend.turn
        await (turn.acquire(deadline) if isinstance(turn, HostLock) else turn.acquire())
        self._has_turn = True

    def _end_turn(self) -> None:
        if self._has_turn:
            self._has_turn = False
            self._backend.turn.release()


def _begin(raw: sqlite3.Connection) -> None:
    raw.execute("BEGIN IMMEDIATE")


def _commit(raw: sqlite3.Connection) -> None:
    raw.execute("COMMIT")


def _rollback(raw: sqlite3.Connection) -> None:
    if raw.in_transaction:
        raw.execute("ROLLBACK")


def _execute(raw: sqlite3.Connection, sql: str, arguments: Arguments) -> int:
    cursor = raw.execute(sql, arguments)
    return len(cursor.fetchall()) if cursor.description else max(cursor.rowcount, 0)
