"""Which hours and which days make up a range of time."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final, Literal, NamedTuple, TypeAlias, get_args

from proxystore.errors import InvalidRecord
from proxystore.periods import expect_range

HOURS_KEPT: Final = timedelta(days=90)
"""For how long hours are known; days are known for ever."""

Pair: TypeAlias = tuple[int, int]
Part: TypeAlias = Literal["head", "days", "tail", "before", "after"]

PARTS: Final[tuple[Part, ...]] = get_args(Part)
ENDS: Final = ("since", "until")

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_HOUR: Final = timedelta(hours=1)
_DAY: Final = 24
_NO_END: Final = 2**31 // _DAY * _DAY - _DAY  # the last midnight but one that an integer column can hold
_NOTHING: Final[Pair] = (0, 0)


class Range(NamedTuple):
    """Whole days, the hours beside them, and hours of these days that are not meant: half-open, each may be empty.

    Attributes:
        head: Hours before the days.
        days: The days.
        tail: Hours after the days.
        before: Hours to be taken away from the first day.
        after: Hours to be taken away from the last day.
    """

    head: Pair = _NOTHING
    days: Pair = _NOTHING
    tail: Pair = _NOTHING
    before: Pair = _NOTHING
    after: Pair = _NOTHING

    @property
    def parts(self) -> tuple[Part, ...]:
        """What is not empty."""
        return tuple(part for part in PARTS if _is_something(getattr(self, part)))

    @property
    def bounds(self) -> Mapping[str, int]:
        """The bounds of `parts` by name, for statements."""
        pairs = {part: getattr(self, part) for part in self.parts}
        return {f"{part}_{end}": value for part in pairs for end, value in zip(ENDS, pairs[part], strict=True)}


def span(since: datetime | None, until: datetime | None) -> Range:
    """Return what makes up the time from *since* (inclusive) until *until* (exclusive), with as few hours as possible.

    Raises:
        InvalidRecord: An end is no full hour, or asks for hours that are not known any more.
    """
    first, last = _ends(since, until)
    first_day, last_day = -(-first // _DAY), last // _DAY
    if first_day > last_day:
        return Range(head=_known(first, last))
    head, tail = _known(first, first_day * _DAY), _known(last_day * _DAY, last)
    before = after = _NOTHING
    if _is_most_of_a_day(head):
        first_day -= 1
        head, before = _NOTHING, (first_day * _DAY, first)
    if _is_most_of_a_day(tail):
        last_day += 1
        tail, after = _NOTHING, (last, last_day * _DAY)
    return Range(head, (first_day, last_day), tail, before, after)


def hours(since: datetime | None, until: datetime | None) -> Range:
    """Return the hours from *since* (inclusive; the oldest known if ``None``) until *until* (exclusive).

    Raises:
        InvalidRecord: An end is no full hour, or asks for hours that are not known any more.
    """
    oldest, (first, last) = _oldest(), _ends(since, until)
    if since is not None and first < min(oldest, last):
        raise InvalidRecord(
            f"Hours are known for {HOURS_KEPT.days} days: a report by hour begins at"
            f" {_EPOCH + oldest * _HOUR:%Y-%m-%dT%H:%M} (UTC) at the earliest, and one by day may begin before."
        )
    return Range(head=(max(first, oldest), last))


def _ends(since: datetime | None, until: datetime | None) -> tuple[int, int]:
    expect_range(since, until)
    return 0 if since is None else _hour(since), _NO_END if until is None else _hour(until)


def _hour(moment: datetime) -> int:
    count, rest = divmod(max(moment, _EPOCH) - _EPOCH, _HOUR)  # nothing is older, so that any older time will do
    if rest:
        raise InvalidRecord(f"A range of usage begins and ends on the hour, and {moment} is none.")
    return count


def _known(first: int, last: int) -> tuple[int, int]:
    if first < last and first < _oldest():
        raise InvalidRecord(f"Hours are known for {HOURS_KEPT.days} days: a range from before is of whole days (UTC).")
    return first, last


def _is_something(pair: Pair) -> bool:
    return pair[0] < pair[1]


def _is_most_of_a_day(part: Pair) -> bool:
    """Return whether the day without its other hours is less to add up; those must not be gone in a moment."""
    first, last = part
    return last - first > _DAY // 2 and first - _DAY > _oldest()


def _oldest() -> int:
    return (datetime.now(UTC) - HOURS_KEPT - _EPOCH) // _HOUR
