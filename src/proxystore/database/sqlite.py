"""SQLite behind ``databases``, and what is done with its connections."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, TypeVar

import aiosqlite
from databases.interfaces import ConnectionBackend, DatabaseBackend
from typing_extensions import override

from proxystore.database.deadline import Errands
from proxystore.database.session import Arguments, BoundScript, Rows
from proxystore.database.sqlite_file import make_private, sync
from proxystore.database.sqlite_pool import Kept, Source, SQLitePool
from proxystore.database.sqlite_work import (
    begin,
    commit,
    drive,
    execute,
    execute_each,
    execute_many,
    fetch,
    rollback,
    then,
    whole,
)
from proxystore.database.waits import Waits
from proxystore.errors import StoreClosed
from proxystore.locking import HostLock, TaskLock
from proxystore.settings.pool import PoolSettings

T = TypeVar("T")

_TIDY: Final = "PRAGMA wal_checkpoint(PASSIVE)"
_LONG: Final = 1_500  # pages of a log that should begin anew


class SQLiteBackend(DatabaseBackend):
    """In place of the library's own, which opens a thread and a connection for every call.

    Attributes:
        turn: What a writer takes before it begins, so that writers wait in a queue: SQLite's own wait is a sleep.
        pool: Its connections.
    """

    turn: HostLock | TaskLock
    pool: SQLitePool

    def __init__(
        self,
        _database_url: object,
        *,
        path: Path | None,
        source: Source,
        settings: PoolSettings,
        errands: Errands,
        waits: Waits,
    ) -> None:
        self._path = path
        self._source = source
        self._settings = settings
        self._errands = errands
        self._waits = waits
        self._anchor: sqlite3.Connection | None = None

    @override
    async def connect(self) -> None:
        self.pool = SQLitePool(self._source, self._settings, self._errands, self._waits)
        if self._path is None:
            self.turn = TaskLock()
            self._anchor = sqlite3.connect(self._source.address, uri=True)  # else it is gone with its last user
        else:
            await self._prepare(self._path)

    @override
    async def disconnect(self) -> None:
        try:
            await self.pool.close()
        finally:
            if isinstance(self.turn, HostLock):
                self.turn.close()
        if self._anchor is not None:
            self._anchor.close()

    def commit_ended(self) -> None:
        """Let others write, and wait for the disk; in the thread that has committed, right then.

        Whoever comes on the way back would wait for a busy event loop, and whoever waits for the disk within the
        commit, as SQLite does, has all who want to write wait for it, too.
        """
        self.turn.pass_on()
        if self._path is not None and self._source.sync == "after":
            sync(self._path.with_name(f"{self._path.name}-wal"))

    @override
    def connection(self) -> SQLiteConnection:
        return SQLiteConnection(self.pool)

    async def _prepare(self, path: Path) -> None:
        make_private(path)
        self.turn = turn = HostLock(path.with_name(f"{path.name}.lock"))
        try:
            if not _is_in_use(path):
                # SQLite's patience does not cover the change to WAL: of two who make it at once, one fails at once.
                async with turn:
                    self.pool.release(await self.pool.acquire())
        except BaseException:
            turn.close()
            raise


class SQLiteConnection(ConnectionBackend):
    """One connection of the pool, as ``databases`` wants to see it."""

    def __init__(self, pool: SQLitePool) -> None:
        self._pool = pool
        self._kept: Kept | None = None

    @property
    def kept(self) -> Kept:
        """What was acquired."""
        if self._kept is None:
            raise StoreClosed("The connection was given back.")
        return self._kept

    @property
    @override
    def raw_connection(self) -> aiosqlite.Connection:
        return self.kept.raw

    @override
    async def acquire(self) -> None:
        self._kept = await self._pool.acquire()

    @override
    async def release(self) -> None:
        kept, self._kept = self.kept, None
        self._pool.release(kept)

    def drop(self, done: Callable[[], None]) -> None:
        """Have it closed, and *done* called when it is."""
        kept, self._kept = self._kept, None
        if kept is not None:
            self._pool.drop(kept, done)


class SQLiteSession:
    """A connection in the hands of one task; what writes takes the host's turn first. See `Session`."""

    def __init__(
        self, connection: SQLiteConnection, turn: HostLock | TaskLock, commit_ended: Callable[[], None], patience: float
    ) -> None:
        self._connection = connection
        self._turn = turn
        self._commit_ended = commit_ended
        self._patience = patience
        self._has_turn = False

    async def acquire(self) -> None:
        """See `Session.acquire`."""
        await self._connection.acquire()

    async def release(self) -> None:
        """See `Session.release`."""
        await self._connection.release()

    def drop(self) -> None:
        """See `Session.drop`."""
        # The thread may be in a transaction still: the next writer comes when that is undone.
        self._connection.drop(self._end_turn)

    async def begin(self) -> None:
        """See `Session.begin`."""
        await self._take_turn()
        await self._run(begin)

    async def commit(self) -> None:
        """See `Session.commit`."""
        await self._run(then(commit, self._commit_ended))
        self._end_turn()

    async def rollback(self) -> None:
        """See `Session.rollback`."""
        await self._run(rollback)
        self._end_turn()

    async def fetch(self, sql: str, arguments: Arguments, *, is_alone: bool = False) -> Rows:
        """See `Session.fetch`."""
        work = fetch(sql, arguments)
        return await (self._run_alone(work) if is_alone else self._run(work))

    async def execute(self, sql: str, arguments: Arguments, *, is_alone: bool = False) -> int:
        """See `Session.execute`."""
        work = execute(sql, arguments)
        return await (self._run_alone(work) if is_alone else self._run(work))

    async def execute_many(self, sql: str, rows: Sequence[Arguments], *, is_returning: bool) -> int:
        """See `Session.execute_many`."""
        return await self._run(execute_each(sql, rows) if is_returning else execute_many(sql, rows))

    async def perform(self, script: Callable[[], BoundScript[T]]) -> T:
        """See `Session.perform`: one hop into the connection's thread, however many statements."""
        return await self._run_alone(drive(script))

    async def follow(self, script: Callable[[], BoundScript[T]]) -> T:
        """See `Session.follow`: one hop as well."""
        return await self._run(drive(script))

    async def tidy(self) -> None:
        """See `Session.tidy`. What somebody adds meanwhile keeps the log from beginning anew: that little in turn."""
        _, length, moved = (await self.fetch(_TIDY, ()))[0]
        if moved < length and length > _LONG:
            await self._take_turn()
            try:
                await self.fetch(_TIDY, ())
            finally:
                self._end_turn()

    async def version(self) -> str:
        """See `Session.version`."""
        rows = await self.fetch("SELECT sqlite_version()", ())
        return str(rows[0][0])

    async def _run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        return await self._connection.kept.run(work)

    async def _run_alone(self, work: Callable[[sqlite3.Connection], T]) -> T:
        await self._take_turn()
        try:
            result = await self._run(whole(work, self._commit_ended))
        except Exception:
            self._end_turn()
            raise
        self._end_turn()
        return result

    async def _take_turn(self) -> None:
        await self._turn.acquire(self._patience)
        self._has_turn = True

    def _end_turn(self) -> None:
        if self._has_turn:
            self._has_turn = False
            self._turn.release()


def _is_in_use(path: Path) -> bool:
    """Return whether somebody has the database open, whose log is then there.

    Its file says as well what it is; but who opens that and closes it lets go of every lock that SQLite has on it in
    this process (POSIX), and the next process to leave would delete the log under our feet.
    """
    return path.with_name(f"{path.name}-wal").exists()
