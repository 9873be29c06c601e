"""What becomes of an answer whose client has left, by each policy, with a client that leaves after k chunks."""

from __future__ import annotations

import asyncio
import json
import threading

import pytest

from proxystore import Exchange, Principal, ProxyStoreMiddleware, hookimpl
from proxystore.exchange.asgi import Message, Receive, Scope, Send
from proxystore.testing.asgi import call, exchange_messages, http_scope
from proxystore.values import Disconnect
from tests.forwarding.world import connect, served

_WORDS = 5
_BODY = json.dumps(
    {"model": "gpt-4o", "stream": True, "messages": [{"role": "user", "content": "four bytes a token, or so"}]}
).encode()
_USAGE = b'data: {"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":5,"total_tokens":8}}\n\n'


async def _listening(scope: Scope, receive: Receive, send: Send) -> None:
    """Streams five words and their usage; stops when it hears that the client has left, as good proxies do."""
    await receive()
    leaving = asyncio.ensure_future(receive())
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]})
    for event in [*([b'data: {"choices":[{"delta":{"content":"word "}}]}\n\n'] * _WORDS), _USAGE]:
        await send({"type": "http.response.body", "body": event, "more_body": True})
        await asyncio.sleep(0)
        if leaving.done():
            return
    leaving.cancel()
    await send({"type": "http.response.body", "body": b"data: [DONE]\n\n"})


class Client:
    """Leaves after *chunks* chunks."""

    def __init__(self, chunks: int) -> None:
        self._chunks = chunks
        self._has_left = asyncio.Event()
        self._is_asking = True
        if chunks == 0:
            self._has_left.set()

    async def receive(self) -> Message:
        if self._is_asking:
            self._is_asking = False
            return {"type": "http.request", "body": _BODY}
        await self._has_left.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        self._chunks -= message["type"] == "http.response.body"
        if self._chunks <= 0:
            self._has_left.set()


async def _leave_after(chunks: int, wrapped) -> None:
    client = Client(chunks)
    await wrapped(http_scope(), client.receive, client.send)


class Caller:
    """Everybody, and what is to be recorded of them when they leave."""

    name = "caller"

    def __init__(self, disconnect: Disconnect) -> None:
        self._disconnect = disconnect

    @hookimpl
    def on_auth(self) -> Principal:
        return Principal(disconnect=self._disconnect)


@pytest.fixture(name="wrap_with", params=["the setting's", "the caller's"])
def _wrap_with(wrap, request):
    """Wrap an application with a policy: the setting's, or the caller's in spite of the setting."""

    def wrap_with(app, policy: Disconnect, **changes):
        if request.param == "the setting's":
            return wrap(app, disconnect=policy, **changes)
        return wrap(app, Caller(policy), disconnect="drain" if policy == "void" else "void", **changes)

    return wrap_with


@pytest.mark.parametrize("chunks", range(_WORDS))
async def test_bill_seen_records_what_was_sent_as_an_estimate(wrap_with, witness, chunks):
    async with wrap_with(_listening, "bill_seen") as wrapped:
        await _leave_after(chunks, wrapped)

    exchange = witness.exchange
    assert (exchange.outcome, exchange.usage.quality) == ("disconnected", "estimated")
    assert exchange.usage.input_tokens == 7
    assert max(chunks, 1) <= exchange.usage.output_tokens <= chunks + 1


@pytest.mark.parametrize("chunks", range(_WORDS))
async def test_void_records_no_usage(wrap_with, witness, chunks):
    async with wrap_with(_listening, "void") as wrapped:
        await _leave_after(chunks, wrapped)

    exchange = witness.exchange
    assert (exchange.outcome, exchange.usage.quality, exchange.cost.nanousd) == ("disconnected", "missing", 0)
    assert (exchange.usage.input_tokens, exchange.usage.output_tokens) == (0, 0)


@pytest.mark.parametrize("chunks", range(_WORDS))
async def test_drain_lets_the_answer_finish_for_its_exact_usage(wrap_with, witness, chunks):
    async with wrap_with(_listening, "drain") as wrapped:
        await _leave_after(chunks, wrapped)

    exchange = witness.exchange
    assert (exchange.outcome, exchange.usage.quality) == ("disconnected", "reported")
    assert (exchange.usage.input_tokens, exchange.usage.output_tokens) == (3, 5)


