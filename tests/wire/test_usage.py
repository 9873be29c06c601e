from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxystore.values import Quality, Usage
from proxystore.wire.openai.usage import LARGEST, usage_in

_BUCKETS = [field.name for field in msgspec.structs.fields(Usage) if field.name.endswith("_tokens")]


def _usage(
    prompt: Any = None, completion: Any = None, total: Any = None, *, into: Any = None, out: Any = None
) -> Usage | None:
    told = {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": total,
        "prompt_tokens_details": into,
        "completion_tokens_details": out,
    }
    return usage_in({name: value for name, value in told.items() if value is not None}, "m")


def _sum(usage: Usage | None) -> int:
    return sum(getattr(usage, name) for name in _BUCKETS)


def _expected(quality: Quality = "reported", **buckets: int) -> Usage:
    return Usage(quality=quality, response_model="m", **buckets)


def test_cached_and_reasoning_tokens_are_parts_of_the_sums() -> None:
    usage = _usage(100, 50, 150, into={"cached_tokens": 80}, out={"reasoning_tokens": 30})

    assert usage == _expected(input_tokens=20, cache_read_tokens=80, output_tokens=20, reasoning_tokens=30)
    assert _sum(usage) == 150


@pytest.mark.parametrize(
    ("told", "buckets"),
    [
        ({"cached_tokens": 80}, {"cache_read_tokens": 80}),  # Kimi
        ({"cached_tokens": 80, "prompt_tokens_details": {"cached_tokens": 80}}, {"cache_read_tokens": 80}),
        ({"prompt_cache_hit_tokens": 80, "prompt_cache_miss_tokens": 20}, {"cache_read_tokens": 80}),  # DeepSeek
        (  # LiteLLM, for Anthropic
            {
                "prompt_tokens_details": {"cached_tokens": 50, "cache_creation_tokens": 30},
                "cache_creation_input_tokens": 30,
                "cache_read_input_tokens": 50,
            },
            {"cache_read_tokens": 50, "cache_write_tokens": 30},
        ),
        (
            {
                "prompt_tokens_details": {
                    "cached_tokens": 50,
                    "cache_creation_tokens": 30,
                    "cache_creation_token_details": {"ephemeral_5m_input_tokens": 10, "ephemeral_1h_input_tokens": 20},
                },
                "cache_creation_input_tokens": 30,
            },
            {"cache_read_tokens": 50, "cache_write_tokens": 10, "cache_write_1h_tokens": 20},
        ),
        (
            {"prompt_tokens_details": {"cached_tokens": 50}, "cache_creation_input_tokens": 60},
            {"cache_read_tokens": 50},
        ),
        ({"cached_tokens": 101, "prompt_cache_hit_tokens": "9"}, {}),
    ],
)
def test_what_is_told_beside_the_sums_counts_as_far_as_it_fits(told: Any, buckets: dict[str, int]) -> None:
    usage = usage_in({"prompt_tokens": 100, "completion_tokens": 5, "total_tokens": 105} | told, "m")

    assert usage == _expected(input_tokens=100 - sum(buckets.values()), output_tokens=5, **buckets)


@pytest.mark.parametrize(
    ("into", "buckets"),
    [
        ({"cached_tokens": 60, "audio_tokens": 60}, {"cache_read_tokens": 60, "input_audio_tokens": 40}),
        (  # xAI
            {"text_tokens": 20, "image_tokens": 70, "audio_tokens": 10, "cached_tokens": 98},
            {"cache_read_tokens": 98, "input_audio_tokens": 2},
        ),
    ],
)
def test_what_was_cached_and_told_by_its_kind_is_counted_once(into: Any, buckets: dict[str, int]) -> None:
    assert _usage(100, 5, 105, into=into) == _expected(output_tokens=5, **buckets)


def test_every_kind_of_token_has_its_bucket() -> None:
    into = {"cached_tokens": 1, "cache_write_tokens": 2, "audio_tokens": 3, "image_tokens": 4}
    out = {"reasoning_tokens": 5, "audio_tokens": 6, "image_tokens": 7, "accepted_prediction_tokens": 8}

    assert _usage(20, 30, 50, into=into, out=out) == _expected(
        input_tokens=10,
        cache_read_tokens=1,
        cache_write_tokens=2,
        input_audio_tokens=3,
        input_image_tokens=4,
        output_tokens=12,
        reasoning_tokens=5,
        output_audio_tokens=6,
        output_image_tokens=7,
    )


