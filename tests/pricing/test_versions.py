"""Prices one after the other."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec

from proxystore.pricing import EVER, Price, forgotten, relisted, replaced

_NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
_DAY = timedelta(days=1)


def _kept(price: Price, number: int = 1) -> Price:
    """Return *price* as it is read back."""
    return msgspec.structs.replace(price, id=UUID(int=number))


def _list(amount: int, **condition: object) -> Price:
    return Price(input_femtousd=amount, source="litellm", **condition)  # type: ignore[arg-type]


def test_a_list_that_comes_first_is_believed_about_the_past() -> None:
    listed = [_list(1, valid_until=_NOW - _DAY), _list(2, valid_from=_NOW - _DAY)]

    assert relisted([], listed, _NOW) == listed


def test_the_same_list_changes_nothing() -> None:
    have = [
        _kept(_list(1, valid_until=_NOW - _DAY)),
        _kept(_list(2, valid_from=_NOW - _DAY), 2),
        _kept(_list(3, service_tier="batch"), 3),
        _kept(_list(4, service_tier="batch", valid_from=_NOW + _DAY), 4),
    ]
    listed = [msgspec.structs.replace(price, id=None) for price in have]

    assert relisted(have, listed, _NOW) == have


def test_what_changed_begins_now_or_when_the_list_says() -> None:
    have = [_kept(_list(1))]
    ended = msgspec.structs.replace

    assert relisted(have, [_list(2)], _NOW) == [_list(2, valid_from=_NOW), ended(have[0], valid_until=_NOW)]
    told = _NOW - 3 * _DAY
    assert relisted(have, [_list(1, valid_until=told), _list(2, valid_from=told)], _NOW) == [
        _list(2, valid_from=told),
        ended(have[0], valid_until=told),
    ]


def test_what_is_no_longer_listed_ends_and_what_is_to_come_is_taken_over() -> None:
    have = [_kept(_list(1)), _kept(_list(5, service_tier="flex"), 2)]
    coming = _list(2, valid_from=_NOW + _DAY)

    assert relisted(have, [_list(1, valid_until=_NOW + _DAY), coming], _NOW) == [
        msgspec.structs.replace(have[0], valid_until=_NOW + _DAY),
        coming,
        msgspec.structs.replace(have[1], valid_until=_NOW),
    ]


def test_a_condition_that_is_new_says_nothing_about_yesterday() -> None:
    have = [_kept(_list(1))]
    tier = _list(9, service_tier="flex")

    assert relisted(have, [_list(1), tier], _NOW) == [have[0], _list(9, service_tier="flex", valid_from=_NOW)]


def test_a_price_by_hand_ends_the_one_before_and_is_forgotten_again() -> None:
    have = [_kept(_list(1)), _kept(_list(7, service_tier="batch"), 2)]
    mine = Price(input_femtousd=3, valid_from=_NOW)
    after = replaced(have, mine)

    assert after == [msgspec.structs.replace(have[0], valid_until=_NOW), have[1], mine]
    assert forgotten(after, "manual") == have


def test_a_price_ends_where_a_later_one_begins() -> None:
    later = _kept(Price(input_femtousd=1, valid_from=_NOW))

    assert replaced([later], Price(input_femtousd=2)) == [later, Price(input_femtousd=2, valid_until=_NOW)]


def test_a_price_of_the_same_time_takes_the_place_of_the_other() -> None:
    assert replaced([_kept(Price(input_femtousd=1))], Price(input_femtousd=2, valid_from=EVER)) == [
        Price(input_femtousd=2)
    ]
