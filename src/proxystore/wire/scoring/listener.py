"""What an answer that writes nothing tells of its usage."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from proxystore.values import Usage
from proxystore.wire.lenient import decode
from proxystore.wire.openai.usage import LARGEST, usage_in
from proxystore.wire.reading import Hearing


class _Said(msgspec.Struct):
    """The document; what it is about is passed over."""

    model: Any = None
    usage: Any = None
    meta: Any = None
    error: Any = None


_decoder: Final = msgspec.json.Decoder(_Said | list[msgspec.Raw])


class ScoreListener(Hearing):
    """Hears one answer (a `Listener`)."""

    __slots__ = ()

    def hear(self, said: bytes) -> bool:
        """Take note of the document."""
        told = decode(_decoder, said)
        if told is None:
            return False
        if isinstance(told, list):  # as Hugging Face's server answers
            told = _NOTHING
        self.is_failed = bool(told.error)
        model = told.model if isinstance(told.model, str) and told.model else None
        usage = _in_tokens(told.usage, model) or _in_searches(told.meta, model)
        if usage is not None:
            self._usage = usage
        elif model is not None:
            self._usage = Usage(response_model=model)
        return True

    def hear_part(self, head: bytes, tail: bytes) -> None:
        """Take no note: a document is never heard in parts."""


def _in_tokens(told: object, model: str | None) -> Usage | None:
    """Return what *told* says, where the total alone is told, all of it was read."""
    if isinstance(told, dict) and told.get("prompt_tokens") is None and not told.get("completion_tokens"):
        told = {"prompt_tokens": told.get("total_tokens", told.get("input_tokens"))}
    return usage_in(told, model)


def _in_searches(meta: object, model: str | None) -> Usage | None:
    """Return what Cohere bills: searches, else tokens."""
    billed = meta.get("billed_units") if isinstance(meta, dict) else None
    if not isinstance(billed, dict):
        return None
    searches = billed.get("search_units")
    if isinstance(searches, int | float) and not isinstance(searches, bool) and 0 < searches <= LARGEST:
        return Usage(requests=int(searches), quality="reported", response_model=model)
    return usage_in({"prompt_tokens": billed.get("input_tokens")}, model)


_NOTHING: Final = _Said()
