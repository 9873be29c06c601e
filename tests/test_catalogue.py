"""Names, models and prices as a process remembers them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from proxystore import Call, Price, Settings, Store, Usage
from proxystore.catalogue import Catalogue
from proxystore.testing.clock import FakeClock

_USAGE = Usage(input_tokens=1, quality="reported")
_ONE = (Price.of(input="1", output="2"),)


@asynccontextmanager
async def _store(url: str, **settings: Any) -> AsyncIterator[Store]:
    async with Store(settings=Settings(database_url=url, **{"bundled_prices": False} | settings)) as store:
        yield store


async def _nanousd(store: Store, name: str, client: str | None = None) -> int | None:
    await store.catalogue.find(name)
    return store.catalogue.price(_USAGE, request_model=name, clients=(client,)).nanousd


async def _told(store: Store) -> None:
    await store.follower.poll()


async def test_a_name_is_asked_for_once(migrated_url: str) -> None:
    async with _store(migrated_url) as store:
        await store.models.create("m", prices=_ONE)
        assert [await _nanousd(store, "m") for _ in range(3)] == [1000] * 3
        assert store.stats().caches["models"].misses == 1
        assert [await _nanousd(store, "nobody") for _ in range(3)] == [None] * 3
        assert store.stats().caches["models"].misses == 2


async def test_what_was_not_looked_up_has_no_price_and_nobody_waits(migrated_url: str) -> None:
    async with _store(migrated_url) as store:
        await store.models.create("m", prices=_ONE)

        assert store.catalogue.price(_USAGE, request_model="m").nanousd is None
        assert store.catalogue.price(_USAGE, request_model=None).nanousd is None


async def test_every_change_is_followed(migrated_url: str) -> None:
    async with _store(migrated_url) as store:
        models = store.models
        await models.create("m", prices=_ONE)
        await models.create("other", prices=[Price.of(input="5")])
        assert [await _nanousd(store, name) for name in ("m", "alias", "team-a")] == [1000, None, None]

        await models.set_price("m", Price.of(input="2"))
        await models.aliases.set("alias", "m")
        rule = await models.rules.create("team-*", "m")
        await _told(store)
        assert [await _nanousd(store, name) for name in ("m", "alias", "team-a")] == [2000, 2000, 2000]

        await models.aliases.set("alias", "other")
        await models.rules.enable(rule.id, is_enabled=False)
        await _told(store)
        assert [await _nanousd(store, name) for name in ("alias", "team-a")] == [5000, None]

        await models.delete("other")
        await _told(store)
        assert await _nanousd(store, "alias") is None


async def test_another_process_follows(migrated_url: str) -> None:
    async with _store(migrated_url) as store, _store(migrated_url) as other:
        await store.models.create("m", prices=_ONE)
        await _told(other)
        assert await _nanousd(other, "m") == 1000
        await store.models.set_price("m", Price.of(input="3"))
        await _told(other)

        assert await _nanousd(other, "m") == 3000


async def test_what_was_read_before_a_change_is_not_kept_after_it(migrated_url: str) -> None:
    async with _store(migrated_url) as store:
        await store.models.create("m", prices=_ONE)
        resolution = store.models.resolution

        async def slow(name: str, *, provider: str | None = None) -> Any:
            found = await resolution(name, provider=provider)
            store.catalogue.forget()  # the news of a change comes before its reader is done
            return found

        store.models.resolution = slow  # type: ignore[method-assign]
        await store.catalogue.find("m")

        assert store.catalogue.recall("m") is None


async def test_what_is_remembered_expires_and_is_bounded(migrated_url: str) -> None:
    clock = FakeClock()
    async with _store(migrated_url, cache_model_size=2, cache_model_ttl=60.0) as store:
        catalogue = Catalogue(store.models, store.settings, clock=clock.monotonic)
        for name in ("a", "b", "c"):
            await catalogue.find(name)
        assert [catalogue.recall(name) is not None for name in ("a", "b", "c")] == [False, True, True]
        clock.advance(61)
        assert catalogue.recall("c") is None
        assert (catalogue.stats.evictions, catalogue.stats.expirations) == (1, 1)


async def test_what_a_request_may_cost_is_told_beforehand(migrated_url: str) -> None:
    body = b'{"messages": [{"role": "user", "content": "' + b"abc " * 3 + b'"}]}'
    async with _store(migrated_url) as store:
        await store.models.create("m", prices=_ONE, max_output_tokens=100)
        await store.models.create("e", prices=[Price.of(input="1")])
        for name in ("m", "e", "nobody"):
            await store.catalogue.find(name)

        estimate = store.catalogue.estimate
        chat = Call(operation_name="chat", request_model="m")
        bounded = Call(operation_name="chat", request_model="m", max_output_tokens=10)
        embedding = Call(operation_name="embeddings", request_model="e", max_output_tokens=0)
        unknown = Call(operation_name="chat", request_model="nobody")
        assert estimate(chat, body) == (4 + 100, 4_000 + 200_000)
        assert estimate(bounded, body) == (4 + 10, 4_000 + 20_000)
        assert estimate(embedding, body) == (4, 4_000)
        assert estimate(unknown, body) == (4 + 4096, None)


@pytest.mark.parametrize(
    ("name", "model", "per_million"),
    [
        ("gpt-4o", "gpt-4o", 2_500_000_000),
        ("gpt-4o-2024-08-06", "gpt-4o", 2_500_000_000),
        ("openai/gpt-4o", "gpt-4o", 2_500_000_000),
        ("claude-sonnet-4-5-20250929", "claude-sonnet-4-5", 3_000_000_000),
        ("models/gemini-2.5-flash", "gemini-2.5-flash", 300_000_000),
        ("us.amazon.nova-pro-v1:0", "amazon.nova-pro-v1:0", 800_000_000),
    ],
)
async def test_a_fresh_install_knows_prices(tmp_path: Any, name: str, model: str, per_million: int) -> None:
    async with _store(f"sqlite:///{tmp_path}/proxystore.db", bundled_prices=True) as store:
        found = await store.models.resolve(name)
        cost = await store.models.cost(name, Usage(input_tokens=100_000))

    assert found is not None
    assert (found.model, found.how) == (model, "bundled")
    assert cost.nanousd == per_million // 10


async def test_a_price_by_hand_goes_before_the_bundled_one(tmp_path: Any) -> None:
    async with _store(f"sqlite:///{tmp_path}/proxystore.db", bundled_prices=True) as store:
        await store.models.create("gpt-4o", prices=_ONE)

        assert await _nanousd(store, "gpt-4o-2024-08-06") == 1000
