"""The one place that talks to databases."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Coroutine
from time import perf_counter
from types import TracebackType
from typing import Any, Final, Self, TypeVar

from proxystore.database.compiling import Compiled, DialectName
from proxystore.database.deadline import Errands
from proxystore.database.health import Health
from proxystore.database.library import Library, Plan
from proxystore.database.session import Session
from proxystore.database.statement import Query, Statement
from proxystore.database.transaction import Transaction
from proxystore.database.translating import is_disconnection, is_harmless, translate, translated
from proxystore.errors import ProxyStoreError, StoreClosed, StoreError
from proxystore.settings.pool import PoolSettings
from proxystore.settings.url import DatabaseURL

R = TypeVar("R")
T = TypeVar("T")

_DEADLINE: Final = 5.0


class Database:
    """Connections, statements and transactions, the same on SQLite and PostgreSQL.

    Every call ends within *deadline* seconds, whatever the server does, and raises only errors of ours: ``Conflict``,
    ``ReferenceViolation``, ``InvalidRecord``, ``StoreBusy``, ``StoreTimeout``, ``StoreUnavailable``, ``StoreClosed``,
    ``SchemaError``. An open database belongs to the event loop and the process that opened it.

    Args:
        url: Where it is.
        schema: Where its tables are on PostgreSQL.
        pool: How many connections, and for how long.
        is_durable: Whether a commit survives a loss of power on SQLite too (``synchronous = full``).
        deadline: How many seconds a call may take.
    """

    def __init__(
        self,
        url: DatabaseURL,
        *,
        schema: str = "proxystore",
        pool: PoolSettings | None = None,
        is_durable: bool = False,
        deadline: float = _DEADLINE,
    ) -> None:
        self.url = url
        self.schema = schema
        self.dialect: DialectName = url.dialect
        self.deadline = deadline
        self._pool = pool or PoolSettings()
        self._is_durable = is_durable
        self._errands = Errands()
        self._library: Library | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._process = 0

    @property
    def is_open(self) -> bool:
        """Whether this process has opened it."""
        return self._library is not None and self._process == os.getpid()

    async def open(self) -> None:
        """Connect; harmless when open already.

        Raises:
            StoreError: It cannot be reached, or does not let us in.
        """
        if self.is_open:
            self._ready()
            return
        self._errands = Errands()
        found = Library(self._plan())
        await self.run(translated(found.connect()))
        self._library, self._loop, self._process = found, asyncio.get_running_loop(), os.getpid()
        try:
            await self._with_session(lambda session: session.fetch("SELECT 1", ()))
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Let go of every connection; harmless when closed already."""
        found, self._library = self._library, None
        if found is not None and self._process == os.getpid():
            await self.run(translated(found.disconnect()))
            await self._errands.settle(self.deadline)

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
        """Return every row as a record."""
        compiled = self.compiled(query)
        sql, arguments = compiled.bind(values)
        if compiled.is_writing:
            rows = await self._with_session(lambda session: session.fetch(sql, arguments, is_alone=True))
        else:
            rows = await self._read(lambda session: session.fetch(sql, arguments))
        return query.records(compiled, rows)

    async def execute(self, statement: Statement, /, **values: object) -> int:
        """Run *statement* in a transaction of its own; return how many rows it touched."""
        sql, arguments = self.compiled(statement).bind(values)
        return await self._with_session(lambda session: session.execute(sql, arguments, is_alone=True))

    def transaction(self) -> Transaction:
        """Return a transaction: ``async with database.transaction() as transaction: ...``."""
        return Transaction(self)

    async def health(self) -> Health:
        """Ask the database how it is; never raises."""
        started = perf_counter()
        try:
            version = await self._with_session(lambda session: session.version())
        except ProxyStoreError as error:
            latency = (perf_counter() - started) * 1000
            return Health(is_reachable=False, latency_ms=latency, dialect=self.dialect, error=str(error))
        latency = (perf_counter() - started) * 1000
        return Health(is_reachable=True, latency_ms=latency, dialect=self.dialect, server_version=version)

    def compiled(self, statement: Statement, *, is_returning: bool = False) -> Compiled:
        """Return *statement* as this database wants it."""
        return statement.compiled(self.dialect, self.schema, is_returning=is_returning)

    def session(self) -> Session:
        """Return a connection yet to be acquired."""
        return self._ready().session()

    async def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Return what *work* returns, if it does so before the deadline."""
        return await self._errands.run(work, self.deadline)

    async def _read(self, work: Callable[[Session], Awaitable[T]]) -> T:
        try:
            return await self._with_session(work)
        except StoreError as error:
            if error.__cause__ is None or not is_disconnection(error.__cause__):
                raise
        await self._ready().expire()  # where one connection was dead, others are
        return await self._with_session(work)

    async def _with_session(self, work: Callable[[Session], Awaitable[T]]) -> T:
        return await self.run(translated(_use(self.session(), work)))

    def _plan(self) -> Plan:
        return Plan(
            url=self.url,
            pool=self._pool,
            deadline=self.deadline,
            is_durable=self._is_durable,
            errands=self._errands,
        )

    def _ready(self) -> Library:
        if self._library is None:
            raise StoreClosed
        if self._process != os.getpid():
            raise StoreClosed("The store was opened before this process was forked: open it in each process.")
        if self._loop is not asyncio.get_running_loop():
            raise StoreClosed("The store was opened in another event loop: open it in the one that uses it.")
        return self._library


async def _use(session: Session, work: Callable[[Session], Awaitable[T]]) -> T:
    try:
        await session.acquire()
        result = await work(session)
    except BaseException as error:
        if is_harmless(translate(error)):
            await session.release()
        else:
            session.drop()
        raise
    await session.release()
    return result
