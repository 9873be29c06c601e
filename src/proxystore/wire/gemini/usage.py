"""From Google's counts, of which some overlap, to our disjoint buckets."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from proxystore.values import Quality, Usage
from proxystore.wire.tiers import tier_in

_LARGEST: Final = 2**31 - 1  # what one bucket can hold; more is not believed


class _Told(NamedTuple):
    """A usage object; what was not told is ``None``."""

    prompt: int | None
    cached: int | None
    candidates: int | None
    thoughts: int | None
    tools: int | None
    total: int | None


def usage_in(told: dict[str, Any] | None, model: str | None) -> Usage | None:
    """Return what the usage object *told* says, ``None`` if it says nothing.

    Cached tokens are part of the prompt; thoughts are not part of the candidates; what tools gave back is read beside
    the prompt. An explicit 0 is something. Counts that contradict each other give quality ``inconsistent`` and only
    their total; what is known by a sum alone is ``unclassified``.
    """
    if told is None:
        return None
    plain = _plain_usage(told, model)
    if plain is not None:
        return plain
    counts = _Told(
        prompt=_count(told.get("promptTokenCount")),
        cached=_count(told.get("cachedContentTokenCount")),
        candidates=_count(told.get("candidatesTokenCount")),
        thoughts=_count(told.get("thoughtsTokenCount")),
        tools=_count(told.get("toolUsePromptTokenCount")),
        total=_count(told.get("totalTokenCount")),
    )
    if counts == _NOTHING:
        return None
    buckets = _buckets(counts, told)
    quality: Quality = "reported"
    if not all(0 <= count <= _LARGEST for count in buckets.values()):
        buckets, quality = {"unclassified_tokens": _best_total(counts)}, "inconsistent"
    elif buckets["unclassified_tokens"]:
        quality = "unclassified"
    tier = tier_in(told.get("trafficType"))
    return Usage(**buckets, quality=quality, response_model=model, service_tier=tier)


def _plain_usage(told: dict[str, Any], model: str | None) -> Usage | None:
    """Return what nearly every answer tells, text in and text out with sums that agree; ``None`` for anything else.

    Says nothing that the careful way would not say, in a third of its time.
    """
    prompt, written = told.get("promptTokenCount"), told.get("candidatesTokenCount")
    cached, thoughts = told.get("cachedContentTokenCount", 0), told.get("thoughtsTokenCount", 0)
    if (
        not (type(prompt) is type(written) is type(cached) is type(thoughts) is int)
        or not 0 <= cached <= prompt <= _LARGEST
        or not (0 <= written <= _LARGEST and 0 <= thoughts <= _LARGEST)
        or told.get("totalTokenCount") != prompt + written + thoughts
        or told.get("toolUsePromptTokenCount")
        or not _is_text(told.get("promptTokensDetails"))
        or not _is_text(told.get("candidatesTokensDetails"))
        or (cached and not _is_text(told.get("cacheTokensDetails")))
    ):
        return None
    return Usage(
        input_tokens=prompt - cached,
        cache_read_tokens=cached,
        output_tokens=written,
        reasoning_tokens=thoughts,
        quality="reported",
        response_model=model,
        service_tier=tier_in(told.get("trafficType")),
    )


def _is_text(details: object) -> bool:
    """Return whether *details* tell of nothing but text, if anything."""
    if details is None:
        return True
    return details.__class__ is list and all(
        each.__class__ is dict and each.get("modality") == "TEXT" for each in details
    )


_NOTHING: Final = _Told(None, None, None, None, None, None)


def _buckets(told: _Told, all_told: dict[str, Any]) -> dict[str, int]:
    """Return the buckets, negative where *told* contradicts itself."""
    prompt, cached, written, thoughts, tools = (count or 0 for count in told[:5])
    total = told.total
    if total is not None and thoughts and total == prompt + tools + written:
        written -= thoughts  # some compatible servers have them inside
    elif total is not None and told.candidates is None and told.prompt is not None:
        written = total - prompt - tools - thoughts
    audio_in = _of("AUDIO", all_told, "promptTokensDetails") - _of("AUDIO", all_told, "cacheTokensDetails")
    image_in = _of("IMAGE", all_told, "promptTokensDetails") - _of("IMAGE", all_told, "cacheTokensDetails")
    over = cached + audio_in + image_in - prompt
    if 0 < over <= cached <= prompt and not isinstance(all_told.get("cacheTokensDetails"), list):
        taken = min(over, image_in)  # of what kinds the cached tokens are was not told: of these, some
        image_in, audio_in = image_in - taken, audio_in - (over - taken)
    audio_out = _of("AUDIO", all_told, "candidatesTokensDetails")
    image_out = _of("IMAGE", all_told, "candidatesTokensDetails")
    buckets = {
        "input_tokens": prompt - cached - audio_in - image_in + tools,
        "cache_read_tokens": cached,
        "input_audio_tokens": audio_in,
        "input_image_tokens": image_in,
        "output_tokens": written - audio_out - image_out,
        "reasoning_tokens": thoughts,
        "output_audio_tokens": audio_out,
        "output_image_tokens": image_out,
    }
    buckets["unclassified_tokens"] = 0 if total is None else total - sum(buckets.values())
    return buckets


def _of(modality: str, told: dict[str, Any], name: str) -> int:
    """Return how many of the tokens that the list *name* tells of are of *modality*."""
    details = told.get(name)
    if not isinstance(details, list):
        return 0
    counts = (each.get("tokenCount") for each in details if isinstance(each, dict) and each.get("modality") == modality)
    return sum(_count(count) or 0 for count in counts)


def _best_total(told: _Told) -> int:
    parts = sum(max(0, count or 0) for count in (told.prompt, told.candidates, told.thoughts, told.tools))
    return min(_LARGEST, max(told.total or 0, parts))


def _count(value: Any) -> int | None:
    """Return *value* if it is a whole number, ``None`` if it is anything else."""
    if type(value) is int:
        return value
    return int(value) if isinstance(value, float) and value.is_integer() else None
