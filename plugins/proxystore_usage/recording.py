"""Which exchanges are events, and how they read as one."""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import Any, Final

import msgspec

from proxystore import Exchange, Principal, Usage, UsageEntry

_ASKING_ONLY: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
_NOBODY: Final = Principal()
_NS_PER_MS: Final = 1_000_000
_TRACEPARENT_SIZE: Final = 55
_RARE: Final = (
    "cache_write_tokens",
    "cache_write_1h_tokens",
    "input_audio_tokens",
    "input_image_tokens",
    "output_audio_tokens",
    "output_image_tokens",
    "unclassified_tokens",
)
_rare_in: Final = attrgetter(*_RARE, "requests", "seconds", "service_tier")


def is_recorded(exchange: Exchange) -> bool:
    """Return whether *exchange* gives an event, as far as is known yet.

    What a wire format knows does, unless nobody in particular was refused. Of the rest, what may have changed
    something does unless it was refused, and WebSockets do: pages, files, probes and preflights do not.
    """
    request, is_refused = exchange.request, exchange.outcome == "refused"
    if request.is_claimed:
        return not is_refused or exchange.principal is not None
    return not is_refused and (request.is_websocket or request.method not in _ASKING_ONLY)


def entry_of(exchange: Exchange, pseudonym: Callable[[str], str | None]) -> UsageEntry:
    """Return *exchange* as an entry for the ledger; of its end user what *pseudonym* leaves."""
    request, response, usage = exchange.request, exchange.response, exchange.usage
    who, call, started = exchange.principal or _NOBODY, request.call, exchange.started_ns
    cost, is_cached = exchange.cost.nanousd, exchange.outcome == "cached"
    entry = UsageEntry(
        event_id=exchange.id,
        project_id=who.project_id,
        key_id=who.key_id,
        provider_name=request.provider_name,
        operation_name=call.operation_name,
        request_model=call.request_model,
        response_model=usage.response_model,
        status=response.status or 0,
        outcome=exchange.outcome,
        quality=usage.quality,
        first_byte_ms=(response.first_byte_ns - started) // _NS_PER_MS if response.first_byte_ns else None,
        latency_ms=((response.last_byte_ns or exchange.now_ns()) - started) // _NS_PER_MS,
        input_tokens=usage.input_tokens,
        cache_read_tokens=usage.cache_read_tokens,
        output_tokens=usage.output_tokens,
        reasoning_tokens=usage.reasoning_tokens,
        cost_nanousd=0 if is_cached else cost,
        saved_nanousd=cost if is_cached else None,
        finish_reason=response.finish_reason,
        end_user=pseudonym(call.end_user) if call.end_user else None,
        traceparent=_traceparent(request.header(b"traceparent")),
        metadata=exchange.metadata or None,
        hold=exchange.reservation.hold if exchange.reservation is not None else None,
    )
    return _with_rare(entry, usage) if any(_rare_in(usage)) else entry


def _with_rare(entry: UsageEntry, usage: Usage) -> UsageEntry:
    """Return *entry* with what few exchanges use: asking whether there is any takes less than passing on zeros.

    The service tier, by which a price is found again, is kept among what plugins add.
    """
    *buckets, requests, seconds, tier = _rare_in(usage)
    rare: dict[str, Any] = dict(zip(_RARE, buckets, strict=True))
    if tier is not None:
        rare["metadata"] = {"service_tier": tier, **(entry.metadata or {})}
    return msgspec.structs.replace(entry, **rare, billed_requests=requests, billed_ms=round(seconds * 1000))


def _traceparent(value: bytes | None) -> str | None:
    return value.decode("latin-1") if value is not None and len(value) == _TRACEPARENT_SIZE else None
