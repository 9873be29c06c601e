"""Our arithmetic beside LiteLLM's, for every chat model of its list: ``tox -e litellm``.

Buckets are compared through `cost_per_token`; and answers as OpenAI sends them, read by each in its own way, through
`completion_cost`.

Where the two differ, the cause is told in the test's output (``-s``), and ours is the one that is right.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterator
from fractions import Fraction
from typing import Any, Final

import litellm
import pytest
from litellm.types.utils import CacheCreationTokenDetails, CompletionTokensDetailsWrapper, PromptTokensDetailsWrapper
from litellm.types.utils import Usage as TheirUsage

from proxystore import Usage
from proxystore.pricelists import Listing, read_litellm
from proxystore.pricing import Tariff
from proxystore.wire import BUILT_IN, Formats

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")  # theirs, about models of theirs

_USED: Final = [
    Usage(input_tokens=1200, output_tokens=345),
    Usage(input_tokens=1201, cache_read_tokens=8007, output_tokens=345, reasoning_tokens=1000),
    Usage(input_tokens=7, cache_read_tokens=11, cache_write_tokens=13, cache_write_1h_tokens=17, output_tokens=19),
    Usage(input_tokens=300_001, cache_read_tokens=10, output_tokens=3),
    Usage(input_tokens=1_200, output_tokens=345, service_tier="flex"),
    Usage(input_tokens=300_001, output_tokens=345, service_tier="priority"),
]
_TOLD: Final[list[dict[str, Any]]] = [
    {"prompt_tokens": 1200, "completion_tokens": 345, "total_tokens": 1545},
    {
        "prompt_tokens": 9208,
        "completion_tokens": 1345,
        "total_tokens": 10_553,
        "prompt_tokens_details": {"cached_tokens": 8007, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 1000, "audio_tokens": 0},
    },
]


def _listings() -> list[Listing]:
    return read_litellm(json.dumps(litellm.model_cost).encode(), ())


def _theirs(listing: Listing, usage: Usage) -> Fraction | str:
    """Return their sum in nano-dollars, or why there is none."""
    written = usage.cache_write_tokens + usage.cache_write_1h_tokens
    told = TheirUsage(
        prompt_tokens=usage.input_tokens + usage.cache_read_tokens + written,
        completion_tokens=usage.output_tokens + usage.reasoning_tokens,
        total_tokens=0,
        prompt_tokens_details=PromptTokensDetailsWrapper(
            cached_tokens=usage.cache_read_tokens,
            cache_creation_tokens=written,
            cache_creation_token_details=CacheCreationTokenDetails(
                ephemeral_5m_input_tokens=usage.cache_write_tokens,
                ephemeral_1h_input_tokens=usage.cache_write_1h_tokens,
            ),
        ),
        completion_tokens_details=CompletionTokensDetailsWrapper(
            reasoning_tokens=usage.reasoning_tokens, text_tokens=usage.output_tokens
        ),
        cache_read_input_tokens=usage.cache_read_tokens,
        cache_creation_input_tokens=written,
    )
    provider = str(litellm.model_cost[listing.name]["litellm_provider"])
    try:
        read, wrote = litellm.cost_per_token(
            model=listing.name, custom_llm_provider=provider, usage_object=told, service_tier=usage.service_tier
        )
    except Exception as error:  # noqa: BLE001  what another library raises
        return type(error).__name__
    return Fraction(read + wrote) * 10**9


def _cases() -> Iterator[tuple[Listing, Usage]]:
    for listing in _listings():
        standard = next((price for price in listing.prices if price.is_standard), None)
        if listing.fields["mode"] not in ("chat", "responses") or standard is None:
            continue
        if standard.input_femtousd is not None and standard.output_femtousd is not None:
            for usage in _USED:
                yield listing, usage


def _cause(listing: Listing, usage: Usage, theirs: Fraction | str, ours: int | None) -> str:  # noqa: C901, PLR0911
    """Return why the two differ; ``wrong`` if nothing explains it."""
    record: dict[str, Any] = litellm.model_cost[listing.name]
    standard = next(price for price in listing.prices if price.is_standard)
    if isinstance(theirs, str):
        return f"they have no sum: {theirs}"
    if ours is not None and abs(ours - theirs) <= Fraction(51, 100):
        return "we round to nano-dollars, once; they add floats"
    if listing.provider == "perplexity" and ours is not None:
        return "perplexity: theirs knows neither caches nor sizes, adds reasoning to output, and strips prefixes"
    if listing.provider == "xai" and usage.reasoning_tokens:
        return "xai: theirs adds reasoning to output, of which it was told as a part"
    if f"{listing.provider}/{listing.name}" in litellm.model_cost or listing.provider == "gemini":
        return "theirs takes the price of another entry, with the provider in front of the name"
    if usage.cache_read_tokens and standard.cache_read_femtousd is None:
        return "read from a cache, no price for it: ours is that of input, marked as assumed"
    if usage.cache_write_tokens and (standard.cache_write_femtousd is None or standard.cache_write_1h_femtousd is None):
        return "written to a cache, no price for it: ours is that of input or of five minutes, marked as assumed"
    if "tiered_pricing" in record:
        return "tiered_pricing: ours charges all of a request by its size, as the provider says"
    if "off_peak_pricing" in record:
        return "off-peak hours with weekdays: ours takes the full price"
    if standard.call_femtousd is not None or (standard.request_femtousd is not None and standard.input_femtousd == 0):
        return "each answer has a price: ours counts it"
    if usage.service_tier and len({price.service_tier for price in listing.prices}) > 1:
        return "a tier's price leaves out a size or a bucket: ours takes the next broader one, marked as assumed"
    if any(price.above_input_tokens for price in listing.prices):
        return "sizes: ours counts all that is read, cached or not, for the size of a request"
    return "wrong"


def test_every_chat_model_costs_what_they_say_or_we_can_say_why(capsys: pytest.CaptureFixture[str]) -> None:
    now = time.time_ns()
    causes: Counter[str] = Counter()
    examples: dict[str, str] = {}
    for listing, usage in _cases():
        theirs, ours = _theirs(listing, usage), Tariff(listing.prices).cost(usage, now).nanousd
        cause = "equal" if not isinstance(theirs, str) and theirs == ours else _cause(listing, usage, theirs, ours)
        causes[cause] += 1
        told = theirs if isinstance(theirs, str) else f"{float(theirs):.3f}"
        examples.setdefault(cause, f"{listing.name}, {usage.service_tier or 'standard'}: {ours} beside {told}")
    with capsys.disabled():
        print()
        for cause, count in causes.most_common():
            print(f"  {count:6,} {cause} ({examples[cause]})")

    assert not causes["wrong"], examples["wrong"]


def _answer(model: str, told: dict[str, Any]) -> dict[str, Any]:
    choice = {"index": 0, "message": {"role": "assistant", "content": "x"}, "finish_reason": "stop"}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": model,
        "choices": [choice],
        "usage": told,
    }


def _metered(answer: dict[str, Any]) -> Usage:
    format = Formats(BUILT_IN).find("POST", "/v1/chat/completions")
    call = format.read("/v1/chat/completions", json.dumps({"model": answer["model"], "messages": []}).encode())
    meter = format.meter(call, content_type=b"application/json", is_stripping=False)
    assert meter is not None
    meter.feed(json.dumps(answer).encode(), is_last=True)
    return meter.usage


def test_an_answer_of_openai_costs_what_litellm_reads_from_it() -> None:
    now, compared = time.time_ns(), 0
    for listing in _listings():
        if listing.provider != "openai" or listing.fields["mode"] != "chat" or not listing.prices:
            continue
        tariff = Tariff(listing.prices)
        is_caching = any(price.is_standard and price.cache_read_femtousd is not None for price in listing.prices)
        for told in _TOLD if is_caching else _TOLD[:1]:
            answer = _answer(listing.name, told)
            theirs = litellm.completion_cost(
                completion_response=litellm.ModelResponse(**answer), model=listing.name, custom_llm_provider="openai"
            )
            ours = tariff.cost(_metered(answer), now).nanousd

            assert ours is not None
            assert abs(ours - Fraction(theirs) * 10**9) <= Fraction(51, 100), (listing.name, told)
            compared += 1

    assert compared > 50
