"""What happens together or not at all."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeVar

from proxystore.database.session import Session
from proxystore.database.statement import Query, Statement
from proxystore.database.translating import is_harmless, translate, translated
from proxystore.errors import StoreClosed, StoreError

if TYPE_CHECKING:
    from proxystore.database.database import Database

R = TypeVar("R")
T = TypeVar("T")


class Transaction:
    """A transaction that may write; on SQLite the only one of its host.

    Leaving the block commits, unless an error left it, or a statement in it failed: then everything is undone, and the
    failure raised even if the block had swallowed it. Cancelled, or at its deadline, the connection is given up and
    the database undoes it.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._session: Session | None = None
        self._failure: BaseException | None = None

    async def __aenter__(self) -> Self:
        try:
            await self._database.run(translated(self._begin()))
        except BaseException:
            self._drop()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        failure = error or self._failure
        try:
            await self._leave(failure)
        finally:
            self._drop()
        if error is None and failure is not None:
            raise failure

    async def fetch_one(self, query: Query[R], /, **values: object) -> R | None:
        """Return the first row as a record, or ``None``."""
        records = await self.fetch_all(query, **values)
        return records[0] if records else None

    async def fetch_all(self, query: Query[R], /, **values: object) -> list[R]:
        """Return every row as a record."""
        compiled = self._database.compiled(query)
        sql, arguments = compiled.bind(values)
        return query.records(compiled, await self._do(lambda session: session.fetch(sql, arguments)))

    async def execute(self, statement: Statement, /, **values: object) -> int:
        """Run *statement*; return how many rows it touched."""
        sql, arguments = self._database.compiled(statement).bind(values)
        return await self._do(lambda session: session.execute(sql, arguments))

    async def execute_many(self, statement: Statement, rows: Sequence[Mapping[str, object]]) -> int:
        """Run *statement* for each of *rows*; return how many rows were touched."""
        compiled = self._database.compiled(statement, is_returning=self._database.dialect == "postgresql")
        arguments = [compiled.bind(row)[1] for row in rows]
        is_returning = bool(compiled.columns)
        if not rows:
            return 0
        return await self._do(
            lambda session: session.execute_many(compiled.sql, arguments, is_returning=is_returning)
        )

    async def _do(self, work: Callable[[Session], Awaitable[T]]) -> T:
        if self._session is None:
            raise StoreClosed("The transaction is over.")
        if self._failure is not None:
            raise StoreError("A statement of this transaction has failed: it can only be undone.") from self._failure
        try:
            return await self._database.run(translated(work(self._session)))
        except BaseException as error:
            self._failure = error
            raise

    async def _begin(self) -> None:
        session = self._database.session()
        try:
            await session.acquire()
            await session.begin()
        except BaseException:
            session.drop()
            raise
        self._session = session

    async def _leave(self, failure: BaseException | None) -> None:
        session = self._session
        if session is None or (failure is not None and not _is_ordinary(failure)):
            return
        await self._database.run(translated(_end(session, is_commit=failure is None)))
        self._session = None

    def _drop(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            session.drop()


async def _end(session: Session, *, is_commit: bool) -> None:
    try:
        await (session.commit() if is_commit else session.rollback())
    except BaseException as error:
        if not is_harmless(translate(error)):
            session.drop()
            raise
        await session.rollback()
        await session.release()
        raise
    await session.release()


def _is_ordinary(error: BaseException) -> bool:
    """Whether the connection is worth keeping after *error*: a caller's own, or one that is known to do no harm."""
    return isinstance(error, Exception) and (is_harmless(error) or not isinstance(error, StoreError))
