"""What each bucket costs under one condition: prices put together, narrow over broad, and gaps filled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import attrgetter
from typing import Any, Final, NamedTuple

import msgspec

from proxystore.pricing.money import nanousd_of
from proxystore.pricing.price import BUCKETS, Price
from proxystore.values import Cost, Usage

UNPRICED: Final = Cost()
_MS: Final = 1000


class Rate(NamedTuple):
    """What one of something costs.

    Attributes:
        femtousd: How much.
        name: Which amount of a price that is.
        price: The price it stands in.
        is_assumed: Whether it is that of something else.
    """

    femtousd: int
    name: str
    price: Price
    is_assumed: bool


class Rates:
    """A whole number for each bucket.

    Args:
        prices: Those that hold, the broadest first; the narrowest has the last word.
        is_other_tier: Whether they are not those of the tier that was asked for, since that has none.

    Attributes:
        by_bucket: The rate of each bucket that has one; also of ``unclassified_tokens``, ``requests``, ``seconds`` and
            ``calls``.
        price_id: The narrowest price of them.
    """

    __slots__ = (
        "_assumed",
        "_assumed_usually",
        "_call",
        "_rare",
        "_usual",
        "by_bucket",
        "is_other_tier",
        "price_id",
    )

    def __init__(self, prices: Sequence[Price], *, is_other_tier: bool = False) -> None:
        found = self.by_bucket = _by_bucket(prices)
        narrowest = prices[-1]
        self.price_id = narrowest.source if narrowest.id is None else str(narrowest.id)
        self.is_other_tier = is_other_tier
        assumed = [name for name, rate in found.items() if rate.is_assumed]
        self._assumed = tuple(name for name in assumed if name not in _USUAL)
        self._assumed_usually = tuple(name for name in assumed if name in _USUAL)
        self._usual = [_amount(found, name) for name in _USUAL]
        self._rare = [_amount(found, name) for name in _RARE]
        self._call: int = _amount(found, "calls") or 0

    def cost(self, usage: Usage) -> Cost:
        """Return what *usage* costs; rounded once, half to even."""
        # Spelt out, since every request comes by here; what is rare is looked at in one go.
        try:
            femtousd, (of_input, of_output, of_cached, of_reasoning) = self._call, self._usual
            if count := usage.input_tokens:
                femtousd += count * of_input
            if count := usage.output_tokens:
                femtousd += count * of_output
            if count := usage.cache_read_tokens:
                femtousd += count * of_cached
            if count := usage.reasoning_tokens:
                femtousd += count * of_reasoning
            counts = _rare_of(usage)
            if any(counts):
                return self._with_rare(usage, counts, femtousd)
        except TypeError:  # None times something: it has no rate
            return UNPRICED
        if self._assumed_usually or self.is_other_tier:
            return self._cost(usage, nanousd_of(femtousd))
        return Cost(nanousd=nanousd_of(femtousd), price_id=self.price_id)

    def _with_rare(self, usage: Usage, counts: tuple[Any, ...], femtousd: int) -> Cost:
        *pieces, seconds = counts
        *amounts, of_second = self._rare
        if usage.requests and amounts[-1] is None and (usage.input_tokens or usage.output_tokens):
            # Searches beside tokens: to whom a budget holds could else make all of it unknown by asking for one.
            tokens = self.cost(msgspec.structs.replace(usage, requests=0))
            return msgspec.structs.replace(tokens, is_assumed=tokens.nanousd is not None)
        femtousd += sum(count * amount for count, amount in zip(pieces, amounts, strict=True) if count)
        if seconds:
            return self._cost(usage, nanousd_of(femtousd * _MS + round(seconds * _MS) * of_second, _MS))
        return self._cost(usage, nanousd_of(femtousd))

    def _cost(self, usage: Usage, nanousd: int) -> Cost:
        assumed = (*self._assumed, *self._assumed_usually)
        is_assumed = self.is_other_tier or any(getattr(usage, name) for name in assumed)
        return Cost(nanousd=nanousd, price_id=self.price_id, is_assumed=is_assumed)


def _amount(rates: Mapping[str, Rate], bucket: str) -> Any:
    """Return the rate of *bucket*; ``None`` is what no number can be multiplied with."""
    return rates[bucket].femtousd if bucket in rates else None


def _by_bucket(prices: Sequence[Price]) -> dict[str, Rate]:
    own = {name: rate for name in _NAMES if (rate := _own(prices, name)) is not None}
    found: dict[str, Rate] = {}
    for bucket, (name, substitutes, is_usual) in BUCKETS.items():
        chosen = next((own[choice] for choice in (name, *substitutes) if choice in own), None)
        if chosen is not None:
            is_assumed = chosen.is_assumed or (chosen.name != name and not is_usual)
            found[bucket] = chosen._replace(is_assumed=is_assumed)
    if "input" in own and "output" in own:
        dearer = max(own["input"], own["output"], key=lambda rate: rate.femtousd)
        found["unclassified_tokens"] = dearer._replace(is_assumed=True)
    for bucket, name in _OTHERS.items():
        if name in own:
            found[bucket] = own[name]._replace(is_assumed=False)
    return found


def _own(prices: Sequence[Price], name: str) -> Rate | None:
    """Return the amount of *name* in the narrowest price that has one; assumed if that is not the narrowest of all."""
    for price in reversed(prices):
        amount: int | None = getattr(price, f"{name}_femtousd")
        if amount is not None:
            return Rate(amount, name, price, is_assumed=price is not prices[-1])
    return None


_OTHERS: Final = {"requests": "request", "seconds": "second", "calls": "call"}
_NAMES: Final = (*(bucket.rate for bucket in BUCKETS.values()), *_OTHERS.values())
_USUAL: Final = ("input_tokens", "output_tokens", "cache_read_tokens", "reasoning_tokens")
_RARE: Final = (*(name for name in BUCKETS if name not in _USUAL), "unclassified_tokens", "requests", "seconds")
_rare_of: Final = attrgetter(*_RARE)
