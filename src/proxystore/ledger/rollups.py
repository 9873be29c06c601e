"""What a batch of new events adds to the roll-ups, as statements."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeAlias

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Select,
    SmallInteger,
    Table,
    and_,
    case,
    func,
    literal_column,
    or_,
    select,
    true,
    type_coerce,
)
from sqlalchemy.dialects import postgresql, sqlite

from proxystore.ledger.rows import Dialect
from proxystore.schema.usage import OUTCOMES, QUALITIES, ROLLUP_TOTALS, usage_daily, usage_hourly

Insert: TypeAlias = postgresql.Insert | sqlite.Insert
Columns: TypeAlias = Any
"""The columns of a table or of something like one, by attribute."""

_FAULTY: Final = 400  # statuses from here on tell of an error, wherever it was made
_ESTIMATED: Final[ColumnElement[int]] = literal_column(str(QUALITIES.index("estimated")))

PERIODS: Final[Mapping[str, Table]] = {"hour": usage_hourly, "day": usage_daily}


def insert_into(dialect: Dialect, table: Table) -> Insert:
    """Return the dialect's own insert, which knows conflicts."""
    return sqlite.insert(table) if dialect == "sqlite" else postgresql.insert(table)


def added(dialect: Dialect, period: str, source: FromClause, names: Sequence[str] = ROLLUP_TOTALS) -> Insert:
    """Return the statement that adds the rows of *source* to the roll-up by *period*.

    Rows are taken in the order of the key: writers that lock in different orders would wait for each other for ever.

    Args:
        dialect: Of the database.
        period: ``hour`` or ``day``, a column of both.
        source: What is added.
        names: The totals that are added to; of the others *source* has nothing.
    """
    rollup = PERIODS[period]
    values = sums(source.c[period], source, names)
    insert = insert_into(dialect, rollup).from_select([period, "series_id", *names], values)
    totals = {name: rollup.c[name] + insert.excluded[name] for name in names}
    return insert.on_conflict_do_update(index_elements=[period, "series_id"], set_=totals)


def sums(
    period: ColumnElement[int], source: FromClause, names: Sequence[str] = ROLLUP_TOTALS
) -> Select[tuple[int, ...]]:
    """Return the totals *names* of *source*, by *period* and series, in the order of both."""
    totals = (_TOTALS[name](source.c) if name in _TOTALS else _sum(source.c[name]) for name in names)
    key = (period, source.c.series_id)
    return select(*key, *totals).where(true()).group_by(*key).order_by(*key)


def _count(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.sum(case((condition, 1), else_=0))


def _sum(column: ColumnElement[int]) -> ColumnElement[int]:
    return func.coalesce(func.sum(column), 0)


def _is(columns: Columns, *words: str) -> ColumnElement[bool]:
    codes: list[ColumnElement[int]] = [literal_column(str(OUTCOMES.index(word))) for word in words]
    return type_coerce(columns.outcome, SmallInteger()).in_(codes)


def _errors(columns: Columns) -> ColumnElement[bool]:
    return or_(_is(columns, "failed"), and_(_is(columns, "complete", "cached"), columns.status >= _FAULTY))


# Said once, here, for events on their way in and for events that a roll-up is made of anew.
_TOTALS: Final[Mapping[str, Callable[[Columns], ColumnElement[int]]]] = {
    "requests": lambda _: func.count(),
    "successes": lambda columns: _count(and_(_is(columns, "complete", "cached"), columns.status < _FAULTY)),
    "errors": lambda columns: _count(_errors(columns)),
    "refusals": lambda columns: _count(_is(columns, "refused")),
    "cache_hits": lambda columns: _count(_is(columns, "cached")),
    "unpriced": lambda columns: _count(and_(columns.cost_nanousd.is_(None), ~_is(columns, "refused", "cached"))),
    "estimated": lambda columns: _count(type_coerce(columns.quality, SmallInteger()) == _ESTIMATED),
}
