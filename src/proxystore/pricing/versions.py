"""Prices one after the other: what a new one does to those before it, and a new list to those there are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TypeAlias

import msgspec

from proxystore.pricing.price import EVER, Price

Prices: TypeAlias = list[Price]


def replaced(prices: Sequence[Price], new: Price) -> Prices:
    """Return *prices* with *new* among them: it ends the one before it, and ends where a later one begins."""
    rest: Prices = []
    until = new.valid_until
    for price in prices:
        if price.condition != new.condition:
            rest.append(price)
        elif price.valid_from > new.valid_from:
            until = price.valid_from if until is None else min(until, price.valid_from)
            rest.append(price)
        elif price.valid_from < new.valid_from:
            rest.append(_ended(price, new.valid_from))
    return [*rest, msgspec.structs.replace(new, valid_until=until)]


def forgotten(prices: Sequence[Price], source: str) -> Prices:
    """Return *prices* without those of *source*; what those had ended goes on."""
    gone = {(price.condition, price.valid_from) for price in prices if price.source == source}
    return [
        msgspec.structs.replace(price, valid_until=None) if (price.condition, price.valid_until) in gone else price
        for price in prices
        if price.source != source
    ]


def relisted(prices: Sequence[Price], listed: Sequence[Price], now: datetime) -> Prices:
    """Return *prices* as they go on once a list says *listed*: the past stays as it was.

    What is the same goes on; what is another begins when the list says so, or *now*; what is not listed any more ends.
    A list that comes first is believed about the past as well.
    """
    if not prices:
        return list(listed)
    known = {price.condition for price in prices}
    result = [price for price in prices if not _lasts(price, now)]
    for condition in dict.fromkeys([*(price.condition for price in listed), *known]):
        have = _lasting(prices, condition, now)
        wanted = _lasting(listed, condition, now)
        result += have if _are_same(have, wanted, now) else _continued(have, wanted, now)
    return result


def _continued(have: Sequence[Price], wanted: Sequence[Price], now: datetime) -> Prices:
    current = have[0] if have and have[0].valid_from <= now else None
    result: Prices = []
    for price in wanted:
        if price.valid_from > now:
            result.append(price)
        elif current is not None and current.rates == price.rates:
            result.append(msgspec.structs.replace(current, valid_until=price.valid_until))
            current = None
        else:
            is_told = price.valid_from > (EVER if current is None else current.valid_from)
            begins = price.valid_from if is_told else now
            result.append(msgspec.structs.replace(price, valid_from=begins))
            if current is not None:
                result.append(_ended(current, begins))
                current = None
    if current is not None:
        result.append(_ended(current, min((price.valid_from for price in result), default=now)))
    return result


def _lasting(prices: Iterable[Price], condition: object, now: datetime) -> Prices:
    """Return those of *prices* under *condition* that hold now or later, in order."""
    found = [price for price in prices if price.condition == condition and _lasts(price, now)]
    return sorted(found, key=lambda price: price.valid_from)


def _lasts(price: Price, now: datetime) -> bool:
    return price.valid_until is None or price.valid_until > now


def _are_same(have: Sequence[Price], wanted: Sequence[Price], now: datetime) -> bool:
    return [_told(price, now) for price in have] == [_told(price, now) for price in wanted]


def _told(price: Price, now: datetime) -> tuple[object, ...]:
    return price.rates, max(price.valid_from, now), price.valid_until


def _ended(price: Price, at: datetime) -> Price:
    until = at if price.valid_until is None else min(at, price.valid_until)
    return msgspec.structs.replace(price, valid_until=until)
