"""What a request asks for."""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec

from proxystore.values import Call
from proxystore.wire.lenient import decode
from proxystore.wire.openai.usage import LARGEST

# Azure and LiteLLM name the model in the path, and that one is served, whatever the body says. Docker's model runner
# has a version there, or the name of a program and a version: its models are named in bodies.
_find_deployment: Final = re.compile(
    r"/(?:deployments|engines(?!/(?:[^/]+/)?v\d+/))/(.+?)/(?:chat/completions|completions|embeddings|images/(?:generations|edits|variations)"
    r"|audio/(?:speech|transcriptions|translations)|responses(?:/compact|/input_tokens)?)/*\Z"
).search


class _StreamOptions(msgspec.Struct):
    include_usage: bool | None = None


class _Request(msgspec.Struct):
    model: str | None = None
    stream: bool | None = None
    stream_options: _StreamOptions | None = None
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    max_output_tokens: int | None = None
    user: str | None = None
    background: bool | None = None


class _Fields(msgspec.Struct):
    model: msgspec.Raw = msgspec.Raw(b"null")
    stream: msgspec.Raw = msgspec.Raw(b"null")
    stream_options: msgspec.Raw = msgspec.Raw(b"null")
    max_tokens: msgspec.Raw = msgspec.Raw(b"null")
    max_completion_tokens: msgspec.Raw = msgspec.Raw(b"null")
    max_output_tokens: msgspec.Raw = msgspec.Raw(b"null")
    user: msgspec.Raw = msgspec.Raw(b"null")
    background: msgspec.Raw = msgspec.Raw(b"null")


_request_decoder: Final = msgspec.json.Decoder(_Request)
_fields_decoder: Final = msgspec.json.Decoder(_Fields)
_field_decoders: Final[dict[str, msgspec.json.Decoder[Any]]] = {
    field.name: msgspec.json.Decoder(field.type) for field in msgspec.structs.fields(_Request)
}


def read_call(operation_name: str, path: str, body: bytes, *, is_told: bool = False) -> Call:
    """Return what *body* asks for; what it does not say, or not in a way that can be read, is left out.

    Args:
        operation_name: What is done.
        path: Where; it may name the model.
        body: JSON.
        is_told: Whether usage is told without being asked for.
    """
    asked = (decode(_request_decoder, body) or _read_by_field(body)) if body else _NOTHING
    is_streaming = asked.stream is True
    return Call(
        operation_name=operation_name,
        request_model=_deployment(path) or asked.model or None,
        is_streaming=is_streaming,
        wants_usage=is_told or not is_streaming or _is_asked_for(asked.stream_options),
        max_output_tokens=_bound(asked),
        end_user=asked.user or None,
        is_background=asked.background is True,
    )


def _read_by_field(body: bytes) -> _Request:
    """Return what can be read of a request with one wrong field, or several."""
    fields = decode(_fields_decoder, body)
    if fields is None:
        return _NOTHING
    return _Request(**{name: decode(decoder, getattr(fields, name)) for name, decoder in _field_decoders.items()})


def _deployment(path: str) -> str | None:
    found = _find_deployment(path)
    return found[1] if found else None


def _is_asked_for(options: _StreamOptions | None) -> bool:
    return options is not None and options.include_usage is True


def _bound(asked: _Request) -> int | None:
    told = asked.max_completion_tokens
    if told is None:
        told = asked.max_output_tokens
    if told is None:
        told = asked.max_tokens
    return None if told is None or told < 0 else min(told, LARGEST)


_NOTHING: Final = _Request()
