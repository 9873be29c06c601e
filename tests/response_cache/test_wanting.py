"""Which requests are answered from the cache."""

from __future__ import annotations

import gzip
import json
import time

import pytest

from proxystore import Denial, hookimpl
from tests.response_cache.world import CHAT, ask, said, wrapped


async def test_nothing_is_cached_unless_asked_for(plain, proxy):
    async with wrapped(plain, proxy) as (_, app):
        answers = [await ask(app, wish=None) for _ in range(2)]
        assert [said(each) for each in answers] == [None, None]
        assert not {b"age", b"cache-status"} & answers[1].headers.keys()

    assert proxy.count == 2


async def test_asking_twice_asks_the_proxy_once(plain, proxy):
    async with wrapped(plain, proxy) as (_, app):
        first, second = [await ask(app) for _ in range(2)]

    assert proxy.count == 1
    assert first.body == second.body
    assert [said(each) for each in (first, second)] == ["MISS", "HIT"]
    assert first.headers[b"cache-status"] == b"proxystore; fwd=miss"
    assert second.headers[b"cache-status"].startswith(b"proxystore; hit; ttl=")
    assert second.headers[b"age"] == b"0"
    assert b"age" not in first.headers


async def test_answer_is_as_old_as_it_is(plain, proxy, monkeypatch):
    async with wrapped(plain, proxy) as (_, app):
        await ask(app)
        now = time.time()
        monkeypatch.setattr(time, "time", lambda: now + 100)
        monkeypatch.setattr(time, "time_ns", lambda: int((now + 100) * 1e9))
        assert (await ask(app)).headers[b"age"] == b"100"
        assert said(await ask(app, wish="max-age=99")) == "MISS"
        assert said(await ask(app, wish="max-age=10")) == "HIT"  # the one before is younger
        assert said(await ask(app, wish="max-age=10, min-fresh=3590")) == "HIT"
        monkeypatch.setattr(time, "time", lambda: now - 1000)
        assert (await ask(app)).headers.get(b"age", b"0") == b"0"


async def test_no_answer_is_older_than_who_asks_wants_it(plain, proxy, monkeypatch):
    async with wrapped(plain, proxy) as (_, app):
        await ask(app, who="patient@p/3600", wish=None)
        now = time.time()
        monkeypatch.setattr(time, "time", lambda: now + 100)
        monkeypatch.setattr(time, "time_ns", lambda: int((now + 100) * 1e9))
        patient, hurried = (
            await ask(app, who="patient@p/3600", wish=None),
            await ask(app, who="hurried@p/110", wish=None),
        )
        assert [said(each) for each in (patient, hurried)] == ["HIT", "HIT"]
        assert hurried.headers[b"cache-status"] == b"proxystore; hit; ttl=10"
        assert said(await ask(app, who="hurried@p/60", wish="max-age=101")) == "HIT"  # its own word weighs more
        assert said(await ask(app, who="hurried@p/60", wish=None)) == "MISS"


@pytest.mark.parametrize(
    ("wish", "expected"),
    [
        ("max-age=60", "HIT"),
        ("MAX-AGE=60", "HIT"),
        ('max-age="60"', "HIT"),
        ("foo, max-age=60 ,bar=1", "HIT"),
        ("max-age=60, no-cache", "MISS"),
        ("max-age=0", "HIT"),  # within a second it is none old
        ("max-age=-1", "HIT"),
        ("max-age=60, no-store", "BYPASS"),
        ("no-store", "BYPASS"),
        ("no-store, " + "x" * 200, "BYPASS"),
        ("no-cache", None),
        ("max-stale=100", None),
        ("only-if-cached", "HIT"),
        ("min-fresh=100, max-age=100", "HIT"),
        ("min-fresh=4000, max-age=100", "MISS"),
    ],
)
async def test_request_directives_are_obeyed(plain, proxy, wish, expected):
    async with wrapped(plain, proxy) as (_, app):
        await ask(app)
        assert said(await ask(app, wish=wish)) == expected


async def test_directives_may_stand_on_several_lines(plain, proxy):
    async with wrapped(plain, proxy) as (_, app):
        await ask(app)
        assert said(await ask(app, CHAT, (b"cache-control", b"no-store"))) == "BYPASS"


async def test_pragma_is_heard_where_nothing_else_is_said(plain, proxy):
    async with wrapped(plain, proxy, mode="all") as (_, app):
        await ask(app, wish=None)
        assert said(await ask(app, CHAT, (b"pragma", b"no-cache"), wish=None)) == "MISS"
        assert said(await ask(app, CHAT, (b"pragma", b"other"), wish=None)) == "HIT"
        assert said(await ask(app, CHAT, (b"pragma", b"no-cache"))) == "HIT"


async def test_refreshing_replaces_what_was_kept(plain, proxy):
    async with wrapped(plain, proxy) as (_, app):
        first = await ask(app)
        second = await ask(app, wish="no-cache, max-age=60")
        assert second.headers[b"cache-status"] == b"proxystore; fwd=request"
        third = await ask(app)

    assert first.body != second.body == third.body


async def test_only_if_cached_is_refused_in_the_words_of_the_api(plain, proxy):
    async with wrapped(plain, proxy) as (_, app):
        refused = await ask(app, wish="only-if-cached")
        assert refused.status == 504
        assert json.loads(refused.body)["error"]["code"] == "not_cached"
        assert refused.headers[b"x-should-retry"] == b"false"
        assert (await ask(app, wish="only-if-cached, no-store")).status == 504

    assert proxy.count == 0


