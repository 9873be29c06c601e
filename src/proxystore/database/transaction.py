"""What happens together or not at all."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from types import TracebackType
from typing import Protocol, Self, TypeVar

from proxystore.database.compiling import Compiled, DialectName
from proxystore.database.deadline import Errands
from proxystore.database.scripts import Script, bound
from proxystore.database.session import Session
from proxystore.database.statement import Query, Statement
from proxystore.database.translating import is_harmless, translate
from proxystore.errors import StoreClosed, StoreError

R = TypeVar("R")
T = TypeVar("T")


class Source(Protocol):
    """What a transaction asks of its database."""

    dialect: DialectName
    deadline: float
    errands: Errands

    def session(self) -> Session:
        """Return a connection yet to be acquired."""

    def compiled(self, statement: Statement, *, is_counting: bool = False) -> Compiled:
        """Return *statement* as this database wants it."""


class Transaction:
    """A transaction that may write; on SQLite the only one of its host.

    Leaving the block commits, unless an error leaves it, or a statement in it has failed: then everything is undone,
    and the failure raised even if the block swallowed it. Cancelled, or at its deadline, the connection is given up,
    and the database undoes what it had begun. Only what goes through this object is part of it; its statements may
    come from several tasks, and run one after the other.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self._session: Session | None = None
        self._failure: BaseException | None = None
        self._turn = asyncio.Lock()

    @property
    def dialect(self) -> DialectName:
        """``sqlite`` or ``postgresql``."""
        return self._source.dialect

    async def __aenter__(self) -> Self:
        try:
            await self._run(self._begin)
        except BaseException:
            self._drop()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            await self._leave(error)
        finally:
            self._drop()
        if error is None and self._failure is not None:
            raise _told(self._failure)

    async def fetch_one(self, query: Query[R], /, **values: object) -> R | None:
        """Return the first row as a record, or ``None``."""
        records = await self.fetch_all(query, **values)
        return records[0] if records else None

    async def fetch_all(self, query: Query[R], /, **values: object) -> list[R]:
        """Return every row as a record."""
        compiled = self._source.compiled(query)
        sql, arguments = compiled.bind(values)
        return query.records(compiled, await self._do(lambda session: session.fetch(sql, arguments)))

    async def execute(self, statement: Statement, /, **values: object) -> int:
        """Run *statement*; return how many rows it touched."""
        sql, arguments = self._source.compiled(statement).bind(values)
        return await self._do(lambda session: session.execute(sql, arguments))

    async def execute_many(self, statement: Statement, rows: Sequence[Mapping[str, object]]) -> int:
        """Run *statement* for each of *rows*, all in one go; return how many rows were touched."""
        compiled = self._source.compiled(statement, is_counting=True)
        bound = [compiled.bind(row)[1] for row in rows]
        if not bound:
            return 0
        sql, is_returning = compiled.sql, bool(compiled.columns)
        return await self._do(lambda session: session.execute_many(sql, bound, is_returning=is_returning))

    async def perform(self, script: Script[T]) -> T:
        """Run the statements that *script* yields, sending it the records of each; see `Database.perform`."""
        return await self._do(lambda session: session.follow(lambda: bound(script, self._source.compiled)))

    async def _do(self, work: Callable[[Session], Awaitable[T]]) -> T:
        async with self._turn:
            if self._session is None:
                raise StoreClosed("The transaction is over.")
            if self._failure is not None:
                raise StoreError("A statement of this transaction has failed: it can only be undone.")
            session = self._session
            try:
                return await self._run(lambda: work(session))
            except BaseException as error:
                self._failure = error
                raise

    async def _run(self, work: Callable[[], Awaitable[T]]) -> T:
        return await self._source.errands.run(work, self._source.deadline)

    async def _begin(self) -> None:
        session = self._source.session()
        try:
            await session.acquire()
            await session.begin()
        except BaseException:
            session.drop()
            raise
        self._session = session

    async def _leave(self, error: BaseException | None) -> None:
        is_sound = self._failure is None or is_harmless(self._failure)
        session, is_commit = self._session, error is None and self._failure is None
        if session is not None and is_sound and (error is None or isinstance(error, Exception)):
            await self._run(lambda: _end(session, is_commit=is_commit))
            self._session = None

    def _drop(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            session.drop()


async def _end(session: Session, *, is_commit: bool) -> None:
    try:
        await (session.commit() if is_commit else session.rollback())
    except BaseException as error:
        if is_harmless(translate(error)):
            await session.rollback()  # a COMMIT that failed has left SQLite's transaction open
            await session.release()
        else:
            session.drop()
        raise
    await session.release()


def _told(failure: BaseException) -> BaseException:
    if isinstance(failure, Exception):
        return failure
    return StoreError("A statement of this transaction was cancelled: all of it was undone.")
