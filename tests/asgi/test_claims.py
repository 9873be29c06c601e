"""Which traffic is read, and which flows through."""

from __future__ import annotations

import gzip
import json

import pytest

from proxystore import hookimpl
from proxystore.exchange.asgi import Receive, Scope, Send
from proxystore.testing.asgi import call, http_scope

_BODY = json.dumps({"model": "gpt-4o", "messages": []}).encode()


class Echo:
    """Answers with what it was sent, message by message."""

    def __init__(self) -> None:
        self.received: list[bytes] = []
        self.scopes: list[Scope] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scopes.append(scope)
        while True:
            message = await receive()
            self.received.append(message["body"])
            if not message.get("more_body"):
                break
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"".join(self.received)})


@pytest.mark.parametrize(
    ("path", "root_path", "format"),
    [
        ("/v1/chat/completions", "", "openai.chat"),
        ("/openai/v1/chat/completions", "", "openai.chat"),
        ("/openai/deployments/mine/chat/completions", "", "openai.chat"),
        ("/v1/chat/completions", "/proxy", "openai.chat"),
        ("/v1/completions", "", "openai.completions"),
        ("/v1/embeddings", "", "openai.embeddings"),
        ("/openai/v1/responses", "", "openai.responses"),
        ("/openai/deployments/mine/audio/transcriptions", "", "openai.transcriptions"),
        ("/anthropic/v1/messages", "", "anthropic.messages"),
        ("/v1beta/models/gemini-2.5-flash:streamGenerateContent", "/google", "gemini.generate_content"),
        ("/v1/files", "", "unknown"),
        ("/v1/chat/completions/extra", "", "unknown"),
        ("/notchat/completionsx", "", "unknown"),
    ],
)
async def test_a_path_is_claimed_by_its_tail(wrap, witness, path, root_path, format):
    async with wrap(Echo()) as wrapped:
        sent = await call(wrapped, http_scope(path, root_path=root_path), _BODY)

    assert witness.exchange.request.format.name == format
    assert witness.exchange.request.path == path
    assert sent.body == _BODY


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "PUT"])
async def test_other_methods_are_not_claimed(wrap, witness, method):
    async with wrap(Echo()) as wrapped:
        await call(wrapped, http_scope(method=method), b"")

    assert not witness.exchange.request.is_claimed


async def test_the_path_is_read_before_a_router_overwrites_the_scope(wrap, witness):
    async def routing(scope: Scope, receive: Receive, send: Send) -> None:
        scope["path"], scope["root_path"] = "/elsewhere", "/v1"
        await Echo()(scope, receive, send)

    async with wrap(routing) as wrapped:
        await call(wrapped, http_scope(), _BODY)

    assert witness.exchange.request.path == "/v1/chat/completions"


async def test_unclaimed_bodies_flow_through_piece_by_piece(wrap):
    echo = Echo()
    async with wrap(echo, max_body_bytes=4) as wrapped:
        sent = await call(wrapped, http_scope("/v1/files"), [b"a" * 10, b"b" * 10, b"c"])

    assert echo.received == [b"a" * 10, b"b" * 10, b"c"]
    assert sent.status == 200


async def test_a_claimed_body_in_pieces_arrives_whole(wrap, witness):
    echo = Echo()
    async with wrap(echo) as wrapped:
        await call(wrapped, http_scope(), [_BODY[:5], _BODY[5:9], _BODY[9:]])

    assert echo.received == [_BODY]
    assert witness.exchange.request.call.request_model == "gpt-4o"


@pytest.mark.parametrize("body", [b"x" * 101, [b"x" * 60, b"x" * 60]], ids=["whole", "pieces"])
async def test_a_claimed_body_above_the_limit_gives_413_in_shape(wrap, witness, body):
    echo = Echo()
    async with wrap(echo, max_body_bytes=100) as wrapped:
        sent = await call(wrapped, http_scope(), body)

    assert sent.status == 413
    assert json.loads(sent.body)["error"]["code"] == "body_too_large"
    assert (echo.received, witness.exchange.outcome) == ([], "refused")


async def test_a_declared_length_above_the_limit_is_refused_before_a_byte_is_read(wrap):
    async with wrap(Echo(), max_body_bytes=100) as wrapped:

        async def receive():
            raise AssertionError("read")

        sent = []

        async def send(message):
            sent.append(message)

        await wrapped(http_scope(headers=[(b"content-length", b"101")]), receive, send)

    assert sent[0]["status"] == 413


async def test_an_encoded_body_is_read_and_passed_on_as_it_came(wrap, witness):
    echo, encoded = Echo(), gzip.compress(_BODY)
    async with wrap(echo) as wrapped:
        await call(wrapped, http_scope(headers=[(b"content-encoding", b"gzip")]), encoded)

    assert witness.exchange.request.call.request_model == "gpt-4o"
    assert echo.received == [encoded]
    assert dict(echo.scopes[0]["headers"])[b"content-encoding"] == b"gzip"


