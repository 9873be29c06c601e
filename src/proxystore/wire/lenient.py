"""JSON from strangers: read without ever raising."""

from __future__ import annotations

import json
import re
from typing import Any, Final, TypeVar

import msgspec

T = TypeVar("T")
UNREADABLE: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What decoders raise over bad input; the last over deep nesting."""

_any_decoder: Final = msgspec.json.Decoder(msgspec.Raw)
_surrogates: Final = re.compile(rb"\\u[dD][89a-fA-F][0-9a-fA-F]{2}")


def decode(decoder: msgspec.json.Decoder[T], text: bytes | msgspec.Raw) -> T | None:
    """Return what *text* says, ``None`` if it cannot be read."""
    try:
        return decoder.decode(text)
    except UNREADABLE:
        return _decode_mended(decoder, bytes(text))


def _decode_mended(decoder: msgspec.json.Decoder[T], text: bytes) -> T | None:
    # Half a surrogate pair, as is left where a text was cut within an emoji: others read it, msgspec does not.
    mended, count = _surrogates.subn(rb"\\ufffd", text)
    try:
        return decoder.decode(mended) if count else None
    except UNREADABLE:
        return None


def mended(text: bytes) -> bytes | None:
    """Return JSON that only some servers read as all do, ``None`` if it is none, or needs no mending.

    Python's own reader, which many servers use, takes ``NaN``, a byte order mark, UTF-16 and UTF-32.
    """
    if decode(_any_decoder, text) is not None:
        return None
    try:
        return encode(json.loads(text))
    except (ValueError, RecursionError):
        return None


def encode(document: dict[str, Any]) -> bytes:
    """Return *document* as JSON; what UTF-8 cannot say becomes ``?``."""
    try:
        return msgspec.json.encode(document)
    except UnicodeEncodeError:
        return msgspec.json.encode(_plain(document))


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return value.encode(errors="replace").decode() if isinstance(value, str) else value
