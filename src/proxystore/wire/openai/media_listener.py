"""What answers about images and sound say of their usage: a document, or the last event of a stream."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from proxystore.values import Usage
from proxystore.wire.lenient import decode
from proxystore.wire.openai.tokens import usage_in_tokens
from proxystore.wire.openai.usage import LARGEST
from proxystore.wire.reading import Hearing, last_object

WORDS: Final = (b'"usage"', b"error")
"""What events contain that say more than content."""


_LONGEST: Final = LARGEST / 1000
"""Seconds of sound, of which as many milliseconds can be kept as tokens; more is not believed."""


class _Said(msgspec.Struct):
    type: Any = None
    model: Any = None
    usage: Any = None
    duration: Any = None
    data: msgspec.Raw = msgspec.Raw(b"null")
    error: Any = None


class _Item(msgspec.Struct):
    """An image, of which only the number counts."""


_decoder: Final = msgspec.json.Decoder(_Said)
_items_decoder: Final = msgspec.json.Decoder(list[_Item])
_usage_decoder: Final = msgspec.json.Decoder(dict[str, Any])


class MediaListener(Hearing):
    """Hears one response (a `Listener`).

    Args:
        written: The kind of tokens that were generated, unless details tell.
        counts_data: Take the number of things in ``data`` for what is billed where no tokens are told.
    """

    __slots__ = ("_counts_data", "_written")

    def __init__(self, written: str | None, *, counts_data: bool = False) -> None:
        super().__init__()
        self._written = written
        self._counts_data = counts_data

    def hear(self, said: bytes) -> bool:
        """Take note of a document or an event."""
        told = decode(_decoder, said)
        if told is None:
            return False
        if told.error or told.type == "error":
            self.is_failed = True
        self._usage = self._usage_in(told) or self._usage
        return True

    def hear_part(self, head: bytes, tail: bytes) -> None:
        """Take note of an event with an image in it: the usage stands behind that."""
        found = last_object(tail, b'"usage"')
        told = None if found is None else decode(_usage_decoder, found)
        self._usage = usage_in_tokens(told, None, written=self._written) or self._usage

    def _usage_in(self, told: _Said) -> Usage | None:
        model = told.model if isinstance(told.model, str) and told.model else None
        usage = usage_in_tokens(told.usage, model, written=self._written)
        if usage is not None:
            return usage
        length = told.usage.get("seconds") if isinstance(told.usage, dict) else told.duration
        seconds = _seconds(length)
        if seconds is not None:
            return Usage(seconds=seconds, quality="reported", response_model=model)
        items = decode(_items_decoder, told.data) if self._counts_data else None
        return Usage(requests=len(items), quality="reported", response_model=model) if items else None


def _seconds(told: object) -> float | None:
    """Return *told* as seconds; some say a number in quotes."""
    try:
        seconds = float(told) if isinstance(told, int | float | str) and not isinstance(told, bool) else -1.0
    except (ValueError, OverflowError):
        return None
    return seconds if 0 <= seconds <= _LONGEST else None  # neither is no number at all
