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


_OTHER_INPUT: Final = _PROMPT.keys() - {"cached_tokens"}
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
    sums = _Told(
        prompt=_count(told.get("prompt_tokens")),
        completion=_count(told.get("completion_tokens")),
        total=_count(told.get("total_tokens")),
        into=_details(told.get("prompt_tokens_details"), _PROMPT),
        out=_details(told.get("completion_tokens_details"), _COMPLETION),
    )
    is_empty = sums == (None, None, None, {}, {})
    return None if is_empty else _to_usage(sums, model, service_tier)


def _plain_usage(told: dict[str, Any], model: str | None, tier: str | None) -> Usage | None:
    """Return what nearly every answer tells, text in and text out with sums that agree; ``None`` for anything else.

    Says nothing that the careful way would not say, in a third of its time.
    """
    prompt, completion = told.get("prompt_tokens"), told.get("completion_tokens")
    if type(prompt) is not int or type(completion) is not int:
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
