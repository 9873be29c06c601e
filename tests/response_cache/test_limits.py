"""With the bundled plugins around it: what a hit does to limits, and what it does not."""

from __future__ import annotations

import pytest

from proxystore import Exchange, Limit, Principal, ProxyStoreMiddleware, Store, hookimpl
from tests.response_cache.world import CHAT, ask, said


class Doorman:
    name = "doorman"

    @hookimpl
    def on_auth(self, exchange: Exchange) -> Principal:
        limits = tuple(
            Limit(owner="key_1", unit=unit, amount=amount, window="ever")
            for unit, amount in (("requests", 2), ("nanousd", 10**12))
        )
        return Principal(key_id="key_1", limits=limits)


@pytest.mark.parametrize("names", [("usage", "cache", "limits"), ("limits", "cache", "usage")])
async def test_hits_charge_neither_quota_nor_budget(settings, proxy, names):
    settings = settings.model_copy(update={"plugins": names})
    async with Store(settings=settings) as store:
        app = ProxyStoreMiddleware(proxy, store=store, plugins=(Doorman,))
        answers = [await ask(app) for _ in range(6)]
        assert [said(each) for each in answers] == ["MISS"] + 5 * ["HIT"]
        assert (await ask(app, CHAT | {"n": 2})).status == 200
        assert (await ask(app, CHAT | {"n": 3})).status == 429
        assert (await ask(app)).status == 200  # what is there may be had still
        assert await store.ledger.drain(10)
        (summary,) = await store.usage.summary(by="key")

    assert proxy.count == 2
    assert (summary.requests, summary.cache_hits, summary.refusals) == (9, 6, 1)
