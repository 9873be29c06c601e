"""LiteLLM's price file, in the small."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from proxystore import InvalidRecord
from proxystore.pricelists import Listing, read_litellm
from proxystore.schema.models import CAPABILITIES

FILE = Path(__file__).with_name("small.json")


def _read() -> dict[str, Listing]:
    return {listing.name: listing for listing in read_litellm(FILE.read_bytes(), CAPABILITIES)}


def _amounts(listing: Listing) -> dict[tuple[str, int], dict[str, Any]]:
    """Return the amounts in dollars for a million, or a piece, by tier and size."""
    return {
        (price.service_tier, price.above_input_tokens): {
            name.removesuffix("_femtousd"): getattr(price, name)
            for name in price.__struct_fields__
            if name.endswith("_femtousd") and getattr(price, name) is not None
        }
        for price in listing.prices
    }


def test_what_is_no_model_is_left_out() -> None:
    assert not {"sample_spec", "fallback_generalizations"} & _read().keys()
    assert len(_read()) == 9


def test_fields_are_typed_and_the_rest_is_kept() -> None:
    listing = _read()["gpt-4o"]
    fields = listing.fields

    assert (listing.provider, fields["mode"]) == ("openai", "chat")
    assert (fields["max_input_tokens"], fields["max_output_tokens"]) == (128_000, 16_384)
    assert (fields["supports_vision"], "supports_reasoning" in fields) == (True, False)
    assert fields["input_modalities"] == ("text", "image")
    assert fields["deprecated_at"] == datetime(2027, 1, 31, tzinfo=UTC)
    assert fields["source_url"] == "https://example.org/prices"
    assert fields["rest"]["tpm"] == 30_000
    assert "input_cost_per_token" not in fields["rest"]
    assert _read()["gemini/gemini-2.5-pro"].provider == "vertex_ai"
    assert _read()["gemini/gemini-2.5-pro"].fields["max_input_tokens"] == 1_048_576
    assert _read()["github_copilot/x"].fields["max_input_tokens"] is None
    assert _read()["github_copilot/x"].prices == ()


@pytest.mark.parametrize(
    ("name", "amounts"),
    [
        (
            "gpt-4o",
            {
                ("", 0): {"input": 2500, "cache_read": 1250, "output": 10_000, "request": 25_000_000},
                ("batch", 0): {"input": 1250, "output": 5000},
                ("priority", 0): {"input": 4250},
            },
        ),
        (
            "gemini/gemini-2.5-pro",
            {
                ("", 0): {"input": 1250, "input_audio": 700, "output": 10_000, "reasoning": 10_000},
                ("", 200_000): {"input": 2500, "output": 15_000},
                ("priority", 200_000): {"input": 4500},
            },
        ),
        (
            "claude-sonnet-4-5",
            {
                ("", 0): {
                    "input": 3000,
                    "cache_read": 300,
                    "cache_write": 3750,
                    "cache_write_1h": 6000,
                    "output": 15_000,
                },
                ("", 200_000): {"cache_write_1h": 12_000},
            },
        ),
        (
            "dashscope/qwen-flash",
            {("", 0): {"input": 50, "output": 400}, ("", 256_000): {"input": 250, "output": 2000}},
        ),
        ("whisper-1", {("", 0): {"second": 100_000}}),
        ("rerank-v3.5", {("", 0): {"request": 2_000_000}}),
        ("dall-e-3", {("", 0): {"request": 40_000_000}}),
        ("perplexity/online", {("", 0): {"call": 5_000_000}}),
    ],
)
def test_amounts_are_read_by_what_they_hold_for(name: str, amounts: dict[Any, dict[str, int]]) -> None:
    nano = {
        condition: {rate: amount * 1_000_000 for rate, amount in held.items()} for condition, held in amounts.items()
    }

    assert _amounts(_read()[name]) == nano


def test_what_is_told_as_a_multiple_is_a_price_of_its_own() -> None:
    record = {
        "litellm_provider": "anthropic",
        "input_cost_per_token": 5e-06,
        "output_cost_per_token": 2.5e-05,
        "input_cost_per_token_above_200k_tokens": 1e-05,
        "search_context_cost_per_query": {"search_context_size_medium": 0.01},
        "provider_specific_entry": {"us": 1.1, "fast": 2, "elsewhere": 3},
    }
    (listing,) = read_litellm(json.dumps({"claude": record}).encode(), CAPABILITIES)
    nano = {
        condition: {rate: amount // 1_000_000 for rate, amount in held.items()}
        for condition, held in _amounts(listing).items()
    }

    assert nano == {
        ("", 0): {"input": 5000, "output": 25_000, "request": 10_000_000},
        ("", 200_000): {"input": 10_000},
        ("fast", 0): {"input": 10_000, "output": 50_000},
        ("fast", 200_000): {"input": 20_000},
        ("us", 0): {"input": 5500, "output": 27_500},
        ("us", 200_000): {"input": 11_000},
    }


@pytest.mark.parametrize("data", [b"", b"[]", b"{", b'{"a": NaN', b"\xff"])
def test_what_is_no_price_list_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidRecord, match="no price list"):
        read_litellm(data, CAPABILITIES)


def test_a_price_that_is_none_is_refused_with_its_name() -> None:
    record = {"litellm_provider": "x", "input_cost_per_token": -1}
    with pytest.raises(InvalidRecord, match="bad: input_cost_per_token"):
        read_litellm(json.dumps({"bad": record}).encode(), CAPABILITIES)
