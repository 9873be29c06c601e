"""What is recorded of an answer whose usage is never told."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from proxystore import Price, Store
from proxystore.exchange.asgi import ASGIApp, Message, Receive, Scope, Send
from proxystore.settings import Settings
from proxystore.testing.asgi import call, exchange_messages, http_scope, websocket_scope
from tests.asgi.conftest import Witness, Wrap

_ASKED = {"model": "m", "messages": [{"role": "user", "content": "four bytes a token, or so"}]}
_INPUT = 7
_QUEUED = b'{"id":"resp_1","object":"response","status":"queued","model":"m","output":[],"usage":null}'
_CHAT = b'{"choices":[{"message":{"role":"assistant","content":"%b"},"finish_reason":"stop"}]}' % (b"abc " * 9)
_EVENT = b'data: {"choices":[{"delta":{"content":"word "}}]}\n\n'
_EVENTS = b"text/event-stream"
_DOCUMENT = b"application/json"


def _answering(*pieces: bytes, kind: bytes = _DOCUMENT, status: int = 200) -> ASGIApp:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "http.response.start", "status": status, "headers": [(b"content-type", kind)]})
        for piece in pieces:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    return app


async def _ask(app: ASGIApp, path: str = "/v1/chat/completions", **asked: Any) -> None:
    await call(app, http_scope(path), json.dumps(_ASKED | asked).encode())


def _told(witness: Witness) -> tuple[str, str, int, int]:
    exchange = witness.exchange
    return exchange.outcome, exchange.usage.quality, exchange.usage.input_tokens, exchange.usage.output_tokens


@pytest.mark.parametrize("asked", [{"stream": True}, {"Stream": True}, {"stream": True, "Stream": False}], ids=str)
async def test_a_stream_is_as_many_tokens_as_it_has_events(wrap: Wrap, witness: Witness, asked: dict[str, Any]) -> None:
    """Some servers tell no usage; some, in Go, take Stream for stream, and nobody has asked them for usage."""
    async with wrap(_answering(*[_EVENT] * 5, b"data: [DONE]\n\n", kind=_EVENTS)) as app:
        await _ask(app, **asked)

    assert _told(witness) == ("complete", "estimated", _INPUT, 5)


@pytest.mark.parametrize(
    ("path", "answer", "written"),
    [
        ("/v1/chat/completions", _CHAT, 10),  # and why it stopped
        ("/v1/chat/completions", b'{"choices":[{"message":{"content":null},"finish_reason":"stop"}],"usage":{}}', 1),
        ("/v1/chat/completions", b"forty bytes of what is no JSON document.", 10),
        ("/v1/responses", b'{"output":[{"content":[{"type":"output_text","text":"twelve bytes"}]}]}', 3),
        ("/v1/messages", b'{"type":"message","content":[{"type":"text","text":"twelve bytes"}]}', 3),
        ("/v1/embeddings", b'{"data":[{"embedding":[0.1,0.2]}],"model":"m"}', 0),
    ],
)
async def test_a_document_is_as_many_tokens_as_its_text_is_long(
    wrap: Wrap, witness: Witness, path: str, answer: bytes, written: int
) -> None:
    async with wrap(_answering(answer[:20], answer[20:])) as app:
        await _ask(app, path)

    assert _told(witness) == ("complete", "estimated", _INPUT, written)


@pytest.mark.parametrize(
    ("path", "asked", "read"),
    [
        ("/v1/completions", {"prompt": [1, 2, 3]}, 3),
        ("/v1/embeddings", {"input": [[1, 2], [3, 4]]}, 4),
        ("/v1beta/models/m:embedContent", {"content": {"parts": [{"text": "twelve bytes"}]}}, 3),
        ("/v1beta/models/m:batchEmbedContents", {"requests": [{"content": {"parts": [{"text": "twelve bytes"}]}}]}, 3),
    ],
)
async def test_input_is_text_wherever_it_stands_or_tokens(
    wrap: Wrap, witness: Witness, path: str, asked: dict[str, Any], read: int
) -> None:
    async with wrap(_answering(b"{}")) as app:
        await _ask(app, path, messages=None, **asked)

    assert _told(witness)[:3] == ("complete", "estimated", read)


@pytest.mark.parametrize(
    ("asked", "written"),
    [({}, 4096), ({"max_output_tokens": 900}, 900), ({"max_output_tokens": 10**9, "model": "small"}, 100)],
    ids=str,
)
async def test_what_is_made_in_the_background_is_as_long_as_it_may_be(
    settings: Settings, wrap: Wrap, witness: Witness, asked: dict[str, Any], written: int
) -> None:
    async with Store(settings=settings) as store:
        await store.models.create("small", prices=[Price.of(input=1, output=1)], max_output_tokens=100)
    async with wrap(_answering(_QUEUED)) as app:
        await _ask(app, "/v1/responses", background=True, **asked)

    assert _told(witness) == ("complete", "estimated", _INPUT, written)


async def test_what_goes_on_without_its_client_is_as_long_as_it_may_be(wrap: Wrap, witness: Witness) -> None:
    body = json.dumps(_ASKED | {"background": True, "stream": True, "max_output_tokens": 900}).encode()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", _EVENTS)]})
        await send({"type": "http.response.body", "body": b'data: {"type":"x","delta":"a"}\n\n', "more_body": True})
        assert (await receive())["type"] == "http.disconnect"
        raise asyncio.CancelledError

    asked: list[Message] = [{"type": "http.request", "body": body}, {"type": "http.disconnect"}]
    async with wrap(app) as wrapped:
        with pytest.raises(asyncio.CancelledError):
            await exchange_messages(wrapped, http_scope("/v1/responses"), asked)

    assert _told(witness) == ("disconnected", "estimated", _INPUT, 900)


@pytest.mark.parametrize(
    ("path", "answer", "status"),
    [
        ("/v1/audio/speech", b"RIFF", 200),
        ("/v1/audio/transcriptions", b"What was said.", 200),
        ("/v1/images/generations", b"{}", 200),
        ("/v1/chat/completions", b'{"error":{"message":"No."}}', 200),
        ("/v1/chat/completions", b'{"error":{"message":"No."}}', 500),
        ("/v1/something/else", b"{}", 200),
    ],
)
async def test_what_is_nothing_or_cannot_be_told_by_text_is_not_made_up(
    wrap: Wrap, witness: Witness, path: str, answer: bytes, status: int
) -> None:
    kind = _DOCUMENT if answer.startswith(b"{") else b"audio/wav"
    async with wrap(_answering(answer, kind=kind, status=status)) as app:
        await _ask(app, path)

    assert witness.exchange.usage.quality == "missing"


async def test_what_was_sent_before_an_error_was_used(wrap: Wrap, witness: Witness) -> None:
    async with wrap(_answering(_EVENT, _EVENT, b'data: {"error":{"message":"No."}}\n\n', kind=_EVENTS)) as app:
        await _ask(app, stream=True)

    assert _told(witness)[:3] == ("failed", "estimated", _INPUT)
    assert 2 <= _told(witness)[3] <= 3


async def test_a_response_on_a_websocket_is_estimated_too(wrap: Wrap, witness: Witness) -> None:
    said = [{"type": "response.output_text.delta", "delta": "a"}] * 3
    end = {"type": "response.completed", "response": {"status": "completed", "model": "m", "output": []}}

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        await receive()
        for each in (*said, end):
            await send({"type": "websocket.send", "text": json.dumps(each)})
        await receive()

    asked = {"type": "response.create", "model": "m", "input": "four bytes a token, or so"}
    incoming: list[Message] = [
        {"type": "websocket.connect"},
        {"type": "websocket.receive", "text": json.dumps(asked)},
        {"type": "websocket.disconnect", "code": 1000},
    ]
    async with wrap(app) as wrapped:
        await exchange_messages(wrapped, websocket_scope("/v1/responses"), incoming)

    assert _told(witness) == ("complete", "estimated", _INPUT, 3)
