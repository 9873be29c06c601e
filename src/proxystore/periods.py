"""Calendar windows, in UTC, and the ranges of time that people ask for."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Final, Literal, NamedTuple, TypeAlias

from proxystore.errors import InvalidRecord

Span: TypeAlias = Literal["day", "month", "ever"]

_DAY_NS: Final = 86_400 * 10**9
_EPOCH: Final = date(1970, 1, 1)
_MONTHS: Final = 12
_END_OF_TIME: Final = 2**62


class Period(NamedTuple):
    """One window: its number since 1970, and the instants from which and up to which it lasts, in nanoseconds."""

    number: int
    since_ns: int
    until_ns: int


def expect_range(since: datetime | None, until: datetime | None) -> None:
    """Refuse what is no range of time: an end without a time zone, or one before the beginning.

    Raises:
        InvalidRecord: It is none.
    """
    for moment in (since, until):
        if moment is not None and moment.tzinfo is None:
            raise InvalidRecord(f"{moment} has no time zone: is it UTC?")
    if since is not None and until is not None and since > until:
        raise InvalidRecord(f"The range ends ({until}) before it begins ({since}).")


def period_at(span: Span, at_ns: int) -> Period:
    """Return the window that *at_ns* lies in; ``ever`` has one, number 0."""
    if span == "ever":
        return Period(0, 0, _END_OF_TIME)
    day = at_ns // _DAY_NS
    if span == "day":
        return Period(day, day * _DAY_NS, (day + 1) * _DAY_NS)
    at = datetime.fromtimestamp(at_ns // 10**9, UTC)
    number = (at.year - 1970) * _MONTHS + at.month - 1
    first, end = days_of("month", number)
    return Period(number, first * _DAY_NS, end * _DAY_NS)


def days_of(span: str, number: int) -> tuple[int, int]:
    """Return the first day of a window and the one after its last, as days since 1970."""
    if span == "day":
        return number, number + 1
    if span == "month":
        return _first_day(number), _first_day(number + 1)
    return 0, 2**31 - 1


def _first_day(month: int) -> int:
    return (date(1970 + month // _MONTHS, month % _MONTHS + 1, 1) - _EPOCH).days
