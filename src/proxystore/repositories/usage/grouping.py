"""What reports group by and choose by, alike for totals and for latencies."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal, TypeAlias

from sqlalchemy import ColumnElement, FromClause, Select, Subquery, Table, and_, bindparam, func, or_, select, union_all

from proxystore.schema.usage import usage_series

Grouping: TypeAlias = Literal["model", "provider", "project", "key", "credential", "operation", "day", "hour", "month"]
Filters: TypeAlias = frozenset[str]
"""Which of a report's filters are given."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MODEL: Final = func.coalesce(func.nullif(usage_series.c.request_model, ""), usage_series.c.response_model)
_NAMES: Final[Mapping[Grouping, ColumnElement[str]]] = {
    "model": _MODEL,
    "provider": usage_series.c.provider_name,
    "project": usage_series.c.project_id,
    "key": usage_series.c.key_id,
    "credential": usage_series.c.credential_id,
    "operation": usage_series.c.operation_name,
}
FILTERS: Final[Mapping[str, ColumnElement[bool]]] = {
    "model": or_(
        usage_series.c.request_model == bindparam("model"), usage_series.c.response_model == bindparam("model")
    ),
    "provider": usage_series.c.provider_name == bindparam("provider"),
    "project": usage_series.c.project_id == bindparam("project"),
    "key": usage_series.c.key_id == bindparam("key"),
    "credential": usage_series.c.credential_id == bindparam("credential"),
    "operation": usage_series.c.operation_name == bindparam("operation"),
}
"""Conditions on a series, each with its name as its parameter."""
PERIODS: Final = ("day", "hour", "month")


def parts_of(by: Grouping, hourly: Table, daily: Table, names: Iterable[str]) -> Subquery:
    """Return the rows of both roll-ups that make up a `Range`, each with its ``period``: a day, or by hour an hour."""
    names = tuple(names)
    period = hourly.c.hour if by == "hour" else hourly.c.hour // 24
    hours = select(period.label("period"), hourly.c.series_id, *(hourly.c[name] for name in names))
    days = select(daily.c.day.label("period"), daily.c.series_id, *(daily.c[name] for name in names))
    head_or_tail = or_(_between(hourly.c.hour, "head"), _between(hourly.c.hour, "tail"))
    return union_all(hours.where(head_or_tail), days.where(_between(daily.c.day, "days"))).subquery("parts")


def label_of(by: Grouping, parts: FromClause) -> ColumnElement[Any]:
    """Return what rows are grouped by: a name, or the number of a day or an hour."""
    return parts.c.period if by in PERIODS else _NAMES[by]


def chosen(rows: Select[Any], parts: FromClause, by: Grouping, filters: Filters) -> Select[Any]:
    """Return *rows* of *parts* through *filters*, with their series where that is needed."""
    if by in PERIODS and not filters:
        return rows.select_from(parts)
    joined = rows.select_from(parts.join(usage_series, usage_series.c.id == parts.c.series_id))
    return joined.where(*(FILTERS[name] for name in sorted(filters)))


def written(by: Grouping) -> Callable[[Any], str | None]:
    """Return how a group's label reads: names as they are, periods as people write them, in UTC."""
    return _WRITTEN.get(by, _name)


def _between(period: ColumnElement[int], part: str) -> ColumnElement[bool]:
    return and_(period >= bindparam(f"{part}_since"), period < bindparam(f"{part}_until"))


def _name(name: str) -> str | None:
    return name or None


_WRITTEN: Final[Mapping[Grouping, Callable[[Any], str | None]]] = {
    "hour": lambda hour: f"{_EPOCH + timedelta(hours=hour):%Y-%m-%dT%H:00Z}",
    "day": lambda day: f"{_EPOCH + timedelta(days=day):%Y-%m-%d}",
    "month": lambda day: f"{_EPOCH + timedelta(days=day):%Y-%m}",
}
