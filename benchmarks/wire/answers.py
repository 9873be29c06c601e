"""Answers that are one document, from the first byte to the usage in its buckets, and to what it costs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Final

from proxystore.pricing import Price, Tariff
from proxystore.values import Usage
from proxystore.wire import BUILT_IN, Formats

_FORMATS: Final = Formats(BUILT_IN)
_USAGE: Final = (
    b'"usage":{"prompt_tokens":100,"completion_tokens":50,"total_tokens":150,"prompt_tokens_details":{"cached_tokens":80,'
    b'"audio_tokens":0},"completion_tokens_details":{"reasoning_tokens":30,"audio_tokens":0,'
    b'"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}}'
)
_CHAT: Final = (
    b'{"id":"chatcmpl-9","object":"chat.completion","created":1700000000,"model":"gpt-4o-2024-08-06","choices":[{"index":'
    b'0,"message":{"role":"assistant","content":"%b","refusal":null,"annotations":[]},"logprobs":null,"finish_reason":'
    b'"stop"}],%b,"service_tier":"default","system_fingerprint":"fp_0123456789"}'
)
_RESPONSE: Final = (
    b'{"id":"resp_1","object":"response","created_at":1700000000,"status":"completed","error":null,"incomplete_details":'
    b'null,"instructions":null,"model":"gpt-5-2025-08-07","output":[{"id":"msg_1","type":"message","status":"completed",'
    b'"content":[{"type":"output_text","text":"Hi.","annotations":[]}],"role":"assistant"}],"service_tier":"default",'
    b'"usage":{"input_tokens":100,"input_tokens_details":{"cached_tokens":80},"output_tokens":50,'
    b'"output_tokens_details":{"reasoning_tokens":30},"total_tokens":150},"user":null,"metadata":{}}'
)
_MESSAGE: Final = (
    b'{"id":"msg_1","type":"message","role":"assistant","model":"claude-haiku-4-5-20251001","content":[{"type":"text",'
    b'"text":"Hi."}],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":20,'
    b'"cache_creation_input_tokens":10,"cache_read_input_tokens":80,"cache_creation":{"ephemeral_5m_input_tokens":10,'
    b'"ephemeral_1h_input_tokens":0},"output_tokens":50,"service_tier":"standard"}}'
)
_CONTENT: Final = (
    b'{"candidates":[{"content":{"parts":[{"text":"Hi."}],"role":"model"},"finishReason":"STOP","index":0}],'
    b'"usageMetadata":{"promptTokenCount":100,"cachedContentTokenCount":40,"candidatesTokenCount":50,"totalTokenCount":'
    b'180,"promptTokensDetails":[{"modality":"TEXT","tokenCount":100}],"thoughtsTokenCount":30},"modelVersion":'
    b'"gemini-2.5-flash","responseId":"r"}'
)
_IMAGE: Final = (
    b'{"created":1,"data":[{"b64_json":"%b"}],"usage":{"input_tokens":50,"input_tokens_details":{"text_tokens":10,'
    b'"image_tokens":40},"output_tokens":4100,"total_tokens":4150}}'
)
_EMBEDDING: Final = b'{"object":"embedding","index":0,"embedding":[' + b"-0.0069292834," * 1535 + b"1]}"
_EMBEDDINGS: Final = b'{"data":[' + b",".join([_EMBEDDING] * 100) + b'],"model":"m",%b}' % _USAGE


def cases() -> Iterator[tuple[str, Callable[[], object]]]:
    """Return what to measure."""
    yield "chat", _reading("/v1/chat/completions", _CHAT % (b"Hi.", _USAGE))
    yield "responses", _reading("/v1/responses", _RESPONSE)
    yield "messages", _reading("/v1/messages", _MESSAGE)
    yield "contents", _reading("/v1beta/models/m:generateContent", _CONTENT)
    yield "chat, priced", _pricing("/v1/chat/completions", _CHAT % (b"Hi.", _USAGE))
    yield "messages, priced", _pricing("/v1/messages", _MESSAGE)
    yield "contents, priced", _pricing("/v1beta/models/m:generateContent", _CONTENT)
    yield "images", _reading("/v1/images/generations", _IMAGE % (b"x" * 100))
    yield "chat, 100 kB", _reading("/v1/chat/completions", _CHAT % (b"word " * 20_000, _USAGE))
    yield "embeddings, 2 MB", _reading("/v1/embeddings", _EMBEDDINGS)


def _pricing(path: str, body: bytes) -> Callable[[], object]:
    tariff = Tariff(
        [
            Price(input_femtousd=3_000_000_000, cache_read_femtousd=300_000_000, output_femtousd=15_000_000_000),
            Price(above_input_tokens=200_000, input_femtousd=6_000_000_000, output_femtousd=22_500_000_000),
        ]
    )
    read, now = _reading(path, body), time.time_ns()

    def price() -> None:
        tariff.cost(read(), now)

    return price


def _reading(path: str, body: bytes) -> Callable[[], Usage]:
    format = _FORMATS.find("POST", path)
    call = format.read(path, b'{"model":"m"}')

    def read() -> Usage:
        meter = format.meter(call, content_type=b"application/json", is_stripping=False)
        if meter is None:
            raise TypeError(path)
        meter.feed(body, is_last=True)
        usage = meter.usage
        if usage.quality != "reported":
            raise ValueError(body)
        return usage

    return read
