from __future__ import annotations

import pytest

from proxystore.values import Call
from proxystore.wire.openai import ChatCompletions, Completions, Embeddings

_PATH = "/v1/chat/completions"


def _read(body: bytes, path: str = _PATH) -> Call:
    return ChatCompletions().read(path, body)


def test_a_chat_says_its_model_and_little_else() -> None:
    assert _read(b'{"model":"gpt-4o","messages":[]}') == Call(operation_name="chat", request_model="gpt-4o")


@pytest.mark.parametrize(
    ("fields", "is_streaming", "wants_usage"),
    [
        (b"", False, True),
        (b',"stream":false', False, True),
        (b',"stream":null', False, True),
        (b',"stream":true', True, False),
        (b',"stream":true,"stream_options":null', True, False),
        (b',"stream":true,"stream_options":{}', True, False),
        (b',"stream":true,"stream_options":{"include_usage":false}', True, False),
        (b',"stream":true,"stream_options":{"include_usage":true}', True, True),
        (b',"stream":false,"stream":true', True, False),
        (b',"stream":"yes"', False, True),
    ],
)
def test_a_stream_tells_usage_only_if_asked_to(fields: bytes, is_streaming: bool, wants_usage: bool) -> None:
    call = _read(b'{"model":"m"%b}' % fields)

    assert (call.request_model, call.is_streaming, call.wants_usage) == ("m", is_streaming, wants_usage)


@pytest.mark.parametrize(
    ("fields", "bound"),
    [
        (b'"max_tokens":5', 5),
        (b'"max_completion_tokens":7,"max_tokens":5', 7),
        (b'"max_completion_tokens":0,"max_tokens":5', 0),
        (b'"max_completion_tokens":null,"max_tokens":5', 5),
        (b'"max_tokens":-1', None),
        (b'"max_tokens":"5"', None),
        (b'"max_tokens":true', None),
        (b'"max_tokens":1e400', None),
        (b'"max_tokens":99999999999999999999', 2**31 - 1),
    ],
)
def test_the_bound_is_the_newer_field_where_both_stand(fields: bytes, bound: int | None) -> None:
    call = _read(b'{"model":"m",%b}' % fields)

    assert (call.request_model, call.max_output_tokens) == ("m", bound)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"[]",
        b"{not json",
        b'{"model":7}',
        b'{"model":""}',
        b'{"model":null}',
        b'{"model":["gpt-4o"]}',
        b'{"model":"\xff"}',
        b'{"model":"\\ud83d',
        b'{"model":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    ],
)
def test_a_model_that_cannot_be_read_is_none(body: bytes) -> None:
    assert _read(body) == Call(operation_name="chat")


def test_one_wrong_field_does_not_hide_the_others() -> None:
    call = _read(b'{"model":"m","stream":true,"stream_options":"x","max_tokens":"many","max_completion_tokens":3}')

    assert call == Call(
        operation_name="chat", request_model="m", is_streaming=True, wants_usage=False, max_output_tokens=3
    )


@pytest.mark.parametrize(
    ("path", "model"),
    [
        ("/openai/deployments/my-gpt/chat/completions", "my-gpt"),
        ("/openai/deployments/azure/gpt-4o/chat/completions/", "azure/gpt-4o"),
        ("/engines/my-gpt/completions", "my-gpt"),
        ("/engines/v1/chat/completions", "from-body"),
        ("/engines/llama.cpp/v1/chat/completions", "from-body"),
        (_PATH, "from-body"),
    ],
)
def test_a_model_named_in_the_path_is_the_one_that_is_served(path: str, model: str) -> None:
    assert _read(b'{"model":"from-body"}', path).request_model == model


def test_a_model_in_the_path_is_known_before_the_body_is_read() -> None:
    assert Embeddings().read("/openai/deployments/mine/embeddings", b"").request_model == "mine"


def test_half_a_character_elsewhere_does_not_hide_the_model() -> None:
    call = _read(b'{"messages":[{"content":"cut \\ud83d"},{"content":"\\\\uD83D \\udc00"}],"model":"m"}')

    assert call.request_model == "m"


def test_completions_are_read_as_chats_are() -> None:
    call = Completions().read("/v1/completions", b'{"model":"m","prompt":"a","stream":true,"max_tokens":16}')

    assert call == Call(
        operation_name="text_completion", request_model="m", is_streaming=True, wants_usage=False, max_output_tokens=16
    )


def test_embeddings_say_their_model_only() -> None:
    call = Embeddings().read("/v1/embeddings", b'{"model":"m","input":["a"],"stream":true,"max_tokens":1}')

    assert call == Call(operation_name="embeddings", request_model="m")
