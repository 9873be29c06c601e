"""What a request asks for: the path says which model, and whether to stream."""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec

from proxystore.values import Call
from proxystore.wire.lenient import decode

_LARGEST: Final = 2**31 - 1
_find_model: Final = re.compile(r"/((?:models|tunedModels|endpoints)/.+):([A-Za-z]+)/*\Z").search


class _Asked(msgspec.Struct):
    config: Any = msgspec.field(default=None, name="generationConfig")
    config_in_snake_case: Any = msgspec.field(default=None, name="generation_config")


_decoder: Final = msgspec.json.Decoder(_Asked)


def read_call(operation_name: str, path: str, body: bytes, *, is_billable: bool = True) -> Call:
    """Return what *path* and *body* ask for; what they do not say, or not in a way that can be read, is left out."""
    found = _find_model(path)
    asked = decode(_decoder, body) if body else None
    return Call(
        operation_name=operation_name,
        request_model=found[1].removeprefix("models/") if found else None,
        is_streaming=found is not None and found[2].lower().startswith("stream"),
        max_output_tokens=None if asked is None else _bound(asked.config or asked.config_in_snake_case),
        is_billable=is_billable,
    )


def _bound(config: object) -> int | None:
    if not isinstance(config, dict):
        return None
    told = config.get("maxOutputTokens", config.get("max_output_tokens"))
    return min(told, _LARGEST) if isinstance(told, int) and not isinstance(told, bool) and told >= 0 else None
