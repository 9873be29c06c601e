"""Why the model stopped, in a document and in a stream, however it is cut."""

from __future__ import annotations

import pytest

from proxystore.wire.openai.document import Document
from proxystore.wire.openai.stream import Stream

_CHUNK = b'data: {"model":"m","choices":[{"index":0,"delta":{"content":"x"},"finish_reason":%s}]}\n\n'
_TOLD = (
    b'data: {"model":"m","choices":[{"delta":{"content":"\\"finish_reason\\":\\"length\\""},"finish_reason":null}]}\n\n'
)


@pytest.mark.parametrize("size", [1, 7, 100, 10_000])
def test_a_stream_tells_it_in_its_last_choice(size: int) -> None:
    body = _CHUNK % b"null" + _TOLD + _CHUNK % b'"tool_calls"' + b"data: [DONE]\n\n"
    meter = Stream(is_stripping=False)
    for start in range(0, len(body), size):
        meter.feed(body[start : start + size], is_last=start + size >= len(body))
    assert meter.finish_reason == "tool_calls"


def test_what_an_answer_says_of_it_is_no_reason() -> None:
    meter = Stream(is_stripping=False)
    meter.feed(_TOLD, is_last=False)
    assert meter.finish_reason is None


@pytest.mark.parametrize("separator", [b":", b": "])
def test_a_document_tells_it(separator: bytes) -> None:
    meter = Document()
    meter.feed(b'{"model":"m","choices":[{"finish_reason"' + separator + b'"length"}],"usage":null}', is_last=True)
    assert meter.finish_reason == "length"
