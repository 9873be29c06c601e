"""The one place that talks to databases."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable
from contextlib import suppress
from time import perf_counter
from types import TracebackType
from typing import Final, Self, TypeVar

from proxystore.database.compiling import Compiled, DialectName
from proxystore.database.deadline import Errands
from proxystore.database.health import Health
from proxystore.database.library import Library, Plan
from proxystore.database.reasons import explained
from proxystore.database.scripts import Script, bound
from proxystore.database.session import Session
from proxystore.database.sqlite_pool import Sync
from proxystore.database.statement import Query, Statement
from proxystore.database.transaction import Transaction
from proxystore.database.translating import is_disconnection, is_harmless, translate
from proxystore.errors import ProxyStoreError, StoreClosed, StoreError, StoreTimeout, StoreUnavailable
from proxystore.records import PoolStats
from proxystore.settings.pool import PoolSettings
from proxystore.settings.url import DatabaseURL

R = TypeVar("R")
T = TypeVar("T")

_DEADLINE: Final = 5.0
_inherited: Final[list[object]] = []
"""What a forked process was born with. To close it, as collecting it would, is to close it under the parent's feet."""


class Database:
    """Connections, statements and transactions, the same on SQLite and PostgreSQL.

    Every call ends within *deadline* seconds, whatever the server does, and raises errors of ours alone: ``Conflict``,
    ``ReferenceViolation``, ``InvalidRecord``, ``StoreBusy``, ``StoreTimeout``, ``StoreUnavailable``, ``StoreClosed``,
    ``SchemaError``. Once open, it belongs to the process and the event loop that opened it. Two objects made with one
    `DatabaseURL` share one database, in memory too, in whatever thread they are.

    Args:
        url: Where it is.
        schema: Where its tables are on PostgreSQL.
        pool: How many connections, and for how long.
        sync: When a commit on SQLite is made to survive a loss of power. See `Sync`.
        deadline: How many seconds a call may take.
    """

    def __init__(
        self,
        url: DatabaseURL,
        *,
        schema: str = "proxystore",
        pool: PoolSettings | None = None,
        sync: Sync = "later",
        deadline: float = _DEADLINE,
    ) -> None:
        self.url = url
        self.schema = schema
        self.dialect: DialectName = url.dialect
        self.deadline = deadline
        self.errands = self._new_errands()
        self._pool = pool or PoolSettings()
        self._sync = sync
        self._library: Library | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._process = os.getpid()

    @property
    def is_open(self) -> bool:
        """Whether this process has it open, in an event loop that still runs."""
        return (
            self._library is not None
            and self._process == os.getpid()
            and self._loop is not None
            and not self._loop.is_closed()
        )

    async def open(self) -> None:
        """Connect; harmless when it is open already.

        Raises:
            StoreUnavailable: It cannot be reached, or does not let us in.
            StoreClosed: It is open in another event loop.
        """
        if self.is_open:
            self._opened()
            return
        self._forget()
        # Its DEBUG lines print every argument, and its INFO lines a URL that is not the whole truth.
        logging.getLogger("databases").setLevel(logging.WARNING)
        try:
            await self._open()
        except StoreError as error:
            if (ours := explained(self.url, error)) is not None:
                raise ours from error
            if isinstance(error, (StoreTimeout, StoreUnavailable)):
                raise StoreUnavailable(f"{self.url.masked} cannot be opened: {error}") from error
            raise

    async def close(self) -> None:
        """Let go of every connection, as soon as what is under way is done; harmless when it is closed already."""
        if self.is_open:
            library, self._library = self._opened(), None
            with suppress(StoreError):  # at the deadline all connections are gone as well
                await self.errands.run(library.disconnect, self.deadline)
        if self._loop is asyncio.get_running_loop() and self._process == os.getpid():
            await self.errands.settle(self.deadline)  # of an opening that was broken off, too

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def fetch_one(self, query: Query[R], /, **values: object) -> R | None:
        """Return the first row as a record, or ``None``."""
        records = await self.fetch_all(query, **values)
        return records[0] if records else None

    async def fetch_all(self, query: Query[R], /, **values: object) -> list[R]:
        """Return every row as a record.

        What only reads never waits for a writer, and is tried again where its connection turns out to be dead.
        """
        compiled = self.compiled(query)
        sql, arguments = compiled.bind(values)
        if compiled.is_writing:
            rows = await self._run(lambda session: session.fetch(sql, arguments, is_alone=True))
        else:
            rows = await self._read(lambda session: session.fetch(sql, arguments))
        return query.records(compiled, rows)

    async def execute(self, statement: Statement, /, **values: object) -> int:
        """Run *statement* in a transaction of its own; return how many rows it touched."""
        sql, arguments = self.compiled(statement).bind(values)
        return await self._run(lambda session: session.execute(sql, arguments, is_alone=True))

    async def perform(self, script: Callable[[], Script[T]]) -> T:
        """Run a script as a transaction of its own; on SQLite in one hop into a thread.

        Where a transaction is short and somebody waits for it, this is several times faster than :meth:`transaction`.

        Args:
            script: Returns a generator that yields ``(statement, values)`` and is sent the records of each; what it
                returns is returned. It never waits, and may run in another thread.
        """
        return await self._run(lambda session: session.perform(lambda: bound(script(), self.compiled)))

    async def tidy(self) -> None:
        """Take what was written lately out of SQLite's log into its file, while others read and write.

        Else somebody's commit does so, and keeps others waiting meanwhile. On PostgreSQL there is nothing to do.
        """
        await self._run(lambda session: session.tidy())

    def transaction(self) -> Transaction:
        """Return a transaction: ``async with database.transaction() as transaction: ...``."""
        return Transaction(self)

    async def health(self) -> Health:
        """Ask the database how it is; never raises what the database is to blame for."""
        started = perf_counter()
        version = problem = None
        try:
            version = await self._run(lambda session: session.version())
        except ProxyStoreError as error:
            problem = str(error)
        return Health(
            is_reachable=problem is None,
            latency_ms=(perf_counter() - started) * 1000,
            dialect=self.dialect,
            server_version=version,
            error=problem,
        )

    def stats(self) -> PoolStats:
        """Return how the pool of connections does; nothing is open while closed."""
        library = self._library if self.is_open else None
        pool = library.pool if library is not None else None
        size, idle = (pool.get_size(), pool.get_idle_size()) if pool is not None else (0, 0)
        return PoolStats(
            max=self._pool.max_size,
            open=size,
            in_use=size - idle,
            idle=idle,
            waits=library.waits.count if library is not None else 0,
            wait_ms=library.waits.seconds * 1000 if library is not None else 0.0,
        )

    def compiled(self, statement: Statement, *, is_counting: bool = False) -> Compiled:
        """Return *statement* as this database wants it; *is_counting* where the driver must be helped to count rows."""
        is_returning = is_counting and self.dialect == "postgresql"
        return statement.compiled(self.dialect, self.schema, is_returning=is_returning)

    def session(self) -> Session:
        """Return a connection yet to be acquired."""
        return self._opened().session()

    async def _open(self) -> None:
        self.errands = self._new_errands()
        self._loop, self._process = asyncio.get_running_loop(), os.getpid()
        library = Library(
            Plan(
                url=self.url,
                pool=self._pool,
                deadline=self.deadline,
                sync=self._sync,
                errands=self.errands,
            )
        )
        await self.errands.run(library.connect, self.deadline)
        self._library = library
        try:
            await self._run(lambda session: session.version())
        except BaseException:
            await self.close()
            raise

    async def _read(self, work: Callable[[Session], Awaitable[T]]) -> T:
        try:
            return await self._run(work)
        except StoreError as error:
            if error.__cause__ is None or not is_disconnection(error.__cause__):
                raise
        await self._opened().expire()  # where one connection was dead, others are
        return await self._run(work)

    async def _run(self, work: Callable[[Session], Awaitable[T]]) -> T:
        session = self.session()
        return await self.errands.run(lambda: _use(session, work), self.deadline)

    def _opened(self) -> Library:
        if self._library is None:
            raise StoreClosed
        if self._process != os.getpid():
            raise StoreClosed("The store was opened before this process was forked: open it in each process.")
        if self._loop is not asyncio.get_running_loop():
            raise StoreClosed("The store was opened in another event loop: open it in the one that uses it.")
        return self._library

    def _new_errands(self) -> Errands:
        return Errands(is_prompt=self.dialect == "sqlite")  # its futures are ours, its threads nobody waits for

    def _forget(self) -> None:
        if self._library is not None and self._process != os.getpid():
            _inherited.append((self._library, self.errands))
        self._library = None


async def _use(session: Session, work: Callable[[Session], Awaitable[T]]) -> T:
    try:
        await session.acquire()
    except BaseException:
        session.drop()
        raise
    try:
        result = await work(session)
    except BaseException as error:
        if is_harmless(translate(error)):
            await session.release()
        else:
            session.drop()
        raise
    await session.release()
    return result
