"""A Core statement turned into text and converters for one dialect, once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, Protocol, TypeAlias, cast

from sqlalchemy import ColumnElement, Delete, Dialect, Insert, Update, literal_column
from sqlalchemy.dialects.postgresql import asyncpg
from sqlalchemy.dialects.sqlite import pysqlite
from sqlalchemy.sql import ClauseElement
from sqlalchemy.sql.compiler import Compiled as LibraryCompiled
from sqlalchemy.sql.compiler import SQLCompiler

from proxystore.database.checking import Converter, binder, reader
from proxystore.errors import InvalidRecord

DialectName: TypeAlias = Literal["sqlite", "postgresql"]


class _DialectClass(Protocol):
    def __call__(self, *, paramstyle: str) -> Dialect: ...


_DIALECTS: Final[Mapping[DialectName, Dialect]] = {
    "sqlite": cast("_DialectClass", pysqlite.dialect)(paramstyle="qmark"),
    "postgresql": cast("_DialectClass", asyncpg.dialect)(paramstyle="numeric_dollar"),
}


class Compiled:
    """A statement as one dialect wants it.

    Attributes:
        sql: The text, its parameters numbered or marked.
        columns: The names of what it returns.
        is_writing: Whether it is an INSERT, UPDATE or DELETE.
    """

    def __init__(self, clause: ClauseElement, dialect: DialectName, schema: str) -> None:
        compiler = _compile(clause, _DIALECTS[dialect], schema if dialect == "postgresql" else None)
        self.sql = compiler.string or ""
        self.is_writing = isinstance(clause, (Insert, Update, Delete))
        self._take_parameters(compiler, _DIALECTS[dialect])
        returned = _returned(clause)
        self.columns = tuple(name for name, _ in returned)
        self._readers = tuple(reader(column, _DIALECTS[dialect]) for _, column in returned)
        self._is_plain = not any(self._readers)

    def bind(self, values: Mapping[str, object]) -> tuple[str, list[object]]:
        """Return the text and its arguments in order.

        Raises:
            InvalidRecord: A value does not fit the type of its parameter.
            TypeError: A parameter has no value, or a value no parameter.
        """
        if self._is_expanding:
            return self._bind_expanded(values)
        given, converters = self._complete(values), self._converters
        return self.sql, [_convert(name, given[name], converters[name]) for name in self._order]

    def read(self, row: Sequence[Any]) -> Sequence[Any]:
        """Turn what the driver returned into what the columns' types promise."""
        if self._is_plain:
            return row
        return [value if reader is None else reader(value) for value, reader in zip(row, self._readers, strict=True)]

    def _take_parameters(self, compiler: LibraryCompiled, dialect: Dialect) -> None:
        query = compiler if isinstance(compiler, SQLCompiler) else None  # None: DDL
        binds = query.binds if query else {}
        self._compiler = query
        self._order = tuple(query.positiontup or ()) if query else ()
        self._is_expanding = bool(query and query.post_compile_params)
        self._converters = {name: binder(bind.type, dialect) for name, bind in binds.items()}
        self._required = frozenset(name for name, bind in binds.items() if bind.required)
        self._literals = {name: bind.effective_value for name, bind in binds.items() if not bind.required}

    def _complete(self, values: Mapping[str, object]) -> Mapping[str, object]:
        if not self._required <= values.keys():
            raise TypeError(f"no value for {', '.join(sorted(self._required - values.keys()))}")
        if not values.keys() <= self._converters.keys():
            raise TypeError(f"no parameter named {', '.join(sorted(values.keys() - self._converters.keys()))}")
        return {**self._literals, **values} if self._literals else values

    def _bind_expanded(self, values: Mapping[str, object]) -> tuple[str, list[object]]:
        # `column.in_(bindparam(..., expanding=True))`: how many parameters there are depends on the values.
        state = cast("SQLCompiler", self._compiler).construct_expanded_state(dict(self._complete(values)))
        origins = {new: old for old, news in state.parameter_expansion.items() for new in news}
        order = state.positiontup or ()  # in which SQLite's name comes as often as it is used
        converters = {name: self._converters[origins.get(name, name)] for name in order}
        return state.statement, [_convert(name, state.parameters[name], converters[name]) for name in order]


def with_returning(clause: ClauseElement) -> ClauseElement:
    """Have *clause* return a row for each row it touches, unless it returns something already."""
    if isinstance(clause, (Insert, Update, Delete)) and not _returned(clause):
        return clause.returning(literal_column("1"))
    return clause


def _compile(clause: ClauseElement, dialect: Dialect, schema: str | None) -> LibraryCompiled:
    names: dict[str, Any] = {"schema_translate_map": {None: schema}, "render_schema_translate": True} if schema else {}
    return clause.compile(dialect=dialect, **names)


def _returned(clause: ClauseElement) -> list[tuple[str, ColumnElement[Any]]]:
    columns = getattr(clause, "exported_columns", None)
    return [] if columns is None else list(columns.items())


def _convert(name: str, value: object, convert: Converter) -> object:
    try:
        return convert(value)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        # Not chained: some of these quote the value.
        raise InvalidRecord(f"The value of {name} does not fit its column ({type(error).__name__}).") from None
