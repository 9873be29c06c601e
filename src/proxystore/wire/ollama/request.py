"""What a request asks for."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from proxystore.values import Call
from proxystore.wire.lenient import decode
from proxystore.wire.openai.usage import LARGEST


class _Request(msgspec.Struct):
    model: Any = None
    stream: Any = None
    options: Any = None


_decoder: Final = msgspec.json.Decoder(_Request)
_NOTHING: Final = _Request()


def read_call(operation_name: str, body: bytes) -> Call:
    """Return what *body* asks for: a stream, unless it says otherwise."""
    asked = decode(_decoder, body) or _NOTHING
    return Call(
        operation_name=operation_name,
        request_model=asked.model if isinstance(asked.model, str) and asked.model else None,
        is_streaming=asked.stream is not False,
        max_output_tokens=_bound(asked.options),
    )


def _bound(options: object) -> int | None:
    """Return ``num_predict``; a negative one is as much as there is room for."""
    told = options.get("num_predict") if isinstance(options, dict) else None
    if not isinstance(told, int | float) or isinstance(told, bool) or not 0 <= told < LARGEST:
        return None
    return int(told)
