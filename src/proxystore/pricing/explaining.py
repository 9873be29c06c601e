"""A sum, line by line."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Final

import msgspec

from proxystore.pricing.money import dollars_of
from proxystore.pricing.price import BUCKETS, Price
from proxystore.pricing.tariff import Tariff
from proxystore.values import Cost, Usage

_UNITS: Final = {"requests": "piece", "seconds": "second", "calls": "answer"}
_INPUT: Final = tuple(name for name in BUCKETS if name.startswith(("input", "cache")))


class CostLine(msgspec.Struct, frozen=True, kw_only=True):
    """What one bucket adds to a sum.

    Attributes:
        bucket: Such as ``cache_read_tokens``; ``calls`` is what every answer costs.
        quantity: How many.
        unit: Of what: ``token``, ``piece``, ``second`` or ``answer``.
        rate: Dollars for one, exactly; ``None`` where no price is known.
        dollars: Both multiplied, exactly: only the sum of all lines is rounded.
        priced_as: Whose price that is.
        condition: What the price holds for.
        is_assumed: Whether it is the price of something else.
    """

    bucket: str
    quantity: int | Decimal
    unit: str
    rate: Decimal | None
    dollars: Decimal | None
    priced_as: str | None
    condition: str
    is_assumed: bool


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """Why something costs what it costs: `cost` is the sum of `lines`, rounded once to nano-dollars.

    Pieces without a price, beside tokens, add nothing to it.
    """

    cost: Cost
    lines: tuple[CostLine, ...]

    @property
    def dollars(self) -> Decimal | None:
        """The sum in dollars."""
        return None if self.cost.nanousd is None else Decimal(self.cost.nanousd).scaleb(-9)


def explained(tariff: Tariff, usage: Usage, at_ns: int) -> Explanation:
    """Return what *usage* costs at a time (nanoseconds since 1970), and why."""
    return Explanation(cost=tariff.cost(usage, at_ns), lines=tuple(_lines(tariff, usage, at_ns)))


def _lines(tariff: Tariff, usage: Usage, at_ns: int) -> Iterator[CostLine]:
    tokens = sum(getattr(usage, name) for name in _INPUT)
    rates = tariff.rates(at_ns, service_tier=usage.service_tier or "", input_tokens=tokens)
    by_bucket = {} if rates is None else rates.by_bucket
    for bucket, quantity in _quantities(usage):
        rate = by_bucket.get(bucket)
        if bucket == "calls" and rate is None:
            continue
        dollars = None if rate is None else dollars_of(rate.femtousd)
        yield CostLine(
            bucket=bucket,
            quantity=quantity,
            unit=_UNITS.get(bucket, "token"),
            rate=dollars,
            dollars=None if dollars is None else dollars * quantity,
            priced_as=None if rate is None else rate.name,
            condition="" if rate is None else condition_of(rate.price),
            is_assumed=rate is not None and (rate.is_assumed or (rates is not None and rates.is_other_tier)),
        )


def _quantities(usage: Usage) -> Iterator[tuple[str, int | Decimal]]:
    for name in (*BUCKETS, "unclassified_tokens", "requests"):
        if count := getattr(usage, name):
            yield name, count
    if usage.seconds:
        yield "seconds", Decimal(round(usage.seconds * 1000)).scaleb(-3)
    yield "calls", 1


def condition_of(price: Price) -> str:
    """Return in words what *price* holds for, '' for everything."""
    said = []
    if price.service_tier:
        said.append(f"tier {price.service_tier}")
    if price.above_input_tokens:
        said.append(f"above {price.above_input_tokens:,} input tokens")
    if price.daily_from is not None and price.daily_until is not None:
        said.append(f"{_clock(price.daily_from)} to {_clock(price.daily_until)} UTC")
    return ", ".join(said)


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"
