"""A Core statement turned into text and converters for one dialect, once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final, Literal, Protocol, TypeAlias, cast

from sqlalchemy import Delete, Dialect, Insert, Update, literal_column
from sqlalchemy.dialects.postgresql import asyncpg
from sqlalchemy.dialects.sqlite import pysqlite
from sqlalchemy.sql import ClauseElement
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.types import BigInteger, Integer, LargeBinary, SmallInteger, String, TypeDecorator, TypeEngine

from proxystore.errors import InvalidRecord

DialectName: TypeAlias = Literal["sqlite", "postgresql"]
Converter: TypeAlias = Callable[[Any], Any]


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
        columns: The names of what it returns; empty where the statement does not tell.
        is_writing: Whether it is an INSERT, UPDATE or DELETE.
    """

    def __init__(self, clause: ClauseElement, dialect: DialectName, schema: str) -> None:
        self._dialect = _DIALECTS[dialect]
        self._compiler = _compile(clause, self._dialect, schema if dialect == "postgresql" else None)
        binds = getattr(self._compiler, "binds", {})  # DDL has none
        self._converters = {name: _binder(bind.type, self._dialect) for name, bind in binds.items()}
        self._required = {name for name, bind in binds.items() if bind.required}
        self._literals = {name: bind.effective_value for name, bind in binds.items() if not bind.required}
        self._is_expanding = bool(getattr(self._compiler, "post_compile_params", ()))
        self._order = tuple(getattr(self._compiler, "positiontup", None) or ())
        self.sql = self._compiler.string
        self.is_writing = isinstance(clause, (Insert, Update, Delete))
        returned = _returned(clause)
        self.columns = tuple(name for name, _ in returned)
        self._readers = tuple(_reader(kind, self._dialect) for _, kind in returned)
        self._is_plain = not any(self._readers)

    def bind(self, values: Mapping[str, object]) -> tuple[str, tuple[object, ...]]:
        """Return the text and its arguments in order.

        Raises:
            InvalidRecord: A value does not fit the type of its parameter.
            TypeError: A parameter has no value, or a value no parameter.
        """
        if self._is_expanding:
            return self._bind_expanded(values)
        given = self._complete(values)
        return self.sql, tuple(_convert(name, given[name], self._converters[name]) for name in self._order)

    def read(self, row: Sequence[Any]) -> Sequence[Any]:
        """Turn what the driver returned into what the columns' types promise."""
        if self._is_plain:
            return row
        return [value if reader is None else reader(value) for value, reader in zip(row, self._readers, strict=True)]

    def _complete(self, values: Mapping[str, object]) -> Mapping[str, object]:
        if not self._required <= values.keys():
            raise TypeError(f"no value for {', '.join(sorted(self._required - values.keys()))}")
        if not values.keys() <= self._converters.keys():
            raise TypeError(f"no parameter named {', '.join(sorted(values.keys() - self._converters.keys()))}")
        return {**self._literals, **values} if self._literals else values

    def _bind_expanded(self, values: Mapping[str, object]) -> tuple[str, tuple[object, ...]]:
        # `column.in_(bindparam(..., expanding=True))`: how many parameters there are depends on the values.
        state = self._compiler.construct_expanded_state(dict(self._complete(values)))
        origins = {new: old for old, news in state.parameter_expansion.items() for new in news}
        order = state.positiontup or ()
        return state.statement, tuple(
            _convert(name, state.parameters[name], self._converters[origins.get(name, name)]) for name in order
        )


def with_returning(clause: ClauseElement) -> ClauseElement:
    """Have *clause* return a row for each row it touches, unless it returns something already."""
    if isinstance(clause, (Insert, Update, Delete)) and not _returned(clause):
        return clause.returning(literal_column("1"))
    return clause


def _compile(clause: ClauseElement, dialect: Dialect, schema: str | None) -> SQLCompiler:
    names: dict[str, Any] = {"schema_translate_map": {None: schema}, "render_schema_translate": True} if schema else {}
    return cast("SQLCompiler", clause.compile(dialect=dialect, **names))


def _returned(clause: ClauseElement) -> list[tuple[str, TypeEngine[Any]]]:
    columns = getattr(clause, "exported_columns", None)
    return [] if columns is None else [(key, column.type) for key, column in columns.items()]


def _reader(kind: TypeEngine[Any], dialect: Dialect) -> Converter | None:
    return kind.dialect_impl(dialect).result_processor(dialect, None)


def _binder(kind: TypeEngine[Any], dialect: Dialect) -> Converter:
    convert = kind.dialect_impl(dialect).bind_processor(dialect)
    check = _check(_plain(kind, dialect))
    return check if convert is None else lambda value: check(convert(value))


def _plain(kind: TypeEngine[Any], dialect: Dialect) -> TypeEngine[Any]:
    while isinstance(kind, TypeDecorator):
        kind = kind.load_dialect_impl(dialect)
    return kind


# SQLite would keep a text in an integer column, and nine digits in one of two bytes: what PostgreSQL refuses is refused
# on both, before it is sent.
def _check(kind: TypeEngine[Any]) -> Converter:
    if isinstance(kind, Integer):
        return partial(_integer, 2 ** (63 if isinstance(kind, BigInteger) else 15 if isinstance(kind, SmallInteger) else 31))
    if isinstance(kind, String):
        return _text
    return partial(_instance, bytes) if isinstance(kind, LargeBinary) else _anything


def _integer(bound: int, value: Any) -> Any:
    if value is not None and not (isinstance(value, int) and -bound <= value < bound):
        raise ValueError(f"not an integer within {bound.bit_length() // 8} bytes")
    return value


def _text(value: Any) -> Any:
    if value is not None and (not isinstance(value, str) or "\x00" in value):
        raise ValueError("not a text without NUL")
    return value


def _instance(kind: type, value: Any) -> Any:
    if value is not None and not isinstance(value, kind):
        raise ValueError(f"not {kind.__name__}")
    return value


def _anything(value: Any) -> Any:
    return _text(value) if isinstance(value, str) else value


def _convert(name: str, value: object, convert: Converter) -> object:
    try:
        return convert(value)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise InvalidRecord(f"{name}: {type(error).__name__}, a value that does not fit its column") from None
