"""Statements that a module holds, compiled when a dialect first asks for them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Generic, TypeVar

from sqlalchemy.sql import ClauseElement
from typing_extensions import override

from proxystore.database.compiling import Compiled, DialectName, with_returning

R_co = TypeVar("R_co", covariant=True)


class Statement:
    """A Core statement with bind parameters; each value is given by keyword, named as its ``bindparam``.

    Attributes:
        clause: The statement as SQLAlchemy's own connections take it.
    """

    def __init__(self, clause: ClauseElement) -> None:
        self.clause = clause
        self._compiled: dict[tuple[str, str, bool], Compiled] = {}

    def compiled(self, dialect: DialectName, schema: str, *, is_returning: bool = False) -> Compiled:
        """Return the text for *dialect*, PostgreSQL's names qualified with *schema*.

        Args:
            dialect: ``sqlite`` or ``postgresql``.
            schema: Where the tables are; means nothing on SQLite.
            is_returning: Have what returns nothing return a row for each it touches.
        """
        compiled = self._compiled.get((dialect, schema, is_returning))
        if compiled is None:
            clause = with_returning(self.clause) if is_returning else self.clause
            compiled = self._compiled[dialect, schema, is_returning] = Compiled(clause, dialect, schema)
        return compiled


class Query(Statement, Generic[R_co]):
    """A statement whose rows become records: *record* is called with a keyword per column."""

    def __init__(self, clause: ClauseElement, record: Callable[..., R_co]) -> None:
        super().__init__(clause)
        self._record = record

    @staticmethod
    def of_tuples(clause: ClauseElement) -> Query[tuple[Any, ...]]:
        """Return a query whose rows stay tuples, for where there are thousands."""
        return _Tuples(clause, tuple)

    def records(self, compiled: Compiled, rows: Iterable[Sequence[Any]]) -> list[R_co]:
        """Make a record of each of *rows*."""
        record, columns, read = self._record, compiled.columns, compiled.read
        return [record(**dict(zip(columns, read(row), strict=True))) for row in rows]


class _Tuples(Query[tuple[Any, ...]]):
    @override
    def records(self, compiled: Compiled, rows: Iterable[Sequence[Any]]) -> list[tuple[Any, ...]]:
        return [tuple(compiled.read(row)) for row in rows]
