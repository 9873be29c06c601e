"""The event of an exchange that nobody else writes down: a budget is spent by events."""

from __future__ import annotations

from proxystore import Exchange, UsageEntry


def entry_of(exchange: Exchange) -> UsageEntry:
    """Return what there is to know of *exchange* for its budgets."""
    who, usage, reservation = exchange.principal, exchange.usage, exchange.reservation
    return UsageEntry(
        event_id=exchange.id,
        project_id=who.project_id if who is not None else None,
        key_id=who.key_id if who is not None else None,
        provider_name=exchange.request.provider_name,
        operation_name=exchange.request.call.operation_name,
        request_model=exchange.request.call.request_model,
        status=exchange.response.status or 0,
        outcome=exchange.outcome,
        quality=usage.quality,
        input_tokens=usage.input_tokens,
        cache_read_tokens=usage.cache_read_tokens,
        cache_write_tokens=usage.cache_write_tokens,
        cache_write_1h_tokens=usage.cache_write_1h_tokens,
        input_audio_tokens=usage.input_audio_tokens,
        input_image_tokens=usage.input_image_tokens,
        output_tokens=usage.output_tokens,
        reasoning_tokens=usage.reasoning_tokens,
        output_audio_tokens=usage.output_audio_tokens,
        output_image_tokens=usage.output_image_tokens,
        unclassified_tokens=usage.unclassified_tokens,
        cost_nanousd=exchange.cost.nanousd,
        hold=reservation.hold if reservation is not None else None,
    )
