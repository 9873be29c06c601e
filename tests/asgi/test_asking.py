"""Usage is asked for where the client did not, and the client does not notice."""

from __future__ import annotations

import gzip
import json

import pytest

from proxystore.exchange.asgi import Receive, Scope, Send
from proxystore.testing.asgi import call, http_scope
from proxystore.testing.upstream import FakeUpstream


def _stream(**more: object) -> bytes:
    asked = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hello there"}], "stream": True, **more}
    return json.dumps(asked).encode()


def _length(body: bytes) -> tuple[bytes, bytes]:
    return b"content-length", b"%d" % len(body)


async def test_usage_is_asked_for_and_its_chunk_removed(wrap, witness):
    upstream, body = FakeUpstream(answer="one two three"), _stream()
    async with wrap(upstream) as wrapped:
        sent = await call(wrapped, http_scope(headers=[_length(body), (b"accept-encoding", b"gzip")]), body)

    (seen,) = upstream.seen
    assert json.loads(seen.body) == {**json.loads(body), "stream_options": {"include_usage": True}}
    assert seen.headers[b"content-length"] == b"%d" % len(seen.body)
    assert b"accept-encoding" not in seen.headers
    assert b'"choices":[]' not in sent.body
    assert sent.body.endswith(b"data: [DONE]\n\n")
    assert (witness.exchange.usage.input_tokens, witness.exchange.usage.output_tokens) == (2, 3)


async def test_a_client_that_asks_itself_gets_everything_and_the_proxy_sees_its_very_body(wrap):
    upstream, body = FakeUpstream(), _stream(stream_options={"include_usage": True})
    async with wrap(upstream) as wrapped:
        sent = await call(wrapped, http_scope(), body)

    assert upstream.seen[0].body is body
    assert sent.body.count(b'"choices":[]') == 1


@pytest.mark.parametrize("headers", [[], [(b"content-type", b"Text/Event-Stream")], [(b"content-type", b"text/plain")]])
async def test_no_length_is_told_of_what_will_be_shorter(wrap, headers):
    whole = b'data: {"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":1}}\n\ndata: [DONE]\n\n'

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "http.response.start", "status": 200, "headers": [*headers, _length(whole)]})
        await send({"type": "http.response.body", "body": whole})

    async with wrap(app) as wrapped:
        sent = await call(wrapped, http_scope(), _stream())

    assert (sent.body, b"content-length" in sent.headers) == (b"data: [DONE]\n\n", False)


@pytest.mark.parametrize("cut", range(1, 60, 7))
async def test_the_answer_does_not_depend_on_how_it_is_cut(wrap, cut):
    whole = b"".join(
        [
            b'data: {"choices":[{"delta":{"content":"hi"}}],"usage":null}\r\n\r\n',
            b'data: {"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":1}}\r\n\r\n',
            b"data: [DONE]\r\n\r\n",
        ]
    )

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        headers = [(b"content-type", b"text/event-stream"), _length(whole)]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        for begin in range(0, len(whole), cut):
            await send({"type": "http.response.body", "body": whole[begin : begin + cut], "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    async with wrap(app) as wrapped:
        sent = await call(wrapped, http_scope(), _stream())

    assert sent.body == b'data: {"choices":[{"delta":{"content":"hi"}}],"usage":null}\r\n\r\ndata: [DONE]\r\n\r\n'
    assert b"content-length" not in sent.headers


class _Strict(FakeUpstream):
    """Refuses a field it does not know, as some servers do."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        message = await receive()
        if b"stream_options" in message["body"]:
            self.seen.append(message["body"])
            body = b'{"error":"unknown field stream_options"}'
            await send({"type": "http.response.start", "status": 422, "headers": [_length(body)]})
            await send({"type": "http.response.body", "body": body})
        else:
            await super().__call__(scope, _returning(message), send)


def _returning(message):
    async def receive():
        return message

    return receive


async def test_a_server_that_refuses_the_field_is_asked_once_and_remembered(wrap, witness):
    upstream, body = _Strict(), _stream()
    async with wrap(upstream) as wrapped:
        first = await call(wrapped, http_scope(headers=[_length(body)]), body)
        second = await call(wrapped, http_scope(), body)

    assert (first.status, second.status) == (200, 200)
    assert first.body == second.body
    assert len(upstream.seen) == 3
    assert upstream.seen[1].body == upstream.seen[2].body == body
    assert upstream.seen[1].headers[b"content-length"] == b"%d" % len(body)
    assert [exchange.outcome for exchange in witness.recorded] == ["complete", "complete"]


async def test_a_request_that_is_wrong_anyway_gets_its_error_and_nothing_is_remembered(wrap, witness):
    calls = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        calls.append((await receive())["body"])
        await send({"type": "http.response.start", "status": 400, "headers": []})
        await send({"type": "http.response.body", "body": b"bad"})

    async with wrap(app) as wrapped:
        for _ in range(2):
            sent = await call(wrapped, http_scope(), _stream())
            assert (sent.status, sent.body) == (400, b"bad")

    assert [b"stream_options" in body for body in calls] == [True, False, True, False]
    assert len(witness.recorded) == 2


async def test_nothing_is_asked_when_the_setting_says_off(wrap):
    upstream, body = FakeUpstream(), _stream()
    async with wrap(upstream, inject_stream_usage="off") as wrapped:
        await call(wrapped, http_scope(), body)

    assert upstream.seen[0].body is body


async def test_an_encoded_body_is_asked_too(wrap, witness):
    upstream, body = FakeUpstream(), _stream()
    headers = [(b"content-encoding", b"gzip")]
    async with wrap(upstream) as wrapped:
        await call(wrapped, http_scope(headers=headers), gzip.compress(body))

    (seen,) = upstream.seen
    assert json.loads(seen.body)["stream_options"] == {"include_usage": True}
    assert b"content-encoding" not in seen.headers
    assert witness.exchange.usage.quality == "reported"
