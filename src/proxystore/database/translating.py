"""Foreign errors change clothes here: what a driver raises becomes one of ours.

The messages name constraints, columns and codes, never values: those may be what must not be seen in a log.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, TypeVar

import asyncpg

from proxystore.errors import (
    Conflict,
    InvalidRecord,
    ProxyStoreError,
    ReferenceViolation,
    SchemaError,
    StoreBusy,
    StoreClosed,
    StoreError,
    StoreTimeout,
    StoreUnavailable,
)

T = TypeVar("T")

_SQLSTATES: Final[Mapping[str, type[ProxyStoreError]]] = {
    "22": InvalidRecord,
    "23502": InvalidRecord,
    "23503": ReferenceViolation,
    "23001": ReferenceViolation,
    "23505": Conflict,
    "23": InvalidRecord,
    "40": StoreBusy,
    "42P01": SchemaError,
    "42703": SchemaError,
    "3F000": SchemaError,
    "42": StoreError,
    "25P02": StoreError,
    "54": InvalidRecord,
    "55P03": StoreBusy,
    "57014": StoreTimeout,
}
_SQLITE: Final[Mapping[str, type[ProxyStoreError]]] = {
    "SQLITE_CONSTRAINT_FOREIGNKEY": ReferenceViolation,
    "SQLITE_CONSTRAINT_TRIGGER": ReferenceViolation,
    "SQLITE_CONSTRAINT_PRIMARYKEY": Conflict,
    "SQLITE_CONSTRAINT_ROWID": Conflict,
    "SQLITE_CONSTRAINT_UNIQUE": Conflict,
    "SQLITE_CONSTRAINT": InvalidRecord,
    "SQLITE_BUSY": StoreBusy,
    "SQLITE_LOCKED": StoreBusy,
    "SQLITE_INTERRUPT": StoreTimeout,
    "SQLITE_MISMATCH": InvalidRecord,
    "SQLITE_TOOBIG": InvalidRecord,
    "SQLITE_ERROR": StoreError,
}
_HARMLESS: Final = (Conflict, InvalidRecord, ReferenceViolation, SchemaError, StoreBusy)
_DEAD: Final = ("08", "57P")


def translate(error: BaseException) -> BaseException:
    """Return the error of ours that says what *error* says; others, such as a cancellation, as they are."""
    for kinds, dress in _WARDROBE:
        if isinstance(error, kinds):
            return dress(error)
    return error


async def translated(work: Callable[[], Awaitable[T]]) -> T:
    """Await what *work* returns; what it raises becomes ours."""
    try:
        return await work()
    except Exception as error:
        ours = translate(error)
        if ours is error:
            raise
        raise ours from ours.__cause__


def is_harmless(error: BaseException) -> bool:
    """Whether the connection that gave *error* (one of ours) is as good as before."""
    return isinstance(error, _HARMLESS)


def is_disconnection(error: BaseException) -> bool:
    """Whether *error* (a driver's) says that a connection had died before it was used."""
    if isinstance(error, asyncpg.PostgresError):
        return (error.sqlstate or "").startswith(_DEAD)
    return isinstance(error, (asyncpg.InternalClientError, asyncpg.InterfaceError, ConnectionError))


def _postgres(error: Any) -> ProxyStoreError:
    code = error.sqlstate or ""
    kind = next((_SQLSTATES[known] for known in (code, code[:2]) if known in _SQLSTATES), StoreUnavailable)
    place = error.constraint_name or ".".join(filter(None, (error.table_name, error.column_name)))
    if kind in (InvalidRecord, Conflict, ReferenceViolation):
        # Its detail and, for some, its message quote the values.
        return kind(f"{kind.__doc__} ({f'{place}, ' if place else ''}SQLSTATE {code})")
    return _chained(kind(f"{kind.__doc__} ({error.args[0] if error.args else code}, SQLSTATE {code})"), error)


def _sqlite(error: Any) -> ProxyStoreError:
    name = getattr(error, "sqlite_errorname", None)
    if name is None:  # raised by the module itself: a value it cannot bind, a connection that is closed
        kind: type[ProxyStoreError] = StoreUnavailable if "closed" in str(error).lower() else InvalidRecord
        return kind()
    if name == "SQLITE_ERROR" and str(error).startswith(("no such table", "no such column")):
        return _chained(SchemaError(f"{SchemaError.__doc__} ({error})"), error)
    family = "_".join(name.split("_")[:2])
    kind = _SQLITE.get(name) or _SQLITE.get(family) or StoreUnavailable
    return _chained(kind(f"{kind.__doc__} ({error})"), error)


def _closed(error: Any) -> ProxyStoreError:
    return _chained(StoreClosed(), error)


def _invalid(_error: Any) -> ProxyStoreError:
    return InvalidRecord()  # not chained: the original may quote the value


def _late(error: Any) -> ProxyStoreError:
    return _chained(StoreTimeout(), error)


def _outdated(error: Any) -> ProxyStoreError:
    return _chained(StoreBusy("The schema has just changed; try again."), error)


def _unreachable(error: Any) -> ProxyStoreError:
    return _chained(StoreUnavailable(f"{StoreUnavailable.__doc__} ({error})"), error)


def _chained(ours: ProxyStoreError, theirs: BaseException) -> ProxyStoreError:
    ours.__cause__ = theirs
    return ours


_WARDROBE: Final[tuple[tuple[tuple[type[BaseException], ...], Callable[[Any], ProxyStoreError]], ...]] = (
    ((asyncpg.InvalidCachedStatementError,), _outdated),
    ((asyncpg.DataError, OverflowError, UnicodeError), _invalid),
    ((asyncpg.PostgresError,), _postgres),
    ((sqlite3.Error,), _sqlite),
    ((AssertionError,), _closed),  # how `databases` says that its pool is closed
    ((TimeoutError,), _late),
    ((asyncpg.InterfaceError, asyncpg.InternalClientError, OSError, EOFError), _unreachable),
)
"""Who gets what; the first that fits."""
