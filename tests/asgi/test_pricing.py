"""What an exchange costs is known before ``on_usage``: looked up before the proxy is called, reckoned at the end."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, TypeAlias

import pytest

from proxystore import Answer, Cost, Exchange, Price, Principal, ProxyStoreMiddleware, Settings, Store, Usage, hookimpl
from proxystore.exchange.asgi import ASGIApp, Receive, Scope, Send
from proxystore.testing.asgi import Sent, call, http_scope
from tests.asgi.conftest import Witness

_DEAR = (Price.of(input=1000, output=2000, cache_read=100),)


def _chat(model: str | None) -> bytes:
    return json.dumps({"messages": [], **({} if model is None else {"model": model})}).encode()


def _answering(status: int = 200, **said: Any) -> ASGIApp:
    usage = {"prompt_tokens": 10, "completion_tokens": 1, "prompt_tokens_details": {"cached_tokens": 4}}
    body = json.dumps({"model": "m", "usage": usage, "choices": []} | said if status == 200 else said).encode()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return app


House: TypeAlias = Callable[..., AbstractAsyncContextManager[tuple[Store, ProxyStoreMiddleware]]]


@pytest.fixture(name="house")
def _house(settings: Settings, witness: Witness) -> House:
    """A proxy with a store that knows one model."""

    @asynccontextmanager
    async def house(
        app: ASGIApp, *plugins: object, **changes: object
    ) -> AsyncIterator[tuple[Store, ProxyStoreMiddleware]]:
        async with Store(settings=Settings(**{**settings.model_dump(), **changes})) as store:
            if await store.models.find("m") is None:
                await store.models.create("m", prices=_DEAR)
            yield store, ProxyStoreMiddleware(app, store=store, plugins=(witness, *plugins))

    return house


class Doorman:
    """Says who is calling, and may answer."""

    name = "doorman"

    def __init__(self, answer: Answer | None = None, **who: Any) -> None:
        self._answer = answer
        self._who = Principal(**who)

    @hookimpl
    async def on_auth(self, exchange: Exchange) -> Principal | None:
        return self._who

    @hookimpl
    async def on_request(self, exchange: Exchange) -> Answer | None:
        return self._answer


async def _ask(app: Any, model: str | None = "m", path: str = "/v1/chat/completions") -> Sent:
    return await call(app, http_scope(path), _chat(model))


async def test_the_cost_is_known_when_plugins_are_told(house: House, witness: Witness) -> None:
    async with house(_answering()) as (_store, app):
        await _ask(app)

    assert witness.exchange.cost.nanousd == 6 * 1_000_000 + 4 * 100_000 + 2_000_000
    assert witness.exchange.model is not None
    assert (witness.exchange.model.model, witness.exchange.model.how) == ("m", "name")


async def test_a_keys_own_alias_decides_what_it_pays(house: House, witness: Witness) -> None:
    async with house(_answering(), Doorman(key_id="key_1", project_id="proj_1")) as (store, app):
        await store.models.create("free", prices=[Price.of(input=0, output=0)])
        await store.models.aliases.set("fast", "m")
        await store.models.aliases.set("fast", "free", client="key_1")
        await _ask(app, "fast")

    assert witness.exchange.cost.nanousd == 0


async def test_the_model_that_answers_is_asked_where_the_one_asked_for_has_no_price(
    house: House, witness: Witness
) -> None:
    """As with deployments whose names are their owner's own; the first answer is priced like every other."""
    async with house(_answering(), bundled_prices=False) as (_store, app):
        await _ask(app, "our-deployment")

    assert witness.exchange.model is None
    assert witness.exchange.cost.nanousd == 8_400_000


async def test_a_model_that_is_known_without_a_price_is_as_good_as_unknown(house: House, witness: Witness) -> None:
    async with house(_answering(), bundled_prices=False) as (store, app):
        await store.models.create("our-deployment", mode="chat")
        await _ask(app, "our-deployment")

    assert witness.exchange.model is not None
    assert witness.exchange.cost.nanousd == 8_400_000


async def test_the_model_asked_for_has_the_last_word(house: House, witness: Witness) -> None:
    async with house(_answering()) as (store, app):
        await store.models.create("negotiated", prices=[Price.of(input=1, output=1, cache_read=1)])
        await _ask(app, "negotiated")

    assert witness.exchange.cost.nanousd == 11_000


async def test_what_nobody_knows_a_price_of_has_no_cost(house: House, witness: Witness) -> None:
    async with house(_answering(model="also-unknown"), bundled_prices=False) as (_store, app):
        assert (await _ask(app, "unknown")).status == 200

    assert witness.exchange.cost == Cost(nanousd=None)