async def test_key_or_project_may_want_everything_cached_or_nothing(plain, proxy):
    async with wrapped(plain, proxy) as (_, app):
        assert [said(await ask(app, who="k@p/60", wish=None)) for _ in range(2)] == ["MISS", "HIT"]
        assert said(await ask(app, who="k@p/0")) == "BYPASS"
        assert said(await ask(app, who="k@p/0", wish=None)) == "BYPASS"
        assert said(await ask(app, who="k@p")) == "HIT"
    async with wrapped(plain, proxy, mode="all") as (_, app):
        assert said(await ask(app, who="k@p/0", wish=None)) == "BYPASS"
        assert said(await ask(app, wish="no-store")) == "BYPASS"


@pytest.mark.parametrize(
    ("more", "is_settled"),
    [
        ({"temperature": 0}, True),
        ({"temperature": 0.0}, True),
        ({"seed": 0}, True),
        ({"options": {"temperature": 0}}, True),
        ({"generationConfig": {"seed": 7}}, True),
        ({}, False),
        ({"temperature": 0.1}, False),
        ({"temperature": False}, False),
        ({"temperature": "0"}, False),
        ({"seed": None}, False),
    ],
)
async def test_what_is_drawn_by_no_lot_is_cached_where_that_is_wanted(plain, proxy, more, is_settled):
    async with wrapped(plain, proxy, mode="deterministic") as (_, app):
        assert [said(await ask(app, CHAT | more, wish=None)) for _ in range(2)] == (
            ["MISS", "HIT"] if is_settled else [None, None]
        )


async def test_embeddings_are_always_the_same(plain, proxy):
    asked = {"model": "text-embedding-3-small", "input": "hello"}
    proxy.chunks = [b'{"object":"list","data":[],"model":"m","usage":{"prompt_tokens":1,"total_tokens":1}}']
    async with wrapped(plain, proxy, mode="deterministic") as (_, app):
        answers = [await ask(app, asked, wish=None, path="/v1/embeddings") for _ in range(2)]

    assert [said(each) for each in answers] == ["MISS", "HIT"]


UNSURE = [
    b'{"model":"gpt-4o","messages":[],"model":"gpt-4o"}',
    b'{"model":"gpt-4o","messages":[{"role":"user","content":"a","content":"b"}]}',
    rb'{"model":"gpt-4o","messages":[{"role":"\u0022\u0022","content":"a","content":"b"}]}',
    b'{"model":"gpt-4o"',
    b"[]",
    b"",
    b'{"model":"gpt-4o","n":NaN}',
    b'{"model":"gpt-4o","x":"\xff"}',
    b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    b'{"model":"gpt-4o","background":true}',
    b'{"model":"gpt-4o","previous_response_id":"resp_1"}',
    b'{"model":"gpt-4o","conversation":"conv_1"}',
    json.dumps({"model": "x" * 151}).encode(),
    json.dumps({"model": "a\nb"}).encode(),
]


async def test_what_cannot_be_told_for_sure_passes_by(plain, proxy):
    async with wrapped(plain, proxy) as (_, app):
        for body in UNSURE:
            assert [said(await ask(app, body)) for _ in range(2)] == ["BYPASS", "BYPASS"], body[:100]
            assert (await ask(app, body, wish="only-if-cached, max-age=1")).status == 504

    assert proxy.count == 2 * len(UNSURE)


async def test_encoded_request_and_form_pass_by(plain, proxy):
    body = gzip.compress(json.dumps(CHAT).encode())
    form = b'--x\r\ncontent-disposition: form-data; name="model"\r\n\r\ngpt-4o\r\n--x--\r\n'
    async with wrapped(plain, proxy) as (_, app):
        for _ in range(2):
            assert said(await ask(app, body, (b"content-encoding", b"gzip"))) == "BYPASS"
            sent = await ask(app, form, (b"content-type", b"multipart/form-data; boundary=x"))
            assert said(sent) == "BYPASS"


async def test_what_no_wire_format_knows_is_left_alone(plain, proxy):
    async with wrapped(plain, proxy, mode="all") as (_, app):
        assert [said(await ask(app, path="/v1/files")) for _ in range(2)] == [None, None]
        assert [said(await ask(app, b"", path="/v1/models", method="GET")) for _ in range(2)] == [None, None]


async def test_form_of_the_json_does_not_matter(plain, proxy):
    async with wrapped(plain, proxy) as (_, app):
        await ask(app, CHAT)
        turned = dict(reversed(CHAT.items()))
        assert said(await ask(app, json.dumps(turned, indent=2).encode())) == "HIT"
        assert said(await ask(app, json.dumps(CHAT).replace("hello", r"h\u0065llo").encode())) == "HIT"


async def test_a_limit_is_not_charged_by_a_hit(plain, proxy):
    class Limits:
        name = "limits"
        count = 0

        @hookimpl(trylast=True)
        def on_request(self, exchange):
            self.count += 1
            return Denial(status=429, code="rate_limit_exceeded", message="No.") if self.count > 1 else None

    limits = Limits()
    async with wrapped(plain, proxy, limits) as (_, app):
        for _ in range(3):
            assert (await ask(app)).status == 200
        assert (await ask(app, CHAT | {"n": 2})).status == 429

    assert limits.count == 2


async def test_a_plugin_that_edits_the_body_is_believed(plain, proxy):
    class Editor:
        name = "a"

        @hookimpl(tryfirst=True)
        def on_request(self, exchange):
            exchange.request.replace_body(json.dumps(CHAT).encode())

    async with wrapped(plain, proxy, Editor) as (_, app):
        await ask(app, CHAT | {"n": 1})
        assert said(await ask(app, CHAT | {"n": 2})) == "HIT"


async def test_nothing_is_made_for_who_caches_nothing(plain, proxy):
    async with wrapped(plain, proxy) as (store, app):
        assert said(await ask(app, wish=None)) is None
        assert store.cache.names() == []
        await ask(app)
        assert store.cache.names() == ["responses"]
