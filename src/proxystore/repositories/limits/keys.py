"""What names a budget and one of its periods."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, TypeAlias

from sqlalchemy import ColumnElement, FromClause, Integer, Select, Text, and_, select
from sqlalchemy.types import TypeEngine

from proxystore.schema.limits import budget_windows

BudgetKey: TypeAlias = tuple[str, str, str, int]
"""Owner, unit, span, period."""

KEY: Final = ("owner", "unit", "span", "period")
KEY_TYPES: Final[Mapping[str, TypeEngine[Any]]] = {
    **dict.fromkeys(("owner", "unit", "span"), Text()),
    "period": Integer(),
}


def is_same(one: FromClause, other: FromClause) -> ColumnElement[bool]:
    """Return whether rows of two tables are about the same period of the same budget."""
    return and_(*(one.c[name] == other.c[name] for name in KEY))


def locked(given: FromClause) -> Select[Any]:
    """Return the windows that *given* names, locked in the order of their keys."""
    return (
        select(*budget_windows.c)
        .join(given, is_same(budget_windows, given))
        .order_by(*(budget_windows.c[name] for name in KEY))
        .with_for_update(of=budget_windows)
    )