async def test_a_form_is_read_up_to_its_model_and_streamed(wrap, witness):
    parts = [
        b'--frontier\r\nContent-Disposition: form-data; name="model"\r\n\r\n',
        b"whisper-1\r\n--frontier\r\n",
        b'Content-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n' + b"\0" * 50,
        b"\0" * 50 + b"\r\n--frontier--\r\n",
    ]
    read_before_call = []

    class Looking:
        @hookimpl
        def on_request(self, exchange):
            read_before_call.append(exchange.request.call.request_model)

    echo = Echo()
    async with wrap(echo, Looking, max_body_bytes=120) as wrapped:
        headers = [(b"content-type", b"multipart/form-data; boundary=frontier")]
        sent = await call(wrapped, http_scope(headers=headers), parts)

    assert read_before_call == ["whisper-1"]
    assert echo.received == parts
    assert sent.body == b"".join(parts)


async def test_of_a_form_to_a_path_that_names_the_model_nothing_is_read(wrap, witness):
    echo = Echo()
    async with wrap(echo, max_body_bytes=10) as wrapped:
        headers = [(b"content-type", b"multipart/form-data; boundary=frontier")]
        path = "/openai/deployments/mine/audio/transcriptions"
        sent = await call(wrapped, http_scope(path, headers=headers), [b"x" * 50, b"y" * 50])

    assert witness.exchange.request.call.request_model == "mine"
    assert (sent.status, echo.received) == (200, [b"x" * 50, b"y" * 50])


async def test_malformed_json_passes_unchanged(wrap, witness):
    async with wrap(Echo()) as wrapped:
        sent = await call(wrapped, http_scope(), b'{"model": \xff')

    assert (sent.status, sent.body) == (200, b'{"model": \xff')
    assert witness.exchange.request.call.request_model is None


@pytest.mark.parametrize(
    "offered",
    [
        [(b"accept-encoding", b"br, gzip;q=0.5, zstd")],
        [(b"accept-encoding", b"br"), (b"accept-encoding", b"gzip")],
    ],
    ids=["one", "several"],
)
async def test_no_caller_chooses_an_encoding_that_cannot_be_read(wrap, witness, offered):
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        asked = b", ".join(value for name, value in scope["headers"] if name == b"accept-encoding")
        packed = (
            b"unreadable" if b"br" in asked else gzip.compress(b'{"usage":{"prompt_tokens":3,"completion_tokens":4}}')
        )
        headers = [(b"content-type", b"application/json"), (b"content-encoding", b"br" if b"br" in asked else b"gzip")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": packed})

    async with wrap(app) as wrapped:
        await call(wrapped, http_scope(headers=offered), _BODY)

    assert witness.exchange.usage.output_tokens == 4


async def test_of_traffic_that_is_not_read_every_encoding_may_be_asked_for(wrap):
    echo = Echo()
    async with wrap(echo) as wrapped:
        await call(wrapped, http_scope("/v1/files", headers=[(b"accept-encoding", b"br")]), b"")

    assert (b"accept-encoding", b"br") in echo.scopes[0]["headers"]


_ODD = {
    "not a number": b'{"model":"gpt-4o","messages":[],"stream":true,"temperature":NaN}',
    "byte order mark": b'\xef\xbb\xbf{"model":"gpt-4o","messages":[],"stream":true}',
    "utf-16": '{"model":"gpt-4o","messages":[],"stream":true}'.encode("utf-16"),
    "no form": b'{"model":"gpt-4o","messages":[],"stream":true}',
}


@pytest.mark.parametrize("body", _ODD.values(), ids=_ODD)
async def test_what_servers_in_python_understand_is_read_as_well(wrap, witness, body):
    seen = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(json.loads((await receive())["body"]))
        told = b'data: {"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":4}}\n\ndata: [DONE]\n\n'
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]})
        await send({"type": "http.response.body", "body": told})

    async with wrap(app) as wrapped:
        await call(wrapped, http_scope(headers=[(b"content-type", b"multipart/form-data; boundary=x")]), body)

    assert seen[0]["stream_options"] == {"include_usage": True}
    assert witness.exchange.request.call.request_model == "gpt-4o"
    assert witness.exchange.usage.output_tokens == 4


@pytest.mark.parametrize("body", [b"", b"{", b"[NaN]", b"NaN", b"null", b"\xff\xfe", b"[" * 100_000, b'"\\ud800"'])
async def test_what_is_no_request_is_let_be(wrap, witness, body):
    async with wrap(Echo()) as wrapped:
        sent = await call(wrapped, http_scope(), body)

    assert (sent.body, witness.exchange.request.call.request_model) == (body, None)
