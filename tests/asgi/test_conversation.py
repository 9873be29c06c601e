"""Responses over a WebSocket: each is an exchange of its own."""

from __future__ import annotations

import asyncio
import json

import pytest
from websockets.asyncio.client import connect

from proxystore import Answer, Denial, Limit, Principal, ProxyStoreMiddleware, hookimpl
from proxystore.exchange.asgi import Message, Receive, Scope, Send
from proxystore.testing.asgi import exchange_messages, websocket_scope
from proxystore.testing.upstream import FakeUpstream
from proxystore_limits import Limits
from tests.forwarding.world import served

_PATH = "/v1/responses"
_CONNECT: Message = {"type": "websocket.connect"}
_LEFT: Message = {"type": "websocket.disconnect", "code": 1000}
_CUT: Message = {"type": "websocket.disconnect", "code": 1006}


def _ask(model: str = "gpt-4o", **more: object) -> Message:
    said = {"type": "response.create", "model": model, "input": "hello there", **more}
    return {"type": "websocket.receive", "text": json.dumps(said)}


def _said(sent: list[Message]) -> list[dict]:
    return [json.loads(message["text"]) for message in sent if message["type"] == "websocket.send"]


async def _converse(wrapped, *messages: Message, **options: object) -> list[Message]:
    return await exchange_messages(wrapped, websocket_scope(_PATH), [_CONNECT, *messages], **options)


async def test_each_response_is_a_record_and_the_connection_is_none(wrap, witness):
    async with wrap(FakeUpstream()) as wrapped:
        bare = await exchange_messages(FakeUpstream(), websocket_scope(_PATH), [_CONNECT, _ask(), _ask(), _LEFT])
        sent = await _converse(wrapped, _ask(), _ask("gpt-4o-mini", instructions="Be quick."), _LEFT)

    assert [each["type"] for each in _said(sent)] == [each["type"] for each in _said(bare)]
    assert [each.request.call.request_model for each in witness.recorded] == ["gpt-4o", "gpt-4o-mini"]
    assert [(each.usage.input_tokens, each.usage.cache_read_tokens) for each in witness.recorded] == [(2, 0), (2, 2)]
    assert {each.usage.output_tokens for each in witness.recorded} == {9}
    assert {(each.outcome, each.response.status, each.response.finish_reason) for each in witness.recorded} == {
        ("complete", 200, "stop")
    }
    assert witness.observed == witness.recorded


async def test_a_response_is_recorded_before_the_client_sees_its_end(wrap, witness):
    recorded = []

    def note(message: Message) -> None:
        if "response.completed" in message.get("text", ""):
            recorded.append(len(witness.recorded))

    async with wrap(FakeUpstream()) as wrapped:
        await _converse(wrapped, _ask(), _ask(), _LEFT, on_send=note)

    assert recorded == [1, 2]


class NoMini:
    name = "nomini"

    @hookimpl
    def on_request(self, exchange) -> Denial | None:
        if exchange.request.call.request_model == "gpt-4o-mini":
            return Denial(status=429, code="rate_limit_exceeded", message="Too many.", unit="tokens")
        return None


async def test_a_refused_response_is_an_error_event_and_the_conversation_goes_on(wrap, witness):
    upstream = FakeUpstream()
    async with wrap(upstream, NoMini) as wrapped:
        sent = await _converse(wrapped, _ask("gpt-4o-mini"), _ask(), _LEFT)

    error = _said(sent)[0]
    assert (error["type"], error["status"], error["code"], error["message"]) == (
        *("error", 429, "rate_limit_exceeded"),
        "Too many.",
    )
    assert (error["error"]["type"], error["sequence_number"]) == ("tokens", 0)
    assert [json.loads(seen.body)["model"] for seen in upstream.seen] == ["gpt-4o"]
    assert [(each.outcome, each.response.status, each.decided_by) for each in witness.recorded] == [
        ("refused", 429, "nomini"),
        ("complete", 200, None),
    ]