async def test_what_is_refused_upstream_costs_nothing(house: House, witness: Witness) -> None:
    async with house(_answering(429, error={"message": "slow down"})) as (_store, app):
        assert (await _ask(app)).status == 429

    assert witness.exchange.cost.nanousd == 0


async def test_what_breaks_off_before_its_usage_is_known_has_no_cost(house: House, witness: Witness) -> None:
    async def broken(scope: Scope, receive: Receive, send: Send) -> None:
        raise RuntimeError("in the middle")

    async with house(broken) as (_store, app):
        with pytest.raises(RuntimeError):
            await _ask(app)

    assert witness.exchange.cost.nanousd is None


async def test_an_answer_from_the_cache_knows_what_it_saved(house: House, witness: Witness) -> None:
    hit = Answer(chunks=[b"{}"], usage=Usage(input_tokens=2, quality="reported"))
    async with house(_answering(), Doorman(hit)) as (_store, app):
        await _ask(app)

    assert (witness.exchange.outcome, witness.exchange.cost.nanousd) == ("cached", 2_000_000)


async def test_other_traffic_is_not_looked_up(house: House, witness: Witness) -> None:
    async with house(_answering()) as (store, app):
        await _ask(app, "m", "/somewhere/else")
        stats = store.catalogue.stats

    assert (stats.hits, stats.misses) == (0, 0)
    assert witness.exchange.cost == Cost()


async def test_an_unpriced_model_is_refused_before_dispatch_where_that_is_wanted(
    house: House, witness: Witness
) -> None:
    async with house(_answering(), unpriced="refuse", bundled_prices=False) as (_store, app):
        refused = await _ask(app, "unknown")
        unreadable = await _ask(app, None)
        passed = await _ask(app, "m")

    assert [sent.status for sent in (refused, unreadable, passed)] == [402, 400, 200]
    assert refused.headers[b"x-should-retry"] == b"false"
    denials = [exchange.denial and exchange.denial.code for exchange in witness.recorded]
    assert denials == ["unpriced_model", "unreadable_request", None]


async def test_who_refuses_what_has_no_price_refuses_what_nobody_can_tell_the_price_of(house: House) -> None:
    async with house(_answering(), unpriced="refuse", bundled_prices=False) as (store, app):
        await store.database.close()
        sent = await _ask(app)

    assert sent.status == 503  # may be tried again, which 402 may not


async def test_a_key_may_be_stricter_or_less_strict_than_the_settings(house: House) -> None:
    async with house(_answering(), Doorman(unpriced="allow"), unpriced="refuse", bundled_prices=False) as (_store, app):
        assert (await _ask(app, "unknown")).status == 200
    async with house(_answering(), Doorman(unpriced="refuse"), bundled_prices=False) as (_store, app):
        assert (await _ask(app, "unknown")).status == 402


async def test_counting_tokens_needs_no_price(house: House, witness: Witness) -> None:
    async with house(_answering(), unpriced="refuse", bundled_prices=False) as (_store, app):
        sent = await _ask(app, "unknown", "/v1/messages/count_tokens")

    assert sent.status == 200
    assert witness.exchange.cost.nanousd in (0, None)


async def test_an_unpriced_model_is_told_of_once(house: House, caplog: pytest.LogCaptureFixture) -> None:
    name = f"unknown-{id(caplog)}"
    async with house(_answering(), unpriced="alert", bundled_prices=False) as (_store, app):
        with caplog.at_level(logging.WARNING, "proxystore.asgi.pricing"):
            statuses = [(await _ask(app, name)).status for _ in range(3)]

    assert statuses == [200] * 3
    assert [record.getMessage().count(name) for record in caplog.records] == [1]


async def test_a_database_that_does_not_tell_keeps_no_request(house: House, witness: Witness) -> None:
    async with house(_answering()) as (store, app):
        await store.database.close()
        sent = await _ask(app)
        another = await _ask(app, "other")

    assert (sent.status, another.status) == (200, 200)
    assert witness.recorded[0].cost.nanousd is None


async def test_many_first_requests_ask_once(house: House, witness: Witness) -> None:
    async with house(_answering()) as (store, app):
        await asyncio.gather(*(_ask(app) for _ in range(20)))
        stats = store.catalogue.stats

    assert {exchange.cost.nanousd for exchange in witness.recorded} == {8_400_000}
    assert stats.size == 1
