"""Summing up roll-ups, as statements: events are never read."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, Final, Literal, TypeAlias

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    FromClause,
    Select,
    and_,
    bindparam,
    cast,
    func,
    or_,
    select,
    union_all,
)

from proxystore.database import Query
from proxystore.records import UsageSummary
from proxystore.schema.usage import ROLLUP_TOTALS, usage_daily, usage_hourly, usage_series

Grouping: TypeAlias = Literal["model", "provider", "project", "key", "operation", "day", "hour", "month"]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_NAMES: Final[dict[Grouping, ColumnElement[str]]] = {
    "model": func.coalesce(func.nullif(usage_series.c.request_model, ""), usage_series.c.response_model),
    "provider": usage_series.c.provider_name,
    "project": usage_series.c.project_id,
    "key": usage_series.c.key_id,
    "operation": usage_series.c.operation_name,
}


@cache
def summary_query(by: Grouping) -> Query[UsageSummary]:
    """Return the statement that sums up by *by*; it takes the bounds of a `Range`."""
    return Query(_by_name(_NAMES[by]) if by in _NAMES else _by_period(is_hourly=by == "hour"), _LABELLED[by])


def merged(summaries: Iterable[UsageSummary]) -> list[UsageSummary]:
    """Return *summaries* with those of one group put together, in the order they first come."""
    groups: dict[str | None, UsageSummary] = {}
    for summary in summaries:
        known = groups.get(summary.group)
        groups[summary.group] = summary if known is None else _sum(known, summary)
    return list(groups.values())


def _by_name(name: ColumnElement[str]) -> Select[Any]:
    hourly = select(usage_hourly.c.series_id, *(usage_hourly.c[total] for total in ROLLUP_TOTALS)).where(_hours())
    daily = select(usage_daily.c.series_id, *(usage_daily.c[total] for total in ROLLUP_TOTALS)).where(_days())
    parts = union_all(hourly, daily).subquery("parts")
    columns: list[ColumnElement[Any]] = [name.label("label"), *_totals(parts)]
    sums = select(*columns).join(usage_series, usage_series.c.id == parts.c.series_id)
    return sums.group_by(name).order_by(func.sum(parts.c.requests).desc(), name)


def _by_period(*, is_hourly: bool) -> Select[Any]:
    label = usage_hourly.c.hour if is_hourly else usage_hourly.c.hour // 24
    hourly = select(label.label("label"), *(usage_hourly.c[total] for total in ROLLUP_TOTALS)).where(_hours())
    daily = select(usage_daily.c.day, *(usage_daily.c[total] for total in ROLLUP_TOTALS)).where(_days())
    parts = union_all(hourly, daily).subquery("parts")
    columns: list[ColumnElement[Any]] = [parts.c.label, *_totals(parts)]
    return select(*columns).group_by(parts.c.label).order_by(parts.c.label)


def _totals(parts: FromClause) -> list[ColumnElement[Any]]:
    return [cast(func.sum(parts.c[total]), BigInteger).label(total) for total in ROLLUP_TOTALS]


def _hours() -> ColumnElement[bool]:
    return or_(_between(usage_hourly.c.hour, "head"), _between(usage_hourly.c.hour, "tail"))


def _days() -> ColumnElement[bool]:
    return _between(usage_daily.c.day, "days")


def _between(period: ColumnElement[int], part: str) -> ColumnElement[bool]:
    return and_(period >= bindparam(f"{part}_since"), period < bindparam(f"{part}_until"))


def _sum(one: UsageSummary, other: UsageSummary) -> UsageSummary:
    totals = {name: getattr(one, name) + getattr(other, name) for name in ROLLUP_TOTALS}
    return UsageSummary(group=one.group, **totals)


def _labelled(write: Callable[[Any], str | None]) -> Callable[..., UsageSummary]:
    return lambda label, **totals: UsageSummary(group=write(label), **totals)


_LABELLED: Final[dict[Grouping, Callable[..., UsageSummary]]] = {
    **dict.fromkeys(_NAMES, _labelled(lambda name: name or None)),
    "hour": _labelled(lambda hour: f"{_EPOCH + timedelta(hours=hour):%Y-%m-%dT%H:00Z}"),
    "day": _labelled(lambda day: f"{_EPOCH + timedelta(days=day):%Y-%m-%d}"),
    "month": _labelled(lambda day: f"{_EPOCH + timedelta(days=day):%Y-%m}"),
}