class Slow:
    """Takes its time, until it is told to go on."""

    name = "slow"

    def __init__(self) -> None:
        self.is_asked, self.may_answer = asyncio.Event(), asyncio.Event()

    @hookimpl
    async def on_request(self, exchange) -> None:
        self.is_asked.set()
        await self.may_answer.wait()


async def test_a_proxy_that_gives_up_waiting_gets_the_message_when_it_asks_again(settings, witness):
    slow = Slow()

    async def impatient(scope: Scope, receive: Receive, send: Send) -> None:
        async def ask() -> Message:
            waiting = asyncio.ensure_future(receive())
            await slow.is_asked.wait()
            waiting.cancel()
            await asyncio.wait([waiting])
            slow.may_answer.set()
            return await receive()

        ways = iter([receive, ask, receive] if scope["type"] == "websocket" else [receive] * 2)

        async def receive_somehow() -> Message:
            return await next(ways)()

        await FakeUpstream()(scope, receive_somehow, send)

    wrapped = ProxyStoreMiddleware(impatient, settings=settings, plugins=[witness, slow])
    async with served(wrapped) as url, connect(f"{url.replace('http', 'ws', 1)}{_PATH}") as client:
        await client.send(_ask()["text"])
        async for said in client:
            if "response.completed" in said:
                break

    assert witness.exchange.outcome == "complete"


async def test_who_is_calling_is_asked_anew_for_each_response(wrap, witness):
    class Revoked:
        asked = 0

        @hookimpl
        def on_auth(self, exchange) -> Principal | Denial:
            exchange.request.remove_header(b"authorization")
            self.asked += 1
            if self.asked > 2:
                return Denial(status=401, code="key_inactive", message="No longer.")
            return Principal(key_id="key_1", models=None)

    scope = websocket_scope(_PATH, headers=[(b"authorization", b"Bearer psk_1")])
    async with wrap(FakeUpstream(), Revoked) as wrapped:
        sent = await exchange_messages(wrapped, scope, [_CONNECT, _ask(), _ask(), _LEFT])

    assert _said(sent)[-1]["code"] == "key_inactive"
    assert [(each.outcome, each.principal and each.principal.key_id) for each in witness.recorded] == [
        ("complete", "key_1"),
        ("refused", None),
    ]


async def test_limits_hold_for_each_response(wrap, witness):
    limit = Limit(owner="key_1", unit="requests", amount=2, window="ever")

    class Limited:
        @hookimpl
        def on_auth(self) -> Principal:
            return Principal(key_id="key_1", limits=(limit,))

    async with wrap(FakeUpstream(), Limited, Limits) as wrapped:
        sent = await _converse(wrapped, _ask(), _ask(), _ask(), _LEFT)

    assert [each.outcome for each in witness.recorded] == ["complete", "complete", "refused"]
    assert (_said(sent)[-1]["status"], _said(sent)[-1]["error"]["type"]) == (429, "insufficient_quota")


async def test_the_opening_is_refused_in_the_apis_shape(wrap, witness):
    class Bouncer:
        @hookimpl
        def on_auth(self) -> Denial:
            return Denial(status=401, code="missing_api_key", message="Who are you?")

    async with wrap(FakeUpstream(), Bouncer) as wrapped:
        sent = await _converse(wrapped)

    assert (sent.status, json.loads(sent.body)["error"]["type"]) == (401, "invalid_request_error")
    assert witness.exchange.outcome == "refused"


async def test_an_edited_request_is_what_the_proxy_sees(wrap):
    class Shout:
        @hookimpl
        async def on_request(self, exchange) -> None:
            exchange.request.replace_body((await exchange.request.read()).replace(b"hello", b"HELLO"))

    upstream = FakeUpstream()
    async with wrap(upstream, Shout) as wrapped:
        nested = {"type": "response.create", "response": {"model": "gpt-4o", "input": "hello"}}
        await _converse(wrapped, _ask(), {"type": "websocket.receive", "text": json.dumps(nested)}, _LEFT)

    flat, nested = (json.loads(seen.body) for seen in upstream.seen)
    assert (flat["type"], flat["input"]) == ("response.create", "HELLO there")
    assert (nested["type"], nested["response"]["input"]) == ("response.create", "HELLO")


