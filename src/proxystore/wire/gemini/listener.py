"""What generated content says of itself, as a document or in each piece of a stream."""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec

from proxystore.values import Usage
from proxystore.wire.gemini.usage import usage_in
from proxystore.wire.lenient import UNREADABLE, decode
from proxystore.wire.reading import last_object

_EMPTY: Final = len(b"null")
_find_reason: Final = re.compile(rb'"(?:finishReason|blockReason)"\s*:\s*"([A-Z_]{1,60})"').search
_LONGEST_REASON: Final = 60
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


class _Candidate(msgspec.Struct):
    reason: Any = msgspec.field(default=None, name="finishReason")


class _Feedback(msgspec.Struct):
    reason: Any = msgspec.field(default=None, name="blockReason")


class _Said(msgspec.Struct):
    candidates: list[_Candidate] | None = None
    usage: msgspec.Raw = msgspec.field(default=msgspec.Raw(b""), name="usageMetadata")
    model: Any = msgspec.field(default=None, name="modelVersion")
    feedback: _Feedback | None = msgspec.field(default=None, name="promptFeedback")
    error: Any = None


class _Odd(_Said):
    """What has something else where candidates and feedback should be."""

    candidates: Any = None
    feedback: Any = msgspec.field(default=None, name="promptFeedback")


_decoder: Final = msgspec.json.Decoder(_Said)
_decode: Final = _decoder.decode
_odd_decoder: Final = msgspec.json.Decoder(_Odd)
_usage_decoder: Final = msgspec.json.Decoder(dict[str, Any])


def _read_odd(said: bytes) -> _Said | None:
    odd = decode(_odd_decoder, said)
    if odd is not None:
        odd.candidates = odd.feedback = None
    return odd


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
        try:
            told = _decode(said)
        except UNREADABLE:
            odd = decode(_decoder, said) or _read_odd(said)
            if odd is None:
                return False
            told = odd
        if len(told.usage) > _EMPTY:
            self._told = told.usage
        if told.model.__class__ is str:
            self._model = told.model
        if told.error is not None:
            self.is_failed = True
        if told.candidates.__class__ is list:
            for candidate in told.candidates:
                if candidate.reason is not None:
                    self._hear_reason(candidate.reason)
        if isinstance(told.feedback, _Feedback):
            self._hear_reason(told.feedback.reason)
        return True

    def hear_part(self, head: bytes, tail: bytes) -> None:
        """Take note of a piece with an image in it: the usage stands behind that."""
        self._told = last_object(tail, b'"usageMetadata"') or self._told
        found = _find_reason(tail)
        if found is not None:
            self._hear_reason(found[1].decode())

    def _hear_reason(self, reason: object) -> None:
        if isinstance(reason, str) and 0 < len(reason) <= _LONGEST_REASON:
            self.finish_reason = "content_filter" if reason in _FILTERED else _REASONS.get(reason, reason.lower())
