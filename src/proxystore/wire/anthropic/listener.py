"""What a message says of itself, as a document or in the events of its stream."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from proxystore.values import Usage
from proxystore.wire.anthropic.usage import usage_in
from proxystore.wire.lenient import decode
from proxystore.wire.reading import last_object

WORDS: Final = (b"message_", b"error")
"""What events contain that say more than content: the first, the last two, and the one that tells of an error."""

_REASONS: Final = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
}


class _Said(msgspec.Struct):
    """A message, or an event about one."""

    type: Any = None
    model: Any = None
    usage: Any = None
    stop_reason: Any = None
    message: Any = None
    delta: Any = None
    error: Any = None


_decoder: Final = msgspec.json.Decoder(_Said)
_usage_decoder: Final = msgspec.json.Decoder(dict[str, Any])


class MessageListener:
    """Hears one message (a `Listener`).

    Args:
        is_stream: Whether the usage that comes first is not the last word.
    """

    __slots__ = ("_is_counted", "_model", "_told", "_usage", "finish_reason", "is_ended", "is_failed")

    def __init__(self, *, is_stream: bool) -> None:
        self._told: dict[str, Any] = {}
        self._model: str | None = None
        self._usage: Usage | None = None
        self._is_counted = not is_stream
        self.finish_reason: str | None = None
        self.is_ended = False
        self.is_failed = False

    def usage(self, seen: int) -> Usage:
        """Return what was told; of a stream that broke off after its beginning, the output is what has passed."""
        usage = self._usage
        if usage is None:
            usage = self._usage = usage_in(self._told, self._model) or Usage(response_model=self._model)
        if self._is_counted or usage.quality != "reported":
            return usage
        return msgspec.structs.replace(usage, output_tokens=max(usage.output_tokens, seen), quality="estimated")

    def hear(self, said: bytes) -> bool:
        """Take note of a message or an event."""
        told = decode(_decoder, said)
        if told is None:
            return False
        kind = told.type if isinstance(told.type, str) else None
        if kind == "message_start" and isinstance(told.message, dict):
            self._take(told.message.get("usage"), told.message.get("model"))
        elif kind == "message_delta":
            self._take(told.usage, None)
            self._is_counted = self._is_counted or isinstance(told.usage, dict)
            self._hear_reason(told.delta)
        elif kind == "message_stop":
            self.is_ended = True
        elif kind == "error" or (kind is None and told.error):
            self.is_failed = self.is_ended = True  # SDKs raise at once
        elif kind in {"message", None}:
            self._take(told.usage, told.model)
            self._hear_reason({"stop_reason": told.stop_reason})
        return True

    def hear_part(self, head: bytes, tail: bytes) -> None:
        """Take note of an event too long to keep: no provider sends one, but what it tells of usage counts."""
        found = last_object(tail, b'"usage"')
        told = None if found is None else decode(_usage_decoder, found)
        self._take(told, None)

    def _take(self, told: object, model: object) -> None:
        """Let what is told now win over what was told before: counts are running totals, never to be added up.

        A 0 after something, as some servers have it for input at the end, tells nothing: what was read, was read.
        """
        self._usage = None
        if isinstance(told, dict):
            known = self._told.keys() - {"output_tokens"}
            self._told |= {
                name: each for name, each in told.items() if each or (each is not None and name not in known)
            }
        if isinstance(model, str) and model:
            self._model = model

    def _hear_reason(self, delta: object) -> None:
        reason = delta.get("stop_reason") if isinstance(delta, dict) else None
        if isinstance(reason, str):
            self.finish_reason = _REASONS.get(reason, reason)