async def test_an_answer_cannot_be_given_and_the_proxy_is_asked(wrap, witness):
    class Cache:
        @hookimpl
        def on_request(self) -> Answer:
            return Answer(chunks=[b"{}"])

    async with wrap(FakeUpstream(), Cache) as wrapped:
        sent = await _converse(wrapped, _ask(), _LEFT)

    assert _said(sent)[-1]["type"] == "response.completed"
    assert (witness.exchange.outcome, witness.exchange.usage.output_tokens) == ("complete", 9)


async def test_a_request_that_is_too_large_is_refused(wrap, witness):
    async with wrap(FakeUpstream(), max_body_bytes=100) as wrapped:
        sent = await _converse(wrapped, _ask(instructions="x" * 100), _LEFT)

    assert [each["status"] for each in _said(sent)] == [413]
    assert witness.exchange.outcome == "refused"


@pytest.mark.parametrize("left", [_LEFT, _CUT])
async def test_a_client_that_leaves_in_the_middle_is_billed_what_was_seen(wrap, witness, left):
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        await receive()
        for _ in range(5):
            await send({"type": "websocket.send", "text": '{"type":"response.output_text.delta","delta":"x"}'})
        assert (await receive())["type"] == "websocket.disconnect"

    async with wrap(app) as wrapped:
        await _converse(wrapped, _ask(), left)

    usage = witness.exchange.usage
    assert witness.exchange.outcome == "disconnected"
    assert (usage.input_tokens, usage.output_tokens, usage.quality) == (3, 5, "estimated")


@pytest.mark.parametrize("is_raising", [False, True])
async def test_a_proxy_that_gives_up_in_the_middle_has_failed(wrap, witness, is_raising):
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        await receive()
        if is_raising:
            raise RuntimeError
        await send({"type": "websocket.close", "code": 1011})

    async with wrap(app) as wrapped:
        if is_raising:
            with pytest.raises(RuntimeError):
                await _converse(wrapped, _ask())
        else:
            await _converse(wrapped, _ask())

    assert witness.exchange.outcome == "failed"
    assert witness.observed == witness.recorded


async def test_a_server_that_cancels_leaves_a_record(wrap, witness):
    begun = asyncio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        await receive()
        begun.set()
        await asyncio.Event().wait()

    async with wrap(app) as wrapped:
        task = asyncio.create_task(_converse(wrapped, _ask()))
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await witness.was_observed.wait()

    assert witness.exchange.outcome == "disconnected"


@pytest.mark.parametrize(
    ("event", "outcome"),
    [
        ({"type": "response.failed", "response": {"status": "failed", "error": {"code": "x"}}}, "failed"),
        ({"type": "response.incomplete", "response": {"status": "incomplete"}}, "complete"),
        ({"type": "error", "status": 400, "error": {"code": "previous_response_not_found"}}, "failed"),
    ],
)
async def test_a_response_ends_in_several_ways(wrap, witness, event, outcome):
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        await receive()
        await send({"type": "websocket.send", "bytes": json.dumps(event).encode()})
        await receive()

    async with wrap(app) as wrapped:
        await _converse(wrapped, _ask(), _LEFT)

    assert witness.exchange.outcome == outcome


async def test_what_asks_nothing_passes_unread(wrap, witness):
    received = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        while (message := await receive())["type"] == "websocket.receive":
            received.append(message)
            await send({"type": "websocket.send", "text": "{}"})

    said = [
        {"type": "websocket.receive", "text": '{"type":"session.update","note":"response.create"}'},
        {"type": "websocket.receive", "text": '{"type":"response.cancel"}'},
        {"type": "websocket.receive", "bytes": b" "},
    ]
    async with wrap(app) as wrapped:
        await _converse(wrapped, *said, _LEFT)

    assert [given is taken for given, taken in zip(said, received, strict=True)] == [True] * 3
    assert witness.recorded == []
