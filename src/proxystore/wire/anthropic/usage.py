"""From Anthropic's counts, which do not overlap, to our buckets."""

from __future__ import annotations

from typing import Any, Final

from proxystore.values import Usage
from proxystore.wire.tiers import tier_in

_LARGEST: Final = 2**31 - 1  # what one bucket can hold; more is not believed
_LEFT_OUT: Final = frozenset({"advisor_message", "compaction"})
_KEPT: Final = ("ephemeral_5m_input_tokens", "ephemeral_1h_input_tokens")
_SUMS: Final = ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens", "output_tokens")


def usage_in(told: dict[str, Any], model: str | None) -> Usage | None:
    """Return what the usage object *told* says, ``None`` if it says nothing.

    An explicit 0 is something. Input read from a cache or written to one is not part of ``input_tokens``; thinking is
    part of ``output_tokens``. Counts that contradict each other give quality ``inconsistent`` and only their total.
    """
    if told.get("iterations"):
        told = _with_iterations(told, told["iterations"])
    plain = _plain_usage(told, model)
    if plain is not None:
        return plain
    sums = read, cached, written, output = [_count(told.get(name)) for name in _SUMS]
    short, long = _kept(told.get("cache_creation"))
    searches = _detail(told.get("server_tool_use"), "web_search_requests")
    if sums == _NOTHING and short is None and long is None and searches is None:
        return None
    thought = _detail(told.get("output_tokens_details"), "thinking_tokens") or 0
    short, long = short or 0, long or 0
    if written is None:
        written = short + long
    buckets = {
        "input_tokens": read or 0,
        "cache_read_tokens": cached or 0,
        "cache_write_tokens": written - long,
        "cache_write_1h_tokens": long,
        "output_tokens": (output or 0) - thought,
        "reasoning_tokens": thought,
        "requests": searches or 0,
    }
    is_sound = short + long <= written and all(0 <= count <= _LARGEST for count in buckets.values())
    if not is_sound:
        total = sum(max(0, count or 0) for count in (read, cached, written, output))
        buckets = {"unclassified_tokens": min(total, _LARGEST)}
    return Usage(
        **buckets,
        quality="reported" if is_sound else "inconsistent",
        response_model=model,
        service_tier="fast" if told.get("speed") == "fast" else _tier(told),
    )


def _plain_usage(told: dict[str, Any], model: str | None) -> Usage | None:
    """Return what nearly every answer tells, ``None`` for anything else.

    Says nothing that the careful way would not say, in a third of its time.
    """
    read, output = told.get("input_tokens"), told.get("output_tokens")
    cached, written = told.get("cache_read_input_tokens", 0), told.get("cache_creation_input_tokens", 0)
    kept = told.get("cache_creation") or {}
    long = kept.get("ephemeral_1h_input_tokens", 0) if kept.__class__ is dict else -1
    if (
        not (type(read) is type(output) is type(cached) is type(written) is type(long) is int)
        or not (0 <= read <= _LARGEST and 0 <= output <= _LARGEST and 0 <= cached <= _LARGEST)
        or not 0 <= long <= written <= _LARGEST
        or (kept and kept.get("ephemeral_5m_input_tokens") != written - long)
        or told.get("output_tokens_details")
        or told.get("server_tool_use")
        or "speed" in told
    ):
        return None
    return Usage(
        input_tokens=read,
        cache_read_tokens=cached,
        cache_write_tokens=written - long,
        cache_write_1h_tokens=long,
        output_tokens=output,
        quality="reported",
        response_model=model,
        service_tier=_tier(told),
    )


def _tier(told: dict[str, Any]) -> str | None:
    """Return the service tier; ``us`` is that of an ordinary one whose inference may not leave the US."""
    return tier_in(told.get("service_tier")) or ("us" if told.get("inference_geo") == "us" else None)


def _with_iterations(told: dict[str, Any], iterations: object) -> dict[str, Any]:
    """Return *told* with what its sums leave out: compacting the context, and asking an advisor."""
    more = (
        [each for each in iterations if isinstance(each, dict) and each.get("type") in _LEFT_OUT]
        if isinstance(iterations, list)
        else []
    )
    if not more:
        return told
    parts = [told, *more]
    kept = [part.get("cache_creation") for part in parts]
    sums = {name: sum(_count(part.get(name)) or 0 for part in parts) for name in _SUMS}
    creation = {name: sum(_detail(each, name) or 0 for each in kept) for name in _KEPT}
    return told | sums | ({"cache_creation": creation} if any(creation.values()) else {})


_NOTHING: Final = [None, None, None, None]


def _kept(creation: object) -> tuple[int | None, int | None]:
    """Return how many tokens were written to a cache for five minutes, and for an hour."""
    short, long = _KEPT
    return _detail(creation, short), _detail(creation, long)


def _detail(details: object, name: str) -> int | None:
    return _count(details.get(name)) if isinstance(details, dict) else None


def _count(value: Any) -> int | None:
    """Return *value* if it is a whole number, ``None`` if it is anything else."""
    if type(value) is int:
        return value
    return int(value) if isinstance(value, float) and value.is_integer() else None
