"""Summing up roll-ups, as statements: events are never read."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Table, cast, func

from proxystore.database import Query
from proxystore.records import UsageSummary
from proxystore.repositories.usage.grouping import PERIODS, Filters, Grouping, grouped, written
from proxystore.schema.usage import ROLLUP_TOTALS, usage_daily, usage_hourly


@cache
def summary_query(by: Grouping, filters: Filters = frozenset()) -> Query[UsageSummary]:
    """Return the statement that sums up by *by*; it takes the bounds of a `Range`, and the *filters*."""
    write = written(by)
    return Query(
        grouped(by, (usage_hourly, usage_daily), _totals, filters),
        lambda label, **totals: UsageSummary(group=write(label), **totals),
    )


def merged(by: Grouping, summaries: Iterable[UsageSummary]) -> list[UsageSummary]:
    """Return *summaries* with those of one group put together: periods in order of time, others the most used first."""
    groups: dict[str | None, UsageSummary] = {}
    for summary in summaries:
        known = groups.get(summary.group)
        groups[summary.group] = summary if known is None else _sum(known, summary)
    if by in PERIODS:
        return sorted(groups.values(), key=_name)
    return sorted(groups.values(), key=lambda summary: (-summary.requests, _name(summary)))


def total(summaries: Iterable[UsageSummary], group: str | None = None) -> UsageSummary:
    """Return all *summaries* as one."""
    nothing: dict[str, Any] = dict.fromkeys(ROLLUP_TOTALS, 0)
    result = UsageSummary(group=group, **nothing)
    for summary in summaries:
        result = _sum(result, summary)
    return result


def _name(summary: UsageSummary) -> str:
    return summary.group or ""


def _totals(table: Table) -> list[ColumnElement[Any]]:
    return [cast(func.sum(table.c[total]), BigInteger).label(total) for total in ROLLUP_TOTALS]


def _sum(one: UsageSummary, other: UsageSummary) -> UsageSummary:
    totals = {name: getattr(one, name) + getattr(other, name) for name in ROLLUP_TOTALS}
    return UsageSummary(group=one.group, **totals)
