"""JSON from strangers: read without ever raising."""

from __future__ import annotations

from typing import TypeVar

import msgspec

T = TypeVar("T")


def decode(decoder: msgspec.json.Decoder[T], text: bytes | msgspec.Raw) -> T | None:
    """Return what *text* says, ``None`` if it cannot be read."""
    try:
        return decoder.decode(text)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):  # the last over deep nesting
        return None


def encode(document: dict[str, dict[str, str | None]]) -> bytes:
    """Return *document* as JSON; what UTF-8 cannot say becomes ``?``."""
    try:
        return msgspec.json.encode(document)
    except UnicodeEncodeError:
        return msgspec.json.encode({name: _plain(fields) for name, fields in document.items()})


def _plain(fields: dict[str, str | None]) -> dict[str, str | None]:
    return {name: value and value.encode(errors="replace").decode() for name, value in fields.items()}
