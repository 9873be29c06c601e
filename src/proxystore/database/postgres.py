"""What is done with PostgreSQL's connections; the pool is asyncpg's, behind ``databases``' own backend."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from time import monotonic
from typing import Any, TypeVar

import asyncpg
from databases.interfaces import ConnectionBackend
from typing_extensions import override

from proxystore.database.session import Arguments, BoundScript, Rows
from proxystore.database.waits import Waits
from proxystore.errors import StoreUnavailable
from proxystore.settings.pool import PoolSettings

T = TypeVar("T")


class Kept(asyncpg.Connection):  # type: ignore[misc]
    """A connection that knows its age and leaves nothing behind in its session.

    Attributes:
        opened_at: When it was made, in monotonic seconds.
        used_at: When it was given back last.
    """

    __slots__ = ("opened_at", "used_at")

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.opened_at = self.used_at = monotonic()

    @override
    def get_reset_query(self) -> str:
        # We set nothing, listen to nothing and hold no lock of the session: nothing to reset, one round trip less.
        return ""

    def touch(self) -> None:
        """Remember that it was used now."""
        self.used_at = monotonic()


class PostgresSession:
    """A connection in the hands of one task. See `Session`."""

    def __init__(self, connection: Callable[[], ConnectionBackend], settings: PoolSettings, waits: Waits) -> None:
        self._waits = waits
        self._new_connection = connection
        self._connection = connection()
        self._settings = settings
        self._raw: Any = None
        self._transaction: Any = None

    async def acquire(self) -> None:
        """See `Session.acquire`."""
        await self._take()
        while not await self._is_sound():
            self.drop()
            self._connection = self._new_connection()  # one that was dropped still thinks it has something
            await self._take()

    async def release(self) -> None:
        """See `Session.release`."""
        raw, self._raw = self._raw, None
        self._waits.give_back()
        touch = getattr(raw, "touch", None)  # a connection that died has left its proxy
        if touch is not None:
            touch()
        await self._connection.release()

    def drop(self) -> None:
        """See `Session.drop`."""
        raw, self._raw = self._raw, None
        if raw is not None:
            self._waits.give_back()
            with suppress(asyncpg.InterfaceError):  # dead, and gone from the pool
                raw.terminate()  # which gives its place in the pool back, too

    async def begin(self) -> None:
        """See `Session.begin`."""
        self._transaction = self._raw.transaction()
        await self._transaction.start()

    async def commit(self) -> None:
        """See `Session.commit`."""
        transaction, self._transaction = self._transaction, None
        await transaction.commit()

    async def rollback(self) -> None:
        """See `Session.rollback`."""
        transaction, self._transaction = self._transaction, None
        if transaction is not None:
            await transaction.rollback()

    async def fetch(self, sql: str, arguments: Arguments, *, is_alone: bool = False) -> Rows:
        """See `Session.fetch`."""
        return await self._raw.fetch(sql, *arguments)  # type: ignore[no-any-return]

    async def execute(self, sql: str, arguments: Arguments, *, is_alone: bool = False) -> int:
        """See `Session.execute`."""
        status = await self._raw.execute(sql, *arguments)
        last = status.rpartition(" ")[2]  # of "INSERT 0 3", "UPDATE 3", "CREATE TABLE"
        return int(last) if last.isdigit() else 0

    async def execute_many(self, sql: str, rows: Sequence[Arguments], *, is_returning: bool) -> int:
        """See `Session.execute_many`; *sql* has to return rows, for asyncpg's `executemany` counts nothing."""
        return len(await self._raw.fetchmany(sql, rows))

    async def perform(self, script: Callable[[], BoundScript[T]]) -> T:
        """See `Session.perform`."""
        async with self._raw.transaction():
            return await self.follow(script)

    async def follow(self, script: Callable[[], BoundScript[T]]) -> T:
        """See `Session.follow`."""
        steps = script()
        rows: Rows | None = None
        while True:
            try:
                step = next(steps) if rows is None else steps.send(rows)
            except StopIteration as end:
                result: T = end.value
                return result
            if step.is_counted:
                rows = [(await self.execute(step.sql, step.arguments),)]
            else:
                rows = await self._raw.fetch(step.sql, *step.arguments)

    async def tidy(self) -> None:
        """See `Session.tidy`: the server does so itself."""

    async def version(self) -> str:
        """See `Session.version`."""
        return str((await self.fetch("SHOW server_version", ()))[0][0])

    async def _take(self) -> None:
        try:
            await self._waits.take(self._connection.acquire)
        except TimeoutError as error:
            raise StoreUnavailable("The database did not let us in within its deadline.") from error
        self._raw = self._connection.raw_connection

    async def _is_sound(self) -> bool:
        if self._raw.used_at == self._raw.opened_at:
            return True  # made for us
        now = monotonic()
        if 0 < self._settings.max_lifetime < now - self._raw.opened_at:
            return False
        if not 0 < self._settings.health_check < now - self._raw.used_at:
            return True
        try:
            await self._raw.fetchval("SELECT 1")
        except Exception:  # noqa: BLE001 - whatever it is, the connection is of no use
            return False
        return True
