"""Usage times prices: exactly, in whole numbers, and no guess that is not marked as one."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from proxystore import Cost, InvalidRecord, Usage
from proxystore.pricing import BUCKETS, Price, Tariff, condition_of, explained, femtousd_of, nanoseconds, nanousd_of

_NOON = nanoseconds(datetime(2026, 11, 21, 12, tzinfo=UTC))
_M = 1_000_000


def _price(*, per: int = _M, **dollars: str) -> dict[str, Any]:
    return {f"{name}_femtousd": femtousd_of(amount, per) for name, amount in dollars.items()}


def _nanousd(usage: Usage, *prices: Price, at: int = _NOON) -> int | None:
    return Tariff(prices).cost(usage, at).nanousd


_GPT_4O = Price(**_price(input="2.50", cache_read="1.25", output="10"))


@pytest.mark.parametrize(
    ("usage", "price", "dollars"),
    [
        (Usage(input_tokens=1000, output_tokens=500), _GPT_4O, "0.0075"),
        (Usage(input_tokens=500, cache_read_tokens=500, output_tokens=300), _GPT_4O, "0.004875"),
        (
            Usage(input_tokens=200, output_tokens=100, reasoning_tokens=1000),
            Price(**_price(input="15", output="60")),
            "0.069",
        ),
        (Usage(), _GPT_4O, "0"),
        (
            Usage(input_tokens=3, cache_write_tokens=100, cache_write_1h_tokens=10),
            Price(**_price(input="3", cache_write="3.75", cache_write_1h="6", output="15")),
            "0.000444",
        ),
        (
            Usage(input_tokens=10, input_audio_tokens=20, output_tokens=30, output_audio_tokens=40),
            Price(**_price(input="2.50", input_audio="40", output="10", output_audio="80")),
            "0.004325",
        ),
        (
            Usage(input_tokens=10, input_image_tokens=20, output_image_tokens=40),
            Price(**_price(input="5", input_image="10", output_image="40")),
            "0.00185",
        ),
        (Usage(seconds=61.5), Price(**_price(per=60, second="0.006")), "0.00615"),
        (Usage(requests=3, input_tokens=1), Price(**_price(input="3"), **_price(per=1, request="0.01")), "0.030003"),
        (Usage(input_tokens=1), Price(**_price(input="1"), **_price(per=1, call="0.005")), "0.005001"),
    ],
)
def test_a_sum_is_what_its_parts_are(usage: Usage, price: Price, dollars: str) -> None:
    assert _nanousd(usage, price) == int(Decimal(dollars).scaleb(9))


@pytest.mark.parametrize(
    ("usage", "as_if"),
    [
        (Usage(cache_read_tokens=7), Usage(input_tokens=7)),
        (Usage(cache_write_tokens=7), Usage(input_tokens=7)),
        (Usage(cache_write_1h_tokens=7), Usage(input_tokens=7)),
        (Usage(input_audio_tokens=7), Usage(input_tokens=7)),
        (Usage(input_image_tokens=7), Usage(input_tokens=7)),
        (Usage(output_audio_tokens=7), Usage(output_tokens=7)),
        (Usage(output_image_tokens=7), Usage(output_tokens=7)),
        (Usage(unclassified_tokens=7), Usage(output_tokens=7)),
    ],
    ids=lambda usage: " ".join(name for name in usage.__struct_fields__ if getattr(usage, name) == 7),
)
def test_a_bucket_without_a_price_takes_that_of_another_and_says_so(usage: Usage, as_if: Usage) -> None:
    tariff = Tariff([Price(**_price(input="1", output="2"))])
    cost = tariff.cost(usage, _NOON)

    assert cost.nanousd == tariff.cost(as_if, _NOON).nanousd
    assert cost.is_assumed
    assert [line.is_assumed for line in explained(tariff, usage, _NOON).lines] == [True]


def test_reasoning_is_output_unless_it_has_a_price_of_its_own() -> None:
    usage = Usage(reasoning_tokens=7)

    assert Tariff([_GPT_4O]).cost(usage, _NOON) == Cost(nanousd=70_000, price_id="manual")
    assert _nanousd(usage, Price(**_price(input="1", output="2", reasoning="3"))) == 21_000


def test_what_is_written_for_an_hour_without_a_price_is_as_if_for_five_minutes() -> None:
    tariff = Tariff([Price(**_price(input="3", cache_write="3.75"))])

    assert tariff.cost(Usage(cache_write_1h_tokens=4), _NOON) == Cost(
        nanousd=15_000, price_id="manual", is_assumed=True
    )


@pytest.mark.parametrize(
    "usage",
    [
        Usage(input_tokens=5, output_tokens=1, requests=1),
        Usage(requests=1),
        Usage(input_tokens=5, seconds=1.0),
        Usage(input_tokens=5, output_tokens=1),
        Usage(input_tokens=5, unclassified_tokens=1),
    ],
)
def test_what_has_no_price_has_no_cost_rather_than_none_at_all(usage: Usage) -> None:
    tariff = Tariff([Price(**_price(input="1"))])

    assert tariff.cost(usage, _NOON) == Cost(nanousd=None)
    assert explained(tariff, usage, _NOON).dollars is None
    assert explained(tariff, usage, _NOON).lines[-1].dollars is None


def test_searches_without_a_price_leave_the_tokens_to_be_paid_for() -> None:
    tariff = Tariff([Price(**_price(input="1", output="2"))])
    usage = Usage(input_tokens=5, output_tokens=1, requests=2)

    assert tariff.cost(usage, _NOON) == Cost(nanousd=7_000, price_id="manual", is_assumed=True)
    assert explained(tariff, usage, _NOON).dollars == Decimal("0.000007")


def test_a_price_of_nothing_is_a_price() -> None:
    assert _nanousd(Usage(input_tokens=5), Price(**_price(input="0", output="0"))) == 0


def test_no_price_is_no_cost() -> None:
    assert _nanousd(Usage(input_tokens=5)) is None


_TIERED = (
    Price(**_price(input="1", cache_read="0.1", output="10")),
    Price(above_input_tokens=200_000, **_price(input="2", output="20")),
    Price(above_input_tokens=1_000_000, **_price(input="4", output="40")),
    Price(service_tier="flex", **_price(input="0.5", output="5")),
    Price(service_tier="flex", above_input_tokens=200_000, **_price(input="0.75", output="7.5")),
)


@pytest.mark.parametrize(
    ("input_tokens", "tier", "per_million"),
    [
        (200_000, None, 1),
        (200_001, None, 2),
        (1_000_000, "default", 2),
        (1_000_001, "auto", 4),
        (200_000, "flex", 0.5),
        (200_001, "FLEX", 0.75),
        (9_000_000, "flex", 0.75),
    ],
)
def test_the_whole_request_pays_the_price_of_its_size_and_tier(
    input_tokens: int, tier: str | None, per_million: float
) -> None:
    cost = Tariff(_TIERED).cost(Usage(input_tokens=input_tokens, service_tier=tier), _NOON)

    assert cost.nanousd == input_tokens * per_million * 1000
    assert not cost.is_assumed


def test_all_that_is_read_counts_for_the_size() -> None:
    usage = Usage(input_tokens=1, cache_read_tokens=100_000, cache_write_tokens=50_000, input_image_tokens=50_000)

    assert _nanousd(usage, *_TIERED) == 2_000 + 100_000 * 100 + 100_000 * 2_000


def test_what_a_narrow_price_leaves_out_is_as_in_the_broader_one_and_said_so() -> None:
    cost = Tariff(_TIERED).cost(Usage(input_tokens=200_000, cache_read_tokens=1), _NOON)

    assert cost == Cost(nanousd=400_000_100, price_id="manual", is_assumed=True)


def test_a_tier_without_prices_pays_the_standard_and_says_so() -> None:
    assert Tariff(_TIERED).cost(Usage(output_tokens=1, service_tier="scale"), _NOON) == Cost(
        nanousd=10_000, price_id="manual", is_assumed=True
    )


def test_yesterday_has_yesterdays_price() -> None:
    midnight = datetime(2026, 11, 21, tzinfo=UTC)
    tariff = Tariff(
        [Price(valid_until=midnight, **_price(output="10")), Price(valid_from=midnight, **_price(output="8"))]
    )
    usage = Usage(output_tokens=1)
    at = nanoseconds(midnight)

    assert [tariff.cost(usage, moment).nanousd for moment in (at - 1, at, at - 1, at + 1)] == [
        10_000,
        8_000,
        10_000,
        8_000,
    ]


def test_before_its_first_price_nothing_has_a_cost() -> None:
    price = Price(valid_from=datetime(2026, 11, 21, 12, tzinfo=UTC), **_price(output="8"))

    assert _nanousd(Usage(output_tokens=1), price, at=_NOON - 1) is None
    assert _nanousd(Usage(output_tokens=1), price, at=_NOON) == 8_000


@pytest.mark.parametrize(
    ("clock", "nanousd"), [("00:29", 10), ("00:30", 5), ("16:29", 5), ("16:30", 10), ("22:59", 10), ("23:00", 7)]
)
def test_hours_of_the_day_have_prices(clock: str, nanousd: int) -> None:
    tariff = Tariff(
        [
            Price(**_price(output="0.01")),
            Price(daily_from=30, daily_until=990, **_price(output="0.005")),
            Price(daily_from=1380, daily_until=15, **_price(output="0.007")),
        ]
    )
    at = nanoseconds(datetime.fromisoformat(f"2026-11-21T{clock}:00+00:00"))

    assert tariff.cost(Usage(output_tokens=1), at).nanousd == nanousd


def test_a_line_says_what_its_price_holds_for_and_what_each_answer_costs() -> None:
    tariff = Tariff([Price(**_price(output="1"), **_price(per=1, call="0.5")), Price(daily_from=30, daily_until=990)])
    night = Price(service_tier="batch", above_input_tokens=10, daily_from=30, daily_until=990, **_price(output="1"))

    assert [line.bucket for line in explained(tariff, Usage(output_tokens=1), _NOON).lines] == [
        "output_tokens",
        "calls",
    ]
    assert condition_of(night) == "tier batch, above 10 input tokens, 00:30 to 16:30 UTC"


def test_an_amount_that_prices_do_not_have_is_refused() -> None:
    with pytest.raises(InvalidRecord, match="colour"):
        Price.of(colour="1")


def test_tiers_are_the_upstreams_choice_and_bounded() -> None:
    tariff = Tariff(_TIERED)
    for number in range(40):
        assert tariff.cost(Usage(output_tokens=1, service_tier=f"tier-{number}"), _NOON).is_assumed

    assert tariff.rates(_NOON, service_tier="tier-39") is not None


@pytest.mark.parametrize(
    ("femtousd", "parts", "nanousd"),
    [(500_000, 1, 0), (500_001, 1, 1), (1_500_000, 1, 2), (2_500_000, 1, 2), (2_500_000, 1000, 0), (0, 1, 0)],
)
def test_a_sum_is_rounded_half_to_even(femtousd: int, parts: int, nanousd: int) -> None:
    assert nanousd_of(femtousd, parts) == nanousd


@pytest.mark.parametrize(
    ("dollars", "per", "femtousd"),
    [("2.50", _M, 2_500_000_000), ("0.39999999999999997", _M, 400_000_000), ("8.39233e-08", 1, 83_923_300), (0, 1, 0)],
)
def test_prices_are_kept_exactly(dollars: str, per: int, femtousd: int) -> None:
    assert femtousd_of(dollars, per) == femtousd


@pytest.mark.parametrize("dollars", ["-1", "cheap", "NaN", "Infinity", "1e30"])
def test_what_is_no_price_is_refused(dollars: str) -> None:
    with pytest.raises(InvalidRecord):
        femtousd_of(dollars)


_COUNTED = (*BUCKETS, "requests")
_AMOUNTS = [name for name in Price.__struct_fields__ if name.endswith("_femtousd")]


@settings(max_examples=50, deadline=None)
@given(
    counts=some.lists(some.integers(0, 3_000_000), min_size=len(_COUNTED), max_size=len(_COUNTED)),
    milliseconds=some.integers(0, 10_000_000),
    amounts=some.lists(some.integers(0, 10**12), min_size=len(_AMOUNTS), max_size=len(_AMOUNTS)),
)
def test_a_sum_is_rounded_once_and_explained_by_its_lines(
    counts: list[int], milliseconds: int, amounts: list[int]
) -> None:
    tariff = Tariff([Price(**dict(zip(_AMOUNTS, amounts, strict=True)))])
    usage = Usage(**dict(zip(_COUNTED, counts, strict=True)), seconds=milliseconds / 1000)
    tokens_and_pieces = sum(count * amount for count, amount in zip(counts, amounts, strict=False))
    exact = Fraction(tokens_and_pieces + amounts[-1]) + Fraction(milliseconds * amounts[-2], 1000)
    found = explained(tariff, usage, _NOON)

    assert found.cost.nanousd == round(exact / _M)
    assert round(sum(Fraction(line.dollars or 0) for line in found.lines) * 10**9) == found.cost.nanousd
