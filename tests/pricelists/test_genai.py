"""The list that comes with us."""

from __future__ import annotations

import subprocess
import sys
import time
from datetime import UTC, datetime

import pytest

from proxystore import Usage
from proxystore.pricelists import bundled, find_bundled
from proxystore.pricing import Tariff, nanoseconds


def test_it_has_every_model_under_a_name_of_its_own() -> None:
    from genai_prices.data_snapshot import get_snapshot

    models = [model for provider in get_snapshot().providers for model in provider.models]

    assert len(bundled()) == len(models)
    assert sum(bool(listing.prices) for listing in bundled().values()) > len(models) * 0.9


@pytest.mark.parametrize(
    ("name", "provider", "found"),
    [
        ("gpt-4o", None, "gpt-4o"),
        ("gpt-4o-2024-08-06", None, "gpt-4o"),
        ("openai/gpt-4o", None, "gpt-4o"),
        ("models/gemini-2.5-flash", None, "gemini-2.5-flash"),
        ("groq/llama-3.3-70b-versatile", None, "groq/llama-3.3-70b-versatile"),
        ("llama-3.3-70b-versatile", "groq", "groq/llama-3.3-70b-versatile"),
        # at Amazon's: the region has its own price; what Amazon is not known to sell has its maker's
        *(
            (
                f"{region}anthropic.claude-sonnet-4-5-20250929-v1:0",
                None,
                f"{found}anthropic.claude-sonnet-4-5-20250929-v1:0",
            )
            for region, found in (("us.", "regional."), ("eu.", "regional."), ("", "regional."), ("global.", "global."))
        ),
        (
            "bedrock/us.anthropic.claude-3-5-sonnet-20241022-v2:0",
            None,
            "regional.anthropic.claude-3-5-sonnet-20241022-v2:0",
        ),
        ("us.amazon.nova-pro-v1:0", "openai", "amazon.nova-pro-v1:0"),
        ("arn:aws:bedrock:us-east-1:1234:inference-profile/eu.amazon.nova-pro-v1:0", "openai", "amazon.nova-pro-v1:0"),
        ("cohere.command-r-plus-v1:0", None, "cohere/command-r-plus"),
        ("us.anthropic.nobody-knows-this-v1:0", None, None),
        ("nobody/us.amazon.nova-pro-v1:0", None, None),
        ("claude-sonnet-4-5@20250929", None, "claude-sonnet-4-5"),
        ("nobody-knows-this", None, None),
        ("nobody/gpt-4o", None, None),
    ],
)
def test_names_are_found_by_its_own_patterns(name: str, provider: str | None, found: str | None) -> None:
    listing = find_bundled(name, provider)

    assert (listing and listing.name) == found


def test_prices_follow_each_other() -> None:
    """OpenAI cut the price of o3 on 10 June 2025."""
    tariff = Tariff(bundled()["o3"].prices)
    usage = Usage(input_tokens=1_000_000)
    days = [datetime(2025, 6, day, tzinfo=UTC) for day in (9, 10)]

    assert [tariff.cost(usage, nanoseconds(day)).nanousd for day in days] == [10_000_000_000, 2_000_000_000]


def test_what_may_not_leave_the_us_costs_a_tenth_more_but_for_searches() -> None:
    tariff = Tariff(bundled()["claude-opus-4-6"].prices)
    usages = [
        Usage(input_tokens=1000, cache_read_tokens=7, output_tokens=10, service_tier=tier) for tier in (None, "us")
    ]
    usual, dearer = (tariff.cost(usage, time.time_ns()) for usage in usages)
    search = Usage(requests=1, service_tier="us")

    assert usual.nanousd is not None
    assert dearer.nanousd == usual.nanousd * 11 // 10
    assert not dearer.is_assumed
    assert tariff.cost(search, time.time_ns()).nanousd == 10_000_000


def test_it_is_not_loaded_before_it_is_asked() -> None:
    script = "import sys, proxystore.store, proxystore.cli, proxystore.asgi; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert not {"genai_prices", "rapidfuzz"} & set(done.stdout.split())
