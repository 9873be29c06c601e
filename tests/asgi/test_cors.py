"""What a page of another origin may read of our own answers."""

from __future__ import annotations

import pytest

from proxystore import Answer, Denial, hookimpl
from proxystore.testing.asgi import call, http_scope
from proxystore.testing.upstream import FakeUpstream

_PAGE = (b"origin", b"https://chat.example")


class Bouncer:
    @hookimpl
    def on_auth(self) -> Denial:
        return Denial(status=401, code="missing_api_key", message="No.")


@pytest.mark.parametrize(
    ("origins", "allowed", "with_cookies"),
    [
        ((), None, None),
        (("https://other.example",), None, None),
        (("https://chat.example",), b"https://chat.example", b"true"),
        (("*",), b"https://chat.example", None),
    ],
)
async def test_a_refusal_is_open_to_the_origins_that_are_named(wrap, origins, allowed, with_cookies):
    async with wrap(FakeUpstream(), Bouncer, cors_origins=origins) as wrapped:
        sent = await call(wrapped, http_scope(headers=[_PAGE]))

    assert sent.status == 401
    assert sent.headers.get(b"access-control-allow-origin") == allowed
    assert sent.headers.get(b"access-control-allow-credentials") == with_cookies
    assert (b"vary" in sent.headers) == bool(origins)
    assert (b"retry-after" in sent.headers.get(b"access-control-expose-headers", b"")) == (allowed is not None)


async def test_a_refusal_of_no_page_has_no_such_headers(wrap):
    async with wrap(FakeUpstream(), Bouncer, cors_origins=("*",)) as wrapped:
        sent = await call(wrapped, http_scope())

    assert b"access-control-allow-origin" not in sent.headers


async def test_an_answer_that_says_it_already_is_left_alone(wrap):
    class Cached:
        @hookimpl
        def on_request(self) -> Answer:
            return Answer(headers=((b"access-control-allow-origin", b"https://first.example"),))

    async with wrap(FakeUpstream(), Cached, cors_origins=("*",)) as wrapped:
        sent = await call(wrapped, http_scope(headers=[_PAGE]), b"{}")

    names = [value for name, value in sent[0]["headers"] if name == b"access-control-allow-origin"]
    assert names == [b"https://first.example"]


async def test_what_the_proxy_answers_is_the_proxys_to_open(wrap):
    async with wrap(FakeUpstream(), cors_origins=("*",)) as wrapped:
        sent = await call(wrapped, http_scope(headers=[_PAGE]), b'{"model":"gpt-4o","messages":[]}')

    assert sent.status == 200
    assert b"access-control-allow-origin" not in sent.headers
