"""Streams and documents as providers send them, shortened."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

from proxystore.values import Call
from proxystore.wire import Meter
from proxystore.wire.openai import ChatCompletions

STREAMED = Call(operation_name="chat", is_streaming=True)
SUMS = b'"prompt_tokens":100,"completion_tokens":50,"total_tokens":150'
USAGE = (
    b'"usage":{%b,"prompt_tokens_details":{"cached_tokens":80,"audio_tokens":0},"completion_tokens_details":'
    b'{"reasoning_tokens":30,"audio_tokens":0,"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}}' % SUMS
)
DONE = b"data: [DONE]\n\n"


def event(
    fields: bytes, *, choices: bytes = b'[{"index":0,"delta":{"content":" word"},"logprobs":null,"finish_reason":null}]'
) -> bytes:
    """Return a chunk with *fields* and *choices*."""
    head = b'"id":"chatcmpl-9","object":"chat.completion.chunk","created":1700000000,"model":"gpt-4o-2024-08-06"'
    return b"data: {%b}\n\n" % b",".join(part for part in (head, choices and b'"choices":' + choices, fields) if part)


WORD = event(b"")
WORD_WITH_NULL = event(b'"usage":null')
TOLD = event(USAGE, choices=b"[]")
AZURE_OPENING = (
    b'data: {"choices":[],"created":0,"id":"","model":"","object":"","prompt_filter_results":'
    b'[{"prompt_index":0,"content_filter_results":{"hate":{"filtered":false,"severity":"safe"}}}]}\n\n'
)
CHAT = [AZURE_OPENING, WORD_WITH_NULL, b": keep-alive\n\n", event(b'"usage" : null'), WORD_WITH_NULL, TOLD, DONE]


def stream(*, is_stripping: bool = False) -> Meter:
    """Return a meter for a stream."""
    return ChatCompletions().meter(STREAMED, content_type=b"text/event-stream", is_stripping=is_stripping)


def document() -> Meter:
    """Return a meter for a document."""
    return ChatCompletions().meter(Call(operation_name="chat"), content_type=b"application/json", is_stripping=False)


def run(meter: Meter, chunks: Iterable[bytes]) -> bytes:
    """Feed *chunks* to *meter* and return what it forwards."""
    return b"".join([meter.feed(chunk, is_last=False) for chunk in chunks] + [meter.feed(b"", is_last=True)])


def cut(text: bytes, *places: int) -> list[bytes]:
    """Return *text* cut at *places*."""
    bounds = [0, *sorted(places), len(text)]
    return [text[begin:end] for begin, end in pairwise(bounds)]