@pytest.mark.parametrize(
    ("told", "total"),
    [
        ({"prompt": 100, "completion": 50, "total": 150, "out": {"reasoning_tokens": 80}}, 150),
        ({"prompt": 100, "completion": 50, "total": 150, "into": {"cached_tokens": 101}}, 150),
        ({"prompt": 100, "completion": 50, "into": {"cached_tokens": 101}}, 150),
        ({"prompt": 100, "completion": 50, "into": {"cached_tokens": 60, "audio_tokens": 101}}, 150),
        ({"prompt": 100, "completion": 50, "total": 149}, 150),
        ({"prompt": 100, "completion": 50, "total": -1}, 150),
        ({"prompt": 100, "completion": -50}, 100),
        ({"prompt": 100, "total": 50}, 100),
        ({"prompt": -100, "completion": -50, "total": -150}, 0),
        ({"total": 10, "into": {"cached_tokens": 11}}, 10),
        ({"into": {"cached_tokens": -1}}, 0),
        ({"total": 10, "into": {"cached_tokens": 20}, "out": {"reasoning_tokens": -10}}, 10),
        ({"prompt": 2**31, "completion": 1}, LARGEST),
        ({"prompt": 1, "completion": 10**40}, LARGEST),
        ({"total": 2**63}, LARGEST),
    ],
)
def test_contradictions_keep_only_their_total(told: Any, total: Any) -> None:
    assert _usage(**told) == _expected("inconsistent", unclassified_tokens=total)


def test_a_total_alone_is_not_guessed_apart() -> None:
    assert _usage(total=42) == _expected("unclassified", unclassified_tokens=42)
    assert _usage(total=42, into={"cached_tokens": 2}) == _expected(
        "unclassified", cache_read_tokens=2, unclassified_tokens=40
    )
    assert _usage(into={"cached_tokens": 2}) == _expected("unclassified", cache_read_tokens=2)


def test_what_a_total_has_beyond_its_parts_is_unclassified() -> None:
    assert _usage(100, 50, 180) == _expected("unclassified", input_tokens=100, output_tokens=50, unclassified_tokens=30)


def test_reasoning_outside_the_completion_shows_in_the_total() -> None:
    assert _usage(100, 50, 230, out={"reasoning_tokens": 80}) == _expected(
        input_tokens=100, output_tokens=50, reasoning_tokens=80
    )


def test_a_missing_sum_follows_from_the_others() -> None:
    assert _usage(prompt=8, total=8) == _expected(input_tokens=8)
    assert _usage(completion=8, total=10) == _expected(input_tokens=2, output_tokens=8)
    assert _usage(prompt=8) == _expected(input_tokens=8)


def test_an_explicit_zero_is_a_value() -> None:
    assert _usage(0, 0, 0) == _expected()
    assert _usage(prompt=0) == _expected()


@pytest.mark.parametrize(
    "told",
    [
        None,
        {},
        [],
        7,
        "x",
        {"prompt_tokens": None},
        {"prompt_tokens": "12"},
        {"prompt_tokens": True},
        {"prompt_tokens": float("inf")},
        {"total_tokens": 1.5, "prompt_tokens_details": []},
    ],
)
def test_what_says_nothing_is_missing(told: Any) -> None:
    assert usage_in(told, "m") is None


def test_whole_numbers_may_be_written_with_a_point() -> None:
    assert _usage(8.0, 2.0, 10.0) == _expected(input_tokens=8, output_tokens=2)


_counts = st.none() | st.integers(-5, 200) | st.sampled_from([LARGEST, LARGEST + 1, 2**70, 1.0, 0.5, "3", True, [], {}])
_details = st.none() | st.dictionaries(
    st.sampled_from(["cached_tokens", "cache_write_tokens", "audio_tokens", "image_tokens", "reasoning_tokens"]),
    _counts,
)


@settings(deadline=None, max_examples=300)
@given(_counts, _counts, _counts, _details, _details)
def test_whatever_is_told_no_bucket_is_negative_or_too_large(
    prompt: Any, completion: Any, total: Any, into: Any, out: Any
) -> None:
    usage = _usage(prompt, completion, total, into=into, out=out)

    if usage is not None:
        assert all(0 <= getattr(usage, name) <= LARGEST for name in _BUCKETS)
        assert usage.quality != "missing"
        is_told = isinstance(total, int) and not isinstance(total, bool)
        if is_told and usage.quality != "inconsistent":
            assert _sum(usage) == total
