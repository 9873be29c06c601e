"""Which answers are kept, and what of them is given out again."""

from __future__ import annotations

import json

import pytest

from proxystore import hookimpl
from proxystore.testing.asgi import http_scope
from tests.response_cache.world import CHAT, EVENTS, JSON, answer, ask, event, part, said, wrapped

STREAM = CHAT | {"stream": True}
DONE = event("[DONE]")
USAGE = event({"id": "1", "choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}})


async def _are_kept(settings, proxy, body=CHAT, **section) -> bool:
    async with wrapped(settings, proxy, **section) as (_, app):
        return [said(await ask(app, body)) for _ in range(2)] == ["MISS", "HIT"]


async def test_stream_is_replayed_with_its_own_chunks(plain, proxy):
    proxy.headers = [EVENTS]
    proxy.chunks = [part("hel"), part("lo") + part("!", "stop"), DONE]
    async with wrapped(plain, proxy) as (_, app):
        first, second = [await ask(app, STREAM) for _ in range(2)]

    assert said(second) == "HIT"
    assert [chunk for chunk in second.chunks if chunk] == [chunk for chunk in first.chunks if chunk]
    assert b"content-length" not in second.headers


def _line(text: str, **more) -> bytes:
    said = {"model": "llama3:8b", "message": {"role": "assistant", "content": text}, "done": False, **more}
    return json.dumps(said).encode() + b"\n"


_LAST = {"done": True, "prompt_eval_count": 3, "eval_count": 2}
OLLAMA = {"model": "llama3:8b", "messages": [{"role": "user", "content": "hello"}]}


async def test_lines_are_replayed_as_they_came(plain, proxy):
    proxy.headers = [(b"content-type", b"application/x-ndjson")]
    proxy.chunks = [_line("hel"), _line("lo") + _line("", **_LAST, done_reason="stop")]
    async with wrapped(plain, proxy) as (_, app):
        first, second = [await ask(app, OLLAMA, path="/api/chat") for _ in range(2)]

    assert (said(first), said(second)) == ("MISS", "HIT")
    assert [chunk for chunk in second.chunks if chunk] == [chunk for chunk in first.chunks if chunk]
    assert second.headers[b"content-type"] == b"application/x-ndjson"


async def test_lines_that_are_not_whole_are_not_kept(plain, proxy):
    proxy.headers = [(b"content-type", b"application/x-ndjson")]
    broken = (
        [_line("hel")],
        [_line("hel"), b'{"error":"out of memory"}\n'],
        [_line("", **_LAST, done_reason="unload")],
        [_line("", tool_calls=7, message={"tool_calls": [{"function": {"name": "f"}}]}), _line("", **_LAST)],
    )
    async with wrapped(plain, proxy) as (_, app):
        for number, proxy.chunks in enumerate(broken):
            for _ in range(2):
                sent = await ask(app, OLLAMA | {"options": {"seed": number}}, path="/api/chat")
                assert said(sent) == "MISS", proxy.chunks


async def test_question_for_usage_is_not_in_what_is_replayed(plain, proxy):
    proxy.headers = [EVENTS]
    proxy.chunks = [part("hello", "stop"), USAGE, DONE]
    async with wrapped(plain, proxy) as (_, app):
        first, second = [await ask(app, STREAM) for _ in range(2)]

    assert said(second) == "HIT"
    assert first.body == second.body == part("hello", "stop") + DONE


BROKEN_STREAMS = [
    [part("hel")],
    [part("hel"), part("lo", "stop")],  # the mark is missing
    [part("hel"), event({"error": {"message": "overloaded"}}), DONE],
    [part("hel"), part("lo", "content_filter"), DONE],
    [part("", tool_calls=[{"index": 0, "id": "1", "function": {"name": "f"}}]), part("", "stop"), DONE],
    [part("", "tool_calls"), DONE],
]


async def test_stream_that_is_not_whole_is_not_kept(plain, proxy):
    proxy.headers = [EVENTS]
    async with wrapped(plain, proxy) as (_, app):
        for number, proxy.chunks in enumerate(BROKEN_STREAMS):
            for _ in range(2):
                sent = await ask(app, STREAM | {"n": number})
                assert said(sent) == "MISS", proxy.chunks


NOT_KEPT = [
    (500, [JSON], answer()),
    (429, [JSON], answer()),
    (201, [JSON], answer()),
    (206, [JSON], answer()),
    (200, [JSON], b'{"error":{"message":"no"}}'),
    (200, [JSON], b'{"detail":"maintenance"}'),
    (200, [JSON], b""),
    (200, [(b"content-type", b"text/html")], answer()),
    (200, [], answer()),
    (200, [JSON, (b"content-length", b"100000")], answer()),
    (200, [JSON, (b"content-encoding", b"gzip")], answer()),
    (200, [JSON], answer(reason="content_filter")),
    (200, [JSON], answer(reason=None)),
    (200, [JSON], answer(reason="tool_calls")),
    (200, [JSON], answer(tool_calls=[{"id": "1", "type": "function", "function": {"name": "f"}}])),
    (200, [JSON], answer(function_call={"name": "f"})),
    (200, [JSON, (b"cache-control", b"no-store")], answer()),
    (200, [JSON, (b"cache-control", b"private, max-age=10")], answer()),
    (200, [JSON, (b"cache-control", b"no-cache")], answer()),
    (200, [JSON, (b"cache-control", b"max-age=0")], answer()),
    (200, [JSON, (b"cache-control", b"s-maxage=0, max-age=100")], answer()),
    (200, [JSON, (b"cache-control", b"no-store"), (b"cache-control", b"max-age=100")], answer()),
    (200, [JSON, (b"cache-control", b"max-age=100"), (b"age", b"100")], answer()),
    (200, [(b"Content-Type", b"application/json"), (b"Cache-Control", b"private")], answer()),
    (200, [JSON, (b"vary", b"User-Agent"), (b"vary", b"Accept-Encoding")], answer()),
    (200, [JSON, (b"vary", b"*")], answer()),
    (200, [JSON, (b"vary", b"Accept, User-Agent")], answer()),
    (200, [JSON], answer("x" * 1_100_000)),
]
KEPT = [
    [JSON, (b"vary", b"Accept-Encoding, Origin")],
    [JSON, (b"cache-control", b"public, max-age=100")],
    [JSON, (b"cache-control", b"max-age=100"), (b"age", b"10")],
    [(b"Content-Type", b"application/json")],
    [(b"content-type", b"application/json; charset=utf-8")],
    [JSON, (b"content-encoding", b"identity")],
]


async def _is_kept(app, proxy, number: int) -> bool:
    """Ask a question of its own twice: all cases go through one house."""
    return [said(await ask(app, CHAT | {"n": number})) for _ in range(2)] == ["MISS", "HIT"]


async def test_what_is_not_for_the_next_one_is_not_kept(plain, proxy):
    async with wrapped(plain, proxy) as (_, app):
        for number, (proxy.status, proxy.headers, body) in enumerate(NOT_KEPT):
            proxy.chunks = [body]
            assert not await _is_kept(app, proxy, number), NOT_KEPT[number]


async def test_what_is_for_the_next_one_is_kept(plain, proxy):
    async with wrapped(plain, proxy) as (_, app):
        for number, proxy.headers in enumerate(KEPT):
            assert await _is_kept(app, proxy, number), KEPT[number]


async def test_private_answer_is_kept_where_each_key_has_its_own(plain, proxy):
    proxy.headers = [JSON, (b"cache-control", b"private")]
    assert await _are_kept(plain, proxy, scope="key")


async def test_stream_that_says_no_cache_by_habit_is_kept(plain, proxy):
    proxy.headers, proxy.chunks = [EVENTS, (b"cache-control", b"no-cache")], [part("hello", "stop"), DONE]
    assert await _are_kept(plain, proxy, STREAM)


async def test_tool_calls_are_kept_where_that_is_wanted(plain, proxy):
    proxy.chunks = [answer(reason="tool_calls", tool_calls=[{"id": "1"}])]
    assert await _are_kept(plain, proxy, tool_calls=True)


@pytest.mark.parametrize("calls", [None, []])
async def test_answers_that_name_tools_and_call_none_are_kept(plain, proxy, calls):
    proxy.chunks = [answer('they said "tool_calls": [1]', tool_calls=calls)]
    assert await _are_kept(plain, proxy)


async def test_long_answers_are_kept_within_the_bound(plain, proxy):
    proxy.chunks = [answer("x" * 900_000)]
    assert await _are_kept(plain, proxy)


async def test_broken_exchange_is_not_kept(plain, proxy):
    proxy.error = RuntimeError("broken")
    async with wrapped(plain, proxy) as (_, app):
        with pytest.raises(RuntimeError):
            await ask(app)
        proxy.error = None
        assert said(await ask(app)) == "MISS"


async def test_headers_of_one_exchange_are_not_replayed(plain, proxy):
    gone = {
        b"set-cookie": b"session=secret",
        b"date": b"Sat, 21 Nov 2026 06:00:00 GMT",
        b"x-request-id": b"req_1",
        b"request-id": b"req_1",
        b"cf-ray": b"1",
        b"x-ratelimit-remaining-requests": b"7",
        b"anthropic-ratelimit-tokens-remaining": b"7",
        b"retry-after": b"7",
        b"retry-after-ms": b"7",
        b"connection": b"close",
        b"keep-alive": b"timeout=5",
        b"openai-processing-ms": b"7",
        b"age": b"7",
        b"x-cache": b"HIT from elsewhere",
        b"server": b"uvicorn",
        b"x-session-token": b"secret",
    }
    kept = {b"openai-version": b"2020-10-01", b"x-mine": b"1", b"openai-organization": b"org"}
    proxy.headers = [JSON, *gone.items(), *kept.items(), (b"Set-Cookie", b"session=other")]
    async with wrapped(plain, proxy) as (_, app):
        first, second = [await ask(app) for _ in range(2)]

    assert gone.keys() <= first.headers.keys()
    assert (b"set-cookie", b"session=other") in first[0]["headers"]
    assert kept.items() <= second.headers.items()
    assert not (gone.keys() - {b"age", b"x-cache"}) & second.headers.keys()
    assert second.headers[b"age"] == b"0"
    assert [value for name, value in second[0]["headers"] if name == b"x-cache"] == [b"HIT"]
    assert second.headers[b"content-length"] == b"%d" % len(second.body)
    assert second.headers[b"x-proxystore-request-id"] != first.headers[b"x-proxystore-request-id"]


@pytest.mark.parametrize(("place", "second"), [({"tryfirst": True}, "HIT"), ({"trylast": True}, "MISS")])
async def test_what_a_plugin_edits_is_edited_each_time(plain, proxy, place, second):
    """A plugin behind the cache is not asked where the cache answers: what it would have edited is not kept."""

    class Redacting:
        @hookimpl(**place)
        def on_request(self, exchange):
            exchange.response.edit(lambda body: body.replace(b"secret", b"------"), 10_000)

    proxy.chunks = [answer("a secret")]
    async with wrapped(plain, proxy, Redacting) as (_, app):
        sent = [await ask(app) for _ in range(2)]

    assert [said(each) for each in sent] == ["MISS", second]
    assert [each.body for each in sent] == [answer("a ------")] * 2


async def test_proxy_is_asked_for_what_can_be_read(plain, proxy):
    async with wrapped(plain, proxy) as (_, app):
        await ask(app, CHAT, (b"accept-encoding", b"gzip"))
        assert b"accept-encoding" not in proxy.seen[0]
        assert said(await ask(app, CHAT, (b"accept-encoding", b"br"))) == "HIT"
        await ask(app, CHAT | {"n": 2}, (b"accept-encoding", b"gzip"), wish=None)
        assert proxy.seen[1][b"accept-encoding"] == b"gzip"


async def test_hit_is_in_the_books_as_saved(settings, proxy):
    async with wrapped(settings, proxy) as (store, app):
        for _ in range(3):
            await ask(app, who="key_1@proj_1")
        assert await store.ledger.drain(10)
        hit, *_, miss = await store.usage.list(limit=10)
        (summary,) = await store.usage.summary(by="model")

    assert [each.outcome for each in (miss, hit)] == ["complete", "cached"]
    assert (hit.input_tokens, hit.output_tokens, hit.finish_reason) == (3, 2, "stop")
    assert (hit.cost_nanousd, hit.saved_nanousd) == (0, miss.cost_nanousd)
    assert miss.cost_nanousd
    assert miss.saved_nanousd is None
    assert (summary.requests, summary.cache_hits) == (3, 2)
    assert (summary.cost_nanousd, summary.saved_nanousd) == (miss.cost_nanousd, 2 * miss.cost_nanousd)


async def test_restarted_store_answers_from_disk_at_once(settings, proxy):
    async with wrapped(settings, proxy) as (_, app):
        first = await ask(app)
    async with wrapped(settings, proxy) as (store, app):
        second = await ask(app)
        assert (await store.cache.space("responses").stats()).disk_hits == 1

    assert proxy.count == 1
    assert (said(second), second.body) == ("HIT", first.body)


async def test_hosts_can_share_answers_in_the_database(settings, proxy, tmp_path):
    here, there = (
        settings.model_copy(update={"data_dir": tmp_path / name, "cache_table": True}) for name in ("here", "there")
    )
    async with wrapped(here, proxy) as (_, one), wrapped(there, proxy) as (_, two):
        first, second = await ask(one), await ask(two)

    assert (said(second), second.body) == ("HIT", first.body)


async def test_damaged_answer_is_asked_for_anew(plain, proxy):
    async with wrapped(plain, proxy) as (store, app):
        await ask(app)
        space = store.cache.space("responses")
        (key,) = [key for key, _ in space._memory]
        await space.set(key, b"\x01 not an answer", ttl=60)
        assert said(await ask(app)) == "MISS"
        assert said(await ask(app)) == "HIT"


async def test_client_that_leaves_leaves_nothing(plain, proxy):
    proxy.headers, proxy.chunks = [EVENTS], [part("hel"), part("lo", "stop"), DONE]
    async with wrapped(plain, proxy) as (_, app):
        sent = []

        async def leave(message):
            sent.append(message)
            if len(sent) == 2:
                raise OSError("gone")

        body = json.dumps(STREAM).encode()
        scope = http_scope(headers=[(b"cache-control", b"max-age=60")])
        messages = [{"type": "http.request", "body": body}]

        async def receive():
            return messages.pop() if messages else {"type": "http.disconnect"}

        with pytest.raises(OSError, match="gone"):
            await app(scope, receive, leave)
        assert said(await ask(app, STREAM)) == "MISS"
        assert said(await ask(app, STREAM)) == "HIT"
