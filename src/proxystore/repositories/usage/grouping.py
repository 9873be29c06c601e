"""What reports group by and choose by, alike for totals and for latencies."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal, Protocol, TypeAlias

from sqlalchemy import ColumnElement, FromClause, Select, Table, and_, bindparam, func, or_, select, union_all

from proxystore.repositories.usage.ranges import Part
from proxystore.schema.usage import usage_series

Grouping: TypeAlias = Literal[
    "model", "provider", "project", "key", "tag", "credential", "operation", "day", "hour", "month"
]
Filters: TypeAlias = frozenset[str]
"""Which of a report's filters are given."""

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


class Sums(Protocol):
    """What a report adds up."""

    def of(self, rollup: Table, *, is_less: bool) -> Sequence[ColumnElement[Any]]:
        """Return the sums of rows of *rollup*, named; *is_less*: to be taken away."""

    def together(self, sums: FromClause) -> Sequence[ColumnElement[Any]]:
        """Return the sums of such sums, named alike."""


def grouped(
    by: Grouping, rollups: tuple[Table, Table], sums: Sums, filters: Filters, parts: Iterable[Part]
) -> Select[Any]:
    """Return the statement that adds up by *by* what makes up a `Range`; by ``month`` it is one row for each day.

    It takes the bounds of *parts* of the range, and the *filters*. Each part is added up by itself, by series or by
    period as the roll-up has them, and only then are the few sums named and put together: a row of a roll-up is
    sorted by a number if at all, and never looked up.
    """
    summed = [_summed(by, rollups, sums, filters, part) for part in parts]
    rows = union_all(*summed).subquery("sums")
    if by in _NAMES:
        label = _NAMES[by]
        source: FromClause = rows.join(usage_series, usage_series.c.id == rows.c.place)
    else:
        label, source = (rows.c.place if by == "hour" else rows.c.place // 24), rows
    return select(label.label("label"), *sums.together(rows)).select_from(source).group_by(label)


def _summed(by: Grouping, rollups: tuple[Table, Table], sums: Sums, filters: Filters, part: Part) -> Select[Any]:
    """Return the statement that adds up one part, by its series or, counted in hours, by its periods."""
    hourly, daily = rollups
    rollup, period, length = (daily, daily.c.day, 24) if part == "days" else (hourly, hourly.c.hour, 1)
    is_named = by in _NAMES
    place = rollup.c.series_id if is_named else period * length
    totals = sums.of(rollup, is_less=part in ("before", "after"))
    within = and_(period >= bindparam(f"{part}_since"), period < bindparam(f"{part}_until"))
    rows: Select[Any] = select(place.label("place"), *totals).where(within)
    if filters:
        chosen = select(usage_series.c.id).where(*(FILTERS[name] for name in sorted(filters)))
        rows = rows.where(rollup.c.series_id.in_(chosen))
    return rows.group_by(rollup.c.series_id if is_named else period)


def written(by: Grouping) -> Callable[[Any], str | None]:
    """Return how a group's label reads: names as they are, periods as people write them, in UTC."""
    return _WRITTEN.get(by, _name)


def _name(name: str) -> str | None:
    return name or None


_WRITTEN: Final[Mapping[Grouping, Callable[[Any], str | None]]] = {
    "hour": lambda hour: f"{_EPOCH + timedelta(hours=hour):%Y-%m-%dT%H:00Z}",
    "day": lambda day: f"{_EPOCH + timedelta(days=day):%Y-%m-%d}",
    "month": lambda day: f"{_EPOCH + timedelta(days=day):%Y-%m}",
}
