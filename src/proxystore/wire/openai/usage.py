"""From OpenAI's overlapping sums to our disjoint buckets."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Any, Final, NamedTuple

from proxystore.values import Quality, Usage
from proxystore.wire.tiers import tier_in

LARGEST: Final = 2**31 - 1
"""What one bucket can hold; more is not believed."""

_PROMPT: Final = {
    "cached_tokens": "cache_read_tokens",
    "cache_write_tokens": "cache_write_tokens",
    "audio_tokens": "input_audio_tokens",
    "image_tokens": "input_image_tokens",
}
_COMPLETION: Final = {
    "reasoning_tokens": "reasoning_tokens",
    "audio_tokens": "output_audio_tokens",
    "image_tokens": "output_image_tokens",
}


_BESIDE: Final = {
    "cached_tokens": "cache_read_tokens",
    "prompt_cache_hit_tokens": "cache_read_tokens",
    "cache_creation_input_tokens": "cache_write_tokens",
}
"""What Kimi, DeepSeek and LiteLLM tell beside the sums, where OpenAI has details."""

_OTHER_INPUT: Final = (_PROMPT.keys() | {"cache_creation_tokens"}) - {"cached_tokens"}
_OTHER_OUTPUT: Final = _COMPLETION.keys() - {"reasoning_tokens"}


class _Told(NamedTuple):
    """A usage object; of the sums ``None`` was not told."""

    prompt: int | None
    completion: int | None
    total: int | None
    into: dict[str, int]
    out: dict[str, int]


def usage_in(told: object, model: str | None, tier: object = None) -> Usage | None:
    """Return what the usage object *told* says, ``None`` if it says nothing.

    An explicit 0 is something. Numbers that contradict each other give quality ``inconsistent`` and only their total;
    what is known by a sum alone is ``unclassified``.

    Args:
        told: The object.
        model: The model that answered.
        tier: What the answer says of its service tier.
    """
    if not isinstance(told, dict):
        return None
    service_tier = None if tier is None else tier_in(tier)
    plain = _plain_usage(told, model, service_tier)
    if plain is not None:
        return plain
    prompt = _count(told.get("prompt_tokens"))
    sums = _Told(
        prompt=prompt,
        completion=_count(told.get("completion_tokens")),
        total=_count(told.get("total_tokens")),
        into=_input_details(told, prompt),
        out=_details(told.get("completion_tokens_details"), _COMPLETION),
    )
    is_empty = sums == (None, None, None, {}, {})
    return None if is_empty else _to_usage(sums, model, service_tier)


def _plain_usage(told: dict[str, Any], model: str | None, tier: str | None) -> Usage | None:
    """Return what nearly every answer tells, text in and text out with sums that agree; ``None`` for anything else.

    Says nothing that the careful way would not say, in a third of its time.
    """
    prompt, completion = told.get("prompt_tokens"), told.get("completion_tokens")
    if type(prompt) is not int or type(completion) is not int or not _BESIDE.keys().isdisjoint(told):
        return None
    cached = _only("cached_tokens", told.get("prompt_tokens_details"), _OTHER_INPUT)
    reasoning = _only("reasoning_tokens", told.get("completion_tokens_details"), _OTHER_OUTPUT)
    if (
        told.get("total_tokens", prompt + completion) != prompt + completion
        or not 0 <= cached <= prompt <= LARGEST
        or not 0 <= reasoning <= completion <= LARGEST
    ):
        return None
    return Usage(
        input_tokens=prompt - cached,
        cache_read_tokens=cached,
        output_tokens=completion - reasoning,
        reasoning_tokens=reasoning,
        quality="reported",
        response_model=model,
        service_tier=tier,
    )


def _only(name: str, details: object, others: AbstractSet[str]) -> int:
    """Return the count called *name*, 0 if not told; -1 if *others* are told too, or nothing can be made of it."""
    if details is None:
        return 0
    if type(details) is not dict or any(details.get(other) for other in others):
        return -1
    count = details.get(name) or 0
    return count if type(count) is int else -1


def usage_in_timings(timings: object, model: str | None) -> Usage | None:
    """Return what llama.cpp's timings say: ``prompt_n`` tokens read anew, ``cache_n`` before them."""
    if not isinstance(timings, dict):
        return None
    read, cached = _count(timings.get("prompt_n")), _count(timings.get("cache_n"))
    prompt = None if read is None else read + (cached or 0)
    details = {"cached_tokens": cached}
    written = timings.get("predicted_n")
    return usage_in(
        {"prompt_tokens": prompt, "completion_tokens": written, "prompt_tokens_details": details},
        model,
    )


