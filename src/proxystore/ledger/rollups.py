"""What a batch of new events adds to the roll-ups, as statements."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, TypeAlias

from sqlalchemy import ColumnElement, FromClause, Select, Table, func, select, true
from sqlalchemy.dialects import postgresql, sqlite

from proxystore.ledger.rows import Dialect
from proxystore.schema.usage import ROLLUP_TOTALS, usage_daily, usage_hourly

Insert: TypeAlias = postgresql.Insert | sqlite.Insert

PERIODS: Final[Mapping[str, Table]] = {"hour": usage_hourly, "day": usage_daily}


def insert_into(dialect: Dialect, table: Table) -> Insert:
    """Return the dialect's own insert, which knows conflicts."""
    return sqlite.insert(table) if dialect == "sqlite" else postgresql.insert(table)


def added(dialect: Dialect, period: str, source: FromClause) -> Insert:
    """Return the statement that adds the rows of *source* to the roll-up by *period*.

    Rows are taken in the order of the key: writers that lock in different orders would wait for each other for ever.
    """
    rollup = PERIODS[period]
    insert = insert_into(dialect, rollup).from_select([period, "series_id", *ROLLUP_TOTALS], _sums(period, source))
    totals = {name: rollup.c[name] + insert.excluded[name] for name in ROLLUP_TOTALS}
    return insert.on_conflict_do_update(index_elements=[period, "series_id"], set_=totals)


def _sums(period: str, source: FromClause) -> Select[tuple[int, ...]]:
    key = (source.c[period], source.c.series_id)
    totals = (_total(name, source) for name in ROLLUP_TOTALS)
    return select(*key, *totals).where(true()).group_by(*key).order_by(*key)


def _total(name: str, source: FromClause) -> ColumnElement[int]:
    return func.count() if name == "requests" else func.coalesce(func.sum(source.c[name]), 0)
