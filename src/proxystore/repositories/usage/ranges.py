"""Which hours and which days make up a range of time."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from proxystore.errors import InvalidRecord

HOURS_KEPT: Final = timedelta(days=90)
"""For how long hours are known; days are known for ever."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_HOUR: Final = timedelta(hours=1)
_DAY: Final = 24
_NO_END: Final = 2**31 // _DAY * _DAY - _DAY  # the last midnight but one that an integer column can hold
_NOTHING: Final = (0, 0)


class Range(NamedTuple):
    """Hours up to the first midnight, whole days, and hours from the last midnight on: half-open, each may be empty."""

    head: tuple[int, int]
    days: tuple[int, int]
    tail: tuple[int, int]

    @property
    def bounds(self) -> Mapping[str, int]:
        """The bounds by name, for statements."""
        return {
            f"{part}_{end}": value
            for part, pair in zip(self._fields, self, strict=True)
            for end, value in zip(("since", "until"), pair, strict=True)
        }


def span(since: datetime | None, until: datetime | None) -> Range:
    """Return what makes up the time from *since* (inclusive) until *until* (exclusive), with as many days as possible.

    Raises:
        InvalidRecord: An end is no full hour, or asks for hours that are not known any more.
    """
    first, last = _ends(since, until)
    first_day, last_day = -(-first // _DAY), last // _DAY
    if first_day > last_day:
        return Range(_known(first, last), _NOTHING, _NOTHING)
    head, tail = _known(first, first_day * _DAY), _known(last_day * _DAY, last)
    return Range(head, (first_day, last_day), tail)


def hours(since: datetime | None, until: datetime | None) -> Range:
    """Return the hours from *since* (inclusive; the oldest known if ``None``) until *until* (exclusive).

    Raises:
        InvalidRecord: An end is no full hour, or asks for hours that are not known any more.
    """
    first, last = _ends(since, until)
    return Range(_known(_oldest() if since is None else first, last), _NOTHING, _NOTHING)


def _ends(since: datetime | None, until: datetime | None) -> tuple[int, int]:
    first = 0 if since is None else _hour(since)
    last = _NO_END if until is None else _hour(until)
    if first > last:
        raise InvalidRecord(f"The range ends ({until}) before it begins ({since}).")
    return first, last


def _hour(moment: datetime) -> int:
    if moment.tzinfo is None:
        raise InvalidRecord(f"{moment} has no time zone: is it UTC?")
    count, rest = divmod(moment - _EPOCH, _HOUR)
    if rest or not 0 <= count <= _NO_END:
        raise InvalidRecord(f"A range of usage begins and ends on the hour, and {moment} is none.")
    return count


def _known(first: int, last: int) -> tuple[int, int]:
    if first < last and first < _oldest():
        raise InvalidRecord(f"Hours are known for {HOURS_KEPT.days} days: a range from before is of whole days (UTC).")
    return first, last


def _oldest() -> int:
    return (datetime.now(UTC) - HOURS_KEPT - _EPOCH) // _HOUR