def _to_usage(told: _Told, model: str | None, tier: str | None) -> Usage:
    buckets = _buckets(told)
    if not all(0 <= count <= LARGEST for count in buckets.values()):
        return Usage(
            unclassified_tokens=_best_total(told), quality="inconsistent", response_model=model, service_tier=tier
        )
    is_split = "input_tokens" in buckets or "output_tokens" in buckets
    is_complete = is_split and not buckets.get("unclassified_tokens")
    quality: Quality = "reported" if is_complete else "unclassified"
    return Usage(**buckets, quality=quality, response_model=model, service_tier=tier)


def _buckets(told: _Told) -> dict[str, Any]:
    """Return the buckets, negative where *told* contradicts itself."""
    prompt, completion, total, into, out = told
    if total is not None:
        if prompt is None and completion is not None:
            prompt = total - completion
        elif prompt is not None and (completion is None or total == prompt + completion + _reasoning(told)):
            completion = total - prompt  # xAI leaves reasoning out of the completion, only its total shows it
    buckets = into | out
    if prompt is not None:
        buckets["input_tokens"] = prompt - sum(into.values())
    if completion is not None:
        buckets["output_tokens"] = completion - sum(out.values())
    if total is not None:
        buckets["unclassified_tokens"] = total - sum(buckets.values())
    return buckets


def _reasoning(told: _Told) -> int:
    return told.out.get("reasoning_tokens", 0)


def _best_total(told: _Told) -> int:
    return min(LARGEST, max(told.total or 0, max(told.prompt or 0, 0) + max(told.completion or 0, 0)))


def _input_details(told: dict[str, Any], prompt: int | None) -> dict[str, int]:
    """Return of what kinds the prompt is; what is told beside the sums counts as far as it fits into them."""
    details = told.get("prompt_tokens_details")
    into = _details(details, _PROMPT)
    if isinstance(details, dict) and "cache_creation_tokens" in details:  # LiteLLM
        written = _count(details["cache_creation_tokens"]) or 0
        kept = _details(details.get("cache_creation_token_details"), {"ephemeral_1h_input_tokens": "long"})
        long = min(kept.get("long", 0), written)
        into |= {"cache_write_tokens": written - long} | ({"cache_write_1h_tokens": long} if long else {})
    left = (prompt or 0) - sum(into.values())
    for name, bucket in _BESIDE.items():
        count = _count(told.get(name)) or 0
        more = count - sum(into.get(each, 0) for each in (bucket, f"{bucket[:-6]}1h_tokens"))
        if 0 < more <= min(count, left):
            into[bucket] = into.get(bucket, 0) + more
            left -= more
    return into if prompt is None else _without_overlap(into, prompt)


def _without_overlap(into: dict[str, int], prompt: int) -> dict[str, int]:
    """Return *into* with nothing in two kinds: some tell of what was read from a cache of what kinds it was, too."""
    cached = into.get("cache_read_tokens", 0)
    over = sum(into.values()) - prompt
    if not 0 < over <= cached <= prompt:
        return into
    for kind in ("input_image_tokens", "input_audio_tokens"):
        taken = min(over, max(0, into.get(kind, 0)))
        if taken:
            into = into | {kind: into[kind] - taken}
            over -= taken
    return into


def _details(told: object, names: Mapping[str, str]) -> dict[str, int]:
    if not isinstance(told, dict):
        return {}
    counts = ((bucket, _count(told.get(name))) for name, bucket in names.items())
    return {bucket: count for bucket, count in counts if count is not None}


def _count(value: Any) -> int | None:
    """Return *value* if it is a whole number, ``None`` if it is anything else."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None
