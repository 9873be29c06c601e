"""The same traffic as three providers tell it: buckets never overlap, contradictions never become negative."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxystore.values import Usage
from proxystore.wire.anthropic.usage import usage_in as as_anthropic
from proxystore.wire.gemini.usage import usage_in as as_gemini
from proxystore.wire.openai.tokens import usage_in_tokens as as_responses
from proxystore.wire.openai.usage import LARGEST
from proxystore.wire.openai.usage import usage_in as as_chat

_BUCKETS = [field.name for field in msgspec.structs.fields(Usage) if field.name.endswith("_tokens")]


def _buckets(usage: Usage | None) -> dict[str, int]:
    return {name: getattr(usage, name) for name in _BUCKETS if getattr(usage, name)}


def _total(usage: Usage | None) -> int:
    return sum(_buckets(usage).values())


def _responses(read: int, written: int, total: int, cached: int = 0, reasoning: int = 0) -> dict[str, Any]:
    return {
        "input_tokens": read,
        "input_tokens_details": {"cached_tokens": cached},
        "output_tokens": written,
        "output_tokens_details": {"reasoning_tokens": reasoning},
        "total_tokens": total,
    }


def test_where_cached_and_reasoning_are_parts_of_the_sums():
    usage = as_responses(_responses(100, 50, 150, cached=80, reasoning=30), "m")

    assert _buckets(usage) == {
        "input_tokens": 20,
        "cache_read_tokens": 80,
        "output_tokens": 20,
        "reasoning_tokens": 30,
    }


def test_where_each_is_told_apart():
    usage = as_anthropic(
        {
            "input_tokens": 20,
            "cache_read_input_tokens": 80,
            "cache_creation_input_tokens": 10,
            "output_tokens": 50,
        },
        "m",
    )

    assert (usage.input_tokens + usage.cache_read_tokens + usage.cache_write_tokens, _total(usage)) == (110, 160)


def test_where_reasoning_is_added_to_what_is_written():
    usage = as_gemini(
        {
            "promptTokenCount": 100,
            "cachedContentTokenCount": 40,
            "candidatesTokenCount": 50,
            "thoughtsTokenCount": 30,
        },
        "m",
    )

    assert (usage.input_tokens, usage.cache_read_tokens) == (60, 40)
    assert (usage.output_tokens + usage.reasoning_tokens, _total(usage)) == (80, 180)


_COMPACTED = {
    "input_tokens": 20,
    "cache_read_input_tokens": 80,
    "cache_creation_input_tokens": 0,
    "output_tokens": 50,
    "iterations": [
        {
            "type": "compaction",
            "input_tokens": 1000,
            "cache_read_input_tokens": 7,
            "cache_creation_input_tokens": 5,
            "cache_creation": {"ephemeral_5m_input_tokens": 2, "ephemeral_1h_input_tokens": 3},
            "output_tokens": 100,
        },
        {"type": "advisor_message", "input_tokens": 3, "output_tokens": 4, "model": "another"},
        {"type": "message", "input_tokens": 20, "cache_read_input_tokens": 80, "output_tokens": 50},
        "nonsense",
    ],
}


def test_compacting_and_advice_are_added_to_the_sums_that_leave_them_out():
    assert as_anthropic(_COMPACTED, "m") == Usage(
        input_tokens=1023,
        cache_read_tokens=87,
        cache_write_tokens=2,
        cache_write_1h_tokens=3,
        output_tokens=154,
        quality="reported",
        response_model="m",
    )
    assert as_anthropic(_COMPACTED | {"iterations": [{"type": "message", "input_tokens": 9}]}, "m").input_tokens == 20
    assert as_anthropic(_COMPACTED | {"iterations": "many"}, "m").input_tokens == 20


def test_images_that_were_cached_are_counted_once_where_nobody_tells_which():
    told = {"promptTokenCount": 1000, "cachedContentTokenCount": 900, "candidatesTokenCount": 5}
    kinds = {"promptTokensDetails": [{"modality": "TEXT", "tokenCount": 742}, {"modality": "IMAGE", "tokenCount": 258}]}

    usage = as_gemini(told | kinds, "m")

    assert (usage.quality, _buckets(usage)) == (
        "reported",
        {"cache_read_tokens": 900, "input_image_tokens": 100, "output_tokens": 5},
    )


def test_more_reasoning_than_output_is_inconsistent():
    usage = as_responses(_responses(100, 20, 120, reasoning=30), "m")

    assert (usage.quality, _buckets(usage)) == ("inconsistent", {"unclassified_tokens": 120})


@pytest.mark.parametrize(
    "told",
    [
        {"input_tokens": 9, "output_tokens": 5, "output_tokens_details": {"thinking_tokens": 6}},
        {"input_tokens": -1, "output_tokens": 14},
        {
            "cache_creation_input_tokens": 7,
            "output_tokens": 7,
            "cache_creation": {"ephemeral_5m_input_tokens": 7, "ephemeral_1h_input_tokens": 1},
        },
    ],
)
def test_anthropics_contradictions_keep_their_total(told):
    usage = as_anthropic(told, "m")

    assert (usage.quality, _buckets(usage)) == ("inconsistent", {"unclassified_tokens": 14})


@pytest.mark.parametrize(
    ("told", "quality", "buckets"),
    [
        ({"promptTokenCount": 5, "cachedContentTokenCount": 6}, "inconsistent", {"unclassified_tokens": 5}),
        (
            {"promptTokenCount": 5, "candidatesTokenCount": 5, "totalTokenCount": 9},
            "inconsistent",
            {"unclassified_tokens": 10},
        ),
        (
            {"promptTokenCount": 5, "candidatesTokenCount": 5, "totalTokenCount": 12},
            "unclassified",
            {"input_tokens": 5, "output_tokens": 5, "unclassified_tokens": 2},
        ),
        ({"totalTokenCount": 9}, "unclassified", {"unclassified_tokens": 9}),
        ({"promptTokenCount": 5, "totalTokenCount": 9}, "reported", {"input_tokens": 5, "output_tokens": 4}),
        ({"promptTokenCount": 0, "candidatesTokenCount": 0}, "reported", {}),
        (
            {"promptTokenCount": 5, "candidatesTokenCount": 5, "thoughtsTokenCount": 3, "totalTokenCount": 10},
            "reported",
            {"input_tokens": 5, "output_tokens": 2, "reasoning_tokens": 3},
        ),
        (
            {"promptTokenCount": 5, "toolUsePromptTokenCount": 4, "candidatesTokenCount": 1, "totalTokenCount": 10},
            "reported",
            {"input_tokens": 9, "output_tokens": 1},
        ),
    ],
)
def test_what_google_may_tell(told, quality, buckets):
    usage = as_gemini(told, "m")

    assert (usage.quality, _buckets(usage)) == (quality, buckets)


def test_of_an_unknown_convention_the_total_is_kept():
    usage = as_chat({"total_tokens": 150}, "m")

    assert (usage.quality, _buckets(usage)) == ("unclassified", {"unclassified_tokens": 150})


@pytest.mark.parametrize(
    ("usage", "cached"),
    [
        (as_chat({"prompt_tokens_details": {"cached_tokens": 7}}, "m"), 7),
        (as_responses({"output_tokens": None, "input_tokens_details": {"cached_tokens": 7}}, "m"), 7),
        (as_anthropic({"cache_read_input_tokens": 7}, "m"), 7),
    ],
)
def test_cached_tokens_alone_are_kept(usage, cached):
    assert usage.cache_read_tokens == cached


@pytest.mark.parametrize(
    "usage",
    [
        as_chat({"prompt_tokens": 0, "completion_tokens": 0}, "m"),
        as_responses({"input_tokens": 0, "output_tokens": 0}, "m"),
        as_anthropic({"input_tokens": 0, "output_tokens": 0}, "m"),
        as_gemini({"promptTokenCount": 0}, "m"),
    ],
)
def test_an_explicit_zero_is_a_value(usage):
    assert (usage.quality, _total(usage)) == ("reported", 0)


@pytest.mark.parametrize("told", [{}, {"input_tokens": None}, {"input_tokens": "7"}, {"other": 1}])
def test_nothing_told_is_nothing(told):
    assert as_responses(told, "m") is as_anthropic(told, "m") is as_gemini(told, "m") is None


def test_no_usage_object_is_nothing():
    assert as_responses([1], "m") is as_gemini(None, "m") is None


_NUMBERS = st.one_of(
    st.none(), st.integers(-5, 200), st.integers(), st.floats(), st.booleans(), st.text(max_size=2), st.lists(st.none())
)
_DETAILS = st.one_of(st.none(), st.integers(), st.dictionaries(st.sampled_from(["tokenCount", "modality"]), _NUMBERS))


@settings(deadline=None)
@given(st.data())
def test_whatever_is_told_no_bucket_is_negative_or_too_large(data: st.DataObject):
    anthropic = data.draw(
        st.fixed_dictionaries(
            {},
            optional={
                **dict.fromkeys(
                    ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens", "output_tokens"),
                    _NUMBERS,
                ),
                "cache_creation": st.dictionaries(
                    st.sampled_from(["ephemeral_5m_input_tokens", "ephemeral_1h_input_tokens"]), _NUMBERS
                ),
                "output_tokens_details": st.dictionaries(st.just("thinking_tokens"), _NUMBERS),
                "server_tool_use": st.dictionaries(st.just("web_search_requests"), _NUMBERS),
                "service_tier": _NUMBERS,
            },
        )
    )
    gemini = data.draw(
        st.fixed_dictionaries(
            {},
            optional={
                **dict.fromkeys(
                    (
                        "promptTokenCount",
                        "cachedContentTokenCount",
                        "candidatesTokenCount",
                        "thoughtsTokenCount",
                        "totalTokenCount",
                    ),
                    _NUMBERS,
                ),
                "promptTokensDetails": st.lists(_DETAILS, max_size=3),
                "candidatesTokensDetails": st.lists(
                    st.fixed_dictionaries({"modality": st.just("AUDIO"), "tokenCount": _NUMBERS}), max_size=3
                ),
            },
        )
    )
    for usage in (as_anthropic(anthropic, None), as_gemini(gemini, None)):
        if usage is not None:
            assert all(0 <= getattr(usage, name) <= LARGEST for name in [*_BUCKETS, "requests"])


_COUNTS = st.integers(-2, 60)


@settings(deadline=None, max_examples=100)
@given(st.lists(_COUNTS, min_size=8, max_size=8), st.sampled_from(["TEXT", "AUDIO"]))
def test_the_short_way_says_what_the_long_way_says(counts: list[int], modality: str):
    from proxystore.wire.anthropic import usage as anthropic
    from proxystore.wire.gemini import usage as gemini

    read, cached, short, long, output, thoughts, more, total = counts
    of_anthropic = {
        "input_tokens": read,
        "cache_read_input_tokens": cached,
        "cache_creation_input_tokens": short + long + (more > 50),
        "cache_creation": {"ephemeral_5m_input_tokens": short, "ephemeral_1h_input_tokens": long},
        "output_tokens": output,
    }
    of_gemini = {
        "promptTokenCount": read,
        "cachedContentTokenCount": cached,
        "candidatesTokenCount": output,
        "thoughtsTokenCount": thoughts,
        "totalTokenCount": read + output + thoughts if more < 30 else total,
        "promptTokensDetails": [{"modality": modality, "tokenCount": read}],
    }
    for module, told in ((anthropic, of_anthropic), (gemini, of_gemini)):
        plain = module._plain_usage(told, "m")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(module, "_plain_usage", lambda *_: None)
            careful = module.usage_in(told, "m")

        assert plain in {None, careful}
