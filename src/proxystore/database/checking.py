"""What fits a column, alike on both databases.

SQLite keeps a text in an integer column, nine digits where two bytes are promised, and NUL in a text; PostgreSQL takes
none of these. So they are refused for both, before anything is sent.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from functools import partial
from typing import Any, TypeAlias
from uuid import UUID

from sqlalchemy import Column, ColumnElement, Dialect
from sqlalchemy.types import (
    BigInteger,
    Boolean,
    Integer,
    LargeBinary,
    SmallInteger,
    String,
    TypeDecorator,
    TypeEngine,
    Uuid,
)

Converter: TypeAlias = Callable[[Any], Any]


def binder(kind: TypeEngine[Any], dialect: Dialect) -> Converter:
    """Return what turns a value into the driver's; it raises where the value does not fit *kind*."""
    convert = kind.dialect_impl(dialect).bind_processor(dialect)
    check = _check(_plain(kind, dialect))
    return check if convert is None else lambda value: check(convert(value))


def reader(column: ColumnElement[Any], dialect: Dialect) -> Converter | None:
    """Return what turns the driver's value into ours; ``None`` if there is nothing to do."""
    if isinstance(column.type, Integer) and not isinstance(column, Column):
        return _whole  # the sum of a BIGINT is a NUMERIC on PostgreSQL
    return column.type.dialect_impl(dialect).result_processor(dialect, None)


def _plain(kind: TypeEngine[Any], dialect: Dialect) -> TypeEngine[Any]:
    while isinstance(kind, TypeDecorator):
        kind = kind.load_dialect_impl(dialect)
    return kind


def _check(kind: TypeEngine[Any]) -> Converter:
    if isinstance(kind, Integer):
        bits = 64 if isinstance(kind, BigInteger) else 16 if isinstance(kind, SmallInteger) else 32
        return partial(_integer, 2 ** (bits - 1))
    if isinstance(kind, String):
        return _text
    if isinstance(kind, LargeBinary):
        return partial(_instance, (bytes, bytearray, memoryview))
    if isinstance(kind, Uuid):
        return partial(_instance, (UUID, str))
    return partial(_instance, (bool, int)) if isinstance(kind, Boolean) else _anything


def _whole(value: Any) -> Any:
    return int(value) if isinstance(value, Decimal) else value


def _integer(bound: int, value: Any) -> Any:
    if value is not None and not (isinstance(value, int) and -bound <= value < bound):
        raise ValueError(f"not an integer of {bound.bit_length()} bits")
    return value


def _text(value: Any) -> Any:
    if value is None:
        return None
    if not isinstance(value, str):
        raise ValueError("not a text")  # noqa: TRY004 - every misfit is one kind of error
    if "\x00" in value:
        raise ValueError("a text with NUL in it")
    value.encode()  # a lone surrogate is no character
    return value


def _instance(kinds: tuple[type, ...], value: Any) -> Any:
    if value is not None and not isinstance(value, kinds):
        raise ValueError(f"not {kinds[0].__name__}")
    return value


def _anything(value: Any) -> Any:
    return _text(value) if isinstance(value, str) else value
