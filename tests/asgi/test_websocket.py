"""WebSockets pass, one record for each connection."""

from __future__ import annotations

import json

import pytest

from proxystore import Denial, Limit, Principal, hookimpl
from proxystore.exchange.asgi import Message, Receive, Scope, Send
from proxystore.testing.asgi import exchange_messages, websocket_scope

_CONNECT: Message = {"type": "websocket.connect"}
_HELLO: Message = {"type": "websocket.receive", "text": "hello"}


async def _echo(scope: Scope, receive: Receive, send: Send) -> None:
    await receive()
    await send({"type": "websocket.accept"})
    while (message := await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.send", "text": message["text"]})


def _disconnect(code: int) -> Message:
    return {"type": "websocket.disconnect", "code": code}


@pytest.mark.parametrize(("code", "outcome"), [(1000, "complete"), (1001, "complete"), (1006, "disconnected")])
async def test_a_connection_is_one_record(wrap, witness, code, outcome):
    async with wrap(_echo) as wrapped:
        sent = await exchange_messages(wrapped, websocket_scope(), [_CONNECT, _HELLO, _HELLO, _disconnect(code)])

    assert [message["type"] for message in sent] == ["websocket.accept", "websocket.send", "websocket.send"]
    assert (witness.exchange.outcome, witness.exchange.response.status) == (outcome, 101)
    assert dict(sent[0]["headers"])[b"x-proxystore-request-id"].decode() == str(witness.exchange.id)
    assert witness.observed == witness.recorded


async def test_the_proxys_close_ends_it_before_the_client_hears(wrap, witness):
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.close", "code": 1000})

    recorded = []
    async with wrap(app) as wrapped:
        await exchange_messages(
            wrapped, websocket_scope(), [_CONNECT], on_send=lambda _: recorded.append(len(witness.recorded))
        )

    assert recorded == [0, 1]
    assert witness.exchange.outcome == "complete"


async def test_a_connection_the_proxy_does_not_accept_has_failed(wrap, witness):
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.close", "code": 1008})

    async with wrap(app) as wrapped:
        await exchange_messages(wrapped, websocket_scope(), [_CONNECT])

    assert (witness.exchange.outcome, witness.exchange.response.status) == ("failed", 403)


async def test_a_proxy_that_raises_has_failed(wrap, witness):
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        raise RuntimeError

    async with wrap(app) as wrapped:
        with pytest.raises(RuntimeError):
            await exchange_messages(wrapped, websocket_scope(), [_CONNECT])

    assert witness.exchange.outcome == "failed"


class Bouncer:
    @hookimpl
    def on_auth(self) -> Denial:
        return Denial(status=401, code="missing_api_key", message="Who are you?")


async def test_a_refusal_is_an_http_answer_where_the_server_can(wrap, witness):
    async with wrap(_echo, Bouncer) as wrapped:
        sent = await exchange_messages(wrapped, websocket_scope(), [_CONNECT])

    assert (sent.status, json.loads(sent.body)["error"]["code"]) == (401, "missing_api_key")
    assert (witness.exchange.outcome, witness.exchange.decided_by) == ("refused", "bouncer")


async def test_a_refusal_closes_with_1008_where_it_cannot(wrap, witness):
    async with wrap(_echo, Bouncer) as wrapped:
        (sent,) = await exchange_messages(wrapped, websocket_scope(can_refuse=False), [_CONNECT])

    assert (sent["type"], sent["code"]) == ("websocket.close", 1008)
    assert witness.exchange.outcome == "refused"


async def test_a_server_without_extensions_may_say_so_by_none(wrap, witness):
    scope = {**websocket_scope(), "extensions": None}
    async with wrap(_echo, Bouncer) as wrapped:
        (sent,) = await exchange_messages(wrapped, scope, [_CONNECT])

    assert sent["type"] == "websocket.close"
    assert witness.exchange.outcome == "refused"


class Limited:
    name = "limited"

    @hookimpl
    def on_auth(self) -> Principal:
        return Principal(key_id="key_1", limits=(Limit(owner="key_1", unit="requests", amount=9, window="ever"),))


@pytest.mark.parametrize(
    ("path", "policy", "status"),
    [
        ("/v1/realtime", "refuse", 426),
        ("/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent", "refuse", 426),
        ("/vertex_ai/live", "refuse", 426),
        ("/deepgram/v1/listen", "refuse", 426),
        ("/ws/google.cloud.aiplatform.v1beta1.LlmBidiService/BidiGenerateContent", "refuse", 426),
        ("/ws/google.ai.generativelanguage.v1alpha.GenerativeService.BidiGenerateContentConstrained", "refuse", 426),
        ("/ws/google.ai.generativelanguage.v1alpha.GenerativeService.BidiGenerateMusic", "refuse", 426),
        ("/v1//Realtime/", "refuse", 426),
        ("/v1/realtime", "allow", 101),
        ("/v1/responses", "refuse", 101),
        ("/chat", "refuse", 101),
    ],
)
async def test_who_has_a_limit_is_sent_to_http_where_nothing_can_be_counted(wrap, witness, path, policy, status):
    async with wrap(_echo, Limited, websocket_unmetered=policy) as wrapped:
        sent = await exchange_messages(wrapped, websocket_scope(path), [_CONNECT, _disconnect(1000)])

    assert (sent[0].get("status") or 101) == status
    if status == 426:
        assert json.loads(sent.body)["error"]["code"] == "websocket_unmetered"
        assert witness.exchange.outcome == "refused"
