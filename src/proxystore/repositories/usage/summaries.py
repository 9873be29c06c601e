"""Summing up roll-ups, as statements: events are never read."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any, Final

from sqlalchemy import BigInteger, ColumnElement, FromClause, Table, cast, func

from proxystore.database import Query
from proxystore.records import UsageSummary
from proxystore.repositories.usage.grouping import PERIODS, Filters, Grouping, grouped, written
from proxystore.repositories.usage.ranges import Part
from proxystore.schema.usage import ROLLUP_TOTALS, usage_daily, usage_hourly

_RARE: Final = frozenset(ROLLUP_TOTALS) - {
    "requests",
    "successes",
    "latency_ms",
    "input_tokens",
    "cache_read_tokens",
    "output_tokens",
    "cost_nanousd",
}
"""What is 0 in most rows: not to add that up is faster than to add it up."""


@cache
def summary_query(by: Grouping, filters: Filters, parts: tuple[Part, ...]) -> Query[UsageSummary]:
    """Return the statement that sums up by *by*; it takes the bounds of *parts* of a `Range`, and the *filters*."""
    write = written(by)
    return Query(
        grouped(by, (usage_hourly, usage_daily), _Totals(), filters, parts),
        lambda label, **totals: UsageSummary(group=write(label), **totals),
    )


class _Totals:
    """See `Sums`."""

    def of(self, rollup: Table, *, is_less: bool) -> list[ColumnElement[Any]]:
        sums = ((name, _sum_of(rollup.c[name], is_rare=name in _RARE)) for name in ROLLUP_TOTALS)
        return [(-total if is_less else total).label(name) for name, total in sums]

    def together(self, sums: FromClause) -> list[ColumnElement[Any]]:
        return [_whole(func.coalesce(func.sum(sums.c[name]), 0)).label(name) for name in ROLLUP_TOTALS]


def _sum_of(column: ColumnElement[int], *, is_rare: bool) -> ColumnElement[int]:
    total = func.sum(column)
    return _whole(total.filter(column != 0) if is_rare else total)


def _whole(total: ColumnElement[Any]) -> ColumnElement[int]:
    return cast(total, BigInteger)  # the sum of such is a NUMERIC on PostgreSQL


def merged(by: Grouping, summaries: Iterable[UsageSummary]) -> list[UsageSummary]:
    """Return *summaries* with those of one group put together: periods in order of time, others the most used first.

    A group that nothing is left of, since what is not meant was taken away from its day, is none.
    """
    groups: dict[str | None, UsageSummary] = {}
    for summary in summaries:
        if not summary.requests:
            continue
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


def _sum(one: UsageSummary, other: UsageSummary) -> UsageSummary:
    totals = {name: getattr(one, name) + getattr(other, name) for name in ROLLUP_TOTALS}
    return UsageSummary(group=one.group, **totals)
