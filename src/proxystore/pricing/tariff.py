"""All prices of a model, ready to be reckoned with: which of them hold is worked out once for a span of time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from proxystore.pricing.price import STANDARD_TIERS, Price
from proxystore.pricing.rates import UNPRICED, Rates
from proxystore.values import Cost, Usage

_NS: Final = 1_000_000_000
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MINUTE_NS: Final = 60 * _NS
_DAY_NS: Final = 86_400 * _NS
_DAY_MINUTES: Final = 1440
_FOR_EVER: Final = 2**63
_MOST_TIERS: Final = 16


class Tariff:
    """What a model costs, whenever and under whatever condition.

    Args:
        prices: All of them, of every version.

    Attributes:
        prices: As they were given.
    """

    __slots__ = ("_span", "prices")

    def __init__(self, prices: Iterable[Price]) -> None:
        self.prices = tuple(prices)
        self._span = _NEVER

    def cost(self, usage: Usage, at_ns: int) -> Cost:
        """Return what *usage* costs at a time (nanoseconds since 1970); rounded once, half to even."""
        span = self._span
        if not span.since <= at_ns < span.until:
            span = self._span_at(at_ns)
        ladder = span.standard if usage.service_tier is None else span.ladder(usage.service_tier)
        if ladder is None:
            return UNPRICED
        return (ladder.rates(usage) if ladder.steps else ladder.base).cost(usage)

    def rates(self, at_ns: int, *, service_tier: str = "", input_tokens: int = 0) -> Rates | None:
        """Return the rates for so many *input_tokens*, cached ones included; ``None`` where no price holds."""
        ladder = self._span_at(at_ns).ladder(service_tier)
        return None if ladder is None else ladder.at(input_tokens)

    def valid_at(self, at_ns: int) -> tuple[Price, ...]:
        """Return the prices that hold on the day, or part of it, that *at_ns* is in; the broadest first."""
        return self._span_at(at_ns).prices

    def _span_at(self, at_ns: int) -> Span:
        span = self._span
        if not span.since <= at_ns < span.until:
            span = self._span = _span(self.prices, at_ns)
        return span


class Ladder:
    """The rates of one service tier, by how much input there is."""

    __slots__ = ("base", "steps")

    def __init__(self, base: Rates, steps: tuple[tuple[int, Rates], ...]) -> None:
        self.base = base
        self.steps = steps  # the highest first

    def rates(self, usage: Usage) -> Rates:
        """Return the rates for *usage*."""
        return self.at(
            usage.input_tokens
            + usage.cache_read_tokens
            + usage.cache_write_tokens
            + usage.cache_write_1h_tokens
            + usage.input_audio_tokens
            + usage.input_image_tokens
        )

    def at(self, input_tokens: int) -> Rates:
        """Return the rates for so much input."""
        for above, rates in self.steps:
            if input_tokens > above:
                return rates
        return self.base


class Span:
    """A time in which the same prices hold."""

    __slots__ = ("_ladders", "prices", "since", "standard", "until")

    def __init__(self, prices: tuple[Price, ...], since: int, until: int) -> None:
        self.prices = prices
        self.since = since
        self.until = until
        self.standard = _ladder(prices, "")
        self._ladders: dict[str, Ladder | None] = {}

    def ladder(self, service_tier: str) -> Ladder | None:
        """Return the rates of a service tier."""
        tier = service_tier.lower()
        if tier in STANDARD_TIERS:
            return self.standard
        if tier not in self._ladders:
            if len(self._ladders) >= _MOST_TIERS:  # their names are the upstream's choice: bounded
                self._ladders.clear()
            self._ladders[tier] = _ladder(self.prices, tier)
        return self._ladders[tier]


def nanoseconds(moment: datetime) -> int:
    """Return *moment* as nanoseconds since 1970."""
    return (moment - _EPOCH) // timedelta(microseconds=1) * 1000


def _ladder(prices: Sequence[Price], tier: str) -> Ladder | None:
    """Return the rates of *tier*; what it does not say is as in the standard one."""
    standard = [price for price in prices if price.service_tier == ""]
    own = [price for price in prices if price.service_tier == tier] if tier else []
    is_other_tier = bool(tier) and not own
    everything = [*standard, *own]
    steps = sorted({price.above_input_tokens for price in everything} - {0}, reverse=True)
    ladder = [(above, _rates(everything, above, is_other_tier=is_other_tier)) for above in steps]
    base = _rates(everything, 0, is_other_tier=is_other_tier)
    if base is None:
        return None
    return Ladder(base, tuple((above, rates) for above, rates in ladder if rates is not None))


def _rates(prices: Sequence[Price], above: int, *, is_other_tier: bool) -> Rates | None:
    """Return the rates of requests with more input than *above*."""
    held = [price for price in prices if price.above_input_tokens <= above]
    return Rates(held, is_other_tier=is_other_tier) if held else None


def _span(prices: Sequence[Price], at_ns: int) -> Span:
    day = at_ns // _DAY_NS * _DAY_NS
    bounds = {0, _FOR_EVER}
    for price in prices:
        bounds.add(nanoseconds(price.valid_from))
        if price.valid_until is not None:
            bounds.add(nanoseconds(price.valid_until))
        for minute in (price.daily_from, price.daily_until):
            if minute is not None:
                bounds.update((day, day + minute * _MINUTE_NS, day + _DAY_NS))
    held = sorted((price for price in prices if _holds(price, at_ns)), key=_breadth)
    return Span(tuple(held), max(b for b in bounds if b <= at_ns), min(b for b in bounds if b > at_ns))


def _holds(price: Price, at_ns: int) -> bool:
    if at_ns < nanoseconds(price.valid_from):
        return False
    if price.valid_until is not None and at_ns >= nanoseconds(price.valid_until):
        return False
    if price.daily_from is None or price.daily_until is None:
        return True
    minute = at_ns // _MINUTE_NS % _DAY_MINUTES
    if price.daily_from <= price.daily_until:
        return price.daily_from <= minute < price.daily_until
    return minute >= price.daily_from or minute < price.daily_until


def _breadth(price: Price) -> tuple[bool, int, bool]:
    """Order prices from broad to narrow: the standard tier first, then by input, hours of the day last."""
    return price.service_tier != "", price.above_input_tokens, price.daily_from is not None


_NEVER: Final = Span((), 0, 0)
