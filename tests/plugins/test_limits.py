"""The limits plugin between a client and a proxy; who is calling, and what they may, a plugin of the test says."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from proxystore import Answer, Cost, Exchange, Limit, Price, Principal, ProxyStoreMiddleware, Settings, Store, hookimpl
from proxystore.exchange.asgi import ASGIApp, Receive, Scope, Send
from proxystore.testing.asgi import Sent, call, http_scope
from proxystore.testing.upstream import FakeUpstream
from proxystore_keys import Keys as KeysPlugin
from proxystore_limits import Limits as LimitsPlugin
from proxystore_usage import Usage as UsagePlugin
from tests.limits.world import budget, counted, limit

_CHAT = {"model": "gpt-4o", "messages": [{"role": "user", "content": "one two three"}], "max_tokens": 50}
_DOLLAR = 10**9


class Doorman:
    """Knows everybody, and what they may; a chat costs half a dollar."""

    name = "doorman"

    def __init__(self, *limits: Limit, cost: int | None = _DOLLAR // 2) -> None:
        self.who = Principal(key_id="key_1", limits=limits)
        self.cost = cost
        self.answer: Answer | None = None

    @hookimpl
    def on_auth(self, exchange: Exchange) -> Principal:
        return self.who

    @hookimpl
    def on_request(self, exchange: Exchange) -> Answer | None:
        return self.answer

    @hookimpl(tryfirst=True)
    def on_usage(self, exchange: Exchange) -> None:
        if exchange.outcome == "complete":
            exchange.cost = Cost(nanousd=self.cost)


@pytest.fixture(name="settings")
def _settings(migrated_url: str, tmp_path: Path) -> Settings:
    return Settings.load(environ={}, database_url=migrated_url, data_dir=tmp_path / "data", plugins=())


@asynccontextmanager
async def _wrapped(
    settings: Settings, app: ASGIApp, *plugins: object
) -> AsyncIterator[tuple[Store, ProxyStoreMiddleware]]:
    async with Store(settings=settings) as store:
        yield store, ProxyStoreMiddleware(app, store=store, plugins=(UsagePlugin, LimitsPlugin, *plugins))


async def _ask(
    app: ASGIApp, path: str = "/v1/chat/completions", method: str = "POST", headers: Any = (), **changes: Any
) -> Sent:
    body = {name: value for name, value in (_CHAT | changes).items() if value is not None}
    return await call(app, http_scope(path, method=method, headers=[*headers]), json.dumps(body).encode())


def _told(sent: Sent) -> dict[str, str]:
    return {name.decode(): value.decode() for name, value in sent.headers.items()}


def _code(sent: Sent) -> str:
    return str(json.loads(sent.body)["error"]["code"])


async def test_requests_beyond_a_rate_are_refused_with_when_to_come_back(settings: Settings) -> None:
    async with _wrapped(settings, FakeUpstream(), Doorman(limit("requests", 2, "minute"))) as (_, app):
        first, second, third = [await _ask(app) for _ in range(3)]
    assert [sent.status for sent in (first, second, third)] == [200, 200, 429]
    assert _code(third) == "rate_limit_exceeded"
    assert 1 <= int(_told(third)["retry-after"]) <= 120
    assert "x-should-retry" not in _told(third)
    assert [_told(sent)["x-ratelimit-remaining-requests"] for sent in (first, second, third)] == ["1", "0", "0"]
    assert {_told(sent)["x-ratelimit-limit-requests"] for sent in (first, second, third)} == {"2"}
    assert json.loads(third.body)["error"]["message"].startswith(
        "Rate limit reached: 2 requests a minute. Try again in"
    )


@pytest.mark.parametrize(
    ("held_to", "status", "code"),
    [
        (limit("requests", 1, "ever"), 429, "quota_exceeded"),
        (limit("requests", 1, "day"), 429, "quota_exceeded"),
        (limit("nanousd", _DOLLAR // 2, "month"), 402, "budget_exceeded"),
        (limit("nanousd", _DOLLAR // 2, "ever"), 402, "budget_exceeded"),
    ],
)
async def test_what_does_not_refill_soon_is_not_to_be_tried_again(
    settings: Settings, held_to: Limit, status: int, code: str
) -> None:
    async with _wrapped(settings, FakeUpstream(), Doorman(held_to)) as (store, app):
        assert (await _ask(app)).status == 200
        assert await store.ledger.drain(10)
        refused = await _ask(app)
    assert refused.status == status
    assert _code(refused) in {code, "insufficient_quota"}
    assert _told(refused)["x-should-retry"] == "false"


async def test_rates_stand_in_the_way_before_quotas_and_those_before_budgets(settings: Settings) -> None:
    doorman = Doorman(limit("nanousd", 10**6), limit("requests", 1), limit("requests", 1, "minute"))
    async with _wrapped(settings, FakeUpstream(), doorman) as (store, app):
        await _ask(app)
        assert await store.ledger.drain(10)
        first = await _ask(app)
        doorman.who = Principal(key_id="key_1", limits=doorman.who.limits[:2])
        second = await _ask(app)
        doorman.who = Principal(key_id="key_1", limits=doorman.who.limits[:1])
        third = await _ask(app)
    assert [sent.status for sent in (first, second, third)] == [429, 429, 402]
    assert ["retry-after" in _told(sent) for sent in (first, second, third)] == [True, False, False]


async def test_tokens_are_reserved_and_what_was_not_used_comes_back(settings: Settings) -> None:
    doorman = Doorman(limit("tokens", 300, "minute"))
    async with _wrapped(settings, FakeUpstream(), doorman) as (store, app):
        assert [(await _ask(app)).status for _ in range(5)] == [200] * 5
        assert (await _ask(app, max_tokens=5000)).status == 429
        assert (await _ask(app, max_tokens=100, n=3)).status == 429
        await store.limits.close()
        assert sum(await counted(store, "tokens")) == 5 * 12


async def test_a_budget_is_spent_by_what_requests_cost(settings: Settings) -> None:
    async with _wrapped(settings, FakeUpstream(), Doorman(limit("nanousd", 10 * _DOLLAR, "day"))) as (store, app):
        for _ in range(3):
            await _ask(app)
        assert await store.ledger.drain(10)
        await store.limits.close()
        assert await budget(store, "nanousd") == (3 * _DOLLAR // 2, 0)


async def test_hits_charge_neither_quota_nor_budget(settings: Settings) -> None:
    doorman = Doorman(limit("requests", 1), limit("nanousd", _DOLLAR))
    doorman.answer = Answer(chunks=(b"{}",))
    async with _wrapped(settings, FakeUpstream(), doorman) as (store, app):
        assert [(await _ask(app)).status for _ in range(4)] == [200] * 4
        assert store.limits.calls == 0


@pytest.mark.parametrize(
    ("path", "method", "status"),
    [("/v1/models", "GET", 200), ("/v1/models", "OPTIONS", 200), ("/anything", "POST", 429)],
)
async def test_pages_are_free_and_what_may_change_something_counts(
    settings: Settings, path: str, method: str, status: int
) -> None:
    async def fine(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async with _wrapped(settings, fine, Doorman(limit("requests", 1))) as (_, app):
        assert (await _ask(app, path, method)).status == 200
        assert (await _ask(app, path, method)).status == status


@pytest.mark.parametrize(("unit", "status"), [("nanousd", 400), ("requests", 404)])
async def test_with_a_budget_a_model_has_to_be_named(settings: Settings, unit: str, status: int) -> None:
    async with _wrapped(settings, FakeUpstream(), Doorman(limit(unit, 10 * _DOLLAR))) as (_, app):
        sent = await _ask(app, model=None)
        assert sent.status == status
        if status == 400:
            assert _code(sent) == "unreadable_request"


async def test_headers_of_the_upstream_are_left_as_they_are(settings: Settings) -> None:
    async def own(scope: Scope, receive: Receive, send: Send) -> None:
        headers = [(b"x-ratelimit-remaining-requests", b"4999")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"{}"})

    async with _wrapped(settings, own, Doorman(limit("requests", 7, "minute"))) as (_, app):
        sent = await _ask(app)
    told = [value for name, value in sent[0]["headers"] if name == b"x-ratelimit-remaining-requests"]
    assert told == [b"4999"]
    assert _told(sent)["x-ratelimit-limit-requests"] == "7"


async def test_who_has_no_limit_costs_no_call_and_is_told_nothing(settings: Settings) -> None:
    async with _wrapped(settings, FakeUpstream(), Doorman()) as (store, app):
        sent = await _ask(app)
        assert store.limits.calls == 0
    assert not [name for name in _told(sent) if "ratelimit" in name]


@pytest.mark.parametrize("way", ["failure", "disconnect", "cancel"])
async def test_every_way_out_returns_what_was_not_used(settings: Settings, way: str) -> None:
    reached = asyncio.Event()

    async def broken(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        if way == "failure":
            raise RuntimeError("broken")
        reached.set()
        await asyncio.sleep(60)

    async with _wrapped(settings, broken, Doorman(limit("tokens", 1000), limit("nanousd", _DOLLAR))) as (store, app):
        asked = asyncio.create_task(_ask(app))
        if way != "failure":
            await reached.wait()
            asked.cancel()
        assert isinstance((await asyncio.gather(asked, return_exceptions=True))[0], BaseException)
        assert await store.ledger.drain(10)
        await store.limits.close()
        spent, held = await budget(store, "tokens")  # who leaves is billed what the proxy was sent
        assert (spent <= 10, held) == (True, 0)
        spent, held = await budget(store, "nanousd")
        assert (spent <= 10_000, held) == (True, 0)


async def test_without_the_usage_plugin_budgets_are_spent_as_well(settings: Settings) -> None:
    doorman = Doorman(limit("nanousd", _DOLLAR), limit("tokens", 10**6))
    async with Store(settings=settings) as store:
        app = ProxyStoreMiddleware(FakeUpstream(), store=store, plugins=(LimitsPlugin, doorman))
        assert [(await _ask(app)).status for _ in range(2)] == [200, 200]
        assert await store.ledger.drain(10)
        assert (await _ask(app)).status == 402
        await store.limits.close()
        assert await budget(store, "nanousd") == (_DOLLAR, 0)
        assert await budget(store, "tokens") == (24, 0)


async def test_what_is_typical_is_learnt(settings: Settings) -> None:
    plugin = LimitsPlugin(LimitsPlugin.Settings(reservation="typical"))
    doorman = Doorman(limit("tokens", 5000))
    async with Store(settings=settings) as store:
        app = ProxyStoreMiddleware(FakeUpstream(), store=store, plugins=(UsagePlugin, plugin, doorman))
        assert (await _ask(app, max_tokens=6000)).status == 429
        for _ in range(25):
            await _ask(app)
        assert (await _ask(app, max_tokens=6000)).status == 200


async def test_keys_bring_their_limits(settings: Settings) -> None:
    async with Store(settings=settings) as store:
        app = ProxyStoreMiddleware(FakeUpstream(), store=store, plugins=(UsagePlugin, LimitsPlugin, KeysPlugin))
        options: list[tuple[dict[str, Any], int]] = [
            ({"name": "rate", "requests_per_minute": 1}, 429),
            ({"name": "tokens", "tokens_per_minute": 100}, 429),
            ({"name": "quota", "max_requests": 1}, 429),
            ({"name": "budget", "monthly_budget": Decimal("0.000200")}, 402),
            ({"name": "unlimited"}, 200),
        ]
        for option, status in options:
            new = await store.keys.create(**option)
            header = (b"authorization", b"Bearer " + str(new.secret).encode())
            first = await _ask(app, headers=[header], max_tokens=10)
            assert first.status == 200, (option, first.body)
            assert await store.ledger.drain(10)
            second = await _ask(app, headers=[header], max_tokens=1000)
            assert second.status == status, (option, second.body)


@pytest.mark.parametrize(
    ("held_to", "words"),
    [
        (limit("tokens", 40, "minute"), "This request may use more than the whole rate limit: 40 tokens a minute. "),
        (limit("tokens", 40, "day"), "This request may use more than the whole quota: 40 tokens a day. "),
        (limit("nanousd", 10, "month"), "This request may use more than the whole budget: 0.00000001 USD a month. "),
    ],
    ids=str,
)
async def test_a_request_that_is_too_much_at_any_time_is_told_what_helps(
    settings: Settings, held_to: Limit, words: str
) -> None:
    async with _wrapped(settings, FakeUpstream(), Doorman(held_to)) as (_, app):
        refused = await _ask(app)
    assert json.loads(refused.body)["error"]["message"] == words + "Ask for a shorter answer (max_tokens)."
    assert _told(refused)["x-should-retry"] == "false"
    assert "retry-after" not in _told(refused)


async def test_what_is_only_promised_to_others_may_be_had_soon(settings: Settings) -> None:
    is_asked, may_answer, upstream = asyncio.Event(), asyncio.Event(), FakeUpstream()

    async def slow(scope: Scope, receive: Receive, send: Send) -> None:
        is_asked.set()
        await may_answer.wait()
        await upstream(scope, receive, send)

    async with _wrapped(settings, slow, Doorman(limit("nanousd", 600_000, "month"), cost=1_000)) as (store, app):
        await store.models.create("gpt-4o", prices=[Price.of(input=0, output=10)])
        first = asyncio.ensure_future(_ask(app))
        await is_asked.wait()
        second = await _ask(app)
        may_answer.set()
        assert (await first).status == 200
        async with asyncio.timeout(10):
            while (await _ask(app)).status != 200:  # a refusal is remembered for a moment
                await asyncio.sleep(0.05)
    assert (second.status, _told(second)["retry-after"]) == (402, "1")
    assert "x-should-retry" not in _told(second)
    assert json.loads(second.body)["error"]["message"] == (
        "What is left of the budget, 0.0006 USD a month, is promised to requests that are on their way. "
        "Try again in 1 second."
    )


async def test_a_budget_is_charged_for_what_is_made_in_the_background(settings: Settings) -> None:
    class Team:
        @hookimpl
        def on_auth(self) -> Principal:
            return Principal(key_id="key_1", limits=(limit("nanousd", 20 * 10**6, "month"),))

    async def queueing(scope: Scope, receive: Receive, send: Send) -> None:
        body = b'{"id":"resp_1","object":"response","status":"queued","model":"m","output":[],"usage":null}'
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
        await send({"type": "http.response.body", "body": body})

    asked = {"messages": None, "max_tokens": None, "input": "Go on.", "background": True, "max_output_tokens": 1000}
    async with _wrapped(settings, queueing, Team) as (store, app):
        await store.models.create("m", prices=[Price.of(input=0, output=10)])
        answers = []
        for _ in range(3):
            answers.append((await _ask(app, "/v1/responses", model="m", **asked)).status)
            assert await store.ledger.drain(10)
        assert answers == [200, 200, 402]
        assert await budget(store, "nanousd") == (20 * 10**6, 0)
