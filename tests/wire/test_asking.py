from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxystore.wire.openai import ChatCompletions, Embeddings

_ASKING = b'"stream_options":{"include_usage":true}'
_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.sampled_from(['"stream_options":{', "}", "\\"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["stream_options", "include_usage", "a", '"', "\\", "}"]), inner, max_size=4)
    ),
    max_leaves=12,
)


def _ask(body: bytes) -> bytes:
    return ChatCompletions().ask_for_usage(body)


@pytest.mark.parametrize(
    ("body", "asking"),
    [
        (b'{"model":"m","stream":true}', b'{"model":"m","stream":true,%b}'),
        (b'{ "model" : "m" } \r\n\t', b'{ "model" : "m" ,%b} \r\n\t'),
        (b"{}", b"{%b}"),
        (b" { \n} ", b" { \n%b} "),
        (b'{"stream_options":null}', b"{%b}"),
        (b'{"a":1,"stream_options" : null ,"b":2}', b'{"a":1,"stream_options" : {"include_usage":true} ,"b":2}'),
        (b'{"stream_options":{}}', b"{%b}"),
        (b'{"stream_options":{"include_usage":false}}', b"{%b}"),
        (
            b'{"stream_options":{"include_usage" : null , "x":1}}',
            b'{"stream_options":{"include_usage" : true , "x":1}}',
        ),
        (
            b'{"stream_options":{"x":{"include_usage":false}} }',
            b'{"stream_options":{"x":{"include_usage":false},"include_usage":true} }',
        ),
        (b'{"stream_options":null,"stream_options":{"include_usage":false}}', b"{%b,%b}"),
        (b'{"stream\\u005foptions":null}', b'{"stream\\u005foptions":{"include_usage":true}}'),
        (b'{"messages":[{"stream_options":null}]}', b'{"messages":[{"stream_options":null}],%b}'),
        (b'{"messages":"\\"stream_options\\":{}\\\\"}', b'{"messages":"\\"stream_options\\":{}\\\\",%b}'),
        (b'{"tools":[{"stream_options":{}}],"stream_options":null}', b'{"tools":[{"stream_options":{}}],%b}'),
        (b'{"user":"\\ud83d","model":"m"}', b'{"user":"\\ud83d","model":"m",%b}'),
        (b'{"n":1e400,"big":123456789012345678901234567890}', b'{"n":1e400,"big":123456789012345678901234567890,%b}'),
    ],
)
def test_the_question_is_put_in_and_no_other_byte_changes(body: bytes, asking: bytes) -> None:
    assert _ask(body) == asking.replace(b"%b", _ASKING)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"null",
        b'"{}"',
        b"{",
        b"{not json}",
        b'{"a":1}}',
        b'{"a":1} {"b":2}',
        b"\xef\xbb\xbf{}",
        b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"stream_options":{"include_usage":true}}',
        b'{"stream_options":7}',
        b'{"stream_options":[]}',
        b'{"stream_options":"include_usage"}',
    ],
)
def test_what_cannot_or_need_not_be_asked_comes_back_as_the_very_same_object(body: bytes) -> None:
    assert _ask(body) is body


def test_embeddings_are_never_asked() -> None:
    body = b'{"model":"m","stream":true}'

    assert Embeddings().ask_for_usage(body) is body


@settings(deadline=None)
@given(
    st.dictionaries(st.text() | st.just("stream_options"), _json, max_size=5), st.sampled_from([None, 1]), st.booleans()
)
def test_any_object_asks_for_usage_and_says_the_rest_as_before(
    document: dict[str, Any], indent: int | None, is_ascii: bool
) -> None:
    body = json.dumps(document, indent=indent, ensure_ascii=is_ascii).encode("utf-8", "surrogatepass")
    asking = json.loads(_ask(body))
    options = document.get("stream_options")
    if options is None or isinstance(options, dict):
        document["stream_options"] = {**(options or {}), "include_usage": True}

    assert asking == document


@settings(deadline=None)
@given(st.binary() | st.text(alphabet='{}[]":,\\ an1').map(str.encode))
def test_nonsense_raises_nothing(body: bytes) -> None:
    _ask(body)
    ChatCompletions().read("/v1/chat/completions", body)
