"""Streams: one chunk of each API as it comes, and what some servers make of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from proxystore.wire import BUILT_IN, Formats, Meter, decoded

_EVENTS: Final = b"text/event-stream"
_FORMATS: Final = Formats(BUILT_IN)

CHAT: Final = (
    b'data: {"id":"chatcmpl-9aBcDeFgHiJkLmNoPqRsTuVw","object":"chat.completion.chunk","created":1700000000,'
    b'"model":"gpt-4o-mini-2024-07-18","service_tier":"default","system_fingerprint":"fp_0123456789","choices":[{"index":'
    b'0,"delta":{"content":" word"},"logprobs":null,"finish_reason":null}],"obfuscation":"abcdefgh"}\n\n'
)
_USAGE: Final = (
    b'"usage":{"prompt_tokens":100,"completion_tokens":50,"total_tokens":150,"prompt_tokens_details":{"cached_tokens":80,'
    b'"audio_tokens":0},"completion_tokens_details":{"reasoning_tokens":30,"audio_tokens":0}}'
)
_RESPONSE: Final = (
    b'event: response.output_text.delta\ndata: {"type":"response.output_text.delta","sequence_number":42,"item_id":'
    b'"msg_68af4030592c81938ec0a5fbab4a3e9f05438e46b5f69a3b","output_index":0,"content_index":0,"delta":" word",'
    b'"logprobs":[],"obfuscation":"abcdefgh"}\n\n'
)
_MESSAGE_START: Final = (
    b'event: message_start\ndata: {"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant",'
    b'"model":"claude-haiku-4-5-20251001","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":'
    b'20,"cache_creation_input_tokens":10,"cache_read_input_tokens":80,"output_tokens":1}}}\n\n'
)
_MESSAGE: Final = (
    b'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":" '
    b'word"}}\n\n'
)
_CONTENT: Final = (
    b'{"candidates":[{"content":{"parts":[{"text":" a few words of an answer"}],"role":"model"},"index":0}],'
    b'"usageMetadata":{"promptTokenCount":100,"cachedContentTokenCount":40,"candidatesTokenCount":50,"totalTokenCount":'
    b'180,"promptTokensDetails":[{"modality":"TEXT","tokenCount":100}],"thoughtsTokenCount":30},"modelVersion":'
    b'"gemini-2.5-flash","responseId":"mJk1aYeLG_2pvdIP1uOX4Ao"}'
)


def _meter(path: str, content_type: bytes = _EVENTS, *, is_stripping: bool = False) -> Meter:
    format = _FORMATS.find("POST", path)
    call = format.read(path, b'{"model":"m","stream":true}')
    meter = format.meter(call, content_type=content_type, is_stripping=is_stripping)
    if meter is None:
        raise TypeError(path)
    return meter


def _feeding(meter: Meter, *chunks: bytes, first: bytes = b"") -> Callable[[], object]:
    meter.feed(first or chunks[0], is_last=False)

    def feed() -> None:
        for chunk in chunks:
            meter.feed(chunk, is_last=False)

    return feed


def cases() -> Iterator[tuple[str, Callable[[], object]]]:
    """Return what to measure."""
    yield "chat", _feeding(_chat(), CHAT)
    yield "chat, stripping", _feeding(_chat(is_stripping=True), _with_null())
    yield "chat, CRLF", _feeding(_chat(), _in_crlf(CHAT))
    yield "chat, CRLF, stripping", _feeding(_chat(is_stripping=True), _in_crlf(_with_null()))
    yield "responses", _feeding(_meter("/v1/responses"), _RESPONSE)
    yield "messages", _feeding(_meter("/v1/messages"), _MESSAGE, first=_MESSAGE_START)
    yield "contents, events", _feeding(_meter("/v1/models/m:streamGenerateContent"), b"data: " + _CONTENT + b"\r\n\r\n")
    array = _meter("/v1/models/m:streamGenerateContent", b"application/json")
    yield "contents, array", _feeding(array, b",\r\n" + _CONTENT + b"\n", first=b"[")
    yield from _odd_cases()


def _odd_cases() -> Iterator[tuple[str, Callable[[], object]]]:
    with_usage = CHAT.replace(b',"obf', b',%b,"obf' % _USAGE)
    encoded = decoded(_chat(), b"identity")
    yield "chat, CR only", _feeding(_chat(), CHAT.replace(b"\n", b"\r"))
    yield "chat, usage in each (vLLM's running count)", _feeding(_chat(), with_usage)
    yield "chat, in two halves", _feeding(_chat(), CHAT[:150], CHAT[150:])
    yield "chat, ten events in one chunk", _feeding(_chat(), CHAT * 10)
    yield "responses, in two halves", _feeding(_meter("/v1/responses"), _RESPONSE[:150], _RESPONSE[150:])
    yield "messages, ten events in one chunk", _feeding(_meter("/v1/messages"), _MESSAGE * 10)
    yield "contents, an object in two chunks", _halves_of_content()
    if encoded is not None:
        yield "chat, encoding identity", _feeding(encoded, CHAT)


def _halves_of_content() -> Callable[[], object]:
    array = _meter("/v1/models/m:streamGenerateContent", b"application/json")
    return _feeding(array, b",\r\n" + _CONTENT[:150], _CONTENT[150:], first=b"[")


def _chat(*, is_stripping: bool = False) -> Meter:
    return _meter("/v1/chat/completions", is_stripping=is_stripping)


def _with_null() -> bytes:
    return CHAT.replace(b',"obf', b',"usage":null,"obf')


def _in_crlf(chunk: bytes) -> bytes:
    return chunk.replace(b"\n", b"\r\n")
