"""Our arithmetic beside that of `genai_prices.calc_price`, for every model of its list.

Where the two differ, the cause is told in the test's output (``-s``), and ours is the one that is right.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from fractions import Fraction
from functools import cache
from typing import Any

import pytest

from proxystore import Usage
from proxystore.pricelists import Listing, bundled
from proxystore.pricing import Tariff, nanoseconds

_WHEN = [
    datetime(2026, 11, 21, 2, 30, tzinfo=UTC),
    datetime(2026, 11, 21, 12, tzinfo=UTC),
]
_USED = [
    Usage(input_tokens=1200, output_tokens=345),
    Usage(input_tokens=1201, cache_read_tokens=8007, output_tokens=345, reasoning_tokens=1000),
    Usage(input_tokens=7, cache_read_tokens=11, cache_write_tokens=13, cache_write_1h_tokens=17, output_tokens=19),
    Usage(input_tokens=300_001, output_tokens=3),
    Usage(input_tokens=100_000, cache_read_tokens=150_000, output_tokens=3),
    Usage(input_tokens=1_200, output_tokens=345, service_tier="batch"),
    Usage(input_tokens=1_200, cache_read_tokens=10, output_tokens=345, service_tier="flex"),
    Usage(input_tokens=300_001, cache_read_tokens=10, output_tokens=345, service_tier="priority"),
]


def _theirs(listing: Listing, usage: Usage, at: datetime) -> Fraction | str:
    """Return their sum in nano-dollars, or why there is none."""
    import genai_prices

    provider, model = _models()[listing.fields["rest"]["genai_prices_id"]]
    written = usage.cache_write_tokens + usage.cache_write_1h_tokens
    counts: dict[str, Any] = {
        "input_tokens": usage.input_tokens + usage.cache_read_tokens + written,
        "cache_read_tokens": usage.cache_read_tokens,
        "cache_write_tokens": written,
        "cache_write_5m_tokens": usage.cache_write_tokens,
        "cache_write_1h_tokens": usage.cache_write_1h_tokens,
        "output_tokens": usage.output_tokens + usage.reasoning_tokens,
        "output_reasoning_tokens": usage.reasoning_tokens,
    }
    context = {} if usage.service_tier is None else {"processing": "batch", "service_tier": usage.service_tier}
    if usage.service_tier != "batch":
        context.pop("processing", None)
    try:
        priced = model.calc_price(
            genai_prices.Usage(**counts),
            provider,
            genai_request_timestamp=at,
            auto_update_timestamp=None,
            price_context=context or None,
        )
    except (LookupError, ValueError) as error:
        return str(error).partition(":")[0]
    return Fraction(priced.total_price) * 10**9


@cache
def _models() -> dict[str, tuple[Any, Any]]:
    from genai_prices.data_snapshot import get_snapshot

    return {
        f"{provider.id}/{model.id}": (provider, model)
        for provider in get_snapshot().providers
        for model in provider.models
    }


def _cases() -> Iterator[tuple[Listing, Usage, datetime]]:
    for listing in bundled().values():
        standard = [price for price in listing.prices if price.is_standard]
        if any(price.input_femtousd is None or price.output_femtousd is None for price in standard) or not standard:
            continue
        is_plain = len(listing.prices) == 1
        has_hours = any(price.daily_from is not None for price in listing.prices)
        for usage in _USED[1:3] if is_plain else _USED:
            for at in _WHEN if has_hours else _WHEN[:1]:
                yield listing, usage, at


def _cause(listing: Listing, usage: Usage, theirs: Fraction | str, ours: int | None) -> str:
    """Return why the two differ; ``wrong`` if nothing explains it."""
    held = [price for price in listing.prices if price.service_tier == ""]
    if isinstance(theirs, str):
        return f"they have no sum: {theirs}"
    if ours is not None and abs(ours - theirs) <= Fraction(51, 100):
        return "we round to nano-dollars, once; they do not"
    if usage.cache_write_1h_tokens and not any(price.cache_write_1h_femtousd is not None for price in held):
        return "written for an hour, no price for it"
    if any(price.call_femtousd for price in listing.prices):
        return "each answer has a price of its own"
    return "wrong"


def test_every_chat_model_costs_what_they_say_or_we_can_say_why(capsys: pytest.CaptureFixture[str]) -> None:
    causes: Counter[str] = Counter()
    examples: dict[str, str] = {}
    for listing, usage, at in _cases():
        theirs = _theirs(listing, usage, at)
        ours = Tariff(listing.prices).cost(usage, nanoseconds(at)).nanousd
        cause = "equal" if not isinstance(theirs, str) and theirs == ours else _cause(listing, usage, theirs, ours)
        causes[cause] += 1
        examples.setdefault(cause, f"{listing.name}: {ours} beside {theirs}")
    with capsys.disabled():
        print()
        for cause, count in causes.most_common():
            print(f"  {count:6,} {cause} ({examples[cause]})")

    assert causes["equal"] > 0.9 * causes.total()
    assert not causes["wrong"], examples["wrong"]
