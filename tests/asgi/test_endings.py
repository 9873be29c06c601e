"""However an exchange ends, it is recorded once, with the right outcome, and observed once."""

from __future__ import annotations

import asyncio
import json

import pytest

from proxystore.exchange.asgi import Message, Receive, Scope, Send
from proxystore.testing.asgi import call, exchange_messages, http_scope

_EVENTS = (b"content-type", b"text/event-stream")
_STREAMED = json.dumps({"model": "gpt-4o", "stream": True, "stream_options": {"include_usage": True}}).encode()
_REQUEST: Message = {"type": "http.request", "body": _STREAMED}
_GONE: Message = {"type": "http.disconnect"}


async def _start(send: Send, status: int = 200, *headers: tuple[bytes, bytes]) -> None:
    await send({"type": "http.response.start", "status": status, "headers": list(headers)})


async def _chunk(send: Send, data: bytes, *, more: bool = True) -> None:
    await send({"type": "http.response.body", "body": data, "more_body": more})


def _assert_ended_once(witness, outcome: str) -> None:
    assert witness.exchange.outcome == outcome
    assert witness.observed == witness.recorded


async def test_a_proxy_that_raises_has_failed_and_its_error_goes_on(wrap, witness):
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        raise KeyError("boom")

    async with wrap(app) as wrapped:
        with pytest.raises(KeyError):
            await call(wrapped, http_scope(), _STREAMED)

    _assert_ended_once(witness, "failed")
    assert isinstance(witness.exchange.error, KeyError)


async def test_a_proxy_that_raises_in_the_middle_has_failed(wrap, witness):
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await _start(send)
        await _chunk(send, b"half")
        raise RuntimeError

    async with wrap(app) as wrapped:
        with pytest.raises(RuntimeError):
            await call(wrapped, http_scope(), _STREAMED)

    _assert_ended_once(witness, "failed")


async def test_a_proxy_that_stops_in_the_middle_has_failed(wrap, witness):
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await _start(send)
        await _chunk(send, b"half")

    async with wrap(app) as wrapped:
        await call(wrapped, http_scope(), _STREAMED)

    _assert_ended_once(witness, "failed")


@pytest.mark.parametrize("status", [400, 404, 429, 500, 503])
async def test_an_error_of_the_proxy_is_a_failure_and_passes_unchanged(wrap, witness, status):
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await _start(send, status)
        await _chunk(send, b"no", more=False)

    async with wrap(app) as wrapped:
        sent = await call(wrapped, http_scope(), _STREAMED)

    _assert_ended_once(witness, "failed")
    assert (sent.status, sent.body) == (status, b"no")


async def test_an_error_inside_a_stream_of_status_200_is_a_failure(wrap, witness):
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await _start(send, 200, _EVENTS)
        await _chunk(send, b'data: {"error":{"message":"overloaded","code":503}}\n\n')
        await _chunk(send, b"data: [DONE]\n\n", more=False)

    async with wrap(app) as wrapped:
        await call(wrapped, http_scope(), _STREAMED)

    _assert_ended_once(witness, "failed")


async def test_a_client_that_leaves_while_the_proxy_listens_has_disconnected(wrap, witness):
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await _start(send)
        await _chunk(send, b"half")
        assert (await receive())["type"] == "http.disconnect"

    async with wrap(app) as wrapped:
        await exchange_messages(wrapped, http_scope(), [_REQUEST, _GONE])

    _assert_ended_once(witness, "disconnected")


async def test_a_stream_sent_to_its_end_after_the_client_left_counts_as_disconnected(wrap, witness):
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await _start(send, 200, _EVENTS)
        await receive()
        await _chunk(send, b'data: {"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":4}}\n\n')
        await _chunk(send, b"data: [DONE]\n\n", more=False)

    async with wrap(app) as wrapped:
        await exchange_messages(wrapped, http_scope(), [_REQUEST, _GONE])

    _assert_ended_once(witness, "disconnected")
    assert witness.exchange.usage.output_tokens == 4


async def test_a_client_that_leaves_unheard_by_the_proxy_has_disconnected(wrap, witness, monkeypatch):
    monkeypatch.setattr("proxystore.asgi.outbound._MOMENT_NS", 0)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await _start(send)
        await _chunk(send, b"half")
        await _chunk(send, b"rest", more=False)

    async with wrap(app) as wrapped:
        await exchange_messages(wrapped, http_scope(), [_REQUEST, _GONE])

    _assert_ended_once(witness, "disconnected")


async def test_a_server_that_cannot_send_means_the_client_has_disconnected(wrap, witness):
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await _start(send)
        await _chunk(send, b"half")

    def break_pipe(message: Message) -> None:
        if message["type"] == "http.response.body":
            raise BrokenPipeError

    async with wrap(app) as wrapped:
        with pytest.raises(BrokenPipeError):
            await call(wrapped, http_scope(), _STREAMED, on_send=break_pipe)

    _assert_ended_once(witness, "disconnected")


async def test_a_client_that_leaves_before_its_body_is_whole_is_not_passed_on(wrap, witness):
    called = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        called.append(scope)

    half: Message = {"type": "http.request", "body": b'{"model":', "more_body": True}
    async with wrap(app) as wrapped:
        sent = await exchange_messages(wrapped, http_scope(), [half, _GONE])

    _assert_ended_once(witness, "disconnected")
    assert (called, list(sent)) == ([], [])


@pytest.mark.parametrize("chunks", range(4))
async def test_a_cancelled_request_is_recorded_at_once_and_observed_in_a_task_of_its_own(wrap, witness, chunks):
    is_waiting = asyncio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if chunks:
            await _start(send)
        for _ in range(chunks - 1):
            await _chunk(send, b"x")
        is_waiting.set()
        await asyncio.Event().wait()

    async with wrap(app) as wrapped:
        task = asyncio.ensure_future(call(wrapped, http_scope(), _STREAMED))
        await is_waiting.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert len(witness.recorded) == 1
        await witness.was_observed.wait()

    _assert_ended_once(witness, "disconnected")


async def test_cancelling_at_any_step_leaves_exactly_one_record(wrap, witness):
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await _start(send)
        for _ in range(5):
            await asyncio.sleep(0)
            await _chunk(send, b"x")
        await _chunk(send, b"", more=False)

    async with wrap(app) as wrapped:
        await wrapped(http_scope("/warm", method="GET"), _never, _nowhere)
        witness.recorded.clear()
        for steps in range(1, 10):
            task = asyncio.ensure_future(call(wrapped, http_scope(), _STREAMED))
            for _ in range(steps):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            assert len(witness.recorded) == 1, steps
            witness.recorded.clear()


async def _never() -> Message:
    return _REQUEST


async def _nowhere(message: Message) -> None:
    pass
