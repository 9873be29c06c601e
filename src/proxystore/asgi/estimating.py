"""Usage that nobody told: estimated, lest a budget be held to nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from proxystore.limits.estimating import MOST_OUTPUT, most_tokens
from proxystore.wire import estimated_input_tokens

if TYPE_CHECKING:
    from proxystore.exchange import Exchange

_NOT_BY_TEXT: Final = frozenset({"image_generation", "speech", "transcription", "translation"})
"""Of sound and images nothing can be told by the length of a text."""


def settle(exchange: Exchange, seen_tokens: int) -> None:
    """Settle what *exchange*, which has been answered, has used, if it has not been told.

    Args:
        exchange: Its usage is what was told.
        seen_tokens: About how many tokens of the answer have passed. Where none have, it is made in the background, or
            nobody could read it: then it is as long as it may be.
    """
    call = exchange.request.call
    if exchange.usage.quality != "missing" or not (exchange.request.is_claimed and call.is_billable):
        return
    if call.operation_name not in _NOT_BY_TEXT:
        is_unseen = call.is_background or not seen_tokens
        estimate(exchange, max(seen_tokens, most_written(exchange)) if is_unseen else seen_tokens)


def estimate(exchange: Exchange, written: int) -> None:
    """Let *exchange* have read the text of its request, and *written* so many tokens."""
    exchange.usage = msgspec.structs.replace(
        exchange.usage,
        input_tokens=estimated_input_tokens(exchange.request.readable_body),
        output_tokens=written,
        quality="estimated",
    )


def most_written(exchange: Exchange) -> int:
    """Return how many tokens the answer has at most: as the caller says, else the catalogue, else a guess."""
    request, model = exchange.request, exchange.model
    call, most = request.call, (model.max_output_tokens if model is not None else None) or 0
    if most and call.max_output_tokens is not None and call.max_output_tokens > most:
        call = msgspec.structs.replace(call, max_output_tokens=most)
    return most_tokens(call, request.readable_body, most or MOST_OUTPUT)[1]
