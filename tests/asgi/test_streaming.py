from __future__ import annotations

import gzip
import json

import pytest

from proxystore.exchange.asgi import Message, Receive, Scope, Send
from proxystore.testing.asgi import call, http_scope
from proxystore.testing.upstream import FakeUpstream

_EVENTS = (b"content-type", b"text/event-stream")
_ASKED = json.dumps({"model": "gpt-4o", "stream": True, "stream_options": {"include_usage": True}}).encode()
_DONE = b"data: [DONE]\n\n"


def _replying(*messages: Message):
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        for message in messages:
            await send(message)

    return app


def _start(*headers: tuple[bytes, bytes], status: int = 200) -> Message:
    return {"type": "http.response.start", "status": status, "headers": list(headers)}


def _body(data: bytes, *, more: bool = False) -> Message:
    return {"type": "http.response.body", "body": data, "more_body": more}


async def test_each_chunk_leaves_before_the_next_is_produced(wrap, witness):
    log = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send(_start(_EVENTS))
        for index in range(3):
            log.append(f"produced {index}")
            await send(_body(b'data: {"n":%d}\n\n' % index, more=True))
        await send(_body(_DONE))

    async with wrap(app) as wrapped:
        sent = await call(wrapped, http_scope(), _ASKED, on_send=lambda m: log.append(m["type"].rpartition(".")[2]))

    assert log == ["start", "produced 0", "body", "produced 1", "body", "produced 2", "body", "body"]
    assert sent.chunks == [b'data: {"n":0}\n\n', b'data: {"n":1}\n\n', b'data: {"n":2}\n\n', _DONE]


async def test_bytes_are_the_same_objects_when_nobody_asked_for_a_change(wrap):
    data = b'data: {"choices":[{"delta":{"content":"\xc3\xa9"}}]}\r\n\r\n'
    async with wrap(_replying(_start(_EVENTS), _body(data, more=True), _body(b"", more=False))) as wrapped:
        sent = await call(wrapped, http_scope(), _ASKED)

    assert sent.chunks[0] is data


@pytest.mark.parametrize("kind", [memoryview, bytearray])
@pytest.mark.parametrize("headers", [(), (_EVENTS,)])
async def test_a_body_may_be_a_view_or_a_buffer(wrap, witness, kind, headers):
    data = b'data: {"choices":[{"delta":{"content":"a"}}]}\n\n'
    async with wrap(_replying(_start(*headers), _body(kind(data), more=True), _body(kind(_DONE)))) as wrapped:
        sent = await call(wrapped, http_scope(), _ASKED)

    assert sent.body == data + _DONE
    assert witness.exchange.outcome == "complete"


async def test_headers_in_capitals_are_read_and_leave_in_small_letters(wrap, witness):
    body = gzip.compress(b'{"usage":{"prompt_tokens":7,"completion_tokens":5}}')
    headers = (
        (b"Content-Type", b"application/json"),
        (b"Content-Encoding", b"gzip"),
        (b"Content-Length", b"%d" % len(body)),
    )
    async with wrap(_replying(_start(*headers), _body(body, more=True), _body(b""))) as wrapped:
        sent = await call(wrapped, http_scope(), b'{"model":"gpt-4o"}')

    assert sent[0]["headers"][:3] == [(name.lower(), value) for name, value in headers]
    assert (witness.exchange.usage.input_tokens, witness.exchange.usage.output_tokens) == (7, 5)


async def test_messages_pass_as_they_are_even_where_they_say_next_to_nothing(wrap, witness):
    messages = [
        _body(b"", more=True),
        {"type": "http.response.body", "more_body": True},
        {"type": "http.response.body"},
    ]
    async with wrap(_replying(_start(), *messages)) as wrapped:
        sent = await call(wrapped, http_scope(), b"{}")

    assert sent[1:] == messages
    assert witness.exchange.outcome == "complete"


@pytest.mark.parametrize(
    ("messages", "last_seen"),
    [
        pytest.param([_start(_EVENTS), _body(_DONE, more=True), _body(b"")], _DONE, id="done-mark"),
        pytest.param(
            [_start((b"content-length", b"4")), _body(b"ab", more=True), _body(b"cd", more=True), _body(b"")],
            b"cd",
            id="content-length",
        ),
        pytest.param([_start(), _body(b"ab", more=True), _body(b"cd")], b"cd", id="last-message"),
        pytest.param([_start(status=204), _body(b"")], None, id="no-content"),
        pytest.param([_start((b"content-length", b"0")), _body(b"")], None, id="empty"),
    ],
)
async def test_record_is_written_before_the_client_sees_the_end(wrap, witness, messages, last_seen):
    recorded_at = {}

    def look(message: Message) -> None:
        key = message.get("body") if message["type"] == "http.response.body" else None
        recorded_at.setdefault(key, len(witness.recorded))

    async with wrap(_replying(*messages)) as wrapped:
        await call(wrapped, http_scope(), _ASKED, on_send=look)

    assert recorded_at[last_seen] == 1
    assert all(count == 0 for key, count in list(recorded_at.items())[: list(recorded_at).index(last_seen)])
    assert witness.exchange.outcome == "complete"


async def test_answer_to_head_ends_with_its_start(wrap, witness):
    ends = []
    app = _replying(_start((b"content-length", b"10")), _body(b""))
    async with wrap(app) as wrapped:
        await call(wrapped, http_scope("/", method="HEAD"), on_send=lambda _: ends.append(len(witness.recorded)))

    assert ends == [1, 1]


async def test_usage_of_a_stream_is_known_when_it_is_recorded(wrap, witness):
    async with wrap(FakeUpstream(answer="one two three")) as wrapped:
        sent = await call(wrapped, http_scope(), _ASKED[:-1] + b',"messages":[{"role":"user","content":"a b"}]}')

    assert sent.body.count(b'"usage":{') == 1
    assert (witness.exchange.usage.input_tokens, witness.exchange.usage.output_tokens) == (2, 3)
    assert witness.exchange.usage.response_model == "gpt-4o-2024-08-06"


async def test_every_answer_carries_the_id_of_its_exchange(wrap, witness):
    async with wrap(FakeUpstream()) as wrapped:
        sent = await call(wrapped, http_scope("/v1/models", method="GET"))

    assert sent.headers[b"x-proxystore-request-id"].decode() == str(witness.exchange.id)


async def test_added_headers_go_out_and_the_proxys_own_stay(wrap):
    from proxystore import hookimpl

    class Adding:
        @hookimpl
        def on_request(self, exchange):
            exchange.response.added_headers.append((b"x-added", b"1"))

    async with wrap(_replying(_start((b"x-own", b"2")), _body(b"ok")), Adding) as wrapped:
        sent = await call(wrapped, http_scope(), b"{}")

    assert (sent.headers[b"x-added"], sent.headers[b"x-own"]) == (b"1", b"2")


async def test_kept_chunks_are_there_afterwards_unless_they_are_too_many(wrap, witness):
    from proxystore import hookimpl

    class Keeping:
        @hookimpl
        def on_request(self, exchange):
            exchange.response.keep(int(exchange.request.header(b"x-limit")))

    async with wrap(_replying(_start(), _body(b"abc", more=True), _body(b"def")), Keeping) as wrapped:
        await call(wrapped, http_scope(headers=[(b"x-limit", b"6")]), b"{}")
        await call(wrapped, http_scope(headers=[(b"x-limit", b"5")]), b"{}")

    assert [exchange.response.chunks for exchange in witness.observed] == [[b"abc", b"def"], []]
