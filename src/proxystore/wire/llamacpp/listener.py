"""What a completion says, as a document, or in the events of a stream, of which the last tells what was used."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from proxystore.wire.lenient import decode
from proxystore.wire.openai.usage import usage_in, usage_in_timings
from proxystore.wire.reading import Hearing

WORDS: Final = (b'"stop":true', b'"stop": true', b'"timings"', b"error")
"""What events contain that say more than content, one of them at least."""

_REASONS: Final = {"limit": "length"}


class _Said(msgspec.Struct):
    """A document or an event; the content is passed over without being decoded."""

    model: Any = None
    stop: Any = None
    stop_type: Any = None
    tokens_evaluated: Any = None
    tokens_predicted: Any = None
    timings: Any = None
    error: Any = None


_decoder: Final = msgspec.json.Decoder(_Said)


class CompletionListener(Hearing):
    """Hears one completion (a `Listener`)."""

    __slots__ = ()

    def hear(self, said: bytes) -> bool:
        """Take note of a document or an event."""
        told = decode(_decoder, said)
        if told is None:
            return False
        if told.error:
            self.is_failed = True
        model = told.model if isinstance(told.model, str) and told.model else None
        cached = told.timings.get("cache_n") if isinstance(told.timings, dict) else None
        counts = {
            "prompt_tokens": told.tokens_evaluated,
            "completion_tokens": told.tokens_predicted,
            "prompt_tokens_details": {"cached_tokens": cached},
        }
        usage = usage_in(counts, model) or usage_in_timings(told.timings, model)
        if usage is not None:
            self._usage = usage
        if told.stop is True:
            self.is_ended = True
            self.finish_reason = _REASONS.get(told.stop_type, "stop") if isinstance(told.stop_type, str) else "stop"
        return True

    def hear_part(self, head: bytes, tail: bytes) -> None:
        """Take no note: what is that long is no end."""
