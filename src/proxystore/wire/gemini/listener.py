"""What generated content says of itself, as a document or in each piece of a stream."""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec

from proxystore.values import Usage
from proxystore.wire.gemini.usage import usage_in
from proxystore.wire.lenient import decode
from proxystore.wire.reading import last_object

_EMPTY: Final = len(b"null")
_FINISH: Final = b"inishReason"
_BLOCK: Final = b'"blockReason"'
_find_reason: Final = re.compile(rb'"(?:finishReason|blockReason)"\s*:\s*"([A-Z_]{1,60})"').search
_REASONS: Final = {"STOP": "stop", "MAX_TOKENS": "length"}
_FILTERED: Final = frozenset(
    {
        "BLOCKLIST",
        "IMAGE_PROHIBITED_CONTENT",
        "IMAGE_RECITATION",
        "IMAGE_SAFETY",
        "LANGUAGE",
        "PROHIBITED_CONTENT",
        "RECITATION",
        "SAFETY",
        "SPII",
    }
)


class _Said(msgspec.Struct):
    usage: msgspec.Raw = msgspec.field(default=msgspec.Raw(b""), name="usageMetadata")
    model: Any = msgspec.field(default=None, name="modelVersion")
    error: Any = None


_decoder: Final = msgspec.json.Decoder(_Said)
_decode: Final = _decoder.decode
_usage_decoder: Final = msgspec.json.Decoder(dict[str, Any])


class ContentListener:
    """Hears one response (a `Listener`); of the usage that nearly every piece tells only the last is ever read."""

    __slots__ = ("_model", "_read", "_told", "finish_reason", "is_ended", "is_failed")

    def __init__(self) -> None:
        self._told: bytes | msgspec.Raw = b""
        self._read: tuple[bytes | msgspec.Raw, Usage | None] = (b"", None)
        self._model: str | None = None
        self.finish_reason: str | None = None
        self.is_ended = False
        self.is_failed = False

    def usage(self, seen: int) -> Usage:
        """Return what was told last."""
        told, usage = self._read
        if told is not self._told:
            usage = usage_in(decode(_usage_decoder, self._told), self._model)
            self._read = (self._told, usage)
        return Usage(response_model=self._model) if usage is None else usage

    def hear(self, said: bytes) -> bool:
        """Take note of a piece of content, or of all of it."""
        told = decode(_decoder, said)
        if told is None:
            return False
        if len(told.usage) > _EMPTY:
            self._told = told.usage
        if told.model is not None and isinstance(told.model, str):
            self._model = told.model
        if told.error is not None:
            self.is_failed = True
        if _FINISH in said or _BLOCK in said:
            self._hear_reason(said)
        return True

    def hear_part(self, head: bytes, tail: bytes) -> None:
        """Take note of a piece with an image in it: the usage stands behind that."""
        self._told = last_object(tail, b'"usageMetadata"') or self._told
        self._hear_reason(tail)

    def _hear_reason(self, said: bytes) -> None:
        found = _find_reason(said)
        if found is not None:
            reason = found[1].decode()
            self.finish_reason = "content_filter" if reason in _FILTERED else _REASONS.get(reason, reason.lower())
