"""What reports group by and choose by, alike for totals and for latencies."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal, TypeAlias

from sqlalchemy import ColumnElement, CompoundSelect, Select, Table, and_, bindparam, func, or_, select, union_all

from proxystore.schema.usage import usage_series

Grouping: TypeAlias = Literal[
    "model", "provider", "project", "key", "tag", "credential", "operation", "day", "hour", "month"
]
Filters: TypeAlias = frozenset[str]
"""Which of a report's filters are given."""

Totals: TypeAlias = Callable[[Table], Sequence[ColumnElement[Any]]]
"""What is added up of a roll-up."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MODEL: Final = func.coalesce(func.nullif(usage_series.c.request_model, ""), usage_series.c.response_model)
_NAMES: Final[Mapping[Grouping, ColumnElement[str]]] = {
    "model": _MODEL,
    "provider": usage_series.c.provider_name,
    "project": usage_series.c.project_id,
    "key": usage_series.c.key_id,
    "tag": usage_series.c.key_id,  # by which its tags are looked up
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
"""Groups that come in the order of time."""


def grouped(
    by: Grouping,
    rollups: tuple[Table, Table],
    totals: Callable[[Table], Sequence[ColumnElement[Any]]],
    filters: Filters,
) -> CompoundSelect[Any]:
    """Return the statement that adds up by *by* what makes up a `Range`, the hours apart from the days.

    It takes the bounds of the range and the *filters*. One group may come in several rows, for its hours and its days;
    that is several times faster than to have the database put hours and days together before it adds up.
    """
    hourly, daily = rollups
    head_or_tail = or_(_between(hourly.c.hour, "head"), _between(hourly.c.hour, "tail"))
    period = hourly.c.hour if by == "hour" else hourly.c.hour // 24
    hours = _sums(by, period, hourly, totals(hourly), filters)
    days = _sums(by, daily.c.day, daily, totals(daily), filters)
    return union_all(hours.where(head_or_tail), days.where(_between(daily.c.day, "days")))


def _sums(
    by: Grouping, period: ColumnElement[int], table: Table, totals: Sequence[ColumnElement[Any]], filters: Filters
) -> Select[Any]:
    label = _NAMES.get(by, period)
    rows: Select[Any] = select(label.label("label"), *totals).group_by(label)
    if by in PERIODS and not filters:
        return rows.select_from(table)
    joined = rows.select_from(table.join(usage_series, usage_series.c.id == table.c.series_id))
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