@pytest.mark.parametrize("policy", ["bill_seen", "drain", "void"])
async def test_a_client_that_stays_is_recorded_as_ever(wrap_with, witness, policy):
    async with wrap_with(_listening, policy) as wrapped:
        await call(wrapped, http_scope(), _BODY)

    assert (witness.exchange.outcome, witness.exchange.usage.output_tokens) == ("complete", 5)


@pytest.mark.parametrize("steps", range(5))
async def test_drain_goes_on_when_the_server_cancels_the_request(wrap_with, witness, steps):
    is_asked = asyncio.Event()

    async def listening(scope: Scope, receive: Receive, send: Send) -> None:
        is_asked.set()
        await _listening(scope, receive, send)

    async with wrap_with(listening, "drain") as wrapped:
        await call(wrapped, http_scope("/opens-the-house", method="GET"))
        witness.recorded.clear()
        witness.was_recorded.clear()
        is_asked.clear()
        request = asyncio.ensure_future(_leave_after(_WORDS + 9, wrapped))
        await is_asked.wait()
        for _ in range(steps):
            await asyncio.sleep(0)
        request.cancel()
        with pytest.raises(asyncio.CancelledError):
            await request
        await witness.was_recorded.wait()

    assert (witness.exchange.outcome, witness.exchange.usage.output_tokens) == ("disconnected", 5)


async def test_drain_goes_on_when_the_server_cannot_send(wrap_with, witness):
    def break_pipe(message: Message) -> None:
        if message["type"] == "http.response.body":
            raise BrokenPipeError

    async with wrap_with(_listening, "drain") as wrapped:
        await call(wrapped, http_scope(), _BODY, on_send=break_pipe)

    assert (witness.exchange.outcome, witness.exchange.usage.output_tokens) == ("disconnected", 5)


@pytest.mark.parametrize("changes", [{"drain_limit": 0}, {"drain_seconds": 0.001}])
async def test_drain_is_bounded_in_number_and_time(wrap_with, witness, changes):
    async def endless(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        assert (await receive())["type"] == "http.disconnect"

    incoming: list[Message] = [{"type": "http.request", "body": _BODY}, {"type": "http.disconnect"}]
    async with wrap_with(endless, "drain", **changes) as wrapped:
        await exchange_messages(wrapped, http_scope(), incoming)

    assert (witness.exchange.outcome, witness.exchange.usage.quality) == ("disconnected", "estimated")


async def test_who_leaves_while_a_plugin_reads_to_know_who_it_is_has_left(settings, witness, caplog):
    is_read = threading.Event()

    class Signed:
        @hookimpl
        async def on_auth(self, exchange: Exchange) -> None:
            is_read.set()
            await exchange.request.read()

    async with served(ProxyStoreMiddleware(_listening, settings=settings, plugins=[witness, Signed])) as url:
        _, writer = await connect(url)
        writer.write(b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{")
        await asyncio.to_thread(is_read.wait, 20)
        writer.close()

    assert (witness.exchange.outcome, witness.exchange.denial) == ("disconnected", None)
    assert not [record for record in caplog.records if record.name.startswith("proxystore")]


async def test_what_the_server_says_once_is_said_again_to_a_proxy_that_asks_late(wrap, witness, monkeypatch):
    """The client leaves while nobody listens, we look for that at the end, and then the proxy waits for it."""

    async def late(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]})
        await send({"type": "http.response.body", "body": _USAGE, "more_body": True})
        await send({"type": "http.response.body", "body": b"data: [DONE]\n\n"})
        assert (await receive())["type"] == "http.disconnect"

    monkeypatch.setattr("proxystore.asgi.outbound._MOMENT_NS", 0)
    incoming: list[Message] = [{"type": "http.request", "body": _BODY}, {"type": "http.disconnect"}]
    async with wrap(late) as wrapped:
        await asyncio.wait_for(exchange_messages(wrapped, http_scope(), incoming), 20)

    assert witness.exchange.outcome == "disconnected"


async def test_a_server_that_cancels_while_drains_are_used_up_is_obeyed(wrap_with, witness):
    is_called, is_cancelled = asyncio.Event(), asyncio.Event()

    async def endless(scope: Scope, receive: Receive, send: Send) -> None:
        is_called.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            is_cancelled.set()
            raise

    async with wrap_with(endless, "drain", drain_limit=0) as wrapped:
        request = asyncio.ensure_future(call(wrapped, http_scope(), _BODY))
        await is_called.wait()
        request.cancel()
        await asyncio.gather(request, return_exceptions=True)
        await is_cancelled.wait()
        await witness.was_recorded.wait()

    assert witness.exchange.outcome == "disconnected"
