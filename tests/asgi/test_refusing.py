"""What plugins decide, and what happens when they cannot."""

from __future__ import annotations

import json

import pytest

from proxystore import Answer, Denial, Principal, hookimpl
from proxystore.testing.asgi import call, exchange_messages, http_scope
from proxystore.testing.upstream import FakeUpstream

_BODY = b'{"model":"gpt-4o","messages":[]}'


async def test_a_refusal_comes_before_the_body_is_read_in_the_apis_shape(wrap, witness):
    class Bouncer:
        @hookimpl
        def on_auth(self) -> Denial:
            headers = ((b"www-authenticate", b"Bearer"),)
            return Denial(status=401, code="invalid_api_key", message="No.", headers=headers)

    async def receive():
        raise AssertionError("the body was read")

    upstream, sent = FakeUpstream(), []
    async with wrap(upstream, Bouncer) as wrapped:

        async def send(message):
            sent.append(message)

        await wrapped(http_scope(), receive, send)

    error = json.loads(sent[1]["body"])["error"]
    assert (sent[0]["status"], error["code"], error["message"]) == (401, "invalid_api_key", "No.")
    assert dict(sent[0]["headers"])[b"www-authenticate"] == b"Bearer"
    assert witness.exchange.outcome == "refused"
    assert (witness.exchange.denial.code, witness.exchange.decided_by) == ("invalid_api_key", "bouncer")
    assert upstream.seen == []


async def test_waiting_time_is_told_in_whole_seconds_rounded_up(wrap):
    class Full:
        @hookimpl
        async def on_request(self) -> Denial:
            return Denial(status=429, code="rate_limit_exceeded", message="Slow down.", retry_after=1.2)

    async with wrap(FakeUpstream(), Full) as wrapped:
        sent = await call(wrapped, http_scope(), _BODY)

    assert (sent.status, sent.headers[b"retry-after"]) == (429, b"2")


@pytest.mark.parametrize("hook", ["on_auth", "on_request"])
async def test_a_decider_that_raises_refuses_with_503_and_is_named_in_the_log(wrap, witness, caplog, hook):
    def explode(self):
        raise RuntimeError("boom")

    explode.__name__ = hook
    exploding = type("Exploding", (), {hook: hookimpl(explode)})
    async with wrap(FakeUpstream(), exploding) as wrapped:
        sent = await call(wrapped, http_scope(), _BODY)

    assert (sent.status, json.loads(sent.body)["error"]["code"]) == (503, "store_unavailable")
    assert "plugin 'exploding'" in caplog.text
    assert witness.exchange.outcome == "refused"


async def test_an_answer_of_another_type_refuses_with_503(wrap, caplog):
    class Odd:
        @hookimpl
        def on_request(self):
            return "yes"

    async with wrap(FakeUpstream(), Odd) as wrapped:
        sent = await call(wrapped, http_scope(), _BODY)

    assert sent.status == 503
    assert "on_request answered str" in caplog.text


async def _slowly():
    yield b"a"
    yield b"b"


@pytest.mark.parametrize(
    ("chunks", "sent_chunks"),
    [
        (lambda: (b"a", b"b"), [b"a", b"b"]),
        (lambda: (chunk for chunk in (b"a", b"b")), [b"a", b"b", b""]),
        (_slowly, [b"a", b"b", b""]),
        (tuple, [b""]),
    ],
)
async def test_an_answer_stands_in_for_the_proxy_chunk_by_chunk(wrap, witness, chunks, sent_chunks):
    class Canned:
        @hookimpl
        def on_request(self):
            return Answer(headers=((b"content-type", b"text/plain"),), chunks=chunks())

    upstream = FakeUpstream()
    async with wrap(upstream, Canned) as wrapped:
        sent = await call(wrapped, http_scope(), _BODY)

    assert (sent.status, sent.chunks) == (200, sent_chunks)
    assert (witness.exchange.outcome, upstream.seen) == ("cached", [])


async def test_who_is_calling_is_known_to_the_hooks_behind(wrap, witness):
    class Badge:
        @hookimpl
        async def on_auth(self, exchange):
            return Principal(key_id="key_1", name="ada")

    async with wrap(FakeUpstream(), Badge) as wrapped:
        await call(wrapped, http_scope(), _BODY)

    assert (witness.exchange.principal.name, witness.exchange.decided_by) == ("ada", None)


async def test_edits_reach_the_proxy_and_not_the_servers_scope(wrap, witness):
    class Editing:
        @hookimpl
        def on_request(self, exchange):
            exchange.request.remove_header(b"authorization")
            exchange.request.set_header(b"x-who", b"ada")
            exchange.request.remove_query(b"key")
            exchange.request.replace_body(b'{"model":"gpt-4o-mini","messages":[]}')

    upstream = FakeUpstream()
    headers = [(b"authorization", b"Bearer secret"), (b"content-length", b"%d" % len(_BODY))]
    scope = http_scope(headers=headers, query=b"a=1&key=secret&b=%20")
    async with wrap(upstream, Editing) as wrapped:
        await call(wrapped, scope, _BODY)

    (seen,) = upstream.seen
    assert b"authorization" not in seen.headers
    assert (seen.headers[b"x-who"], seen.headers[b"content-length"]) == (b"ada", b"%d" % len(seen.body))
    assert b"mini" in seen.body
    assert (b"authorization", b"Bearer secret") in scope["headers"]
    assert scope["query_string"] == b"a=1&key=secret&b=%20"
    assert witness.exchange.request.scope["query_string"] == b"a=1&b=%20"


async def test_a_body_replaced_unread_is_all_the_proxy_sees(wrap):
    class Replacing:
        @hookimpl
        def on_auth(self, exchange):
            exchange.request.replace_body(b"new")

    received = []

    async def app(scope, receive, send):
        received.append(await receive())
        received.append(await receive())

    incoming = [{"type": "http.request", "body": b"old", "more_body": True}, {"type": "http.request", "body": b"er"}]
    async with wrap(app, Replacing) as wrapped:
        await exchange_messages(wrapped, http_scope("/files"), [*incoming, {"type": "http.disconnect"}])

    assert received == [{"type": "http.request", "body": b"new"}, {"type": "http.disconnect"}]


async def test_an_edit_after_the_proxy_was_called_is_refused(wrap, caplog):
    class Late:
        @hookimpl
        def on_usage(self, exchange):
            exchange.request.set_header(b"x", b"1")

    async with wrap(FakeUpstream(), Late) as wrapped:
        sent = await call(wrapped, http_scope(), _BODY)

    assert sent.status == 200
    assert "a request can be edited in on_auth and on_request only" in caplog.text
