"""What each bucket costs under one condition: prices put together, narrow over broad, and gaps filled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

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
        "_cache_read",
        "_cache_write",
        "_cache_write_1h",
        "_call",
        "_input",
        "_input_audio",
        "_input_image",
        "_output",
        "_output_audio",
        "_output_image",
        "_reasoning",
        "_request",
        "_second",
        "_unclassified",
        "by_bucket",
        "is_other_tier",
        "price_id",
    )

    def __init__(self, prices: Sequence[Price], *, is_other_tier: bool = False) -> None:
        found = self.by_bucket = _by_bucket(prices)
        narrowest = prices[-1]
        self.price_id = narrowest.source if narrowest.id is None else str(narrowest.id)
        self.is_other_tier = is_other_tier
        self._assumed = tuple(name for name, rate in found.items() if rate.is_assumed)
        self._input = _amount(found, "input_tokens")
        self._cache_read = _amount(found, "cache_read_tokens")
        self._cache_write = _amount(found, "cache_write_tokens")
        self._cache_write_1h = _amount(found, "cache_write_1h_tokens")
        self._input_audio = _amount(found, "input_audio_tokens")
        self._input_image = _amount(found, "input_image_tokens")
        self._output = _amount(found, "output_tokens")
        self._reasoning = _amount(found, "reasoning_tokens")
        self._output_audio = _amount(found, "output_audio_tokens")
        self._output_image = _amount(found, "output_image_tokens")
        self._unclassified = _amount(found, "unclassified_tokens")
        self._request = _amount(found, "requests")
        self._second = _amount(found, "seconds")
        self._call = _amount(found, "calls") or 0

    def cost(self, usage: Usage) -> Cost:
        """Return what *usage* costs; rounded once, half to even."""
        try:
            nanousd = self._nanousd(usage)
        except TypeError:  # None times something: it has no rate
            return UNPRICED
        is_assumed = self.is_other_tier
        for name in self._assumed:
            if getattr(usage, name):
                is_assumed = True
        return Cost(nanousd=nanousd, price_id=self.price_id, is_assumed=is_assumed)

    def _nanousd(self, usage: Usage) -> int:  # noqa: C901, PLR0912
        # Spelt out, since every request comes by here: a loop over the buckets takes three times as long.
        femtousd: int = self._call
        if count := usage.input_tokens:
            femtousd += count * self._input
        if count := usage.output_tokens:
            femtousd += count * self._output
        if count := usage.cache_read_tokens:
            femtousd += count * self._cache_read
        if count := usage.reasoning_tokens:
            femtousd += count * self._reasoning
        if count := usage.cache_write_tokens:
            femtousd += count * self._cache_write
        if count := usage.cache_write_1h_tokens:
            femtousd += count * self._cache_write_1h
        if count := usage.input_audio_tokens:
            femtousd += count * self._input_audio
        if count := usage.input_image_tokens:
            femtousd += count * self._input_image
        if count := usage.output_audio_tokens:
            femtousd += count * self._output_audio
        if count := usage.output_image_tokens:
            femtousd += count * self._output_image
        if count := usage.unclassified_tokens:
            femtousd += count * self._unclassified
        if count := usage.requests:
            femtousd += count * self._request
        if usage.seconds:
            return nanousd_of(femtousd * _MS + round(usage.seconds * _MS) * self._second, _MS)
        return nanousd_of(femtousd)


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
