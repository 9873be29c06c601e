"""Summing up roll-ups, as statements: events are never read."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, FromClause, Select, cast, func, select

from proxystore.database import Query
from proxystore.records import UsageSummary
from proxystore.repositories.usage.grouping import PERIODS, Filters, Grouping, chosen, label_of, parts_of, written
from proxystore.schema.usage import ROLLUP_TOTALS, usage_daily, usage_hourly


@cache
def summary_query(by: Grouping, filters: Filters = frozenset()) -> Query[UsageSummary]:
    """Return the statement that sums up by *by*; it takes the bounds of a `Range`, and the *filters*."""
    parts = parts_of(by, usage_hourly, usage_daily, ROLLUP_TOTALS)
    label = label_of(by, parts)
    sums: Select[Any] = chosen(select(label.label("label"), *_totals(parts)), parts, by, filters).group_by(label)
    order = (label,) if by in PERIODS else (func.sum(parts.c.requests).desc(), label)
    write = written(by)
    return Query(sums.order_by(*order), lambda label, **totals: UsageSummary(group=write(label), **totals))


@cache
def total_query(filters: Filters = frozenset()) -> Query[UsageSummary]:
    """Return the statement that sums up everything through *filters*; it takes the bounds of a `Range`, and those."""
    parts = parts_of("day", usage_hourly, usage_daily, ROLLUP_TOTALS)
    return Query(
        chosen(select(*_totals(parts)), parts, "day", filters),
        lambda **totals: UsageSummary(group=None, **{name: total or 0 for name, total in totals.items()}),
    )


def merged(summaries: Iterable[UsageSummary]) -> list[UsageSummary]:
    """Return *summaries* with those of one group put together, in the order they first come."""
    groups: dict[str | None, UsageSummary] = {}
    for summary in summaries:
        known = groups.get(summary.group)
        groups[summary.group] = summary if known is None else _sum(known, summary)
    return list(groups.values())


def _totals(parts: FromClause) -> list[ColumnElement[Any]]:
    return [cast(func.sum(parts.c[total]), BigInteger).label(total) for total in ROLLUP_TOTALS]


def _sum(one: UsageSummary, other: UsageSummary) -> UsageSummary:
    totals = {name: getattr(one, name) + getattr(other, name) for name in ROLLUP_TOTALS}
    return UsageSummary(group=one.group, **totals)
