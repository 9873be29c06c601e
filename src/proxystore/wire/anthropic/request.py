"""What a request asks for."""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec

from proxystore.values import Call
from proxystore.wire.lenient import decode

_LARGEST: Final = 2**31 - 1
# Google serves Anthropic's models under their names, and the body then tells none.
_find_model: Final = re.compile(r"/publishers/anthropic/models/(.+):(?:rawPredict|streamRawPredict)/*\Z").search


class _Asked(msgspec.Struct):
    model: Any = None
    stream: Any = None
    max_tokens: Any = None
    metadata: Any = None


_decoder: Final = msgspec.json.Decoder(_Asked)
_NOTHING: Final = _Asked()


def read_call(operation_name: str, path: str, body: bytes, *, is_billable: bool = True) -> Call:
    """Return what *body* asks for; what it does not say, or not in a way that can be read, is left out."""
    asked = (decode(_decoder, body) or _NOTHING) if body else _NOTHING
    found = _find_model(path)
    user = asked.metadata.get("user_id") if isinstance(asked.metadata, dict) else None
    return Call(
        operation_name=operation_name,
        request_model=found[1] if found else _text(asked.model),
        is_streaming=asked.stream is True,
        max_output_tokens=_bound(asked.max_tokens),
        end_user=_text(user),
        is_billable=is_billable,
    )


def _text(told: object) -> str | None:
    return told if isinstance(told, str) and told else None


def _bound(told: object) -> int | None:
    return min(told, _LARGEST) if isinstance(told, int) and not isinstance(told, bool) and told >= 0 else None
