from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxystore.values import Call, Usage
from proxystore.wire import document as documents
from proxystore.wire.openai import ChatCompletions, Embeddings
from tests.wire.streams import STREAMED, SUMS, TOLD, USAGE, cut, document, run

_CHAT = (
    b'{"id":"chatcmpl-9","object":"chat.completion","created":1700000000,"model":"gpt-4o-2024-08-06","choices":[{"index":0,'
    b'"message":{"role":"assistant","content":"Say \\"usage\\":{\\"total_tokens\\":9}","refusal":null},"logprobs":null,'
    b'"finish_reason":"stop"}],%b,"service_tier":"default"}'
)
_MODEL = "gpt-4o-2024-08-06"
_SIMPLE = Usage(input_tokens=100, output_tokens=50, quality="reported", response_model=_MODEL)


@settings(deadline=None)
@given(st.lists(st.integers(0, 700), max_size=10))
def test_a_document_in_any_chunks_keeps_its_bytes_and_tells_its_usage(places: list[int]) -> None:
    whole = _CHAT % USAGE
    meter = document()

    assert run(meter, cut(whole, *(place % len(whole) for place in places))) == whole
    assert (meter.usage.cache_read_tokens, meter.usage.reasoning_tokens) == (80, 30)
    assert (meter.usage.response_model, meter.usage.quality) == (_MODEL, "reported")
    assert not meter.is_ended
    assert not meter.is_failed


def test_nothing_is_told_before_the_end() -> None:
    meter = document()
    meter.feed(_CHAT % USAGE, is_last=False)

    assert meter.usage.quality == "missing"


def test_being_told_of_the_end_twice_does_no_harm() -> None:
    meter = document()
    meter.feed(_CHAT % USAGE, is_last=True)
    told = meter.usage
    meter.feed(b"", is_last=True)

    assert meter.usage is told


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"<html>", b"\xff", b"{" + b'"a":[' * 50_000, b'{"usage":1e400}', b'{"usage":"none"}', b"{}"],
)
def test_a_document_that_says_nothing_is_missing(body: bytes) -> None:
    meter = document()

    assert run(meter, [body]) == body
    assert (meter.usage, meter.is_failed) == (Usage(), False)


@pytest.mark.parametrize(
    ("body", "is_failed"),
    [
        (b'{"error":{"message":"overloaded","code":502}}', True),
        (b'{"object":"error","message":"overloaded"}', True),
        (b'{"error":null,"choices":[]}', False),
        (b'{"choices":[{"message":{"error":"x"}}]}', False),
    ],
)
def test_an_error_in_a_document_is_a_failure(body: bytes, is_failed: bool) -> None:
    meter = document()
    run(meter, [body])

    assert meter.is_failed == is_failed


def test_half_a_character_in_the_content_does_not_hide_the_usage() -> None:
    meter = document()
    run(
        meter,
        [b'{"choices":[{"message":{"content":"cut \\ud83d"}}],"model":"%b","usage":{%b}}' % (_MODEL.encode(), SUMS)],
    )

    assert meter.usage == _SIMPLE


def test_of_duplicate_keys_the_last_counts() -> None:
    meter = document()
    run(meter, [b'{"usage":{"total_tokens":1},"model":"a","usage":{%b},"model":"%b"}' % (SUMS, _MODEL.encode())])

    assert meter.usage == _SIMPLE


@pytest.mark.parametrize(
    "body",
    [
        b'{"object":"list","data":[%b],"model":"text-embedding-3-small","usage":{"prompt_tokens":8,"total_tokens":8}}',
        b'{"model":"text-embedding-3-small","object":"list","usage":{"prompt_tokens":8,"total_tokens":8},"data":[%b]}',
    ],
)
def test_embeddings_tell_what_they_read(body: bytes) -> None:
    body %= b",".join([b'{"object":"embedding","index":0,"embedding":[-0.0069292834,1e400,0.5]}'] * 1000)
    meter = Embeddings().meter(Call(operation_name="embeddings"), content_type=b"application/json", is_stripping=False)

    assert run(meter, cut(body, *range(0, len(body), 1000))) == body
    assert meter.usage == Usage(input_tokens=8, quality="reported", response_model="text-embedding-3-small")


@pytest.mark.parametrize(
    ("tail", "usage"),
    [
        (b'"],"model":"%b","usage":{%b}}' % (_MODEL.encode(), SUMS), _SIMPLE),
        (b'"],"usage":{%b},"model":"%b"}\n' % (SUMS, _MODEL.encode()), _SIMPLE),
        (b'"],"usage":{%b}}' % SUMS, msgspec.structs.replace(_SIMPLE, response_model=None)),
        (b'","usage":{%b}}]}' % SUMS, Usage()),
        (b'\\"usage\\":{%b}}"]}' % SUMS.replace(b'"', b'\\"'), Usage()),
        (b'"]}', Usage()),
    ],
)
def test_of_a_document_too_long_to_collect_the_tail_is_read(
    monkeypatch: pytest.MonkeyPatch, tail: bytes, usage: Usage
) -> None:
    monkeypatch.setattr(documents, "LONGEST_READ", 20_000)
    body = b'{"data":["' + b"x" * 30_000 + tail
    meter = document()

    assert run(meter, cut(body, *range(0, len(body), 777))) == body
    assert meter.usage == usage


@pytest.mark.parametrize(
    ("content_type", "call", "is_stream"),
    [
        (b"text/event-stream", STREAMED, True),
        (b"Text/Event-Stream; charset=utf-8", STREAMED, True),
        (b"text/event-stream", Call(operation_name="chat"), True),
        (b"application/json", STREAMED, False),
        (b"application/json; charset=utf-8", Call(operation_name="chat"), False),
        (b"", STREAMED, True),
        (b"text/plain", STREAMED, True),
        (b"", Call(operation_name="chat"), False),
    ],
)
def test_the_content_type_says_what_to_read(content_type: bytes, call: Call, is_stream: bool) -> None:
    meter = ChatCompletions().meter(call, content_type=content_type, is_stripping=False)
    run(meter, [TOLD])

    assert (meter.usage.quality == "reported") == is_stream
